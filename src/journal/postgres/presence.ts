import type { Context } from './context.ts';

/** How often the other processes are looked for. */
const LOOK_MS = 2000;

/**
 * Notices processes that ended without finishing their work, and frees it: leases alone would keep the patients of a process
 * that was killed waiting for half a minute. A process must be absent at two looks in a row; one whose connection broke is
 * back by then.
 */
export class Presence {
  readonly #context: Pick<Context, 'db' | 'owner' | 'moment' | 'bell'>;
  #absent = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(context: Pick<Context, 'db' | 'owner' | 'moment' | 'bell'>) {
    this.#context = context;
  }

  start(): void {
    this.#timer = setInterval(() => void this.look().catch(() => this.#absent.clear()), LOOK_MS);
    this.#timer.unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** One look. A process that cannot see itself cannot tell who is there, and buries nobody. */
  async look(): Promise<void> {
    const { db, owner, moment, bell } = this.#context;
    const absent = new Set((await db.rows<{ o_owner: string }>(ABSENT)).map((one) => one.o_owner));
    const before = this.#absent;
    this.#absent = absent.has(owner) ? new Set() : absent;
    for (const one of this.#absent) {
      if (!before.has(one)) continue;
      await db.rows(BURY, [one, moment() ?? null]);
      bell.ring();
    }
  }
}

const ABSENT = 'SELECT o_owner FROM journal_absent()';

const BURY = 'SELECT journal_bury($1, $2)';
