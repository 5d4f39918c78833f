import type { Database } from './database.ts';
import type { Lanes } from './lanes.ts';

/** The stream of messages waiting for the pipeline; deliveries wait under the name of their destination. */
export const PIPELINE = '';

/** Most arrivals put into lanes by one claim; what is left rings the bell again. */
const MOST_SORTED = 2000;

/** One piece of work as it was leased. */
export interface Leased {
  seq: number;
  attempts: number;
  ambiguous: number;
  since: number;
}

/**
 * What waits, in lanes. What arrives is only put at the end: no index is touched, so that intake costs
 * the same whatever waits and whichever patients it is about. Arrivals are put into lanes when workers ask for work. Of each
 * lane of a stream one row is the head; only heads can be leased; the next of the lane becomes head when the head has left.
 *
 * Every question below is answered by an index search that ends at the first hit, 1 to 4 µs each with 10 as with 1,000,000
 * rows, and each row is put into its lane once, so nothing depends on how much waits.
 *
 * `due` is 0 for what may be taken at once, else the moment from which it may be: the end of a pause, or of a lease.
 */
export class Queue {
  readonly #db: Database;
  readonly #lanes: Lanes;

  constructor(db: Database, lanes: Lanes) {
    this.#db = db;
    this.#lanes = lanes;
  }

  /** What has just arrived. */
  enter(stream: string, seq: number, lane: string, since: number): void {
    if (seq > this.#arranged(stream)) {
      this.#db.run(ENTER, stream, seq, lane, 0, 0, since);
      return;
    }
    // After a purge of the newest their numbers are given again.
    const root = this.#lanes.root(lane);
    this.reenter(stream, seq, root, 0, since);
    this.seat(stream, root);
  }

  /** Puts work back that was done before, at its old place in its lane; call `seat` for the lane when all is in. */
  reenter(stream: string, seq: number, root: string, attempts: number, since: number): void {
    this.#db.run(ENTER, stream, seq, root, 2, attempts, since);
  }

  /** Is there anything that `take` could look at? */
  isWaiting(stream: string, now: number): boolean {
    if (this.#db.get(FRESH, stream, 1) || this.#db.get(DUE, stream, 1, now)) return true;
    return this.#db.get(ARRIVED, stream, this.#arranged(stream), 1) !== undefined;
  }

  /**
   * Leases the heads that may be taken: what was put off and is due (at first for half the limit only, lest it keep out what
   * is new), then what is new, each in its order. `accept` may end it early; what it did not accept is not leased.
   *
   * @returns true when the limit of sorting ended it and there may be more
   */
  take(stream: string, limit: number, now: number, until: number, accept: (work: Leased) => boolean): boolean {
    let room = limit;
    const lease = (work: Leased, sql = LEASE, ...lane: string[]) => {
      if (room > 0 && accept(work)) room -= this.#db.run(sql, stream, work.seq, until, ...lane);
      else room = 0;
    };
    const due = this.#db.all<Leased>(DUE, stream, limit, now);
    const heads = due.splice(0, Math.ceil(limit / 2)).concat(this.#db.all<Leased>(FRESH, stream, limit));
    for (const work of heads) lease(work);
    let sorted = 0;
    for (let arrived = Number.NaN; room > 0 && arrived !== 0 && sorted < MOST_SORTED; sorted += arrived) {
      arrived = this.#arrange(stream, room, (work, lane) => {
        lease(work, LEASE_ARRIVED, lane);
        return room > 0;
      });
    }
    for (const work of due) lease(work);
    return room > 0 && sorted >= MOST_SORTED;
  }

  prolong(stream: string, seq: number, until: number): void {
    this.#db.run(PROLONG, stream, seq, until);
  }

  /** Ends leased work; undefined when the lease is no longer held. The next of the lane becomes head. */
  leave(stream: string, seq: number, attempt: number | undefined): { attempts: number; takeable: boolean } | undefined {
    const held = this.#held(stream, seq, attempt);
    if (!held) return undefined;
    this.#db.run(LEAVE, stream, seq);
    return { attempts: held.attempts, takeable: this.seat(stream, held.lane) };
  }

  /** Puts leased work off until `due`; undefined when the lease is no longer held. */
  putOff(stream: string, seq: number, attempt: number | undefined, due: number, ambiguous: boolean) {
    const held = this.#held(stream, seq, attempt);
    if (!held) return undefined;
    this.#db.run(PUT_OFF, stream, seq, due, +ambiguous);
    return { attempts: held.attempts, takeable: this.seat(stream, held.lane) };
  }

