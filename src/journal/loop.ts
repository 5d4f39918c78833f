import {
  admits,
  afterAnswer,
  afterFailure,
  type Breaker,
  type BreakerPolicy,
  CLOSED,
  withoutProbe,
  withProbe,
} from './breaker.ts';
import { afterOne, type Concurrency, type ConcurrencyPolicy, startConcurrency } from './concurrency.ts';

/** A probe is two pieces of work, one put off and one new: should one be bad in itself, the other tells the truth. */
const PROBE = 2;

/** Contents under way stay below this, but for one piece of work. */
const MOST_BYTES = 64 * 1024 * 1024;

/** Pauses after the journal could not be asked, or told. */
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 5000;

/** What became of one piece of work, as far as the loop minds. */
export interface Ended {
  /** Did the other side answer? `down` when it cannot be reached or asks to be left alone; `own` when it was not asked. */
  otherSide: 'answered' | 'down' | 'own';
  /** The pause the other side asked for. */
  pauseMs?: number;
  /** Writes the end down; tried until it succeeds. Told for how long the other side is left alone, if it is. */
  settle(pauseMs: number | undefined): Promise<void>;
}

/** Where work comes from and what is done with it. */
export interface LoopParts<Item> {
  claim(limit: number): Promise<Item[]>;
  idOf(item: Item): string;
  sizeOf(item: Item): number;
  /** Never throws. */
  work(item: Item): Promise<Ended>;
  concurrency: ConcurrencyPolicy;
  breaker: BreakerPolicy;
  /** Milliseconds of a clock that does not jump. */
  now(): number;
  /** The journal could not be asked or told. */
  troubled(error: unknown): void;
  /** The other side went down or is back. */
  otherSide?(isDown: boolean): void;
}

/**
 * Takes work of one stream, as much at a time as pays, and sees each piece to its end. It is woken by the journal's bell and
 * asks for nothing while there is nothing. While the other side is down it only probes.
 */
export class Loop<Item> {
  readonly #parts: LoopParts<Item>;
  readonly #underWay = new Map<string, Item>();
  #bytes = 0;
  #concurrency: Concurrency;
  #breaker: Breaker = CLOSED;
  #asking = false;
  #askAgain = false;
  #scheduled = false;
  #stopped = true;
  #pause: NodeJS.Timeout | undefined;
  #idle: (() => void)[] = [];

  constructor(parts: LoopParts<Item>) {
    this.#parts = parts;
    this.#concurrency = startConcurrency(parts.concurrency, parts.now());
  }

  /** Ids under way: their leases want to be prolonged. */
  get underWay(): string[] {
    return [...this.#underWay.keys()];
  }

  /** How much is under way, how much may be at most just now, and whether the other side is down. */
  get status(): { underWay: number; limit: number; down: boolean } {
    const down = this.#breaker.openUntil !== undefined;
    return { underWay: this.#underWay.size, limit: this.#concurrency.limit, down };
  }

  start(): void {
    this.#stopped = false;
    this.wake();
  }

  /** There may be something to do. */
  wake(): void {
    if (this.#stopped) return;
    if (this.#asking) this.#askAgain = true;
    else void this.#ask();
  }

  /** Takes nothing more. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#pause);
  }

  /** Resolves when nothing is under way. */
  idle(): Promise<void> {
    if (this.#underWay.size === 0 && !this.#asking) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  async #ask(): Promise<void> {
    this.#asking = true;
    try {
      let more = true;
      while (more && !this.#stopped) {
        this.#askAgain = false;
        const room = this.#room();
        const items = room > 0 ? await this.#parts.claim(room) : [];
        for (const item of items) void this.#see(item);
        if (room > 0 && items.length === 0) this.#breaker = withoutProbe(this.#breaker);
        more = this.#askAgain || (items.length > 0 && items.length === room);
      }
    } catch (error) {
      this.#breaker = withoutProbe(this.#breaker);
      this.#parts.troubled(error);
      this.#wakeIn(LONGEST_PAUSE_MS / 5);
    } finally {
      this.#asking = false;
      this.#tellIdle();
    }
  }

  /** How much may be claimed now. */
  #room(): number {
    const now = this.#parts.now();
    const admitted = admits(this.#breaker, now);
    if (admitted === 'nothing') {
      if (!this.#breaker.probing) this.#wakeIn(this.#breaker.openUntil! - now);
      return 0;
    }
    if (this.#bytes >= MOST_BYTES) return 0;
    if (admitted === 'probe') {
      this.#breaker = withProbe(this.#breaker);
      return Math.min(PROBE, this.#parts.concurrency.most);
    }
    return Math.max(0, this.#concurrency.limit - this.#underWay.size);
  }

  async #see(item: Item): Promise<void> {
    const id = this.#parts.idOf(item);
    const size = this.#parts.sizeOf(item);
    this.#underWay.set(id, item);
    this.#bytes += size;
    const ended = await this.#parts.work(item);
    this.#judge(ended);
    await this.#settle(ended);
    const full = this.#underWay.size >= this.#concurrency.limit;
    this.#underWay.delete(id);
    this.#bytes -= size;
    this.#concurrency = afterOne(this.#concurrency, this.#parts.now(), full, this.#parts.concurrency);
    this.#wakeSoon();
    this.#tellIdle();
  }

  #judge({ otherSide, pauseMs }: Ended): void {
    const before = this.#breaker.openUntil;
    if (otherSide === 'answered') this.#breaker = afterAnswer();
    else if (otherSide === 'own') this.#breaker = withoutProbe(this.#breaker);
    else this.#breaker = afterFailure(this.#breaker, this.#parts.now(), this.#parts.breaker, { pauseMs });
    const { openUntil } = this.#breaker;
    if ((before === undefined) !== (openUntil === undefined)) this.#parts.otherSide?.(openUntil !== undefined);
  }

  async #settle(ended: Ended): Promise<void> {
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(LONGEST_PAUSE_MS, pause * 2)) {
      try {
        const { openUntil } = this.#breaker;
        return await ended.settle(openUntil === undefined ? undefined : Math.max(0, openUntil - this.#parts.now()));
      } catch (error) {
        this.#parts.troubled(error);
        if (this.#stopped) return;
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
  }

  /** What ended in one commit makes room at one time: one claim for all of it. */
  #wakeSoon(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.wake();
    });
  }

  #wakeIn(ms: number): void {
    clearTimeout(this.#pause);
    if (this.#stopped) return;
    this.#pause = setTimeout(() => this.wake(), Math.max(1, ms));
    this.#pause.unref();
  }

  #tellIdle(): void {
    if (this.#underWay.size > 0 || this.#asking) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}
