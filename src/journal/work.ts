import type { Clock } from './clock.ts';

/** The longest that a timer may be set to. */
const LONGEST_TIMER = 2 ** 31 - 1;

/**
 * Tells the workers that there is something to do: right after a commit that made work, and when the earliest of what was
 * put off becomes due. It remembers one moment only, whatever the backlog.
 */
export class WorkBell {
  readonly #clock: Clock;
  readonly #nextDue: () => Promise<number | undefined> | number | undefined;
  readonly #listeners = new Set<() => void>();
  #rung = false;
  #closed = false;
  #alarm: { at: number; timer: NodeJS.Timeout } | undefined;

  /** @param nextDue the earliest moment after now at which something becomes due, as the table says. */
  constructor(clock: Clock, nextDue: () => Promise<number | undefined> | number | undefined) {
    this.#clock = clock;
    this.#nextDue = nextDue;
  }

  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Calls every listener once, after the acknowledgements of this turn have been written. */
  ring(): void {
    if (this.#rung || this.#closed) return;
    this.#rung = true;
    setImmediate(() => {
      this.#rung = false;
      if (this.#closed) return;
      for (const listener of this.#listeners) listener();
    });
  }

  /** Something becomes due at `moment` (of the journal's clock). */
  dueAt(moment: number): void {
    if (this.#closed || (this.#alarm && this.#alarm.at <= moment)) return;
    clearTimeout(this.#alarm?.timer);
    const wait = Math.min(LONGEST_TIMER, Math.max(0, moment - this.#clock.now()) + 1);
    const timer = setTimeout(() => void this.#due(), wait);
    timer.unref();
    this.#alarm = { at: moment, timer };
  }

  /** Something becomes due in so many milliseconds. */
  dueIn(ms: number): void {
    this.dueAt(this.#clock.now() + ms);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#alarm?.timer);
    this.#listeners.clear();
  }

  async #due(): Promise<void> {
    this.#alarm = undefined;
    this.ring();
    const next = await this.#nextDue();
    if (next !== undefined) this.dueAt(next);
  }
}
