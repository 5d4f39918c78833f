import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { fault, PasserelleError } from '../../errors.ts';
import { makeFolder } from '../../folder.ts';
import { WalSync } from '../../wal-sync.ts';
import { migrate } from './schema.ts';

/**
 * How the file is kept:
 * - WAL, with which readers never wait, and `synchronous=NORMAL`: what must be on disk is synced by {@link WalSync} after its
 *   commit, beside the thread. Leases need not survive a power cut (they are void after it anyway) and are not synced.
 * - `wal_autocheckpoint`: a checkpoint writes each page once, however often it changed; four times the default halves the
 *   pages written under load and keeps recovery after a kill in the milliseconds.
 * - `auto_vacuum=INCREMENTAL`: a purge gives space back to the disk, which the disk alarm looks at.
 * - `cache_size`: the pages in use stay in memory, at 1,000,000 stored messages too.
 */
const SETTINGS = `
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA wal_autocheckpoint = 4000;
PRAGMA journal_size_limit = 67108864;
PRAGMA cache_size = -65536;
PRAGMA temp_store = MEMORY;
PRAGMA busy_timeout = 5000;
PRAGMA trusted_schema = OFF;
PRAGMA secure_delete = FAST;
`;

/** One connection to the journal's file, its statements, and the counters that are written with each commit. */
export class Database {
  readonly db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #tally = new Map<string, number>();
  /** Brings commits to the disk. */
  readonly log: WalSync;

  constructor(folder: string) {
    this.db = openFile(folder);
    this.log = new WalSync(join(folder, FILE));
  }

  /** Rows of a statement; statements are prepared once. */
  all<Row>(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#statement(sql).all(...values) as Row[];
  }

  get<Row>(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#statement(sql).get(...values) as Row | undefined;
  }

  /** Number of rows changed. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#statement(sql).run(...values).changes);
  }

  /** The rowid given to the row inserted; undefined when the statement inserted none. */
  insert(sql: string, ...values: SQLInputValue[]): number | undefined {
    const { changes, lastInsertRowid } = this.#statement(sql).run(...values);
    return Number(changes) > 0 ? Number(lastInsertRowid) : undefined;
  }

  /** Counts within the transaction: written with its commit, forgotten with its rollback. */
  count(name: string, by: number): void {
    this.#tally.set(name, (this.#tally.get(name) ?? 0) + by);
  }

  /** Writes a row as it is, to see whether anything can be written. */
  touch(): void {
    this.run(TALLY, 'state:accepted', 0);
  }

  /**
   * Runs `steps` in one transaction. What it wrote survives the end of the process, however it ends; a power cut only once
   * `log` has been synced. Throws what the steps throw, after a rollback.
   */
  transaction<T>(steps: () => T): T {
    this.run(BEGIN);
    try {
      const result = steps();
      for (const [name, by] of this.#tally) if (by !== 0) this.run(TALLY, name, by);
      this.#tally.clear();
      this.run(COMMIT);
      return result;
    } catch (error) {
      this.#tally.clear();
      if (this.db.isTransaction) this.run(ROLLBACK);
      throw error;
    }
  }

  close(): void {
    this.#statements.clear();
    this.log.close();
    this.db.close();
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

const FILE = 'journal.db';

const BEGIN = 'BEGIN IMMEDIATE';
const COMMIT = 'COMMIT';
const ROLLBACK = 'ROLLBACK';

/** One row a counter and commit, whatever the number of messages in it. */
const TALLY = 'INSERT INTO tally (name, n) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET n = n + ?2';

function openFile(folder: string): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    makeFolder(folder);
    db = new DatabaseSync(join(folder, FILE));
    db.exec(SETTINGS);
    migrate(db);
    db.exec('BEGIN IMMEDIATE; ROLLBACK');
    return db;
  } catch (error) {
    db?.close();
    throw unusable(folder, error);
  }
}

/** The error that tells the operator why the journal of a folder does not open. */
export function unusable(folder: string, error: unknown): PasserelleError {
  const why = error instanceof Error ? error.message : String(error);
  return new PasserelleError(fault('journal-unusable', { params: { where: folder, why } }), { cause: error });
}
