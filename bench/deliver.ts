import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deliveringHouse } from './delivering-house.ts';
import { handBatched, oneByOne, openTarget } from './fhir-target.ts';
import { type BenchOptions, type BenchResult, row } from './result.ts';
import { PATIENTS } from './telemonitoring.ts';

/** What a measure becomes on the server besides what is there already: the reading and its Provenance. */
const WRITTEN = 2;

/**
 * Delivery of waiting measures of known patients and devices, beside posting Observations directly one by one, and beside the
 * best transactions made by hand, to the same server in the same run.
 */
export async function run(options: BenchOptions = {}): Promise<BenchResult> {
  const folder = mkdtempSync(join(options.folder ?? tmpdir(), 'bench-deliver-'));
  const count = options.quick ? 500 : 10_000;
  const target = await openTarget(folder, options.hapi ?? false);
  const house = await deliveringHouse(folder, target.endpoint, target.resources);
  try {
    options.progress?.('enrolling patients and warming up');
    await house.take(0, PATIENTS);
    await house.drain();
    await oneByOne(target, 8, 0, count / 10);
    await handBatched(target, count, count / 10);

    options.progress?.('posting one by one, and in transactions made by hand');
    const one = await oneByOne(target, 1, 2 * count, count / 10);
    const eight = await oneByOne(target, 8, 3 * count, count / 5);
    const best = await handBatched(target, 4 * count, count);

    options.progress?.('delivering');
    await house.take(PATIENTS, count);
    const { seconds, delivered } = await house.drain();
    const resources = (delivered * WRITTEN) / seconds;
    const again = await handBatched(target, 5 * count, count);
    return {
      bench: 'deliver',
      rows: [
        row('measures delivered', delivered / seconds, '/s'),
        row('resources delivered', resources, '/s', Math.max(best, again), 'transactions of 50 by hand, 4 connections'),
        row('resources delivered', resources, '/s', one, 'one by one, 1 connection'),
        row('resources delivered', resources, '/s', eight, 'one by one, 8 connections'),
      ],
      notes: [
        `FHIR server: ${target.name}; ${delivered} measures of ${PATIENTS} patients`,
        'a measure is looked up (patient, earlier readings) and becomes Observation and Provenance; by hand it is the Observation alone',
      ],
    };
  } finally {
    await house.close();
    await target.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
