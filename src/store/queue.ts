import { fault, PasserelleError } from '../errors.ts';
import type { Connection } from './database.ts';

interface Job {
  work: () => unknown;
  resolve: (value: unknown) => void;
  reject: (reason: unknown) => void;
}

type Settle = () => void;

/** A group ends after so much work, so that reads and the network get their turn. */
const GROUP_MS = 15;
const GROUP_JOBS = 500;

/**
 * Group commit: all writes that arrive in one turn of the event loop share one commit, each in a savepoint of its own, so
 * that one that fails takes nothing of the others with it. A promise resolves only when its write is on disk.
 */
export class WriteQueue {
  readonly #connection: Connection;
  #waiting: Job[] = [];
  #scheduled = false;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * Runs `work` inside the next commit. It must be synchronous; when it throws, everything it wrote is undone.
   * @throws what `work` throws; PasserelleError store-not-durable when the commit fails
   */
  run<T>(work: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ work, resolve: resolve as (value: unknown) => void, reject });
      this.#schedule();
    });
  }

  /** Commits everything that waits. */
  close(): void {
    while (this.#waiting.length) this.flush();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.flush());
  }

  /** Commits what waits, as far as one group goes; the rest follows in the next turn. */
  flush(): void {
    this.#scheduled = false;
    if (this.#waiting.length === 0) return;
    const group: Job[] = [];
    const settled: Settle[] = [];
    try {
      this.#connection.run('BEGIN IMMEDIATE');
      const end = performance.now() + GROUP_MS;
      do {
        const job = this.#waiting.shift()!;
        group.push(job);
        settled.push(this.#attempt(job));
      } while (this.#waiting.length && group.length < GROUP_JOBS && performance.now() < end);
      this.#connection.run('COMMIT');
    } catch (error) {
      this.#abandon(group, error);
      settled.length = 0;
    }
    for (const settle of settled) settle();
    if (this.#waiting.length) this.#schedule();
  }

  #attempt(job: Job): Settle {
    this.#connection.run('SAVEPOINT job');
    try {
      const value = job.work();
      this.#connection.run('RELEASE job');
      return () => job.resolve(value);
    } catch (error) {
      if (!this.#connection.db.isTransaction) throw error;
      this.#connection.run('ROLLBACK TO job');
      this.#connection.run('RELEASE job');
      return () => job.reject(error);
    }
  }

  /** Disk full or database broken: nobody of the group may believe in a write. */
  #abandon(group: Job[], error: unknown): void {
    if (this.#connection.db.isTransaction) this.#connection.run('ROLLBACK');
    const detail = error instanceof Error ? error.message : String(error);
    const reason = new PasserelleError(fault('store-not-durable', { detail }), { cause: error });
    const jobs = group.length ? group : this.#waiting.splice(0);
    for (const job of jobs) job.reject(reason);
  }
}
