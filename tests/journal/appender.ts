import { writeSync } from 'node:fs';
import { PasserelleError } from '../../src/errors.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { openSqliteJournal } from '../../src/journal/sqlite.ts';
import { createWorker } from '../../src/journal/worker.ts';
import { newDelivery, newMessage, withDeliveries } from './store.ts';

/**
 * A gateway that is killed: takes messages in from several senders at a time, works on them, and says on standard output
 * what it has promised, one line each, written at once: `a ID LANE` (acknowledged), `e ID` (ended), `b ID LANE` (began).
 *
 * Usage: node appender.ts NAME sqlite FOLDER | postgres URL
 */
const [name, kind, where] = process.argv.slice(2);

const say = (line: string) => writeSync(1, `${line}\n`);

async function journalAt(): Promise<Journal> {
  if (kind === 'sqlite') return openSqliteJournal({ folder: where, minFreeBytes: 0 });
  const { openPostgresJournal } = await import('../../src/journal/postgres.ts');
  return openPostgresJournal({ url: where, schema: process.argv[5] });
}

const journal = await journalAt();
await journal.open();
const worker = createWorker({
  journal,
  concurrency: 16,
  process: async (message) => {
    say(`b ${message.id} ${message.lane}`);
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 2));
    return withDeliveries(newDelivery('mail'));
  },
  settled: (id) => say(`e ${id}`),
});
worker.start();
say('ready');

const sender = async (at: number) => {
  for (let n = 0; ; n++) {
    const lane = `${name}-${at}-${n % 3}`;
    const text = 'x'.repeat(n % 20 === 0 ? 70_000 + n : 700);
    const message = newMessage({ lane, text, dedupeKey: `${lane}|${n}` });
    try {
      await journal.append(message);
      say(`a ${message.id} ${lane}`);
    } catch (error) {
      if (!(error instanceof PasserelleError)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
};
await Promise.all([0, 1, 2, 3].map(sender));
