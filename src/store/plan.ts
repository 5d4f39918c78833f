import { LIVE } from './database.ts';
import type { Condition, SearchContext } from './indexed.ts';
import { readCursor, sortExpression, writeCursor } from './order.ts';
import type { SortKey } from './query.ts';
import { type Found, Selection, SMALL } from './selection.ts';

/** A page of what was found; `cursor` is where the next begins. */
export interface Page {
  found: Found[];
  cursor?: string;
  total?: number;
}

/**
 * Finds one page. The order ends with the row number, so it is total, and a page begins behind the last row of the page
 * before it: rows added or removed in between neither repeat nor hide others.
 */
export function findPage(
  type: string,
  conditions: Condition[],
  sort: SortKey[],
  options: { count: number; cursor?: string; total?: 'none' | 'estimate' | 'accurate' },
  context: SearchContext,
): Page {
  const keys = sort.map((one, index) => sortExpression(type, one, index, context));
  const cursor = options.cursor === undefined ? undefined : readCursor(options.cursor, keys.length);
  const newest =
    cursor?.newest ??
    context.connection.get<{ newest: number }>('SELECT max(rid) AS newest FROM resource')?.newest ??
    0;
  const base = new Selection(type, conditions, newest, context);
  const wanted = options.count + 1;
  let total = cursor?.total;
  let found: Found[];
  if (base.estimate <= SMALL) {
    found = base.sorted(keys, cursor, cursor ? wanted : undefined);
    if (!cursor) total = found.length;
  } else {
    found = base.walked(keys, cursor, wanted) ?? base.sorted(keys, cursor, wanted);
    if (!cursor && (options.total === 'accurate' || options.total === 'estimate')) total = base.total();
    else if (!cursor && found.length < wanted) total = found.length;
  }
  const page: Page = { found: found.slice(0, options.count) };
  if (total !== undefined && options.total !== 'none') page.total = total;
  const last = page.found.at(-1);
  if (found.length > options.count && last) {
    page.cursor = writeCursor({ keys: last.keys, rid: last.rid, newest, ...(total === undefined ? {} : { total }) });
  }
  return page;
}

/** How many match. */
export function countMatches(type: string, conditions: Condition[], context: SearchContext): number {
  return new Selection(type, conditions, Number.MAX_SAFE_INTEGER, context).total();
}

/**
 * Row numbers of at most `limit` matches, in no order: what conditional interactions ask. Not planned, for their criteria
 * are identifiers. Limits are written into the SQL: a bound one makes SQLite plan anew at each use, which costs 4 µs.
 */
export function someMatches(type: string, conditions: Condition[], limit: number, context: SearchContext): number[] {
  const driver = conditions.find((one) => one.source);
  const tests = conditions.filter((one) => one !== driver || !one.complete).map((one) => one.test);
  const where = [`r.type = ? AND r.state = ${LIVE}`, ...tests.map((test) => test.text)].join(' AND ');
  const from = driver ? `(${driver.source!.text}) d CROSS JOIN resource r ON r.rid = d.rid` : 'resource r';
  const rows = context.connection.all<{ rid: number }>(
    `SELECT DISTINCT r.rid AS rid FROM ${from} WHERE ${where} LIMIT ${limit}`,
    ...(driver?.source?.values ?? []),
    type,
    ...tests.flatMap((test) => test.values),
  );
  return rows.map((row) => row.rid);
}