  /**
   * Sees to it that a lane has the right head: none but those leased while one is, else its oldest. Two can be leased at
   * once only right after two lanes were tied. True when there is something to take, now or when it is due.
   */
  seat(stream: string, lane: string): boolean {
    const first = this.#db.get<{ seq: number }>(FIRST, stream, lane)?.seq;
    if (first === undefined) return false;
    const heads = this.#db.all<{ seq: number; leased: number }>(HEADS, stream, lane);
    const right = heads.some((head) => head.leased) ? undefined : first;
    for (const head of heads) if (!head.leased && head.seq !== right) this.#db.run(SET_PLACE, stream, head.seq, 2);
    if (right === undefined) return false;
    if (!heads.some((head) => head.seq === right)) this.#db.run(SET_PLACE, stream, right, 1);
    return true;
  }

  /** Moves everything that is in one lane into another. Arrivals find their lane later, in `take`. */
  merge(lane: string, into: string): void {
    for (const { stream } of this.#db.all<{ stream: string }>(STREAMS)) {
      if (this.#db.run(MOVE, stream, lane, into) > 0) this.seat(stream, into);
    }
  }

  /** After leases were released: lanes that were tied while both had one leased have two heads. */
  seatDoubles(): void {
    for (const { stream, lane } of this.#db.all<{ stream: string; lane: string }>(DOUBLES)) this.seat(stream, lane);
  }

  /** The earliest moment after `now` at which something becomes due. */
  nextDue(now: number): number | undefined {
    let earliest: number | undefined;
    for (const { stream } of this.#db.all<{ stream: string }>(STREAMS)) {
      const due = this.#db.get<{ due: number }>(NEXT_DUE, stream, now)?.due;
      if (due !== undefined && (earliest === undefined || due < earliest)) earliest = due;
    }
    return earliest;
  }

  /** Since when the longest waiting of each stream has waited. */
  oldest(): { stream: string; since: number }[] {
    return this.#db.all<{ stream: string }>(STREAMS).flatMap(({ stream }) => {
      const early = this.#db.get<{ since: number | null }>(OLDEST, stream)?.since;
      const arrived = this.#db.get<{ since: number }>(ARRIVED, stream, this.#arranged(stream), 1)?.since;
      const known = [early, arrived].filter((since) => typeof since === 'number');
      return known.length > 0 ? [{ stream, since: Math.min(...known) }] : [];
    });
  }

  /** Puts some arrivals into their lanes, those of free lanes by `lease`, which answers whether to go on; how many there were. */
  #arrange(stream: string, limit: number, lease: (work: Leased, lane: string) => boolean): number {
    const arrived = this.#db.all<Leased & { lane: string }>(ARRIVED, stream, this.#arranged(stream), limit);
    let last: number | undefined;
    for (const work of arrived) {
      const lane = this.#lanes.root(work.lane);
      if (this.#db.get(TAKEN, stream, lane)) this.#db.run(QUEUE_UP, stream, work.seq, lane);
      else if (!lease(work, lane)) break;
      last = work.seq;
    }
    if (last !== undefined) this.#db.run(SET_ARRANGED, stream, last);
    return arrived.length;
  }

  /** Up to here everything has been put into lanes. */
  #arranged(stream: string): number {
    return this.#db.get<{ seq: number }>(ARRANGED, stream)?.seq ?? 0;
  }

  #held(stream: string, seq: number, attempt: number | undefined): { lane: string; attempts: number } | undefined {
    return this.#db.get(HELD, stream, seq, attempt ?? null);
  }
}

const ENTER = `INSERT INTO work (stream, seq, lane, place, leased, due, attempts, ambiguous, since)
  VALUES (?1, ?2, ?3, ?4, 0, 0, ?5, 0, ?6)`;

/** In order of arrival: the end of the primary key. */
export const ARRIVED = `SELECT seq, lane, attempts, ambiguous, since FROM work
  WHERE stream = ?1 AND seq > ?2 AND place = 0 ORDER BY seq LIMIT ?3`;

/** Up to which place the work of a stream has been put in order. */
export const ARRANGED = 'SELECT seq FROM arranged WHERE stream = ?1';

