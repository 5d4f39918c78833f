import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Bundle } from '@medplum/fhirtypes';
import { startFhirServer } from './fhir-server.ts';
import { type RunningGateway, startGateway, until } from './running.ts';

/** Whether the FHIR server is there; what comes in meanwhile waits. */
let isAway = true;
let server: Awaited<ReturnType<typeof startFhirServer>>;
let gateway: RunningGateway;

beforeAll(async () => {
  server = await startFhirServer(async () => (isAway ? { status: 503, headers: { 'retry-after': '1' } } : undefined));
  const data = mkdtempSync(join(tmpdir(), 'passerelle-test-'));
  const file = join(data, 'settings.json');
  const doors = [
    { name: 'mllp', type: 'mllp', listen: '127.0.0.1:0' },
    { name: 'bulk', type: 'http-in', waiting: { high: 4, low: 2 } },
    { name: 'fhir-api', type: 'fhir-api' },
  ];
  writeFileSync(file, JSON.stringify({ doors, limits: { waiting: { high: 8, low: 3 } } }));
  const settings = { PASSERELLE_DATA: data, PASSERELLE_CONFIG: file, PASSERELLE_FHIR: server.base };
  gateway = await startGateway(settings);
});
afterAll(async () => {
  await gateway?.remove();
  await server.stop();
});

const fhirJson = { 'content-type': 'application/fhir+json' };
const reading = (number: number) => ({
  resourceType: 'Observation',
  status: 'final',
  identifier: [{ system: 'urn:example:readings', value: String(number) }],
  code: { coding: [{ system: 'http://loinc.org', code: '8867-4' }] },
  effectiveDateTime: '2026-03-10T09:00:00Z',
  valueQuantity: { value: 60 + number, system: 'http://unitsofmeasure.org', code: '/min' },
});
const post = (number: number) => gateway.post('/in/fhir', reading(number), fhirJson);

function admission(number: number): string {
  const time = '20260310090000+0100';
  return [
    `MSH|^~\\&|SIH|HOSPITAL|GATEWAY|CITY|${time}||ADT^A01^ADT_A01|WATER-${number}|P|2.5|||||FRA|8859/1`,
    `EVN||${time}`,
    `PID|||WATER-${number}^^^HOSPITAL&1.2.250.1.999.2.1&ISO^PI||MARTIN^ANNE^^^^^L||19800101|F`,
    'PV1||I|CARDIO^101^1||||||||||||||||V1^^^HOSPITAL&1.2.250.1.999.2.1&ISO^VN',
  ].join('\r');
}
const send = (number: number) => gateway.send(admission(number));

async function metric(name: string): Promise<number> {
  const { body } = await gateway.get('/metrics');
  const line = (body as string).split('\n').find((one) => one.startsWith(`${name} `));
  return Number(line?.slice(name.length + 1));
}
const refusing = (door: string) => metric(`passerelle_intake_refusing{door="${door}"}`);
const waiting = async () => (await gateway.get('/messages?state=accepted')).body.messages.length as number;

test('doors refuse at their high water, keep refusing down to the low one, and lose nothing that they took', async () => {
  const taken = new Set<string>();
  for (let number = 0; number < 4; number++) {
    const { status, body } = await post(number);
    expect([status, body.issue]).toEqual([202, undefined]);
    taken.add(body.id);
  }
  expect(await refusing('bulk')).toBe(1);
  const over = await post(4);
  expect([over.status, over.headers.get('retry-after'), over.body.issue[0].details.coding[0].code]).toEqual([
    503,
    '5',
    'too-much-waiting',
  ]);
  // Doors without marks of their own go on until the journal as a whole is full.
  for (let number = 0; number < 4; number++) expect((await send(number)).code).toBe('AA');
  const refused = await send(4);
  expect([refused.code, refused.errors]).toEqual(['AE', ['too-much-waiting']]);
  // In the characters of the message, 8859/1 here.
  expect(refused.said.join()).toContain('Trop de messages attendent déjà');
  expect((await gateway.post('/fhir/R4/Observation', reading(9), fhirJson)).status).toBe(503);
  expect([await refusing('mllp'), await refusing('fhir-api'), await waiting()]).toEqual([1, 1, 8]);
  expect(await metric('passerelle_messages_refused_total{door="mllp",code="too-much-waiting"}')).toBe(1);
  expect(await metric('passerelle_messages_accepted_total{door="mllp"}')).toBe(4);

  isAway = false;
  await until(async () => (await waiting()) === 0 && (await refusing('mllp')) + (await refusing('bulk')) === 0);
  expect((await send(4)).code).toBe('AA');
  const again = await post(4);
  expect(again.status).toBe(202);
  await until(async () => (await waiting()) === 0);
  for (const id of taken) expect((await gateway.get(`/messages/${id}`)).body.state).toBe('delivered');
  const { body } = await server.endpoint.send({ method: 'GET', path: 'Observation?_summary=count' });
  expect((body as Bundle).total).toBe(5);
});
