import type { Sql } from './criteria.ts';
import { LIVE } from './database.ts';
import type { Condition, SearchContext } from './indexed.ts';
import { type Cursor, type Key, keyset } from './order.ts';

/** A resource found, with the values it was sorted by. */
export interface Found {
  rid: number;
  vid: number;
  keys: (string | number)[];
}

/** Up to here all matches are fetched: the total comes for free, and sorting them is cheap. */
export const SMALL = 1000;
/** How far candidates are counted when no condition is selective, to choose between them. */
const LARGE = 20_000;
/** So few candidates are good enough; the other conditions need not be counted. */
const FEW = 200;
/** Candidates looked at, in turn, when an index gives the order; after that everything is sorted. */
const WALKS = [500, 5000];
const LONG_WALK = 100_000;

/** All conditions on one type, with the most selective index chosen to list the candidates. */
export class Selection {
  readonly #context: SearchContext;
  readonly #type: string;
  readonly #newest: number;
  readonly #conditions: Condition[];
  readonly #driver: Condition | undefined;
  /** Candidates the driver lists, as far as they were counted. */
  readonly estimate: number;

  /** @param newest highest row number that counts */
  constructor(type: string, conditions: Condition[], newest: number, context: SearchContext) {
    this.#context = context;
    this.#type = type;
    this.#newest = newest;
    this.#conditions = conditions;
    const listing = conditions.filter((one) => one.source);
    let best = this.#smallest(listing, SMALL);
    if (best.size > SMALL && listing.length > 1) best = this.#smallest(listing, LARGE);
    this.#driver = best.condition;
    this.estimate = best.size;
  }

  /** The condition whose index lists the fewest rows, counted up to a limit; without any, everything is a candidate. */
  #smallest(listing: Condition[], limit: number): { condition?: Condition; size: number } {
    let best: { condition?: Condition; size: number } = { size: limit + 1 };
    for (const condition of listing) {
      const { text, values } = condition.source!;
      const sql = `SELECT count(*) AS size FROM (${text} LIMIT ${limit + 1})`;
      const { size } = this.#context.connection.get<{ size: number }>(sql, ...values)!;
      if (!best.condition || size < best.size) best = { condition, size };
      if (best.size < FEW) break;
    }
    return best;
  }

  /** Sorts whatever matches. */
  sorted(keys: Key[], cursor: Cursor | undefined, limit: number | undefined): Found[] {
    return this.#rows(keys, this.#from(), this.#where(this.#driver), cursor, limit);
  }

  /** Lists the driver's candidates `d` and their resources `r`; all resources when there is no driver. */
  #from(): Sql {
    if (!this.#driver) return { text: 'resource r', values: [] };
    const { text, values } = this.#driver.source!;
    return follow({ text: this.#driver.unique ? text : `SELECT DISTINCT rid FROM (${text})`, values });
  }

  /**
   * What must hold of a candidate. Index conditions come first and look at `d`, so that only resources that meet them are
   * fetched.
   */
  #where(applied: Condition | undefined, listed = Boolean(this.#driver)): Sql {
    const tests = this.#conditions
      .filter((one) => one !== applied || !one.complete)
      .map(({ test, complete }) =>
        complete && listed ? { ...test, text: test.text.replace('r.rid', 'd.rid') } : test,
      );
    return {
      text: [...tests.map((test) => test.text), `r.type = ? AND r.state = ${LIVE} AND r.rid <= ?`].join(' AND '),
      values: [...tests.flatMap((test) => test.values), this.#type, this.#newest],
    };
  }

  #rows(keys: Key[], from: Sql, where: Sql, cursor: Cursor | undefined, limit: number | undefined): Found[] {
    const names = keys.map((_, index) => `k${index}`);
    const columns = ['r.rid AS rid', 'r.vid AS vid', ...keys.map((key, index) => `${key.text} AS k${index}`)];
    const joins = keys.map((key) => key.join).join(' ');
    const after = cursor ? keyset(keys, cursor) : { text: '1', values: [] };
    const order = [...keys.map((key, index) => `k${index}${key.descending ? ' DESC' : ''}`), 'rid'].join(', ');
    const sql = `SELECT * FROM (SELECT ${columns.join(', ')} FROM ${from.text} ${joins} WHERE ${where.text}) WHERE ${after.text} ORDER BY ${order}${limit === undefined ? '' : ` LIMIT ${limit}`}`;
    const rows = this.#context.connection.all<Record<string, string | number>>(
      sql,
      ...keys.flatMap((key) => key.values),
      ...from.values,
      ...where.values,
      ...after.values,
    );
    return rows.map((row) => ({
      rid: row.rid as number,
      vid: row.vid as number,
      keys: names.map((name) => row[name]!),
    }));
  }

  /**
   * Goes through candidates in the order asked for, from an index, until the page is full. Undefined when no index gives
   * the order, or too few candidates match: then sorting is the better way.
   */
  walked(keys: Key[], cursor: Cursor | undefined, wanted: number): Found[] | undefined {
    const [key] = keys;
    if (keys.length > 1 || (key && !key.walk)) return undefined;
    const where = this.#where(key ? undefined : this.#driver, true);
    for (const size of this.estimate > LARGE ? [...WALKS, LONG_WALK] : WALKS) {
      const listed = key ? this.#byKey(key, cursor, size) : this.#byRow(cursor, size);
      const found = this.#rows(keys, follow(listed), where, cursor, wanted);
      if (found.length === wanted) return found;
      if (!key && this.#exhausted(listed, size)) return found;
    }
    return undefined;
  }

  #exhausted(listed: Sql, size: number): boolean {
    const sql = `SELECT count(*) AS size FROM (${listed.text})`;
    return this.#context.connection.get<{ size: number }>(sql, ...listed.values)!.size < size;
  }

  #byRow(cursor: Cursor | undefined, size: number): Sql {
    const from = this.#driver?.source ?? {
      text: 'SELECT t.rid FROM resource t WHERE t.type = ?',
      values: [this.#type],
    };
    const text = `SELECT DISTINCT rid FROM (${from.text}) WHERE rid > ? ORDER BY rid LIMIT ${size}`;
    return { text, values: [...from.values, cursor?.rid ?? 0] };
  }

  /** Ties are cut in the order of the row number, so that none before the page's last row is left out. */
  #byKey(key: Key, cursor: Cursor | undefined, size: number): Sql {
    const { table, column, where } = key.walk!;
    const [order, further] = key.descending ? ['DESC', '<'] : ['ASC', '>'];
    const after = cursor ? ` AND w.${column} ${further}= ? AND (w.${column} ${further} ? OR w.rid > ?)` : '';
    const text = `SELECT w.rid FROM ${table} w WHERE ${where}${after} ORDER BY w.${column} ${order}, w.rid LIMIT ${size}`;
    const values = cursor ? [cursor.keys[0]!, cursor.keys[0]!, cursor.rid] : [];
    return { text: `SELECT DISTINCT rid FROM (${text})`, values };
  }

  total(): number {
    const from = this.#from();
    const where = this.#where(this.#driver);
    const sql = `SELECT count(*) AS total FROM ${from.text} WHERE ${where.text}`;
    return this.#context.connection.get<{ total: number }>(sql, ...from.values, ...where.values)!.total;
  }
}

/** The resources of listed candidates. */
function follow(candidates: Sql): Sql {
  return { text: `(${candidates.text}) d CROSS JOIN resource r ON r.rid = d.rid`, values: candidates.values };
}
