-- version 2
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
, recipient TEXT) STRICT;
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
