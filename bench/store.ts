import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { FhirEndpoint } from '../src/adapter.ts';
import { openStore } from '../src/store/index.ts';
import { type BenchOptions, type BenchResult, type BenchRow, row } from './result.ts';

const LOINC = 'http://loinc.org';
const CODES = ['8867-4', '2708-6', '8310-5', '9279-1', '29463-7', '8480-6', '8462-4', '72514-3', '59408-5', '8302-2'];
const INS = 'urn:oid:1.2.250.1.213.1.4.8';

/** Writes of the embedded FHIR server: single creates in groups, small transactions, beside bare inserts. */
export async function run(options: BenchOptions = {}): Promise<BenchResult> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'passerelle-bench-'));
  const count = options.quick ? 3000 : 20_000;
  const rows: BenchRow[] = [];
  const start = performance.now();
  const store = openStore({ file: join(folder, 'fhir.sqlite') });
  rows.push(row('open an empty store', performance.now() - start, 'ms'));
  const bare = bareInserts(join(folder, 'bare.sqlite'), count);
  try {
    await senders(200, 200, (index) => createObservation(store.endpoint, index));
    options.progress?.('creating observations');
    const single = await senders(64, count, (index) => createObservation(store.endpoint, index));
    rows.push(
      row('create Observation, 64 senders', single, '/s', bare, 'bare INSERT of the same content, group commit'),
    );
    const alone = await senders(1, count / 10, (index) => createObservation(store.endpoint, index));
    rows.push(row('create Observation, 1 sender', alone, '/s'));
    options.progress?.('sending transactions');
    const transactions = await senders(32, count / 5, (index) => transaction(store.endpoint, index));
    rows.push(row('transaction of 6 entries, 32 senders', transactions, '/s'));
    rows.push(row('resources in those transactions', transactions * 6, '/s'));
    const again = await senders(32, count / 5, (index) => transaction(store.endpoint, index));
    rows.push(row('the same transactions again (nothing new)', again, '/s'));
    const race = await race64(store.endpoint);
    rows.push(row('conditional creates of one patient by 64 senders: patients', race, ''));
  } finally {
    await store.close();
    if (!options.folder) rmSync(folder, { recursive: true });
  }
  return {
    bench: 'store',
    rows,
    notes: ['SQLite, WAL, synced after each commit; every answer is on disk', 'Observation of 0.6 kB'],
  };
}

async function senders(parallel: number, total: number, send: (index: number) => Promise<unknown>): Promise<number> {
  let next = 0;
  const start = performance.now();
  await Promise.all(
    Array.from({ length: parallel }, async () => {
      while (next < total) await send(next++);
    }),
  );
  return total / ((performance.now() - start) / 1000);
}

/** An Observation as a telemonitoring tool sends it, of one of 1,000 patients. */
export function observation(index: number, patient = `Patient/p${index % 1000}`): Record<string, unknown> {
  const day = new Date(Date.UTC(2026, 0, 1) + index * 977_000);
  return {
    resourceType: 'Observation',
    meta: { source: `urn:passerelle:message:${index}` },
    identifier: [{ system: 'http://vendor.example/readings', value: `r${index}` }],
    status: 'final',
    category: [
      { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'vital-signs' }] },
    ],
    code: { coding: [{ system: LOINC, code: CODES[Math.floor(index * 0.6180339887 * CODES.length) % CODES.length] }] },
    subject: { reference: patient },
    effectiveDateTime: day.toISOString(),
    valueQuantity: { value: 60 + (index % 60), unit: '/min', system: 'http://unitsofmeasure.org', code: '/min' },
  };
}

async function createObservation(endpoint: FhirEndpoint, index: number): Promise<void> {
  const { status } = await endpoint.send({ method: 'POST', path: 'Observation', body: observation(index) });
  if (status !== 201) throw new Error(`create answered ${status}`);
}

/** Patient, Organization, DocumentReference, Binary, Observation, Provenance: what a small message becomes. */
async function transaction(endpoint: FhirEndpoint, index: number): Promise<void> {
  const uuid = (place: number) =>
    `urn:uuid:${String(place).padStart(8, '0')}-0000-4000-8000-${String(index).padStart(12, '0')}`;
  const patient = { system: INS, value: `1${String(index).padStart(12, '0')}` };
  const post = (place: number, resource: Record<string, unknown>, identifier: { system: string; value: string }) => ({
    fullUrl: uuid(place),
    resource: { ...resource, identifier: [identifier] },
    request: {
      method: 'POST',
      url: resource.resourceType,
      ifNoneExist: `identifier=${encodeURIComponent(identifier.system)}|${identifier.value}`,
    },
  });
  const put = (place: number, resource: Record<string, unknown>) => ({
    fullUrl: uuid(place),
    resource: { ...resource, id: uuid(place).slice(9) },
    request: { method: 'PUT', url: `${resource.resourceType}/${uuid(place).slice(9)}` },
  });
  const document = {
    resourceType: 'DocumentReference',
    status: 'current',
    subject: { reference: uuid(1) },
    author: [{ reference: uuid(2) }],
    content: [{ attachment: { contentType: 'text/xml', url: uuid(4) } }],
  };
  const bundle = {
    resourceType: 'Bundle',
    type: 'transaction',
    entry: [
      post(
        1,
        { resourceType: 'Patient', name: [{ family: `Exemple ${index}`, given: ['Anne'] }], gender: 'female' },
        patient,
      ),
      post(
        2,
        { resourceType: 'Organization', name: 'Hôpital' },
        { system: 'urn:oid:1.2.250.1.71.4.2.2', value: '1750712184' },
      ),
      post(3, document, { system: 'urn:ietf:rfc:3986', value: `urn:oid:1.2.3.${index}` }),
      put(4, { resourceType: 'Binary', contentType: 'text/xml', data: Buffer.alloc(600, index).toString('base64') }),
      post(5, observation(index, uuid(1)), { system: 'http://vendor.example/t', value: `t${index}` }),
      put(6, {
        resourceType: 'Provenance',
        target: [{ reference: uuid(3) }],
        recorded: '2026-01-01T00:00:00Z',
        agent: [{ who: { reference: uuid(2) } }],
      }),
    ],
  };
  const { status, body } = await endpoint.send({ method: 'POST', path: '', body: bundle });
  if (status !== 200) throw new Error(`transaction answered ${status}: ${JSON.stringify(body)}`);
}

async function race64(endpoint: FhirEndpoint): Promise<number> {
  const identifier = { system: INS, value: '299999999999999' };
  const headers = { 'if-none-exist': `identifier=${encodeURIComponent(INS)}|${identifier.value}` };
  const body = { resourceType: 'Patient', identifier: [identifier] };
  const answers = await Promise.all(
    Array.from({ length: 64 }, () => endpoint.send({ method: 'POST', path: 'Patient', headers, body })),
  );
  return answers.filter((answer) => answer.status === 201).length;
}

/** What the same machine does with the same JSON and one commit for 64 rows, without index or checks. */
function bareInserts(file: string, count: number): number {
  const db = new DatabaseSync(file);
  db.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE t (id INTEGER PRIMARY KEY, content TEXT)',
  );
  const insert = db.prepare('INSERT INTO t (content) VALUES (?)');
  const start = performance.now();
  for (let index = 0; index < count; index++) {
    if (index % 64 === 0) db.exec('BEGIN');
    insert.run(JSON.stringify(observation(index)));
    if (index % 64 === 63 || index === count - 1) db.exec('COMMIT');
  }
  const rate = count / ((performance.now() - start) / 1000);
  db.close();
  return rate;
}
