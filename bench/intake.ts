import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openSqliteJournal } from '../src/journal/sqlite.ts';
import { benchMessage, load, median } from './journal-load.ts';
import { type BenchOptions, type BenchResult, type BenchRow, percentile, row } from './result.ts';

/**
 * Durable intake of the journal alone, from 1, 8 and 64 producers that each wait for their answer, beside the least that
 * could be done: the same bytes INSERTed into a table without indexes, all of one turn of the event loop in one commit; and
 * the same bytes appended to a file with an fsync each. Rounds alternate, the median counts.
 */
export async function run(options: BenchOptions = {}): Promise<BenchResult> {
  const folder = await mkdtemp(join(options.folder ?? tmpdir(), 'bench-intake-'));
  const ms = options.quick ? 300 : 1500;
  const rounds = options.quick ? 1 : 3;
  const journal = openSqliteJournal({ folder: join(folder, 'journal'), minFreeBytes: 0 });
  await journal.open();
  const bare = bareInsert(join(folder, 'bare.db'));
  const fsync = bareFsync(join(folder, 'bare.log'));
  const rows: BenchRow[] = [];
  try {
    for (const producers of [1, 8, 64]) {
      options.progress?.(`${producers} producers`);
      const rates: number[] = [];
      const bases: number[] = [];
      const times: number[] = [];
      for (let round = 0; round < rounds; round++) {
        bases.push((await load(producers, ms, bare.insert)).rate);
        const measured = await load(producers, ms, () => journal.append(benchMessage()));
        rates.push(measured.rate);
        times.push(...measured.times);
      }
      const name = `append, ${producers} producer${producers > 1 ? 's' : ''}`;
      rows.push(row(name, median(rates), '/s', median(bases), 'bare INSERT, group commit'));
      rows.push(row(`${name}, p50`, percentile(times, 0.5), 'ms'), row(`${name}, p99`, percentile(times, 0.99), 'ms'));
    }
    rows.push(row('bare fsync of as many bytes, one at a time', (await load(1, ms, fsync.append)).rate, '/s'));
    rows.push(await latency(folder));
  } finally {
    bare.close();
    fsync.close();
    await journal.close();
    await rm(folder, { recursive: true, force: true });
  }
  return { bench: 'intake', rows, notes: ['message of 731 bytes; journal in SQLite, WAL, synced after each commit'] };
}

/** From the call of `append` to the beginning of processing, nothing else going on. */
async function latency(folder: string): Promise<BenchRow> {
  const { createWorker } = await import('../src/journal/worker.ts');
  const journal = openSqliteJournal({ folder: join(folder, 'latency'), minFreeBytes: 0 });
  await journal.open();
  const times: number[] = [];
  let began = () => {};
  const worker = createWorker({
    journal,
    process: async () => {
      began();
      return { state: 'delivered', faults: [], references: [] };
    },
  });
  worker.start();
  for (let n = 0; n < 200; n++) {
    const { promise, resolve } = Promise.withResolvers<void>();
    began = resolve;
    const start = performance.now();
    await Promise.all([promise, journal.append(benchMessage())]);
    times.push(performance.now() - start);
    await new Promise((done) => setTimeout(done, 2));
  }
  await worker.stop();
  await journal.close();
  return row('append to the begin of processing, idle, p50', percentile(times, 0.5), 'ms');
}

function bareInsert(file: string) {
  const db = new DatabaseSync(file);
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000');
  db.exec('CREATE TABLE message (seq INTEGER PRIMARY KEY, bytes BLOB)');
  const statement = db.prepare('INSERT INTO message (bytes) VALUES (?)');
  let waiting: { bytes: Uint8Array; done: () => void }[] = [];
  const commit = () => {
    const group = waiting;
    waiting = [];
    db.exec('BEGIN IMMEDIATE');
    for (const { bytes } of group) statement.run(bytes);
    db.exec('COMMIT');
    for (const { done } of group) done();
  };
  return {
    insert: () =>
      new Promise<void>((done) => {
        if (waiting.push({ bytes: benchMessage().incoming.bytes, done }) === 1) setImmediate(commit);
      }),
    close: () => db.close(),
  };
}

function bareFsync(file: string) {
  const fd = openSync(file, 'a');
  return {
    append: async () => {
      writeSync(fd, benchMessage().incoming.bytes);
      fdatasyncSync(fd);
    },
    close: () => closeSync(fd),
  };
}
