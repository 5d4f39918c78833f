import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { openAudit, verifyAudit } from '../../src/access/audit.ts';
import { auditEvent } from '../../src/access/audit-event.ts';
import { mintToken } from '../../src/access/index.ts';
import { type RunningGateway, startGateway } from '../e2e/running.ts';

describe('the chain', () => {
  let data: string;
  beforeEach(() => {
    data = mkdtempSync(join(tmpdir(), 'passerelle-audit-'));
  });
  afterEach(() => rmSync(data, { recursive: true, force: true }));

  const event = (patient: string) =>
    auditEvent({ method: 'GET', path: `Patient/${patient}`, status: 200, at: new Date('2020-11-22T10:00:00Z') });
  const write = (...patients: string[]) => {
    const trail = openAudit(data);
    for (const one of patients) trail.record(event(one));
    trail.close();
  };
  const edit = (statement: string) => {
    const database = new DatabaseSync(join(data, 'audit.sqlite'));
    database.exec('DROP TRIGGER event_kept; DROP TRIGGER event_fixed;');
    database.exec(statement);
    database.close();
  };

  test('is whole over a restart', () => {
    expect(verifyAudit(data)).toBeUndefined();
    write('a', 'b');
    write('c');
    expect(verifyAudit(data)).toMatchObject({ whole: true, rows: 3 });
  });

  test.each([
    ["UPDATE event SET content = replace(content, 'Patient/b', 'Patient/x') WHERE number = 2", 2],
    ["UPDATE event SET recorded = '2020-11-21T10:00:00.000Z' WHERE number = 3", 3],
    ["UPDATE event SET patient = '|x|' WHERE number = 1", 1],
    ['DELETE FROM event WHERE number = 1', 1],
    ['DELETE FROM event WHERE number = 2', 2],
    ['DELETE FROM event WHERE number = 2; UPDATE event SET number = 2 WHERE number = 3', 2],
    ["UPDATE event SET hash = '' WHERE number = 3", 3],
  ])('shows: %s', (statement, row) => {
    write('a', 'b', 'c');
    edit(statement);
    expect(verifyAudit(data)).toEqual({ whole: false, row });
  });

  test('cannot be changed by the program that writes it', () => {
    write('a');
    const database = new DatabaseSync(join(data, 'audit.sqlite'));
    expect(() => database.exec('DELETE FROM event')).toThrow('append-only');
    expect(() => database.exec("UPDATE event SET hash = ''")).toThrow('append-only');
    database.close();
  });

  test('two writers share it', () => {
    const [first, second] = [openAudit(data), openAudit(data)];
    for (const one of ['a', 'b', 'c']) {
      first.record(event(one));
      first.flush();
      second.record(event(one));
      second.flush();
    }
    first.close();
    second.close();
    expect(verifyAudit(data)).toMatchObject({ whole: true, rows: 6 });
  });
});

describe('the log of a running gateway', () => {
  let gateway: RunningGateway;
  beforeAll(async () => {
    gateway = await startGateway();
    const headers = { authorization: `Bearer ${await gateway.token()}`, 'content-type': 'application/fhir+json' };
    for (const id of ['p', 'q']) {
      const body = JSON.stringify({ resourceType: 'Patient', id, identifier: [{ system: 'urn:t', value: id }] });
      await fetch(`${gateway.url}/fhir/R4/Patient/${id}`, { method: 'PUT', headers, body });
    }
  });
  afterAll(() => gateway.remove());

  const ask = async (token: string | undefined, path: string) => {
    const response = await fetch(`${gateway.url}/fhir/R4/${path}`, {
      headers: token ? { authorization: `Bearer ${token}` } : {},
    });
    return { status: response.status, body: (await response.json()) as any };
  };

  test('reads, searches, writes and refusals are there, and who may see them', async () => {
    const machine = await gateway.token('hospital');
    const self = (await mintToken(gateway.config, { clientId: 'app', scope: 'patient/*.rs', patient: 'p' })) as string;
    await ask(machine, 'Patient/p');
    await ask(machine, 'Patient/q');
    await ask(undefined, 'Patient/p');
    await ask(self, 'Patient?identifier=urn:t|p');

    const all = await ask(machine, 'AuditEvent?date=ge2020-01-01&date=lt2999-01-01&_count=100');
    // Messages and deliveries of the same writes are events of their own kind.
    const asked = all.body.entry.map(({ resource }: any) => resource).filter((one: any) => one.type.code === 'rest');
    const seen = asked.map((one: any) => `${one.subtype[0].code} ${one.outcomeDesc}`);
    expect(seen).toEqual(['search 200', 'read 401', 'read 200', 'read 200', 'update 201', 'update 201']);
    const [search] = asked;
    const query = search.entity.find((one: any) => one.query).query;
    expect(Buffer.from(query, 'base64').toString()).toContain('identifier=urn:t|p');
    expect((await ask(machine, 'AuditEvent')).status).toBe(400);
    expect((await ask(machine, 'AuditEvent?date=ge2020-01-01')).status).toBe(400);

    const log = await ask(self, 'Patient/p/$access-log');
    expect(log.status).toBe(200);
    const named = log.body.entry.flatMap(({ resource }: any) =>
      (resource.entity ?? []).map((one: any) => one.what?.reference),
    );
    expect(named).toContain('Patient/p');
    expect(named).not.toContain('Patient/q');
    expect((await ask(self, 'Patient/q/$access-log')).status).toBe(403);
    expect((await ask(self, 'AuditEvent?date=ge2020-01-01&date=lt2999-01-01')).body.total).toBe(0);
    const other = await gateway.token('other', 'system/Patient.rs');
    expect((await ask(other, 'Patient/p/$access-log')).status).toBe(404);
    expect((await ask(other, 'AuditEvent?date=ge2020-01-01&date=lt2999-01-01')).status).toBe(403);
    expect(verifyAudit(gateway.config.data)).toMatchObject({ whole: true });
  });
});
