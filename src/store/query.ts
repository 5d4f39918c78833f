import { type Fault, fault, PasserelleError, warning } from '../errors.ts';

/** A search as its parameters say it, before anything is looked up. */
export interface SearchQuery {
  type: string;
  /** Parameters that select, in the order given: `['patient.identifier', 'system|value']`. */
  filters: [string, string][];
  sort: SortKey[];
  count: number;
  includes: Include[];
  summary?: 'true' | 'text' | 'data' | 'count';
  elements?: string[];
  total?: 'none' | 'estimate' | 'accurate';
  cursor?: string;
}

/** One key of `_sort`: a search parameter and its direction. */
export interface SortKey {
  code: string;
  descending: boolean;
}

/** `_include=CarePlan:subject:Patient`; `code` may be `*`. */
export interface Include {
  text: string;
  reverse: boolean;
  iterate: boolean;
  type: string;
  code: string;
  target?: string;
}

/** Bounds of a search before anything is looked up. */
export interface QueryLimits {
  /** Entries of a page when the request does not say. */
  defaultCount: number;
  /** Entries of a page at most; more are cut down to it, as FHIR allows. */
  maxCount: number;
  /** Parameters of a search. */
  maxParameters: number;
}

/** Where the next page begins; kept opaque. */
export const CURSOR = '_cursor';
const SILENT = new Set(['_format', '_pretty']);

/** Decodes `a=b&c=d` into pairs, in order. */
export function pairsOf(query: string): [string, string][] {
  return [...new URLSearchParams(query)];
}

/**
 * Sorts the parameters of a search into those that select and those that shape the answer.
 * @throws PasserelleError fhir-request-invalid, search-value-invalid, search-too-costly
 */
export function parseQuery(type: string, pairs: [string, string][], limits: QueryLimits): SearchQuery {
  if (pairs.length > limits.maxParameters) {
    throw new PasserelleError(fault('search-too-costly', { params: { limit: `${limits.maxParameters} parameters` } }));
  }
  const query: SearchQuery = { type, filters: [], sort: [], count: limits.defaultCount, includes: [] };
  for (const [key, value] of pairs) {
    if (value === '' || SILENT.has(key)) continue;
    if (!shape(query, key, value, limits)) query.filters.push([key, value]);
  }
  if (query.count === 0) query.summary = 'count';
  return query;
}

type Shaping = (value: string, limits: QueryLimits) => Partial<SearchQuery>;

/** Parameters that shape the answer without selecting by content and without naming other parameters. */
const shaping = new Map<string, Shaping>([
  ['_count', (value, { maxCount }) => ({ count: Math.min(natural('_count', value), maxCount) })],
  ['_summary', (value) => ({ summary: summary(value) })],
  ['_elements', (value) => ({ elements: value.split(',').map((one) => one.trim().replace(/^\w+\./, '')) })],
  ['_total', (value) => ({ total: oneOf('_total', value, ['none', 'estimate', 'accurate'] as const) })],
  [CURSOR, (value) => ({ cursor: value })],
]);

function shape(query: SearchQuery, key: string, value: string, limits: QueryLimits): boolean {
  const include = /^_(rev)?include(:iterate|:recurse)?$/.exec(key);
  const shaped = shaping.get(key);
  if (shaped) Object.assign(query, shaped(value, limits));
  else if (include) query.includes.push(parseInclude(key, value, include[1] === 'rev', include[2] !== undefined));
  else if (key === '_sort') query.sort = value.split(',').filter(Boolean).slice(0, 8).map(sortKey);
  else return false;
  return true;
}

/** True for parameters a link to the next page repeats whether or not they were applied: they can select nothing. */
export function shapes(key: string): boolean {
  return SILENT.has(key) || shaping.has(key);
}

/** A sort key as `_sort` writes it. */
export function sortText({ code, descending }: SortKey): string {
  return descending ? `-${code}` : code;
}

function sortKey(text: string): SortKey {
  return text.startsWith('-') ? { code: text.slice(1), descending: true } : { code: text, descending: false };
}

function summary(value: string): SearchQuery['summary'] {
  const found = oneOf('_summary', value, ['true', 'text', 'data', 'count', 'false'] as const);
  return found === 'false' ? undefined : found;
}

function oneOf<T extends string>(parameter: string, value: string, allowed: readonly T[]): T {
  if (allowed.includes(value as T)) return value as T;
  throw new PasserelleError(fault('search-value-invalid', { params: { parameter, expected: allowed.join(' | ') } }));
}

function natural(parameter: string, value: string): number {
  if (/^\d{1,9}$/.test(value)) return Number(value);
  throw new PasserelleError(fault('search-value-invalid', { params: { parameter, expected: 'number' } }));
}

function parseInclude(key: string, value: string, reverse: boolean, iterate: boolean): Include {
  const match = /^(\w{1,64}|\*)(?::([\w.-]{1,64}|\*)(?::(\w{1,64}))?)?$/.exec(value);
  if (!match || (match[1] !== '*' && !match[2])) {
    throw new PasserelleError(
      fault('search-value-invalid', { params: { parameter: key, expected: 'Type:parameter' } }),
    );
  }
  const [, type, code = '*', target] = match as unknown as [string, string, string?, string?];
  return { text: `${key}=${value}`, reverse, iterate, type, code, ...(target ? { target } : {}) };
}

/** What is said of a parameter that does not exist: an error when the caller is strict, a warning otherwise. */
export function unknownParameter(type: string, parameter: string, strict: boolean): Fault {
  const params = { type, parameter: /^[\w.:=*-]{1,100}$/.test(parameter) ? parameter : '(unreadable)' };
  return strict ? fault('search-parameter-unknown', { params }) : warning('search-parameter-ignored', { params });
}
