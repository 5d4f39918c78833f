import type { Journal, MessageRecord } from '../journal/journal.ts';
import type { Outcome } from '../message.ts';

/** How often the journal is asked about a message that another process may be working on. */
const ASK_MS = 250;

/** Lets those who wait for a message know how it ended. */
export interface Waiters {
  /** The outcome, as soon as there is one; undefined after `seconds`. */
  wait(id: string, seconds: number): Promise<Outcome | undefined>;
  /** Called when this process has settled a message. */
  settled(id: string): void;
}

/** Waiting costs nothing while this process works on the message; the journal is asked now and then in case another does. */
export function createWaiters(journal: Pick<Journal, 'get'>): Waiters {
  const bells = new Map<string, Set<() => void>>();
  return {
    async wait(id, seconds) {
      const until = Date.now() + seconds * 1000;
      for (;;) {
        const rung = ring(bells, id, Math.min(ASK_MS, Math.max(0, until - Date.now())));
        const record = await journal.get(id);
        if (record && record.state !== 'accepted') {
          rung.cancel();
          return outcomeOf(record);
        }
        if (Date.now() >= until) {
          rung.cancel();
          return undefined;
        }
        await rung.heard;
      }
    },
    settled(id) {
      for (const bell of bells.get(id) ?? []) bell();
    },
  };
}

/** Resolves when the message is settled or the time is up; listening begins before the journal is asked. */
function ring(bells: Map<string, Set<() => void>>, id: string, ms: number): { heard: Promise<void>; cancel(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(done, ms);
  const waiting = bells.get(id) ?? new Set();
  bells.set(id, waiting.add(done));
  function done(): void {
    clearTimeout(timer);
    waiting.delete(done);
    if (waiting.size === 0) bells.delete(id);
    resolve();
  }
  return { heard: promise, cancel: done };
}

function outcomeOf(record: MessageRecord): Outcome {
  const { id, state, references, faults, response } = record;
  return { id, state, references, faults, response };
}
