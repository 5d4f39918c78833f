import type { Logger } from 'pino';
import { type Fault, fault } from '../errors.ts';
import type { Counts, Journal } from '../journal/journal.ts';

/** Messages waiting for the FHIR server: from `high` on nothing more is taken, until there are no more than `low`. */
export interface WaterMarks {
  high: number;
  low: number;
}

/** How long a look at the journal holds: other processes may be taking messages into it too. */
const LOOK_AGAIN_MS = 1000;

/** While a door is shut senders try again and again: one look answers all of them for so long. */
const LOOK_WHILE_SHUT_MS = 100;

/**
 * Back-pressure: doors refuse while too much waits, each by its own marks or by those of the journal as a whole, whichever are
 * reached first. Between its marks a door stays as it is, so that it does not open and shut with every message.
 *
 * What waits is counted in the journal, never here; between two looks only what was let in since is added, so that a look
 * is needed once a second, and before anything is refused.
 */
export class HighWater {
  readonly #journal: Pick<Journal, 'counts'>;
  readonly #marks: ReadonlyMap<string, WaterMarks[]>;
  readonly #whole: WaterMarks[];
  readonly #log: Pick<Logger, 'warn' | 'info'>;
  readonly #shut = new Set<string>();
  #looking: Promise<void> | undefined;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #counted = 0;
  /** Let in since the last look. */
  #since = 0;
  /** Let in and not yet written down: a look does not see them. */
  #underWay = 0;

  /**
   * @param whole marks of the journal as a whole
   * @param doors marks of doors that have some of their own
   */
  constructor(
    journal: Pick<Journal, 'counts'>,
    whole: WaterMarks,
    doors: { name: string; waiting?: WaterMarks }[],
    log: Pick<Logger, 'warn' | 'info'>,
  ) {
    this.#journal = journal;
    this.#whole = whole.high > 0 ? [whole] : [];
    this.#marks = new Map(doors.map(({ name, waiting }) => [name, [...this.#whole, ...(waiting ? [waiting] : [])]]));
    this.#log = log;
  }

  /**
   * Why a message is not taken by this door just now; undefined when it is let in. Then {@link written} must be called once it
   * is on disk, or never will be.
   */
  async enter(door: string): Promise<Fault | undefined> {
    const marks = this.#marks.get(door) ?? this.#whole;
    if (marks.length > 0) {
      if (this.#mustLook(door, marks)) await this.#look();
      if (this.#isShut(door, marks)) return fault('too-much-waiting');
    }
    this.#since++;
    this.#underWay++;
    return undefined;
  }

  written(): void {
    this.#underWay--;
  }

  /** Doors that refuse just now, for the metrics; those that nobody knocks at are looked after here. */
  shut({ messages }: Pick<Counts, 'messages'>): ReadonlySet<string> {
    this.#counted = messages.accepted;
    this.#since = this.#underWay;
    for (const [door, marks] of this.#marks) this.#isShut(door, marks);
    return this.#shut;
  }

  #mustLook(door: string, marks: WaterMarks[]): boolean {
    const age = performance.now() - this.#lookedAt;
    if (this.#shut.has(door)) return age > LOOK_WHILE_SHUT_MS;
    return age > LOOK_AGAIN_MS || marks.some(({ high }) => this.#waiting() >= high);
  }

  #isShut(door: string, marks: WaterMarks[]): boolean {
    const was = this.#shut.has(door);
    const waiting = this.#waiting();
    const is = marks.some(({ high, low }) => (was ? waiting > low : waiting >= high));
    if (is === was) return is;
    if (is) this.#log.warn({ door, waiting, errorCode: 'too-much-waiting' }, 'too much waits, door refuses');
    else this.#log.info({ door, waiting }, 'door takes messages again');
    if (is) this.#shut.add(door);
    else this.#shut.delete(door);
    return is;
  }

  #waiting(): number {
    return this.#counted + this.#since;
  }

  /** One look for all who ask while it is under way. */
  #look(): Promise<void> {
    this.#looking ??= this.#journal
      .counts()
      .then(({ messages }) => {
        this.#counted = messages.accepted;
        this.#since = this.#underWay;
        this.#lookedAt = performance.now();
      })
      .finally(() => {
        this.#looking = undefined;
      });
    return this.#looking;
  }
}
