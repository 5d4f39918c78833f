import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, expect, test } from '@jest/globals';
import type { Bundle, Observation } from '@medplum/fhirtypes';
import { resourcesIn } from '../../src/fhir-pages.ts';
import { token } from '../../src/store/criteria.ts';
import { openStore } from '../../src/store/index.ts';
import { indexed } from '../../src/store/indexed.ts';

const folder = mkdtempSync(join(tmpdir(), 'readings-'));
const file = join(folder, 'fhir.sqlite');
let store = openStore({ file });
afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

const LOINC = 'http://loinc.org';
const [SPO2, TEMP, PULSE] = ['59408-5', '8310-5', '8867-4'];
const DAY = Date.UTC(2026, 9, 1);
const MINUTE = 60_000;

function observation(at: number, code: string, patient: string): Observation {
  return {
    resourceType: 'Observation',
    status: 'final',
    code: { coding: [{ system: LOINC, code }] },
    subject: { reference: `Patient/${patient}` },
    effectiveDateTime: new Date(at).toISOString(),
    valueQuantity: { value: at % 97 },
  };
}

async function put(id: string, resource: Observation): Promise<void> {
  const { status } = await store.endpoint.send({
    method: 'PUT',
    path: `Observation/${id}`,
    body: { ...resource, id },
  });
  expect(status).toBeLessThan(300);
}

const questions = [
  { patient: 'Patient/a', codes: [SPO2], since: DAY, until: DAY + 20 * MINUTE, count: 100 },
  { patient: 'Patient/a', codes: [SPO2, TEMP], since: DAY + 5 * MINUTE, until: DAY + 60 * MINUTE, count: 100 },
  { patient: 'Patient/a', codes: [SPO2, TEMP, PULSE], since: DAY, until: DAY + 60 * MINUTE, count: 3 },
  { patient: 'Patient/b', codes: [TEMP], since: DAY, until: DAY + 60 * MINUTE, count: 100 },
  { patient: 'Patient/c', codes: [TEMP], since: DAY, until: DAY + 60 * MINUTE, count: 100 },
];

/** The same by a search of the API. */
async function searched({ patient, codes, since, until, count }: (typeof questions)[number]) {
  const kinds = codes.map((code) => encodeURIComponent(`${LOINC}|${code}`)).join(',');
  const dates = `date=ge${new Date(since).toISOString()}&date=le${new Date(until).toISOString()}`;
  const path = `Observation?patient=${patient}&combo-code=${kinds}&${dates}&_sort=-date&_count=${count}`;
  const { body } = await store.endpoint.send({ method: 'GET', path });
  return resourcesIn<Observation>(body as Bundle).map((one) => one.id);
}

async function expectAlike(): Promise<void> {
  let found = 0;
  for (const one of questions) {
    const codes = one.codes.map((code) => ({ system: LOINC, code }));
    const here = store.endpoint.readings!({ ...one, codes }).map(({ id }) => id);
    expect(here).toEqual(await searched(one));
    found += here.length;
  }
  expect(found).toBeGreaterThan(20);
}

test('readings are what a search finds, also after changes, deletion and in a file of before', async () => {
  const codes = [SPO2, TEMP, PULSE, '718-7'];
  for (let at = 0; at < 80; at++) {
    await put(`o${at}`, observation(DAY + at * MINUTE, codes[at % 4]!, at % 5 ? 'a' : 'b'));
  }
  await expectAlike();

  await put('o2', observation(DAY + 7 * MINUTE, SPO2, 'a'));
  await put('o6', observation(DAY + 9 * MINUTE, TEMP, 'b'));
  await put('o8', {
    ...observation(DAY, SPO2, 'a'),
    component: [{ code: { coding: [{ system: LOINC, code: TEMP }] } }],
  });
  await store.endpoint.send({ method: 'DELETE', path: 'Observation/o4' });
  await expectAlike();

  await store.close();
  const bare = new DatabaseSync(file);
  bare.exec('DROP TABLE i_reading');
  bare.close();
  store = openStore({ file });
  await expectAlike();
  expect(store.endpoint.readings!({ ...questions[0]!, codes: [] })).toEqual([]);
});

test('alternatives of system and code are looked up by their codes', () => {
  const columns = [1, 2].map((id) => ({ id, kind: 'token' as const, type: 'Observation', text: '', read: () => [] }));
  const { source } = indexed(columns, [token('code', `${LOINC}|${SPO2}`), token('code', `${LOINC}|${TEMP}`)]);
  const database = new DatabaseSync(file, { readOnly: true });
  const plan = database.prepare(`EXPLAIN QUERY PLAN ${source!.text} AND i.rid = 5`).all() as { detail: string }[];
  database.close();
  expect(plan.map(({ detail }) => detail).join('\n')).toContain('code=?');
});
