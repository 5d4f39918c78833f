import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, cpSync, mkdirSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Journal } from '../../src/journal/journal.ts';
import { openSqliteJournal, type SqliteJournalOptions } from '../../src/journal/sqlite.ts';
import { delivered, drain, handClock, ids, LEASE, newMessage } from './store.ts';

const filler = fileURLToPath(new URL('./filler.ts', import.meta.url));

let folder: string;
let opened: Journal[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'journal-'));
  opened = [];
});

afterEach(async () => {
  for (const journal of opened) await journal.close();
  chmodSync(folder, 0o700);
  await rm(folder, { recursive: true, force: true });
});

async function open(options: Partial<SqliteJournalOptions> = {}): Promise<Journal> {
  const journal = openSqliteJournal({ folder, minFreeBytes: 0, ...options });
  await journal.open();
  opened.push(journal);
  return journal;
}

function fill(where: string, options: { uid?: number } = {}): string[] {
  const script = `ulimit -f 2000; exec "${process.execPath}" --disable-warning=ExperimentalWarning "${filler}" "${where}"`;
  const { stdout, stderr } = spawnSync('sh', ['-c', script], { encoding: 'utf8', ...options });
  expect(stderr).toBe('');
  return stdout.trim().split('\n');
}

test('a write that fails is refused, the next that fits is taken, and what was acknowledged is there', async () => {
  const said = fill(folder);
  expect(said.filter((line) => !line.startsWith('acknowledged'))).toEqual([
    'refused not-durable',
    'obstacle not-durable',
    'obstacles 0',
    'refused not-durable',
    'obstacle not-durable',
  ]);
  const acknowledged = said.filter((line) => line.startsWith('acknowledged')).map((line) => line.split(' ')[1]);
  expect(acknowledged.length).toBeGreaterThan(3);
  const journal = await open();
  expect(ids(await journal.list({ limit: 1000 })).toReversed()).toEqual(acknowledged);
  expect(ids(await drain(journal))).toEqual(acknowledged);
  await journal.append(newMessage());
  expect((await journal.counts()).messages).toMatchObject({ accepted: 1, delivered: acknowledged.length });
});

test('intake is refused before the disk is full', async () => {
  const journal = await open({ minFreeBytes: Number.MAX_SAFE_INTEGER });
  expect(journal.obstacles()).toMatchObject([{ code: 'disk-low' }]);
  await expect(journal.append(newMessage())).rejects.toMatchObject({ faults: [{ code: 'disk-low' }] });
  expect(await journal.list({})).toEqual([]);
});

test('a folder that cannot be written says so when it is opened', async () => {
  writeFileSync(join(folder, 'file'), '');
  const below = openSqliteJournal({ folder: join(folder, 'file', 'journal') });
  await expect(below.open()).rejects.toMatchObject({ faults: [{ code: 'journal-unusable' }] });
  rmSync(join(folder, 'file'));
  chmodSync(folder, 0o555);
  const uid = process.getuid?.() === 0 ? 65534 : undefined;
  expect(fill(folder, { uid })).toEqual(['unopened journal-unusable']);
});

test.each(['cut short', 'overwritten'])('a journal whose last page was %s opens with all before it', async (damage) => {
  const journal = await open();
  const some = Array.from({ length: 50 }, () => newMessage({ text: 'x'.repeat(2000) }));
  for (const one of some) await journal.append(one);
  const copy = await mkdtemp(join(tmpdir(), 'journal-'));
  cpSync(folder, copy, { recursive: true, filter: (path) => !/owner|shm/.test(path) });
  const wal = join(copy, 'journal.db-wal');
  const { size } = statSync(wal);
  truncateSync(wal, size - 3000);
  if (damage === 'overwritten') writeFileSync(wal, randomBytes(3000), { flag: 'a' });
  const after = openSqliteJournal({ folder: copy, minFreeBytes: 0 });
  await after.open();
  expect(ids(await after.list({})).toReversed()).toEqual(ids(some.slice(0, 49)));
  expect((await after.counts()).messages.accepted).toBe(49);
  await after.append(some[49]);
  expect(ids(await drain(after))).toEqual(ids(some));
  await after.close();
  await rm(copy, { recursive: true });
});

test('a file that is no journal, or of a later version, is left alone', async () => {
  writeFileSync(join(folder, 'journal.db'), 'something else altogether'.repeat(400));
  await expect(open()).rejects.toMatchObject({ faults: [{ code: 'journal-unusable' }] });
  rmSync(join(folder, 'journal.db'));
  const db = new DatabaseSync(join(folder, 'journal.db'));
  db.exec('PRAGMA user_version = 99');
  db.close();
  await expect(open()).rejects.toMatchObject({ faults: [{ code: 'journal-unusable' }] });
});

