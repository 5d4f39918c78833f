import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import type { Bundle, Communication } from '@medplum/fhirtypes';
import { startFhirServer } from './fhir-server.ts';
import { startOperator } from './mailboxes.ts';
import { startGateway, until } from './running.ts';

const message = readFileSync(join(import.meta.dirname, '..', 'golden', 'hl7v2-mdm-t02', 'input.hl7'));

/** The FHIR server fails in the moment after a mail has left. */
const away = new Map<string, number>();
const server = await startFhirServer(async ({ method, path }) => {
  if (method !== 'PUT' || !path.startsWith('Communication/')) return undefined;
  const times = (away.get(path) ?? 0) + 1;
  away.set(path, times);
  return times <= 2 ? { status: 503, headers: {}, body: undefined } : undefined;
});
const operator = await startOperator();
const gateway = await startGateway({
  PASSERELLE_FHIR: server.base,
  PASSERELLE__retry: JSON.stringify({ firstSeconds: 0.1, maxSeconds: 0.3, giveUpHours: 1 }),
  PASSERELLE__destinations: JSON.stringify([
    {
      name: 'mss',
      type: 'mail',
      from: 'CH Alpha <cardiologie@ch-alpha.mssante.fr>',
      smtp: { host: '127.0.0.1', port: operator.port, security: 'none', timeoutSeconds: 5 },
    },
  ]),
});
afterAll(async () => {
  await gateway.remove();
  await operator.stop();
  await server.stop();
});

test('a mail that has left is not sent again because its Communication cannot be written; that waits and is written once', async () => {
  expect((await gateway.send(message)).code).toBe('AA');
  const notes = await until(async () => {
    const { body } = await server.endpoint.send({ method: 'GET', path: 'Communication?status=completed' });
    const { entry = [] } = body as Bundle<Communication>;
    return entry.length === 2 && entry;
  });
  expect([...away.values()]).toEqual([3, 3]);
  expect(operator.taken).toHaveLength(2);
  const [{ id }] = (await gateway.get('/messages')).body.messages;
  const { deliveries } = (await gateway.get(`/messages/${id}`)).body;
  const by = (kind: string) => deliveries.filter((one: any) => one.kind === kind);
  expect(by('mail').map((one: any) => [one.state, one.attempts])).toEqual([
    ['delivered', 1],
    ['delivered', 1],
  ]);
  expect(by('communication').map((one: any) => one.state)).toEqual(['delivered', 'delivered']);
  expect(notes.map(({ resource }) => resource!.id).sort()).toEqual(
    by('mail')
      .map((one: any) => one.id)
      .sort(),
  );
  expect(notes.every(({ resource }) => resource!.sent !== undefined)).toBe(true);
});
