import type { Bundle, BundleEntry } from '@medplum/fhirtypes';
import { fault, PasserelleError } from '../errors.ts';
import { interval } from './dates.ts';
import type { Shelf } from './shelf.ts';

interface VersionRow {
  vid: number;
  key: string;
  version: number;
  updated: number;
  method: string;
}

/** Whose history is asked for, with the parameters of the request (R4 http, history). */
export interface HistoryOptions {
  /** Of one resource, of a type, or of everything. */
  type?: string;
  id?: string;
  pairs: [string, string][];
  defaultCount: number;
  maxCount: number;
}

/**
 * Versions, newest first, of a resource, a type or the server; deletions are among them. Pages follow the number every
 * version gets when it is written, so they are stable. https://hl7.org/fhir/R4/http.html#history
 */
export function history(shelf: Shelf, options: HistoryOptions): Bundle {
  const { type, id, pairs } = options;
  const asked = new Map(pairs);
  const count = countOf(asked.get('_count'), options);
  const where: string[] = [];
  const values: (string | number)[] = [];
  if (id !== undefined) {
    const row = shelf.connection.get<{ rid: number }>(
      'SELECT rid FROM resource WHERE key = ? AND state < 2',
      `${type}/${id}`,
    );
    if (!row) throw new PasserelleError(fault('resource-unknown', { params: { reference: `${type}/[id]` } }));
    where.push('v.rid = ?');
    values.push(row.rid);
  } else if (type !== undefined) {
    where.push('v.type = ?');
    values.push(type);
  }
  const since = asked.get('_since');
  if (since !== undefined) {
    where.push('v.updated >= ?');
    values.push(instant(since));
  }
  const filter = where.length ? where.join(' AND ') : '1';
  const before = cursorOf(asked.get('_cursor'));
  const rows = shelf.connection.all<VersionRow>(
    `SELECT v.vid, r.key, v.version, v.updated, v.method FROM version v JOIN resource r ON r.rid = v.rid
     WHERE ${filter} AND v.vid < ? ORDER BY v.vid DESC LIMIT ${count + 1}`,
    ...values,
    before,
  );
  const page = rows.slice(0, count);
  const next = rows.length > count ? page.at(-1)!.vid : undefined;
  const total =
    id === undefined
      ? undefined
      : shelf.connection.get<{ total: number }>(`SELECT count(*) AS total FROM version v WHERE ${filter}`, ...values)
          ?.total;
  return bundle(
    page.map((row) => entry(row, shelf)),
    address(options, next),
    total,
  );
}

function bundle(entries: BundleEntry[], links: Bundle['link'], total: number | undefined): Bundle {
  return {
    resourceType: 'Bundle',
    type: 'history',
    ...(total === undefined ? {} : { total }),
    link: links,
    ...(entries.length ? { entry: entries } : {}),
  };
}

function address({ type, id, pairs }: HistoryOptions, next: number | undefined): Bundle['link'] {
  const path = [type, id, '_history'].filter((part) => part !== undefined).join('/');
  const url = (query: URLSearchParams) => (query.size ? `${path}?${query}` : path);
  const self = new URLSearchParams(pairs);
  if (next === undefined) return [{ relation: 'self', url: url(self) }];
  const further = new URLSearchParams(pairs);
  further.set('_cursor', String(next));
  return [
    { relation: 'self', url: url(self) },
    { relation: 'next', url: url(further) },
  ];
}

function entry(row: VersionRow, shelf: Shelf): BundleEntry {
  const deleted = row.method === 'DELETE';
  const status = deleted ? '204' : row.version === 1 ? '201' : '200';
  const url = row.method === 'POST' ? row.key.split('/')[0]! : row.key;
  return {
    fullUrl: row.key,
    ...(deleted ? {} : { resource: shelf.content(row.vid) }),
    request: { method: row.method as 'POST', url },
    response: {
      status,
      etag: `W/"${row.version}"`,
      lastModified: new Date(row.updated).toISOString(),
      location: `${row.key}/_history/${row.version}`,
    },
  };
}

function countOf(text: string | undefined, { defaultCount, maxCount }: HistoryOptions): number {
  if (text === undefined) return defaultCount;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw invalid('_count', 'positive number');
  return Math.min(Number(text), maxCount);
}

function cursorOf(text: string | undefined): number {
  if (text === undefined) return Number.MAX_SAFE_INTEGER;
  if (!/^\d{1,15}$/.test(text)) throw invalid('_cursor', 'next link');
  return Number(text);
}

function instant(text: string): number {
  const found = interval(text);
  if (!found) throw invalid('_since', 'instant');
  return found.low;
}

function invalid(parameter: string, expected: string): PasserelleError {
  return new PasserelleError(fault('search-value-invalid', { params: { parameter, expected } }));
}
