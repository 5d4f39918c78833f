import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Bundle, Provenance } from '@medplum/fhirtypes';
import { measure } from '../../bench/telemonitoring.ts';
import { type RunningGateway, startGateway, until } from './running.ts';

const GOLDEN = join(import.meta.dirname, '..', 'golden');

let gateway: RunningGateway;

beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.remove());

const settled = () => until(async () => (await gateway.get('/messages?state=accepted')).body.messages.length === 0);

/** Every kind of message the golden cases have, by the door it would come in by, and measures of many patients. */
async function aDay(): Promise<void> {
  const types: Record<string, [string, string]> = {
    '.hl7': ['/in/hl7v2', 'application/hl7-v2'],
    '.xml': ['/in/cda', 'application/xml'],
    json: ['/in/fhir', 'application/fhir+json'],
  };
  for (const name of readdirSync(GOLDEN)) {
    const file = readdirSync(join(GOLDEN, name)).find((one) => one.startsWith('input.')) ?? '';
    const [path, type] = types[file.slice(-4)] ?? [];
    if (path) await gateway.post(path, readFileSync(join(GOLDEN, name, file)), { 'content-type': type! });
  }
  const measures = Array.from({ length: 100 }, (_, at) => measure(at));
  await Promise.all(measures.map((one) => gateway.post('/in/fhir', one, { 'content-type': 'application/fhir+json' })));
  await settled();
}

/** How many resources there are of each type. */
async function totals(): Promise<Record<string, number>> {
  const { body } = await gateway.get('/fhir/R4/metadata');
  const types: string[] = body.rest[0].resource.map((one: { type: string }) => one.type);
  const of = async (type: string) => (await gateway.get(`/fhir/R4/${type}?_summary=count`)).body.total as number;
  const counted = await Promise.all(types.map(async (type) => [type, await of(type)] as const));
  return Object.fromEntries(counted.filter(([, total]) => total > 0));
}

async function provenances(): Promise<Map<string, Provenance>> {
  const { body } = await gateway.get('/fhir/R4/Provenance?_count=1000');
  return new Map((body as Bundle<Provenance>).entry!.map(({ resource }) => [resource!.id!, resource!]));
}

test('a replay of every message of a day creates nothing, and takes nothing from what was told of them', async () => {
  await aDay();
  const [before, told] = [await totals(), await provenances()];
  expect(before.Patient).toBeGreaterThan(100);
  expect(told.size).toBeGreaterThan(100);

  const { body } = await gateway.get('/messages?state=delivered&limit=1000');
  const ids: string[] = body.messages.map((one: { id: string }) => one.id);
  for (const id of ids) expect((await gateway.post(`/messages/${id}/replay`, '')).status).toBe(202);
  await settled();

  expect(await totals()).toEqual(before);
  expect(await provenances()).toEqual(told);
}, 60_000);
