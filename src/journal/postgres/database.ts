import pg from 'pg';
import { fault, PasserelleError } from '../../errors.ts';

/** Connections of one process: one each for intake, settling and claims at a time, the rest for questions. */
const CONNECTIONS = 6;

/** How long a connection may take; the database is asked again and again, so it need not be long. */
const CONNECT_MS = 5000;

/** How often a database that did not answer is asked whether it does again. */
const TRY_AGAIN_MS = 1000;

/** SQLSTATE of a server whose disk is full. */
const DISK_FULL = '53100';

/** How often a statement is repeated that the database broke off because of another. */
const CONFLICTS = new Set(['40001', '40P01']);
const MOST_CONFLICTS = 10;

/**
 * What every connection is set to: what is acknowledged is on disk whatever the server's default; statements follow the
 * indexes they were written for, also before statistics exist (every one of them reads the first of an index); a process
 * that hangs in the middle of a transaction loses it.
 */
const SETTINGS = [
  'synchronous_commit=on',
  'enable_seqscan=off',
  'enable_bitmapscan=off',
  'jit=off',
  'plan_cache_mode=force_generic_plan',
  'idle_in_transaction_session_timeout=10000',
];

/** Sequence numbers and moments are numbers here; they stay far below 2^53. */
const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format: 'text') =>
    oid === pg.types.builtins.INT8 && format === 'text' ? Number : pg.types.getTypeParser(oid, format)) as never,
};

/** How to reach the journal's schema; also for the connection that listens. */
export function clientConfig(url: string, schema: string): pg.ClientConfig {
  const options = [`search_path=${schema}`, ...SETTINGS].map((one) => `-c ${one}`).join(' ');
  return { connectionString: url, options, types, connectionTimeoutMillis: CONNECT_MS, keepAlive: true };
}

/** Connections to the database and the memory of whether it answered the last time. */
export class Database {
  readonly #pool: pg.Pool;
  #failure: unknown;
  #triedAt = 0;

  constructor(url: string, schema: string) {
    this.#pool = new pg.Pool({ ...clientConfig(url, schema), max: CONNECTIONS, idleTimeoutMillis: 60_000 });
    // An idle connection that breaks is replaced; the next question finds out whether the database is there.
    this.#pool.on('error', (error) => {
      this.#failure = error;
    });
  }

  /** Why the last question was not answered; undefined when it was. Asks again now and then. */
  get failure(): unknown {
    if (this.#failure !== undefined && performance.now() - this.#triedAt > TRY_AGAIN_MS) {
      this.#triedAt = performance.now();
      void this.rows('SELECT 1').catch(() => {});
    }
    return this.#failure;
  }

  connect(): Promise<pg.PoolClient> {
    return this.#pool.connect();
  }

  /**
   * Rows of one statement, which is one transaction. Prepared once for each connection when it has a `name`.
   *
   * @throws PasserelleError `not-durable` when the database does not answer or refuses, `disk-low` when its disk is full
   */
  async rows<Row extends pg.QueryResultRow>(text: string, values: unknown[] = [], name?: string): Promise<Row[]> {
    for (let conflicts = 0; ; conflicts++) {
      try {
        const { rows } = await this.#pool.query<Row>({ text, values, name });
        this.#failure = undefined;
        return rows;
      } catch (error) {
        if (CONFLICTS.has((error as pg.DatabaseError).code ?? '') && conflicts < MOST_CONFLICTS) continue;
        this.#failure = error;
        const detail = error instanceof Error ? error.message : String(error);
        const code = (error as pg.DatabaseError).code === DISK_FULL ? 'disk-low' : 'not-durable';
        throw new PasserelleError(fault(code, { detail }), { cause: error });
      }
    }
  }

  async row<Row extends pg.QueryResultRow>(
    text: string,
    values: unknown[] = [],
    name?: string,
  ): Promise<Row | undefined> {
    return (await this.rows<Row>(text, values, name))[0];
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}

/** Text as PostgreSQL can keep it: it knows no U+0000. */
export function text(value: string | null | undefined): string | null {
  if (value === null || value === undefined) return null;
  return value.includes('\0') ? value.replaceAll('\0', '\ufffd') : value;
}
