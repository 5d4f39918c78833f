import { fault, PasserelleError } from '../errors.ts';
import type { Sql } from './criteria.ts';
import type { SearchContext } from './indexed.ts';
import type { SortKey } from './query.ts';

/** Where a page ended: the next begins behind it. */
export interface Cursor {
  keys: (string | number)[];
  rid: number;
  /** Highest rid when the first page was read: what came later does not shift the pages. */
  newest: number;
  total?: number;
}

/** One key of the order. */
export interface Key {
  /** Expression over `r` (and a joined table), never null. */
  text: string;
  values: (string | number)[];
  join: string;
  descending: boolean;
  /** Lists candidates in the order of this key from an index, when there is one. */
  walk?: { table: string; column: string; where: string };
}

const LAST_NUMBER = 9e18;
const LAST_TEXT = '\u{10FFFF}';

/** Rows strictly behind the cursor in the order of the keys and then the row number. */
export function keyset(keys: Key[], cursor: Cursor): Sql {
  const alternatives: string[] = [];
  const values: (string | number)[] = [];
  for (let length = 0; length <= keys.length; length++) {
    const equal = keys.slice(0, length).map((_, index) => `k${index} = ?`);
    const key = keys[length];
    alternatives.push([...equal, key ? `k${length} ${key.descending ? '<' : '>'} ?` : 'rid > ?'].join(' AND '));
    values.push(...cursor.keys.slice(0, length), key ? cursor.keys[length]! : cursor.rid);
  }
  return { text: `(${alternatives.join(') OR (')})`, values };
}

/** @throws PasserelleError search-parameter-unknown */
export function sortExpression(
  type: string,
  { code, descending }: SortKey,
  index: number,
  context: SearchContext,
): Key {
  if (code === '_id') return { text: 'r.key', values: [], join: '', descending };
  if (code === '_lastUpdated') {
    const walk = { table: 'resource', column: 'updated', where: `w.type = '${type}'` };
    return { text: 'r.updated', values: [], join: '', descending, walk };
  }
  const parameter = context.parameters.find(type, code);
  if (!parameter || parameter.composite) {
    throw new PasserelleError(fault('search-parameter-unknown', { params: { type, parameter: '_sort' } }));
  }
  const paths = parameter.columns.map((column) => column.id).join(', ');
  const kind = parameter.columns[0]!.kind;
  const column = { token: 'code', reference: 'target', date: 'low', string: 'folded', quantity: 'low' }[kind];
  const isText = column !== 'low';
  const none = isText ? (descending ? '' : LAST_TEXT) : descending ? -LAST_NUMBER : LAST_NUMBER;
  const pick = `${descending ? 'max' : 'min'}(i.${column})`;
  if (kind === 'token' || kind === 'reference') {
    const join = `LEFT JOIN (SELECT i.rid, ${pick} AS value FROM i_${kind} i WHERE i.path IN (${paths}) GROUP BY i.rid) s${index} ON s${index}.rid = r.rid`;
    return { text: `coalesce(s${index}.value, ?)`, values: [none], join, descending };
  }
  const text = `coalesce((SELECT ${pick} FROM i_${kind} i WHERE i.path IN (${paths}) AND i.rid = r.rid), ?)`;
  const walk = parameter.columns.length === 1 ? { table: `i_${kind}`, column, where: `w.path = ${paths}` } : undefined;
  return { text, values: [none], join: '', descending, ...(walk ? { walk } : {}) };
}

/** The cursor as the link to the next page carries it: opaque to the asker. */
export function writeCursor(cursor: Cursor): string {
  return Buffer.from(JSON.stringify([cursor.keys, cursor.rid, cursor.newest, cursor.total ?? null])).toString(
    'base64url',
  );
}

/** @throws PasserelleError search-value-invalid */
export function readCursor(text: string, keys: number): Cursor {
  try {
    const [values, rid, newest, total] = JSON.parse(Buffer.from(text, 'base64url').toString());
    const right =
      Array.isArray(values) &&
      values.length === keys &&
      values.every((value) => typeof value === 'string' || typeof value === 'number') &&
      [rid, newest].every(Number.isSafeInteger);
    if (right) return { keys: values, rid, newest, ...(Number.isSafeInteger(total) ? { total } : {}) };
  } catch {
    // Falls through: an unreadable cursor is answered like one of another search.
  }
  throw new PasserelleError(fault('search-value-invalid', { params: { parameter: '_cursor', expected: 'next link' } }));
}
