/** Raised by one with every entry added to the migrations in `migrate.ts`. */
export const SCHEMA_VERSION = 3;

/**
 * The journal in PostgreSQL; the same tables as in SQLite (`../sqlite/schema.ts` says what each is for), with these
 * differences:
 *
 * - `work.owner` is the process that holds the lease: several processes work on one journal.
 * - `tally_change` takes the changes of counters as new rows: were they updates of `tally`, every commit would wait for the
 *   one before. Reading adds both up; `journal_tallies` folds the changes in now and then.
 * - `payload` keeps large payloads in the database, which all processes see; uncompressed, they are compressed already.
 * - Text columns compare by bytes (`COLLATE "C"`): keys need no language, and comparing costs a third.
 */
export const TABLES = `
CREATE TABLE message (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id text COLLATE "C" NOT NULL UNIQUE,
  dedupe text COLLATE "C",
  dedupe_key text,
  door text NOT NULL,
  sender text NOT NULL,
  kind text NOT NULL,
  lane text NOT NULL,
  format text,
  route text,
  size bigint NOT NULL,
  received_at bigint NOT NULL,
  faults text,
  envelope text
);
CREATE UNIQUE INDEX message_dedupe ON message (dedupe) WHERE dedupe IS NOT NULL;

CREATE TABLE message_body (
  seq bigint PRIMARY KEY,
  bytes bytea,
  hash text
);

CREATE TABLE outcome (
  seq bigint PRIMARY KEY,
  state text NOT NULL,
  settled_at bigint NOT NULL,
  attempts integer NOT NULL,
  faults text,
  refs text,
  maps text,
  unmapped text,
  response text
);
CREATE INDEX outcome_held ON outcome (state, seq) WHERE state IN ('quarantined', 'refused', 'dead');

CREATE TABLE work (
  stream text COLLATE "C" NOT NULL,
  seq bigint NOT NULL,
  lane text COLLATE "C" NOT NULL,
  place smallint NOT NULL,
  owner text,
  due bigint NOT NULL DEFAULT 0,
  attempts integer NOT NULL DEFAULT 0,
  ambiguous boolean NOT NULL DEFAULT false,
  since bigint NOT NULL,
  size bigint NOT NULL,
  PRIMARY KEY (stream, seq)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
CREATE INDEX work_arrived ON work (stream, seq) WHERE place = 0;
CREATE INDEX work_head_due ON work (stream, due, seq) WHERE place = 1;
CREATE INDEX work_head_lane ON work (stream, lane) WHERE place = 1;
CREATE INDEX work_lane ON work (stream, lane, seq) WHERE place > 0;

CREATE TABLE lane_tie (
  lane text COLLATE "C" PRIMARY KEY,
  root text COLLATE "C" NOT NULL
);
CREATE INDEX lane_tie_root ON lane_tie (root);

CREATE TABLE delivery (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id text COLLATE "C" NOT NULL UNIQUE,
  message bigint NOT NULL,
  destination text NOT NULL,
  kind text NOT NULL,
  lane text NOT NULL,
  key text COLLATE "C",
  size bigint NOT NULL,
  created_at bigint NOT NULL
);
CREATE INDEX delivery_message ON delivery (message);
CREATE INDEX delivery_key ON delivery (key) WHERE key IS NOT NULL;

CREATE TABLE delivery_body (
  seq bigint PRIMARY KEY,
  encoding text NOT NULL,
  bytes bytea,
  hash text
);

CREATE TABLE delivery_outcome (
  seq bigint PRIMARY KEY,
  state text NOT NULL,
  settled_at bigint NOT NULL,
  attempts integer NOT NULL,
  faults text,
  refs text,
  response text
);

CREATE TABLE receipt (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  delivery bigint NOT NULL,
  receipt text NOT NULL
);
CREATE UNIQUE INDEX receipt_delivery ON receipt (delivery, md5(receipt));

CREATE TABLE payload (
  hash text COLLATE "C" PRIMARY KEY,
  size bigint NOT NULL,
  refs integer NOT NULL,
  touched_at bigint NOT NULL,
  bytes bytea NOT NULL
);
ALTER TABLE payload ALTER COLUMN bytes SET STORAGE EXTERNAL;

CREATE TABLE unmapped (
  sender text NOT NULL,
  tbl text NOT NULL,
  system text NOT NULL,
  code text NOT NULL,
  display text,
  place text NOT NULL,
  count integer NOT NULL,
  last_message bigint NOT NULL,
  PRIMARY KEY (sender, tbl, system, code)
);

CREATE TABLE tally (
  name text COLLATE "C" PRIMARY KEY,
  n bigint NOT NULL
);
CREATE TABLE tally_change (
  name text NOT NULL,
  n bigint NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

CREATE TABLE once (
  name text NOT NULL,
  slot text NOT NULL,
  at bigint NOT NULL,
  PRIMARY KEY (name, slot)
);
`;
