import type { Database } from './database.ts';

/**
 * Lanes that were tied. Every tied lane points straight at its root, so that finding the root is one search; a lane that was
 * never tied is its own root and has no row.
 */
export class Lanes {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  root(lane: string): string {
    return this.#db.get<{ root: string }>(ROOT, lane)?.root ?? lane;
  }

  /**
   * From now on both lanes are one. Tying twice, or in a ring, changes nothing.
   *
   * @returns the roots that were two and are now one, for what waits to be moved; undefined when they were one before
   */
  tie(lane: string, into: string): { from: string; to: string } | undefined {
    const from = this.root(lane);
    const to = this.root(into);
    if (from === to) return undefined;
    this.#db.run(POINT_ALL, from, to);
    this.#db.run(POINT, from, to);
    return { from, to };
  }
}

const ROOT = 'SELECT root FROM lane_tie WHERE lane = ?1';

/** Those that pointed at the root that is one no longer; index lane_tie_root. */
const POINT_ALL = 'UPDATE lane_tie SET root = ?2 WHERE root = ?1';

const POINT = 'INSERT INTO lane_tie (lane, root) VALUES (?1, ?2)';
