import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { read } from '../../src/formats/hl7v2/index.ts';
import { type RunningGateway, startGateway, until } from '../e2e/running.ts';

const golden = (name: string) => readFileSync(join(import.meta.dirname, '..', 'golden', name, 'input.hl7'));
const LEADER = /(\^Base64\^)([A-Za-z0-9+/=]{200,})/;
const INS = '284026912345689';
const INS_SYSTEM = 'urn:oid:1.2.250.1.213.1.4.10';
const URI = 'urn:ietf:rfc:3986';

type Change = (text: string) => string;

/** The same message with other control and document ids, so that it is a new one. */
function variant(number: number, { message, cda }: { message?: Change; cda?: Change } = {}) {
  const id = documentId(number);
  const text = golden('hl7v2-mdm-t02').toString('latin1');
  const inner = Buffer.from(LEADER.exec(text)![2]!, 'base64').toString('utf8').replaceAll('1.2.250.1.999.7.2.101', id);
  const payload = Buffer.from(cda ? cda(inner) : inner, 'utf8').toString('base64');
  const changed = text
    .replace(LEADER, `$1${payload}`)
    .replaceAll('1.2.250.1.999.7.2.101', id)
    .replace('T02-1', `T02-P${number}`);
  return Buffer.from(message ? message(changed) : changed, 'latin1');
}

const documentId = (number: number) => `1.2.250.1.999.7.2.${8000 + number}`;

