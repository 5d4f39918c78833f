import type { DatabaseSync } from 'node:sqlite';

/** Raised by one with every entry added to `MIGRATIONS`. */
export const SCHEMA_VERSION = 2;

/**
 * The whole of the journal in SQLite. A golden test compares what a fresh database holds with `tests/journal/schema.sql`.
 *
 * - `message` is written once and never changed (but for a key handed on to a later attempt), so that settling rewrites
 *   nothing large and pages stay full; what became of it is the row of the same `seq` in `outcome`.
 * - `work` holds only what waits: messages under the stream `''`, deliveries under the name of their destination. All that
 *   the workers ask is answered from it, so their cost does not grow with what is stored.
 *   Place 0 has arrived and is in no lane yet, 1 is the head of its lane, 2 is behind a head. What has arrived is what lies
 *   behind the number in `arranged`: an index of it would be one more page with every commit.
 * - `seq` is the order of arrival among what is stored. Nothing is ordered by time: clocks go back.
 * - `dedupe` is the key as long as it counts for duplicates, shortened when it is long; `dedupe_key` is the whole key when
 *   `dedupe` is not. It is kept as it was given, not hashed: keys that begin with sender and time grow, so that the pages
 *   they touch are few, and a commit costs what the pages cost it touches (15 µs each).
 */
export const SCHEMA = `
CREATE TABLE message (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  dedupe TEXT,
  dedupe_key TEXT,
  door TEXT NOT NULL,
  sender TEXT NOT NULL,
  kind TEXT NOT NULL,
  lane TEXT NOT NULL,
  format TEXT,
  route TEXT,
  size INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  faults TEXT,
  envelope TEXT,
  hash TEXT,
  bytes BLOB
) STRICT;
CREATE UNIQUE INDEX message_id ON message (id);
CREATE UNIQUE INDEX message_dedupe ON message (dedupe) WHERE dedupe IS NOT NULL;

CREATE TABLE outcome (
  seq INTEGER PRIMARY KEY,
  state TEXT NOT NULL,
  settled_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  faults TEXT,
  refs TEXT,
  maps TEXT,
  unmapped TEXT,
  response TEXT
) STRICT;
CREATE INDEX outcome_held ON outcome (state, seq) WHERE state IN ('quarantined', 'refused', 'dead');

CREATE TABLE work (
  stream TEXT NOT NULL,
  seq INTEGER NOT NULL,
  lane TEXT NOT NULL,
  place INTEGER NOT NULL,
  leased INTEGER NOT NULL,
  due INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  ambiguous INTEGER NOT NULL,
  since INTEGER NOT NULL,
  PRIMARY KEY (stream, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX work_head_due ON work (stream, due, seq) WHERE place = 1;
CREATE INDEX work_head_lane ON work (stream, lane) WHERE place = 1;
CREATE INDEX work_lane ON work (stream, lane, seq) WHERE place > 0;

CREATE TABLE arranged (
  stream TEXT PRIMARY KEY,
  seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE lane_tie (
  lane TEXT PRIMARY KEY,
  root TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX lane_tie_root ON lane_tie (root);

CREATE TABLE delivery (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  message INTEGER NOT NULL,
  destination TEXT NOT NULL,
  kind TEXT NOT NULL,
  lane TEXT NOT NULL,
  key TEXT,
  size INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX delivery_id ON delivery (id);
CREATE INDEX delivery_message ON delivery (message);
CREATE INDEX delivery_key ON delivery (key) WHERE key IS NOT NULL;

CREATE TABLE delivery_body (
  seq INTEGER PRIMARY KEY,
  encoding TEXT NOT NULL,
  bytes BLOB,
  hash TEXT
) STRICT;

CREATE TABLE delivery_outcome (
  seq INTEGER PRIMARY KEY,
  state TEXT NOT NULL,
  settled_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  faults TEXT,
  refs TEXT,
  response TEXT
) STRICT;

CREATE TABLE receipt (
  seq INTEGER PRIMARY KEY,
  delivery INTEGER NOT NULL,
  receipt TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX receipt_delivery ON receipt (delivery, receipt);

CREATE TABLE payload (
  hash TEXT PRIMARY KEY,
  size INTEGER NOT NULL,
  refs INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE unmapped (
  sender TEXT NOT NULL,
  tbl TEXT NOT NULL,
  system TEXT NOT NULL,
  code TEXT NOT NULL,
  display TEXT,
  place TEXT NOT NULL,
  count INTEGER NOT NULL,
  last_message INTEGER NOT NULL,
  PRIMARY KEY (sender, tbl, system, code)
) STRICT, WITHOUT ROWID;

CREATE TABLE tally (
  name TEXT PRIMARY KEY,
  n INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE once (
  name TEXT NOT NULL,
  slot TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (name, slot)
) STRICT, WITHOUT ROWID;
`;

/** `MIGRATIONS[n]` leads from version n to n + 1; the first makes everything. */
const MIGRATIONS: string[] = [SCHEMA, 'ALTER TABLE delivery ADD COLUMN recipient TEXT;'];

/**
 * Brings a database to the current version, each step in a transaction of its own.
 *
 * @throws Error when the database was written by a newer version.
 */
export function migrate(db: DatabaseSync): void {
  const { user_version: version } = db.prepare('PRAGMA user_version').get() as { user_version: number };
  if (version > SCHEMA_VERSION) throw new Error(`it is of version ${version}, this program knows ${SCHEMA_VERSION}`);
  for (let step = version; step < SCHEMA_VERSION; step++) {
    db.exec(`BEGIN IMMEDIATE; ${MIGRATIONS[step]} PRAGMA user_version = ${step + 1}; COMMIT`);
  }
}
