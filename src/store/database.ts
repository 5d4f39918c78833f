import { dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import type { Resource } from '@medplum/fhirtypes';
import { fault, PasserelleError } from '../errors.ts';
import { makeFolder } from '../folder.ts';
import type { Parameters } from './parameters.ts';
import type { Kind } from './values.ts';

/** Grows when rows of the index would be written differently; the index is then built again on opening. */
export const INDEX_VERSION = 1;

/** States of a row of `resource`. A contained one is there only for its index rows: chains reach it, nothing else does. */
export const LIVE = 0;
/** Flag of a row: the resource was deleted, its history stays. */
export const DELETED = 1;
/** Flag of an index row: the value stands in a contained resource. */
export const CONTAINED = 2;

/** Bytes above which a Binary's content lives in a table of its own, once per content. */
export const LARGE = 64 * 1024;

/**
 * `resource` points to the current row of `version`, so content is written once. The index tables are ordered for the two
 * questions a search asks: which resources have this value (path, value), and does this resource have it (path, …, rid).
 */
const SCHEMA = `
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS path (
  id INTEGER PRIMARY KEY, type TEXT NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL, UNIQUE (type, kind, text));
CREATE TABLE IF NOT EXISTS resource (
  rid INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, type TEXT NOT NULL, state INTEGER NOT NULL,
  version INTEGER NOT NULL, vid INTEGER NOT NULL, updated INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS resource_type ON resource (type);
CREATE INDEX IF NOT EXISTS resource_updated ON resource (type, updated);
CREATE TABLE IF NOT EXISTS version (
  vid INTEGER PRIMARY KEY, rid INTEGER NOT NULL, type TEXT NOT NULL, version INTEGER NOT NULL, updated INTEGER NOT NULL,
  method TEXT NOT NULL, content TEXT, hash BLOB, bytes BLOB);
CREATE INDEX IF NOT EXISTS version_resource ON version (rid, version);
CREATE INDEX IF NOT EXISTS version_type ON version (type);
CREATE TABLE IF NOT EXISTS large (hash BLOB PRIMARY KEY, bytes BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS i_token (
  path INTEGER, code TEXT, rid INTEGER, system TEXT, PRIMARY KEY (path, code, rid, system)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS i_reference (
  path INTEGER, target TEXT, rid INTEGER, PRIMARY KEY (path, target, rid)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS i_date (
  path INTEGER, rid INTEGER, low INTEGER, high INTEGER, PRIMARY KEY (path, rid, low, high)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS i_date_low ON i_date (path, low);
CREATE TABLE IF NOT EXISTS i_string (
  path INTEGER, folded TEXT, rid INTEGER, exact TEXT, PRIMARY KEY (path, folded, rid, exact)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS i_string_rid ON i_string (path, rid);
CREATE TABLE IF NOT EXISTS i_quantity (
  path INTEGER, rid INTEGER, low REAL, high REAL, system TEXT, code TEXT, unit TEXT,
  PRIMARY KEY (path, rid, low, high, system, code, unit)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS i_reading (
  target TEXT, low INTEGER, rid INTEGER, high INTEGER, PRIMARY KEY (target, low, rid, high)) WITHOUT ROWID;
`;

/** Columns of each index table after path and rid, in the order of a `Row`. */
export const INDEX_COLUMNS: Record<Kind, string[]> = {
  token: ['code', 'system'],
  reference: ['target'],
  date: ['low', 'high'],
  string: ['folded', 'exact'],
  quantity: ['low', 'high', 'system', 'code', 'unit'],
};

const STATEMENTS_KEPT = 400;
/** Resources one search may read to answer what no index can; reading them holds up everybody else. */
const MOST_ASKED = 20_000;

/** One connection, with its prepared statements. The writer sees what it has not committed yet; readers never do. */
export class Connection {
  readonly db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #predicates: ((resource: Resource) => boolean)[] = [];
  #asked = 0;

  constructor(file: string, options: { readOnly?: boolean } = {}) {
    this.db = new DatabaseSync(file, { readOnly: options.readOnly ?? false, timeout: 1000 });
    this.db.exec('PRAGMA cache_size = -32768; PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0;');
    this.db.function('holds', (index, content) => {
      if (++this.#asked > MOST_ASKED) {
        throw new PasserelleError(fault('search-too-costly', { params: { limit: `${MOST_ASKED} resources read` } }));
      }
      return Number(this.#predicates[Number(index)]?.(JSON.parse(String(content))) ?? false);
    });
  }

  /**
   * Lets SQL ask `holds(number, content)` what no index can answer (components of one element, texts of codes). Valid until
   * `forget`; searches are synchronous, so each forgets its own.
   */
  predicate(holds: (resource: Resource) => boolean): number {
    return this.#predicates.push(holds) - 1;
  }

  forget(): void {
    if (this.#predicates.length) this.#predicates = [];
    this.#asked = 0;
  }

  /** The statement for a text, prepared once; the texts least recently used are let go. */
  statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement) this.#statements.delete(sql);
    else statement = this.db.prepare(sql);
    this.#statements.set(sql, statement);
    if (this.#statements.size > STATEMENTS_KEPT) this.#statements.delete(this.#statements.keys().next().value!);
    return statement;
  }

  all<T>(sql: string, ...values: SQLInputValue[]): T[] {
    return this.statement(sql).all(...values) as T[];
  }

  get<T>(sql: string, ...values: SQLInputValue[]): T | undefined {
    return this.statement(sql).get(...values) as T | undefined;
  }

  run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.statement(sql).run(...values).lastInsertRowid);
  }

  /** Runs reads that must see one state; inside a transaction they do so anyway. */
  snapshot<T>(work: () => T): T {
    if (this.db.isTransaction) return work();
    this.run('BEGIN');
    try {
      return work();
    } finally {
      this.run('COMMIT');
    }
  }

  close(): void {
    this.#statements.clear();
    this.db.close();
  }
}