test('one process works on it; another may look and replay, and the first hears of it', async () => {
  const journal = await open();
  const message = newMessage();
  await journal.append(message);
  await expect(open()).rejects.toMatchObject({ faults: [{ code: 'journal-busy' }] });
  await drain(journal, () => ({ ...delivered, state: 'dead' }));
  const visitor = await open({ visitor: true });
  expect(await visitor.get(message.id)).toMatchObject({ state: 'dead' });
  const rung = new Promise<void>((resolve) => {
    let bells = 0;
    journal.onWork(() => ++bells && resolve());
  });
  expect(await visitor.replay({ state: 'dead' })).toBe(1);
  await rung;
  expect(ids(await journal.claim(5, LEASE))).toEqual([message.id]);
});

test('a message whose content is lost is put with the dead and holds up nothing', async () => {
  const journal = await open();
  const [lost, next] = ['x'.repeat(100_000), 'y'].map((text) => newMessage({ lane: 'a', text }));
  await journal.append(lost);
  await journal.append(next);
  const shelf = readdirSync(join(folder, 'payloads')).find((name) => name.length === 2)!;
  rmSync(join(folder, 'payloads', shelf), { recursive: true });
  expect(await journal.claim(5, LEASE)).toEqual([]);
  expect(await journal.get(lost.id)).toMatchObject({ state: 'dead', faults: [{ code: 'payload-lost' }] });
  expect(ids(await journal.claim(5, LEASE))).toEqual([next.id]);
});

test('payload files nobody refers to are swept, those in use are kept', async () => {
  const journal = await open();
  const files = () =>
    readdirSync(join(folder, 'payloads'), { recursive: true }).filter((name) => String(name).length > 60);
  const [old, young] = [1, Date.now()].map((receivedAt) =>
    newMessage({ receivedAt, incoming: { door: 'http', bytes: randomBytes(80_000) } }),
  );
  await journal.append(old);
  await journal.append(young);
  await drain(journal);
  mkdirSync(join(folder, 'payloads', 'ff'), { recursive: true });
  writeFileSync(join(folder, 'payloads', 'ff', 'f'.repeat(64)), 'orphan');
  expect(files()).toHaveLength(3);
  expect(await journal.purge(1000, ['delivered'])).toBe(1);
  expect(files()).toHaveLength(1);
  expect(await journal.bytes(young.id)).toHaveLength(80_000);
  expect(await journal.bytes(old.id)).toBeUndefined();
});

test('a purge gives space back to the disk', async () => {
  const journal = await open();
  const size = () => statSync(join(folder, 'journal.db')).size;
  const some = Array.from({ length: 2000 }, () => newMessage({ receivedAt: 1, text: 'x'.repeat(8000) }));
  await Promise.all(some.map((one) => journal.append(one)));
  await drain(journal, undefined, 500);
  await journal.close();
  const before = size();
  const again = await open();
  expect(await again.purge(1000, ['delivered'])).toBe(2000);
  await again.close();
  expect(size()).toBeLessThan(before / 2);
});

test('what took the process down again and again waits, what did not comes first', async () => {
  const clock = handClock();
  const message = newMessage();
  let journal = await open({ clock });
  await journal.append(message);
  for (let crash = 0; crash < 7; crash++) {
    clock.advance(60_000);
    expect(ids(await journal.claim(1, LEASE))).toEqual([message.id]);
    await journal.close();
    journal = await open({ clock });
  }
  expect(await journal.claim(1, LEASE)).toEqual([]);
  clock.advance(60_000);
  expect(await journal.claim(1, LEASE)).toMatchObject([{ id: message.id, attempts: 8 }]);
});

test('20,000 waiting messages take no memory', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const journal = await open();
  const some = async (count: number) => {
    for (let at = 0; at < count; at += 500) {
      await Promise.all(
        Array.from({ length: 500 }, (_, n) =>
          journal.append(newMessage({ lane: `p${(at + n) % 900}`, text: 'x'.repeat(700) })),
        ),
      );
    }
  };
  // Buffers that one collection found unused are given back beside the program, and counted off by the next.
  const heap = async () => {
    for (let time = 0; time < 3; time++) {
      collect();
      await sleep(50);
    }
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  await some(1000);
  await journal.claim(100, LEASE);
  const before = await heap();
  await some(20_000);
  await journal.claim(100, LEASE);
  expect((await heap()) - before).toBeLessThan(4_000_000);
  expect((await journal.counts()).messages.accepted).toBe(21_000);
});
