import { join } from 'node:path';
import { pino } from 'pino';
import type { FhirEndpoint } from '../src/adapter.ts';
import { loadConfig } from '../src/config.ts';
import { deliverBy, type NamedDoor, openDoors } from '../src/doors.ts';
import { createAccept } from '../src/gateway/accept.ts';
import { furnished } from '../src/gateway/furnish.ts';
import { HighWater } from '../src/gateway/high-water.ts';
import { processor } from '../src/gateway/process.ts';
import { createLocks } from '../src/identity/index.ts';
import type { Journal } from '../src/journal/journal.ts';
import { openSqliteJournal } from '../src/journal/sqlite.ts';
import { createWorker, type Worker } from '../src/journal/worker.ts';
import type { House } from '../src/pipeline/house.ts';
import { Prepared } from '../src/pipeline/prepared.ts';
import { applyTo } from '../src/store/patch.ts';
import { createMetrics } from '../src/web/metrics.ts';
import { MEASURES } from './telemonitoring.ts';

/** Journal, pipeline and worker of a gateway before one FHIR server, without its listeners. */
export interface DeliveringHouse {
  journal: Journal;
  /** Takes the measures `from` … as the FHIR door does: inspected, and on disk when it resolves. */
  take(from: number, count: number): Promise<void>;
  /** Begins to deliver what waits; resolves when all of it has been. */
  drain(): Promise<{ seconds: number; delivered: number }>;
  close(): Promise<void>;
}

/** @param resources of a shared transaction; 0 for the embedded server, as the gateway does it. */
export async function deliveringHouse(folder: string, fhir: FhirEndpoint, resources: number): Promise<DeliveringHouse> {
  const { config } = loadConfig({
    environment: { PASSERELLE_DATA: join(folder, 'data') },
    cwd: join(import.meta.dirname, '..'),
  });
  if (!config) throw new Error('the default configuration does not load');
  const log = pino({ level: 'silent' });
  const journal = openSqliteJournal({ folder: join(folder, 'journal'), minFreeBytes: 0 });
  await journal.open();
  const doors: NamedDoor[] = [];
  const metrics = createMetrics({ journal, doors: ['http-in'], destinations: ['fhir'] });
  const house: House = {
    ...furnished(config.folders),
    fhir,
    patched: applyTo,
    deliver: (delivery) => deliverBy(doors, delivery),
    locks: createLocks((keys) => journal.reserve(keys)),
    prepared: new Prepared(),
    takeUp: (ids) => journal.replay({ ids }),
    consequences: () => [],
    answers: async () => [],
    log,
    now: () => new Date(),
  };
  const unused = async (): Promise<never> => {
    throw new Error('nothing comes in by this door');
  };
  const surroundings = { log, accept: unused, outcome: unused, receipt: unused, original: unused, fhir };
  const own = { name: 'fhir', type: 'fhir-server', connections: config.fhir.connections, resources };
  doors.push(...(await openDoors([own], () => surroundings)));
  const water = new HighWater(journal, { high: 1_000_000, low: 800_000 }, [], log);
  const accept = createAccept({ journal, house, metrics, note: async () => {}, open: () => true, water });
  const workers: Worker[] = [];
  return {
    journal,
    async take(from, count) {
      const one = (index: number) =>
        accept({
          door: 'http-in',
          format: 'fhir',
          bytes: Buffer.from(MEASURES.body(index)),
          contentType: MEASURES.type,
          sender: 'bench',
        });
      for (let done = 0; done < count; done += 64) {
        await Promise.all(Array.from({ length: Math.min(64, count - done) }, (_, at) => one(from + done + at)));
      }
    },
    async drain() {
      const { messages } = await journal.counts();
      let left = messages.accepted;
      const { promise, resolve } = Promise.withResolvers<void>();
      const worker = createWorker({
        journal,
        process: processor(house, metrics, { refused: async () => [] }),
        concurrency: config.limits.workers,
        settled: () => {
          if (--left === 0) resolve();
        },
      });
      workers.push(worker);
      const start = performance.now();
      worker.start();
      if (left > 0) await promise;
      const seconds = (performance.now() - start) / 1000;
      await worker.stop();
      const after = await journal.counts();
      return { seconds, delivered: after.messages.delivered - messages.delivered };
    },
    async close() {
      for (const worker of workers) await worker.stop(1);
      await journal.close();
    },
  };
}
