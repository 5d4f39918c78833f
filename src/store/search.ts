import type { Bundle, BundleEntry, Resource } from '@medplum/fhirtypes';
import { type Fault, operationOutcome, PasserelleError, warning } from '../errors.ts';
import { condition } from './conditions.ts';
import { includeAll, includeExists } from './include.ts';
import type { Condition, SearchContext } from './indexed.ts';
import { countMatches, findPage, someMatches } from './plan.ts';
import {
  CURSOR,
  pairsOf,
  parseQuery,
  type QueryLimits,
  type SearchQuery,
  shapes,
  sortText,
  unknownParameter,
} from './query.ts';
import type { Shelf } from './shelf.ts';
import { view } from './view.ts';

/** How a search is answered: strict or lenient, and within which bounds. */
export interface SearchOptions {
  /** `Prefer: handling=strict`: what is unknown is an error. */
  strict: boolean;
  limits: SearchLimits;
}

/** Bounds of a search, includes counted. */
export interface SearchLimits extends QueryLimits {
  /** Resources added to one page by `_include` and `_revinclude`. */
  maxIncluded: number;
}

/**
 * Answers a search on one type with a searchset: matches, included resources, and an OperationOutcome naming what was not
 * applied. https://hl7.org/fhir/R4/http.html#search
 * @throws PasserelleError for what cannot be answered; unknown parameters only when the caller is strict
 */
export function search(
  type: string,
  pairs: [string, string][],
  shelf: Shelf,
  context: SearchContext,
  options: SearchOptions,
): Bundle {
  const query = parseQuery(type, pairs, options.limits);
  const faults: Fault[] = [];
  try {
    const conditions = conditionsOf(query, context, options.strict, faults);
    dropUnknown(query, context, options.strict, faults);
    const used = applied(query, pairs);
    if (query.summary === 'count') {
      return { ...bundle(query, used, faults), total: countMatches(type, conditions, context) };
    }
    const page = findPage(type, conditions, query.sort, query, context);
    const resources = page.found.map((one) => shelf.content(one.vid));
    const included = includeAll(resources, query.includes, options.limits.maxIncluded, shelf, context);
    if (included.truncated) {
      faults.push(warning('include-truncated', { params: { limit: options.limits.maxIncluded } }));
    }
    const entries = [
      ...resources.map((resource) => entry(resource, 'match', query)),
      ...included.resources.map((resource) => entry(resource, 'include', query)),
    ];
    return {
      ...bundle(query, used, faults, entries, page.cursor),
      ...(page.total === undefined ? {} : { total: page.total }),
    };
  } finally {
    context.connection.forget();
  }
}

/**
 * Row numbers of the resources that meet the criteria of a conditional interaction; two tell that there are several.
 * Nothing unknown is tolerated: a criterion left out would match too much.
 */
export function matches(type: string, criteria: string, context: SearchContext, limits: QueryLimits): number[] {
  const query = parseQuery(type, pairsOf(criteria), limits);
  try {
    const conditions = conditionsOf(query, context, true, []);
    return conditions.length ? someMatches(type, conditions, 2, context) : [];
  } finally {
    context.connection.forget();
  }
}

function conditionsOf(query: SearchQuery, context: SearchContext, strict: boolean, faults: Fault[]): Condition[] {
  const conditions: Condition[] = [];
  query.filters = query.filters.filter(([key, value]) => {
    const found = condition(query.type, key, value, context);
    if (found) conditions.push(found);
    else report(query.type, key, strict, faults);
    return found !== undefined;
  });
  return conditions;
}

/** Sort keys and includes that name no parameter are treated as unknown parameters are. */
function dropUnknown(query: SearchQuery, context: SearchContext, strict: boolean, faults: Fault[]): void {
  query.sort = query.sort.filter(({ code }) => {
    const parameter = context.parameters.find(query.type, code);
    const known = code === '_id' || code === '_lastUpdated' || Boolean(parameter && !parameter.composite);
    if (!known) report(query.type, `_sort=${code}`, strict, faults);
    return known;
  });
  query.includes = query.includes.filter((include) => {
    const known = includeExists(include, context);
    if (!known) report(query.type, include.text, strict, faults);
    return known;
  });
}

/** The parameters that made the answer: links name those and no others (https://hl7.org/fhir/R4/search.html#conformance). */
function applied(query: SearchQuery, pairs: [string, string][]): [string, string][] {
  const known = new Set([...query.filters.map((pair) => pair.join('=')), ...query.includes.map(({ text }) => text)]);
  return pairs.flatMap(([key, value]): [string, string][] => {
    if (key === '_sort') return query.sort.length ? [[key, query.sort.map(sortText).join(',')]] : [];
    return shapes(key) || known.has(`${key}=${value}`) ? [[key, value]] : [];
  });
}

function report(type: string, parameter: string, strict: boolean, faults: Fault[]): void {
  const found = unknownParameter(type, parameter, strict);
  if (strict) throw new PasserelleError(found);
  faults.push(found);
}

function entry(resource: Resource, mode: 'match' | 'include', query: SearchQuery): BundleEntry {
  return {
    fullUrl: `${resource.resourceType}/${resource.id}`,
    resource: view(resource, query),
    search: { mode },
  };
}

/** Links and fullUrls are relative to the base; whoever knows the base completes them. */
function bundle(
  query: SearchQuery,
  pairs: [string, string][],
  faults: Fault[],
  entries: BundleEntry[] = [],
  cursor?: string,
): Bundle {
  const all = [...entries, ...outcomeEntries(faults)];
  return {
    resourceType: 'Bundle',
    type: 'searchset',
    meta: { lastUpdated: new Date().toISOString() },
    link: [
      { relation: 'self', url: address(query.type, pairs) },
      ...(cursor ? [{ relation: 'next' as const, url: address(query.type, pairs, cursor) }] : []),
    ],
    ...(all.length ? { entry: all } : {}),
  };
}

function outcomeEntries(faults: Fault[]): BundleEntry[] {
  return faults.length ? [{ resource: operationOutcome(faults), search: { mode: 'outcome' } }] : [];
}

function address(type: string, pairs: [string, string][], cursor?: string): string {
  const query = new URLSearchParams(cursor === undefined ? pairs : pairs.filter(([key]) => key !== CURSOR));
  if (cursor !== undefined) query.append(CURSOR, cursor);
  return query.size ? `${type}?${query}` : type;
}