/** The two connections to the file, and what of its index must be made anew before it is asked. */
export interface Opened {
  writer: Connection;
  reader: Connection;
  /** Types whose index lacks a column or is of an older form. */
  stale: string[];
  /** The index of readings is empty, whatever the others hold. */
  lacksReadings: boolean;
}

/** Opens the file (and its folder), creates what is missing and numbers the columns of the index. */
export function openDatabase(file: string, parameters: Parameters): Opened {
  makeFolder(dirname(file));
  const writer = new Connection(file);
  writer.db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 16000;');
  const lacksReadings = !writer.get("SELECT 1 FROM sqlite_master WHERE name = 'i_reading'");
  writer.db.exec(SCHEMA);
  const stale = numberColumns(writer, parameters);
  return { writer, reader: new Connection(file, { readOnly: true }), stale, lacksReadings };
}

/** Gives the columns the numbers an opened file knows them by. */
export function readColumns(connection: Connection, parameters: Parameters): void {
  const known = new Map<string, number>();
  for (const row of connection.all<{ id: number; type: string; kind: string; text: string }>('SELECT * FROM path')) {
    known.set(`${row.type} ${row.kind} ${row.text}`, row.id);
  }
  for (const column of parameters.columns()) {
    column.id = known.get(`${column.type} ${column.kind} ${column.text}`) ?? 0;
  }
}

function numberColumns(writer: Connection, parameters: Parameters): string[] {
  const known = new Map<string, number>();
  for (const row of writer.all<{ id: number; type: string; kind: string; text: string }>('SELECT * FROM path')) {
    known.set(`${row.type} ${row.kind} ${row.text}`, row.id);
  }
  const fresh = new Set<string>();
  writer.db.exec('BEGIN IMMEDIATE');
  for (const column of parameters.columns()) {
    const id = known.get(`${column.type} ${column.kind} ${column.text}`);
    if (id === undefined) fresh.add(column.type);
    column.id =
      id ?? writer.run('INSERT INTO path (type, kind, text) VALUES (?, ?, ?)', column.type, column.kind, column.text);
  }
  const version = writer.get<{ value: string }>("SELECT value FROM setting WHERE name = 'index'")?.value;
  writer.run("INSERT OR REPLACE INTO setting VALUES ('index', ?)", String(INDEX_VERSION));
  writer.db.exec('COMMIT');
  const suspects = version === String(INDEX_VERSION) ? fresh : parameters.types;
  return [...suspects].filter((type) => writer.get('SELECT 1 FROM resource WHERE type = ? LIMIT 1', type));
}
