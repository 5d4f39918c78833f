import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, expect, test } from '@jest/globals';
import { WalSync } from '../../src/wal-sync.ts';

const folder = mkdtempSync(join(tmpdir(), 'wal-sync-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('syncs the log of an open database, beside the thread and in it, and leaves its locks alone', async () => {
  const file = join(folder, 'a.db');
  const database = new DatabaseSync(file);
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; CREATE TABLE t (n INTEGER)');
  const log = new WalSync(file);
  database.exec('BEGIN IMMEDIATE; INSERT INTO t VALUES (1)');
  await log.sync();
  log.syncNow();
  log.close();
  const other = new DatabaseSync(file, { timeout: 0 });
  expect(() => other.exec('BEGIN IMMEDIATE')).toThrow(/locked/);
  database.exec('COMMIT');
  other.exec('BEGIN IMMEDIATE; ROLLBACK');
  expect(other.prepare('SELECT n FROM t').all()).toEqual([expect.objectContaining({ n: 1 })]);
  other.close();
  database.close();
});

test('a log that is not there is no success', async () => {
  const log = new WalSync(join(folder, 'none.db'));
  await expect(Promise.resolve().then(() => log.sync())).rejects.toThrow(/ENOENT/);
  expect(() => log.syncNow()).toThrow(/ENOENT/);
  log.close();
});