const SET_ARRANGED = 'INSERT INTO arranged (stream, seq) VALUES (?1, ?2) ON CONFLICT (stream) DO UPDATE SET seq = ?2';

/** Heads that were behind another, or replayed. 100,000 behind one head are no entry of work_head_due. */
export const FRESH = `SELECT seq, attempts, ambiguous, since FROM work INDEXED BY work_head_due
  WHERE stream = ?1 AND place = 1 AND due = 0 ORDER BY seq LIMIT ?2`;

/** Put off, or under a lease that ran out: its holder may have got through, so the next must look before repeating. */
export const DUE = `SELECT seq, attempts, ambiguous | leased AS ambiguous, since FROM work INDEXED BY work_head_due
  WHERE stream = ?1 AND place = 1 AND due > 0 AND due <= ?3 ORDER BY due, seq LIMIT ?2`;

/** Is there anything in this lane already? */
export const TAKEN = 'SELECT 1 FROM work INDEXED BY work_lane WHERE stream = ?1 AND lane = ?2 AND place > 0 LIMIT 1';

const QUEUE_UP = 'UPDATE work SET place = 2, lane = ?3 WHERE stream = ?1 AND seq = ?2';

const LEASE_ARRIVED = `UPDATE work SET place = 1, lane = ?4, leased = 1, due = ?3, attempts = attempts + 1
  WHERE stream = ?1 AND seq = ?2`;

const LEASE = `UPDATE work SET ambiguous = ambiguous | leased, leased = 1, due = ?3, attempts = attempts + 1
  WHERE stream = ?1 AND seq = ?2`;

const PROLONG = 'UPDATE work SET due = ?3 WHERE stream = ?1 AND seq = ?2 AND leased = 1';

/**
 * The number of the attempt is the fence: who lost the lease settles nothing. Asked by itself, because a DELETE that returns
 * its row costs more than both.
 */
const HELD = `SELECT lane, attempts FROM work
  WHERE stream = ?1 AND seq = ?2 AND leased = 1 AND attempts = coalesce(?3, attempts)`;

const LEAVE = 'DELETE FROM work WHERE stream = ?1 AND seq = ?2';

const PUT_OFF = `UPDATE work SET leased = 0, due = max(?3, 1), ambiguous = ambiguous | ?4
  WHERE stream = ?1 AND seq = ?2`;

/** The oldest of a lane: the first entry of the lane in work_lane. */
export const FIRST = `SELECT seq FROM work INDEXED BY work_lane
  WHERE stream = ?1 AND lane = ?2 AND place > 0 ORDER BY seq LIMIT 1`;

/** Nearly always none or one. Index work_head_lane, which does not hold those behind. */
export const HEADS = `SELECT seq, leased FROM work INDEXED BY work_head_lane
  WHERE stream = ?1 AND lane = ?2 AND place = 1`;

const SET_PLACE = 'UPDATE work SET place = ?3 WHERE stream = ?1 AND seq = ?2';

const MOVE = 'UPDATE work SET lane = ?3 WHERE stream = ?1 AND lane = ?2 AND place > 0';

/** Once at the start; as many entries as there are heads. */
const DOUBLES = `SELECT stream, lane FROM work INDEXED BY work_head_lane WHERE place = 1
  GROUP BY stream, lane HAVING count(*) > 1`;

/** The streams that have work, by skipping from one to the next in the primary key; not by reading all rows. */
export const STREAMS = `WITH RECURSIVE s (stream) AS (
    SELECT min(stream) FROM work
    UNION ALL SELECT (SELECT min(stream) FROM work WHERE stream > s.stream) FROM s WHERE s.stream IS NOT NULL
  ) SELECT stream FROM s WHERE stream IS NOT NULL`;

/** When the next head that waits for its time is due. */
export const NEXT_DUE = `SELECT due FROM work INDEXED BY work_head_due
  WHERE stream = ?1 AND place = 1 AND due > ?2 ORDER BY due LIMIT 1`;

/**
 * The first in order of arrival has waited longest, unless it was replayed; then one of those after it has. Looking at the
 * first thousand keeps the cost bounded (0.1 ms) and is exact unless more than a thousand were replayed.
 */
export const OLDEST =
  'SELECT min(since) AS since FROM (SELECT since FROM work WHERE stream = ?1 ORDER BY seq LIMIT 1000)';
