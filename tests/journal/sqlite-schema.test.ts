import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as append from '../../src/journal/sqlite/append.ts';
import * as claim from '../../src/journal/sqlite/claim.ts';
import * as purge from '../../src/journal/sqlite/purge.ts';
import * as query from '../../src/journal/sqlite/query.ts';
import * as queue from '../../src/journal/sqlite/queue.ts';
import * as receipt from '../../src/journal/sqlite/receipt.ts';
import * as replay from '../../src/journal/sqlite/replay.ts';
import { openSqliteJournal } from '../../src/journal/sqlite.ts';

const golden = new URL('./schema.sql', import.meta.url);

let folder: string;
let db: DatabaseSync;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'journal-'));
  const journal = openSqliteJournal({ folder });
  await journal.open();
  await journal.close();
  db = new DatabaseSync(join(folder, 'journal.db'));
});

afterAll(async () => {
  db.close();
  await rm(folder, { recursive: true, force: true });
});

test('the schema is the golden one; a change of it needs a migration', () => {
  const { user_version: version } = db.prepare('PRAGMA user_version').get() as { user_version: number };
  const tables = db.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'").all();
  const schema = `-- version ${version}\n${tables.map(({ sql }) => `${sql};\n`).join('')}`;
  if (process.env.UPDATE_GOLDEN) writeFileSync(golden, schema);
  expect(schema).toBe(readFileSync(golden, 'utf8'));
});

test('the file is kept as the durability of the journal needs it', () => {
  const pragma = (name: string) => Object.values(db.prepare(`PRAGMA ${name}`).get()!)[0];
  expect([pragma('journal_mode'), pragma('auto_vacuum')]).toEqual(['wal', 2]);
});

/** Steps that read one result, or a list that is small by itself. */
const HARMLESS = [
  /^CO-ROUTINE/,
  /^SETUP$/,
  /^RECURSIVE STEP$/,
  /^SCAN (s|\(subquery-\d+\))$/,
  /^CORRELATED SCALAR SUBQUERY/,
];

describe('no statement reads more than it answers', () => {
  const statements = Object.entries({ append, claim, purge, query, queue, receipt, replay }).flatMap(
    ([part, exported]) =>
      Object.entries(exported as Record<string, unknown>).flatMap(([name, sql]): [string, string][] =>
        typeof sql === 'string' && sql.includes('SELECT') ? [[`${part}.${name}`, sql]] : [],
      ),
  );

  test.each(statements)('%s', (_, sql) => {
    const plan = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as { detail: string }[];
    const details = plan.map(({ detail }) => detail).filter((detail) => !HARMLESS.some((one) => one.test(detail)));
    expect(details.length).toBeGreaterThan(0);
    for (const detail of details) expect(detail).toMatch(/^SEARCH /);
  });

  test('claiming looks only at heads and arrivals', () => {
    const index = (sql: string) => (db.prepare(`EXPLAIN QUERY PLAN ${sql}`).get() as { detail: string }).detail;
    expect(index(queue.ARRIVED)).toContain('PRIMARY KEY (stream=? AND seq>?)');
    expect(index(queue.FRESH)).toContain('INDEX work_head_due (stream=? AND due=?)');
    expect(index(queue.DUE)).toContain('INDEX work_head_due (stream=? AND due>? AND due<?)');
    expect(index(queue.HEADS)).toContain('INDEX work_head_lane (stream=? AND lane=?)');
    expect(index(queue.FIRST)).toContain('INDEX work_lane (stream=? AND lane=?)');
  });
});
