import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { fault, PasserelleError } from '../../errors.ts';
import { clientConfig } from './database.ts';

/**
 * How long a key that another process holds is waited for: longer than a lease. Who holds it longer than that has lost the
 * work it holds it for, so waiting on would only let one process that hangs stop the others.
 */
const PATIENCE_MS = 40_000;

/** The pause between two tries grows to this. */
const LONGEST_PAUSE_MS = 80;

/**
 * Keys that one process at a time may hold. One session holds all of this process's: should it break, they are free, and the
 * conditional writes are what remains. Within the process the caller sees to it that no key is asked for twice at a time.
 */
export class Reservations {
  readonly #config: pg.ClientConfig;
  readonly #schema: string;
  #session: Promise<pg.Client> | undefined;
  /** The end of the last statement: one at a time. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(url: string, schema: string) {
    this.#config = clientConfig(url, schema);
    this.#schema = schema;
  }

  /**
   * Waits until all keys are this process's; answers how to let them go.
   * @throws PasserelleError `not-durable` when the database does not answer.
   */
  async take(keys: string[]): Promise<() => void> {
    if (keys.length === 0) return () => {};
    const values = [[...new Set(keys.map((key) => this.#number(key)))].sort()];
    const until = performance.now() + PATIENCE_MS;
    for (let tries = 0; performance.now() < until; tries++) {
      const session = await this.#ask();
      const { rows } = await this.#query(session, RESERVE, values).catch(notAnswered);
      if (rows[0]?.taken) return () => void this.#query(session, RELEASE, values).catch(() => {});
      await pause(1 + Math.random() * Math.min(LONGEST_PAUSE_MS, 5 * 2 ** tries));
    }
    return () => {};
  }

  async close(): Promise<void> {
    const session = await this.#session?.catch(() => undefined);
    this.#session = undefined;
    await session?.end().catch(() => {});
  }

  #query(session: pg.Client, [text, name]: [string, string], values: unknown[]): Promise<pg.QueryResult> {
    const asked = this.#turn.then(() => session.query({ text, name, values }));
    this.#turn = asked.catch(() => {});
    return asked;
  }

  #ask(): Promise<pg.Client> {
    this.#session ??= this.#connect().catch((error) => {
      this.#session = undefined;
      return notAnswered(error);
    });
    return this.#session;
  }

  async #connect(): Promise<pg.Client> {
    const client = new pg.Client(this.#config);
    client.on('error', () => {});
    client.once('end', () => {
      this.#session = undefined;
    });
    await client.connect();
    return client;
  }

  /** A number of 64 bits for a key; the schema counts, two journals of one database have nothing in common. */
  #number(key: string): string {
    const hash = createHash('sha256').update(`${this.#schema}\n${key}`).digest();
    return String(hash.readBigInt64BE(0));
  }
}

function notAnswered(error: unknown): never {
  const detail = error instanceof Error ? error.message : String(error);
  throw new PasserelleError(fault('not-durable', { detail }), { cause: error });
}

const RESERVE: [string, string] = ['SELECT journal_reserve($1::bigint[]) AS taken', 'reserve'];

const RELEASE: [string, string] = ['SELECT journal_release($1::bigint[])', 'release'];
