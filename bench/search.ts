import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bundle } from '@medplum/fhirtypes';
import type { FhirEndpoint } from '../src/adapter.ts';
import { openStore } from '../src/store/index.ts';
import { startGateway } from './gateway-process.ts';
import { type BenchOptions, type BenchResult, type BenchRow, percentile, row } from './result.ts';
import { observation } from './store.ts';

const INS = 'urn:oid:1.2.250.1.213.1.4.8';

/** Searches of the embedded FHIR server: a patient's readings and documents among many. */
export async function run(options: BenchOptions = {}): Promise<BenchResult> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'passerelle-bench-'));
  const many = options.quick ? 20_000 : 100_000;
  const rows: BenchRow[] = [];
  try {
    const small = openStore({ file: join(folder, 'small.sqlite') });
    await fill(small.endpoint, 1000, 10);
    const baseline = await readings(small.endpoint, 10);
    await small.close();
    options.progress?.(`filling a store with ${many} observations and documents`);
    mkdirSync(join(folder, 'data'));
    const store = openStore({ file: join(folder, 'data', 'fhir.sqlite') });
    const { endpoint } = store;
    await fill(endpoint, many, many / 100);
    await documents(endpoint, many);
    const large = await readings(endpoint, many / 100);
    const of = 'the same on 1,000 observations';
    rows.push(row('readings of a patient by code, newest first: p95', large.p95, 'ms', baseline.p95, of));
    rows.push(row('readings of a patient by code, newest first: p50', large.p50, 'ms', baseline.p50, of));
    const timed = async (name: string, url: (index: number) => string) => {
      const { p95, p50 } = await time(endpoint, url, 500);
      rows.push(row(`${name}: p95`, p95, 'ms'), row(`${name}: p50`, p50, 'ms'));
    };
    await timed('ITI-67 by patient.identifier and status', (index) => iti67(index));
    await timed('patient by INS', (index) => `Patient?identifier=${encodeURIComponent(INS)}|1${pad(index % 1000)}`);
    await timed('patient by beginning of name', (index) => `Patient?family=exemple%20${index % 1000}&_count=20`);
    await timed(
      'newest readings of a code, all patients',
      (index) => `Observation?code=8867-4&_sort=-date&_count=${20 + (index % 2)}`,
    );
    await timed('readings since a day, any order', () => 'Observation?date=ge2026-01-05&code=2708-6&_count=20');
    await timed(
      'plan with patient and readings',
      (index) => `Patient?_id=p${index % 1000}&_revinclude=Observation:subject`,
    );
    await store.close();
    options.progress?.('the same by a gateway, over HTTP');
    const whole = await overHttp(folder, 500);
    rows.push(row('ITI-67 over HTTP, with token and audit: p95', whole.p95, 'ms'));
    rows.push(row('ITI-67 over HTTP, with token and audit: p50', whole.p50, 'ms'));
  } finally {
    if (!options.folder) rmSync(folder, { recursive: true });
  }
  const notes = [
    `1,000 patients, ${many} observations, ${many} documents; answers parsed, without HTTP but where it is said`,
  ];
  return { bench: 'search', rows, notes };
}

const pad = (index: number) => String(index).padStart(12, '0');
const iti67 = (index: number) =>
  `DocumentReference?patient.identifier=${encodeURIComponent(INS)}|1${pad(index % 1000)}&status=current&_count=50`;

/** The search of the goal: one patient's readings of one code; in both stores a patient has 100 readings, 10 a code. */
function readings(endpoint: FhirEndpoint, patients: number) {
  return time(
    endpoint,
    (index) => `Observation?patient=Patient/p${index % patients}&code=8867-4&_sort=-date&_count=20`,
    2000,
  );
}

async function time(endpoint: FhirEndpoint, url: (index: number) => string, count: number) {
  const samples: number[] = [];
  for (let index = 0; index < count; index++) {
    const start = performance.now();
    const { status, body } = await endpoint.send({ method: 'GET', path: url(index * 7) });
    samples.push(performance.now() - start);
    if (status !== 200 || !(body as Bundle).link) throw new Error(`the search answered ${status}`);
  }
  return { p50: percentile(samples, 0.5), p95: percentile(samples, 0.95) };
}

/** The gateway in a process of its own over the store that was filled; one request after the other, on one connection. */
async function overHttp(folder: string, count: number): Promise<{ p50: number; p95: number }> {
  const gateway = await startGateway(folder);
  const headers = { authorization: `Bearer ${gateway.token}` };
  const samples: number[] = [];
  try {
    for (let index = 0; index < count * 2; index++) {
      const start = performance.now();
      const answer = await fetch(`${gateway.url}/fhir/R4/${iti67(index * 7)}`, { headers });
      await answer.arrayBuffer();
      if (!answer.ok) throw new Error(`the search answered ${answer.status}`);
      if (index >= count) samples.push(performance.now() - start);
    }
  } finally {
    await gateway.stop();
  }
  return { p50: percentile(samples, 0.5), p95: percentile(samples, 0.95) };
}

async function fill(endpoint: FhirEndpoint, count: number, patients: number): Promise<void> {
  await inGroups(
    1000,
    (index) => ({
      resourceType: 'Patient',
      id: `p${index}`,
      identifier: [{ system: INS, value: `1${pad(index)}` }],
      name: [{ family: `Exemple ${index}`, given: ['Anne', 'Marie'] }],
      birthDate: `19${String(30 + (index % 60)).padStart(2, '0')}-0${1 + (index % 9)}-11`,
    }),
    endpoint,
  );
  await inGroups(
    count,
    (index) => ({ ...observation(index, `Patient/p${index % patients}`), id: `o${index}` }),
    endpoint,
  );
}

async function documents(endpoint: FhirEndpoint, count: number): Promise<void> {
  await inGroups(
    count,
    (index) => ({
      resourceType: 'DocumentReference',
      id: `d${index}`,
      masterIdentifier: { system: 'urn:ietf:rfc:3986', value: `urn:oid:1.2.3.${index}` },
      status: index % 10 ? 'current' : 'superseded',
      type: { coding: [{ system: 'http://loinc.org', code: '11490-0' }] },
      category: [
        {
          coding: [
            {
              system: 'https://mos.esante.gouv.fr/NOS/TRE_A03-ClasseDocument-CISIS/FHIR/TRE-A03-ClasseDocument-CISIS',
              code: '10',
            },
          ],
        },
      ],
      subject: { reference: `Patient/p${index % 1000}` },
      date: new Date(Date.UTC(2026, 0, 1) + index * 60_000).toISOString(),
      content: [{ attachment: { contentType: 'text/xml', url: `Binary/b${index}`, size: 130_000 } }],
      context: { period: { start: '2026-01-01', end: '2026-01-03' } },
    }),
    endpoint,
  );
}

async function inGroups(
  count: number,
  make: (index: number) => Record<string, unknown>,
  endpoint: FhirEndpoint,
): Promise<void> {
  for (let from = 0; from < count; from += 500) {
    const bodies = Array.from({ length: Math.min(500, count - from) }, (_, place) => make(from + place));
    const answers = await Promise.all(
      bodies.map((body) => endpoint.send({ method: 'PUT', path: `${body.resourceType}/${body.id}`, body })),
    );
    const failed = answers.find((answer) => answer.status !== 201);
    if (failed) throw new Error(`filling the store answered ${failed.status}: ${JSON.stringify(failed.body)}`);
  }
}
