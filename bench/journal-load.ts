import { newMessageId } from '../src/journal/id.ts';
import type { Journal, NewMessage } from '../src/journal/journal.ts';
import { createWorker } from '../src/journal/worker.ts';

/** An ADT^A08 has about this many bytes; the figures of other engines were measured with it. */
const BODY = Buffer.alloc(731, 'A');

/** Patients the messages are about, and hospitals they come from. */
const PATIENTS = 20_000;
const SENDERS = 10;

let sent = 0;

/** A message as intake hands it over: a patient's lane, a key that begins with sender and time. */
export function benchMessage(): NewMessage {
  const sender = `HOSPITAL${sent % SENDERS}`;
  const control = String(++sent).padStart(12, '0');
  return {
    id: newMessageId(),
    incoming: { door: 'mllp', bytes: BODY, format: 'hl7v2' },
    state: 'accepted',
    faults: [],
    dedupeKey: `hl7v2|${sender}|${Date.now()}|${control}|${Math.random().toString(36).slice(2)}`,
    lane: `urn:oid:1.2.250.1.213.1.4.8|2${String(Math.floor(Math.random() * PATIENTS)).padStart(14, '0')}`,
    kind: 'ADT^A08',
    sender,
    receivedAt: Date.now(),
  };
}

export interface Load {
  /** Calls per second. */
  rate: number;
  /** Time of each call, in milliseconds. */
  times: number[];
}

/** Calls `work` from so many producers, each waiting for its last call, for `ms` milliseconds. */
export async function load(producers: number, ms: number, work: () => Promise<unknown>): Promise<Load> {
  const times: number[] = [];
  const start = performance.now();
  const producer = async () => {
    for (;;) {
      const before = performance.now();
      if (before - start > ms) return;
      await work();
      times.push(performance.now() - before);
    }
  };
  await Promise.all(Array.from({ length: producers }, producer));
  return { rate: (times.length * 1000) / (performance.now() - start), times };
}

/** Works through all that waits with a pipeline that does nothing; answers messages per second. */
export async function drainRate(journal: Journal, concurrency = 128): Promise<number> {
  const { messages } = await journal.counts();
  let done = 0;
  const { promise: empty, resolve } = Promise.withResolvers<void>();
  const worker = createWorker({
    journal,
    concurrency,
    process: async () => ({ state: 'delivered', faults: [], references: ['Patient/1', 'Encounter/2'] }),
    settled: () => {
      if (++done === messages.accepted) resolve();
    },
  });
  const start = performance.now();
  worker.start();
  if (messages.accepted > 0) await empty;
  const rate = (messages.accepted * 1000) / (performance.now() - start);
  await worker.stop();
  return rate;
}

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
