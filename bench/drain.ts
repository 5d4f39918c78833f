import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bundle } from '@medplum/fhirtypes';
import type { FhirEndpoint } from '../src/adapter.ts';
import { deliveringHouse } from './delivering-house.ts';
import { handBatched, oneByOne, openTarget } from './fhir-target.ts';
import { type BenchOptions, type BenchResult, row } from './result.ts';
import { PATIENTS } from './telemonitoring.ts';

const WRITTEN = 2;

/**
 * Messages that were accepted while the FHIR server was down: what they take of memory, whether each patient's come out oldest
 * first, and how fast they go through once the server is back, beside the best transactions made by hand.
 */
export async function run(options: BenchOptions = {}): Promise<BenchResult> {
  const folder = mkdtempSync(join(options.folder ?? tmpdir(), 'bench-drain-'));
  const count = options.quick ? 2000 : 100_000;
  const target = await openTarget(folder, options.hapi ?? false);
  const order = watchOrder(target.endpoint);
  const house = await deliveringHouse(folder, order.endpoint, target.resources);
  try {
    options.progress?.('enrolling patients and warming up');
    await house.take(0, PATIENTS);
    await house.drain();
    const by = Math.min(count, 5000);
    await handBatched(target, 0, by / 5);
    const one = await oneByOne(target, 1, by, by / 10);
    const before = await handBatched(target, 2 * by, by);

    options.progress?.(`accepting ${count} messages`);
    await house.take(PATIENTS, count / 10);
    const empty = memory();
    const since = performance.now();
    await house.take(PATIENTS + count / 10, count - count / 10);
    const accepted = ((count - count / 10) * 1000) / (performance.now() - since);
    const grown = memory() - empty;

    options.progress?.('the server is back');
    let most = 0;
    const looking = setInterval(() => {
      most = Math.max(most, memory() - empty);
    }, 250);
    const { seconds, delivered } = await house.drain();
    clearInterval(looking);
    const after = await handBatched(target, 3 * by, by);
    const resources = (delivered * WRITTEN) / seconds;
    return {
      bench: 'drain',
      rows: [
        row('accepted while nothing is delivered', accepted, '/s'),
        row('memory grown by what waits', grown, 'MB'),
        row('memory grown at most while it is delivered', most, 'MB'),
        row('messages out of order', order.violations(), ''),
        row('messages delivered', delivered / seconds, '/s'),
        row('resources delivered', resources, '/s', (before + after) / 2, 'transactions of 50 by hand, 4 connections'),
        row('resources delivered', resources, '/s', one, 'one by one, 1 connection'),
      ],
      notes: [
        `FHIR server: ${target.name}; ${delivered} of ${count} messages of ${PATIENTS} patients delivered`,
        'memory: what the process holds besides pages of files, its embedded server included',
      ],
    };
  } finally {
    await house.close();
    await target.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** MB of anonymous memory of this process, after what nobody needs was let go where that can be asked for. */
function memory(): number {
  (globalThis as { gc?: () => void }).gc?.();
  return Number(/RssAnon:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0) / 1024;
}

/** Looks at the readings of each transaction: those of a patient must come in the order of their times. */
function watchOrder(endpoint: FhirEndpoint): { endpoint: FhirEndpoint; violations(): number } {
  const newest = new Map<string, string>();
  let violations = 0;
  const look = (bundle: Bundle | undefined) => {
    for (const { resource } of bundle?.type === 'transaction' ? (bundle.entry ?? []) : []) {
      if (resource?.resourceType !== 'Observation') continue;
      const patient = resource.subject?.reference ?? '';
      const taken = resource.effectiveDateTime ?? '';
      if (taken < (newest.get(patient) ?? '')) violations++;
      newest.set(patient, taken);
    }
  };
  return {
    violations: () => violations,
    endpoint: {
      ...endpoint,
      send(request) {
        if (request.path === '') look(request.body as Bundle);
        return endpoint.send(request);
      },
    },
  };
}