/** Hands everything on to a gateway; after a write it can answer 500 although the write was done. */
async function faultyProxy(to: () => string) {
  const state = { failuresAfterStoring: 0, down: false, provides: 0 };
  const server: Server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (state.down) return void response.writeHead(503, { 'retry-after': '1' }).end();
    const isProvide = request.method === 'POST' && request.url === '/fhir/R4';
    if (isProvide) state.provides++;
    const { host: _host, connection: _connection, 'content-length': _length, ...headers } = request.headers;
    const answer = await fetch(`${to()}${request.url}`, {
      method: request.method!,
      headers: headers as Record<string, string>,
      ...(chunks.length > 0 ? { body: Buffer.concat(chunks) } : {}),
    });
    const text = await answer.text();
    if (isProvide && state.failuresAfterStoring > 0) {
      state.failuresAfterStoring--;
      return void response.writeHead(500).end();
    }
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'text/plain' }).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/fhir/R4`;
  const close = () =>
    new Promise<void>((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    });
  return { url, state, close };
}

describe('shared record: gateway A provides to gateway B over HTTP', () => {
  let a: RunningGateway;
  let b: RunningGateway;
  let proxy: Awaited<ReturnType<typeof faultyProxy>>;

  beforeAll(async () => {
    b = await startGateway();
    proxy = await faultyProxy(() => b.url);
    const server = {
      base: proxy.url,
      sourceId: 'urn:oid:1.2.250.1.999.7',
      headers: { authorization: `Bearer ${await b.token('hospital')}` },
      timeoutSeconds: 10,
    };
    a = await startGateway({
      PASSERELLE__retry: JSON.stringify({ firstSeconds: 0.1, maxSeconds: 0.3, giveUpHours: 1 }),
      PASSERELLE__destinations: JSON.stringify([{ name: 'dmp', type: 'pdsm', server }]),
    });
    const patient = {
      resourceType: 'Patient',
      identifier: [{ system: INS_SYSTEM, value: INS }],
      name: [{ family: 'MARTIN-TEST', given: ['LUCIE'] }],
    };
    expect((await b.post('/fhir/R4/Patient', patient)).status).toBe(201);
  }, 120_000);
  afterAll(async () => {
    await a.remove();
    await proxy.close();
    await b.remove();
  });

  /** Documents of one id on a gateway, whatever their status. */
  const documents = async (gateway: RunningGateway, id: string) => {
    const token = encodeURIComponent(`${URI}|urn:oid:${id}`);
    const { body } = await gateway.get(`/fhir/R4/DocumentReference?identifier=${token}`);
    return (body.entry ?? []).map((one: any) => one.resource);
  };
  /** Waits until nothing is on its way any more; the deliveries of all messages. */
  const quiet = () =>
    until(async () => {
      const { body } = await a.get('/messages');
      const all = await Promise.all(body.messages.map((one: any) => a.get(`/messages/${one.id}`)));
      const deliveries = all.flatMap((one: any) => one.body.deliveries ?? []);
      const waits = body.messages.some((one: any) => one.state === 'accepted');
      return !waits && deliveries.every((one: any) => one.state !== 'waiting') && { deliveries };
    });
  const codesOfDead = (deliveries: any[]) =>
    deliveries
      .filter((one) => one.state === 'dead')
      .flatMap((one) => one.issues.map((issue: any) => issue.details.coding[0].code));

  test('T02 with DESTDMP = Y is one DocumentReference on B, and its bytes are those that were sent', async () => {
    expect(await a.send(golden('hl7v2-mdm-t02'))).toMatchObject({ code: 'AA' });
    const { deliveries } = await quiet();
    expect(codesOfDead(deliveries)).toEqual([]);
    const found = await documents(b, '1.2.250.1.999.7.2.101');
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ status: 'current', subject: { reference: expect.stringMatching(/^Patient\//) } });
    const url = found[0].content[0].attachment.url;
    const bytes = await fetch(`${b.url}/fhir/R4/${url}`, {
      headers: { authorization: `Bearer ${await b.token()}`, accept: 'text/xml' },
    });
    const sent = Buffer.from(read(golden('hl7v2-mdm-t02')).parts[0]!.bytes);
    expect(Buffer.from(await bytes.arrayBuffer()).equals(sent)).toBe(true);
    expect(bytes.headers.get('content-type')).toMatch(/^text\/xml/);
  });

  test('ITI-66 and ITI-67 find the submission and the document by the INS', async () => {
    const token = encodeURIComponent(`${INS_SYSTEM}|${INS}`);
    const lists = await b.get(`/fhir/R4/List?patient.identifier=${token}&status=current&code=submissionset`);
    expect(lists.body.entry).toHaveLength(1);
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const body = `patient.identifier=${token}&status=current`;
    const found = await b.post('/fhir/R4/DocumentReference/_search', body, form);
    expect(found.body.entry.map((one: any) => one.resource.resourceType)).toEqual(['DocumentReference']);
  });

  test('as a client: found and retrieved on B through A, by the INS, unless the patient opposes consultation', async () => {
    const named = `patient.identifier=${encodeURIComponent(`${INS_SYSTEM}|${INS}`)}`;
    const { status, body } = await a.get(`/shared/dmp/DocumentReference?${named}&status=current`);
    expect([status, body.entry.length]).toEqual([200, 1]);
    const { url } = body.entry[0].resource.content[0].attachment;
    const ask = async (path: string, scope?: string) =>
      fetch(`${a.url}/shared/dmp/${path}`, { headers: { authorization: `Bearer ${await a.token('reader', scope)}` } });
    const content = await ask(`${url}?${named}`);
    const sent = Buffer.from(read(golden('hl7v2-mdm-t02')).parts[0]!.bytes);
    expect(Buffer.from(await content.arrayBuffer()).equals(sent)).toBe(true);
    expect(content.headers.get('content-type')).toBe('text/xml');
    for (const [path, expected] of [
      [`DocumentReference?${named}`, 400],
      ['DocumentReference?status=current', 400],
      [`Patient?${named}&status=current`, 404],
      [`Binary/none?${named}`, 404],
      [url, 400],
    ] as const) {
      expect([path, (await ask(path)).status]).toEqual([path, expected]);
    }
    expect((await ask(`DocumentReference?${named}&status=current`, 'system/DocumentReference.rs')).status).toBe(403);

    const coding = { system: 'http://passerelle.example/fhir/CodeSystem/dmp-consent', code: 'dmp-consult' };
    const search = await a.get(`/fhir/R4/Patient?identifier=${encodeURIComponent(`${INS_SYSTEM}|${INS}`)}`);
    const consent = {
      resourceType: 'Consent',
      status: 'active',
      scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }] },
      category: [{ coding: [coding] }],
      patient: { reference: `Patient/${search.body.entry[0].resource.id}` },
      policyRule: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'OPTOUT' }] },
      provision: { type: 'deny' },
    };
    expect((await a.post('/fhir/R4/Consent', consent)).status).toBe(201);
    expect((await ask(`DocumentReference?${named}&status=current`)).status).toBe(403);
  });

  test('the same message again: no second document', async () => {
    await a.send(golden('hl7v2-mdm-t02'));
    await quiet();
    expect(await documents(b, '1.2.250.1.999.7.2.101')).toHaveLength(1);
  });

  test('500 after storing: looked for before it is sent again, so it is there once', async () => {
    proxy.state.failuresAfterStoring = 1;
    proxy.state.provides = 0;
    await a.send(variant(1));
    const { deliveries } = await quiet();
    expect(codesOfDead(deliveries)).toEqual([]);
    expect(proxy.state.provides).toBe(1);
    expect(await documents(b, documentId(1))).toHaveLength(1);
  });

  test('503: waits, then goes once', async () => {
    proxy.state.down = true;
    await a.send(variant(2));
    await until(async () => a.lines.some((line) => line.includes('destination changed')));
    proxy.state.down = false;
    await until(async () => (await documents(b, documentId(2))).length === 1);
    await quiet();
    expect(await documents(b, documentId(2))).toHaveLength(1);
  });

  test('T10: the old document is superseded on B, the new one names it', async () => {
    await a.send(golden('hl7v2-mdm-t10'));
    const { deliveries } = await quiet();
    expect(codesOfDead(deliveries)).toEqual([]);
    const [old] = await documents(b, '1.2.250.1.999.7.2.101');
    const [fresh] = await documents(b, '1.2.250.1.999.7.2.103');
    expect(old.status).toBe('superseded');
    expect(fresh).toMatchObject({
      status: 'current',
      relatesTo: [{ code: 'replaces', target: { reference: `DocumentReference/${old.id}` } }],
    });
  });

  test('T04: the document is withdrawn on B', async () => {
    const id = '1.2.250.1.999.7.2.104';
    const first = variant(3, {
      message: (text) => text.replaceAll(documentId(3), id),
      cda: (text) => text.replaceAll(documentId(3), id),
    });
    await a.send(first);
    await quiet();
    expect((await documents(b, id))[0].status).toBe('current');
    await a.send(golden('hl7v2-mdm-t04'));
    const { deliveries } = await quiet();
    expect(codesOfDead(deliveries)).toEqual([]);
    expect((await documents(b, id))[0].status).toBe('entered-in-error');
  });

  test('an identity that is not qualified: nothing is sent, and the dead letter says why', async () => {
    const other: Change = (text) =>
      text.replaceAll(INS, '185057800608436').replaceAll('MARTIN-TEST', 'INCONNU-TEST').replaceAll('770001', '770099');
    proxy.state.provides = 0;
    await a.send(variant(4, { message: (text) => other(text).replace('||VALI|', '||PROV|'), cda: other }));
    const { deliveries } = await quiet();
    expect(codesOfDead(deliveries)).toEqual(['share-unqualified']);
    expect(proxy.state.provides).toBe(0);
    expect(await documents(b, documentId(4))).toEqual([]);
  });

  test('a patient unknown to B: refused there, and the dead letter names the code', async () => {
    const { body } = await b.get(`/fhir/R4/Patient?identifier=${encodeURIComponent(`${INS_SYSTEM}|${INS}`)}`);
    expect(body.entry).toHaveLength(1);
    const other: Change = (text) =>
      text.replaceAll(INS, '290017505601234').replaceAll('MARTIN-TEST', 'NOUVEAU-TEST').replaceAll('770001', '770098');
    await a.send(variant(5, { message: other, cda: other }));
    const { deliveries } = await quiet();
    const dead = deliveries.filter((one: any) => one.state === 'dead');
    expect(dead.some((one: any) => JSON.stringify(one.issues).includes('provide-subject-unknown'))).toBe(true);
    expect(await documents(b, documentId(5))).toEqual([]);
  });

  test('an opposition (ZFA-9 IO) keeps what comes after it from going', async () => {
    const search = await a.get(`/fhir/R4/Patient?identifier=${encodeURIComponent(`${INS_SYSTEM}|${INS}`)}`);
    const coding = { system: 'http://passerelle.example/fhir/CodeSystem/dmp-consent', code: 'dmp-feed' };
    const consent = {
      resourceType: 'Consent',
      status: 'active',
      scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }] },
      category: [{ coding: [coding] }],
      patient: { reference: `Patient/${search.body.entry[0].resource.id}` },
      policyRule: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'OPTOUT' }] },
      provision: { type: 'deny' },
    };
    expect((await a.post('/fhir/R4/Consent', consent)).status).toBe(201);
    proxy.state.provides = 0;
    await a.send(variant(6));
    const { deliveries } = await quiet();
    expect(codesOfDead(deliveries)).toContain('share-opposed');
    expect(proxy.state.provides).toBe(0);
    expect(await documents(b, documentId(6))).toEqual([]);
  });

  test('nothing about a patient is in the logs', () => {
    const text = [...a.lines, ...b.lines].join('\n');
    for (const one of ['MARTIN', 'LUCIE', INS]) expect(text).not.toContain(one);
  });
});
