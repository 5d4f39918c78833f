import type { Resource } from '@medplum/fhirtypes';
import { LIVE } from './database.ts';
import type { SearchContext } from './indexed.ts';
import type { Column, Parameter } from './parameters.ts';
import type { Include } from './query.ts';
import type { Shelf } from './shelf.ts';
import { references } from './values.ts';

/** Rounds of `:iterate`; a circle of references ends earlier, for nothing is included twice. */
const ROUNDS = 5;
const CHUNK = 500;

/** What `_include` and `_revinclude` add to a page. */
export interface Included {
  resources: Resource[];
  /** More would have been included than the limit allows. */
  truncated: boolean;
}

/**
 * Resources that `_include` and `_revinclude` add to a page, each once, none that is on the page itself.
 * https://hl7.org/fhir/R4/search.html#include
 */
export function includeAll(
  page: Resource[],
  includes: Include[],
  limit: number,
  shelf: Shelf,
  context: SearchContext,
): Included {
  const seen = new Set(page.map(keyOf));
  const resources: Resource[] = [];
  let base = page;
  for (let round = 0; round <= ROUNDS && base.length; round++) {
    const next: Resource[] = [];
    for (const include of includes) {
      if (round > 0 && !include.iterate) continue;
      const rows = include.reverse ? pointingTo(base, include, limit, context) : pointedAt(base, include, context);
      for (const { key, vid } of rows) {
        if (seen.has(key)) continue;
        if (resources.length >= limit) return { resources, truncated: true };
        seen.add(key);
        const resource = shelf.content(vid);
        resources.push(resource);
        next.push(resource);
      }
    }
    base = next;
  }
  return { resources, truncated: false };
}

/** Whether a parameter of that name exists; what does not is named like an unknown search parameter. */
export function includeExists(include: Include, context: SearchContext): boolean {
  if (include.type === '*') return true;
  if (!context.parameters.types.has(include.type)) return false;
  if (include.target && !context.parameters.types.has(include.target)) return false;
  return include.code === '*' || context.parameters.find(include.type, include.code)?.type === 'reference';
}

const keyOf = (resource: Resource) => `${resource.resourceType}/${resource.id}`;

interface Row {
  key: string;
  vid: number;
}

function parametersOf(type: string, include: Include, context: SearchContext): Parameter[] {
  const all = [...context.parameters.of(type).values()].filter((one) => one.type === 'reference');
  return include.code === '*' ? all : all.filter((one) => one.code === include.code);
}

function pointedAt(base: Resource[], include: Include, context: SearchContext): Row[] {
  const wanted = new Set<string>();
  const canonicals = new Map<string, string[]>();
  for (const resource of base) {
    if (include.type !== '*' && resource.resourceType !== include.type) continue;
    for (const parameter of parametersOf(resource.resourceType, include, context)) {
      const types = include.target ? [include.target] : parameter.targets;
      for (const target of targetsOf(resource, parameter.columns, context)) {
        if (/^https?:/.test(target)) canonicals.set(target, types);
        else if (!types.length || types.includes(target.split('/')[0]!)) wanted.add(target);
      }
    }
  }
  return [...rowsByKey([...wanted], context), ...[...canonicals].flatMap(([url, types]) => byUrl(url, types, context))];
}

function targetsOf(resource: Resource, columns: Column[], context: SearchContext): string[] {
  const owner = keyOf(resource);
  return columns
    .flatMap((column) => column.read(resource))
    .flatMap((value) => references(value, owner, context.local))
    .map((row) => String(row[0]))
    .filter((target) => !target.includes('#'));
}

function rowsByKey(keys: string[], context: SearchContext): Row[] {
  return chunks(keys).flatMap((some) =>
    context.connection.all<Row>(
      `SELECT key, vid FROM resource WHERE state = ${LIVE} AND key IN (SELECT value FROM json_each(?)) ORDER BY rid`,
      JSON.stringify(some),
    ),
  );
}

/** A canonical reference points to the resource of that url, `QuestionnaireResponse:questionnaire`. */
function byUrl(url: string, types: string[], context: SearchContext): Row[] {
  return types.flatMap((type) => {
    const column = context.parameters.find(type, 'url')?.columns[0];
    if (!column) return [];
    return context.connection.all<Row>(
      `SELECT r.key, r.vid FROM i_token i JOIN resource r ON r.rid = i.rid
       WHERE i.path = ? AND i.code = ? AND r.state = ${LIVE} ORDER BY r.rid LIMIT 10`,
      column.id,
      url,
    );
  });
}

function pointingTo(base: Resource[], include: Include, limit: number, context: SearchContext): Row[] {
  const types = include.type === '*' ? [...context.parameters.types] : [include.type];
  const paths = types.flatMap((type) =>
    parametersOf(type, include, context).flatMap((parameter) => parameter.columns.map((column) => column.id)),
  );
  if (paths.length === 0) return [];
  const keys = base
    .filter((resource) => !include.target || resource.resourceType === include.target)
    .flatMap((resource) => [keyOf(resource), ...('url' in resource && resource.url ? [resource.url] : [])]);
  return chunks(keys).flatMap((some) =>
    context.connection.all<Row>(
      `SELECT DISTINCT r.rid, r.key, r.vid FROM i_reference i JOIN resource r ON r.rid = i.rid
       WHERE i.path IN (${[...new Set(paths)].join(', ')}) AND i.target IN (SELECT value FROM json_each(?))
       AND r.state = ${LIVE} ORDER BY r.rid LIMIT ${limit + base.length + 1}`,
      JSON.stringify(some),
    ),
  );
}

function chunks(keys: string[]): string[][] {
  const parts: string[][] = [];
  for (let at = 0; at < keys.length; at += CHUNK) parts.push(keys.slice(at, at + CHUNK));
  return parts;
}
