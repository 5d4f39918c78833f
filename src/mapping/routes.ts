import type { Format } from '../message.ts';
import { isEmpty, text } from './values.ts';

/** What a value of the tree must be: equal to it, or to one of several, or begin so, or be there (or not). */
export type Wanted = string | number | boolean | string[] | { prefix: string } | { exists: boolean };

/** One entry of `routes.json`: which messages go through which map. */
export interface Route {
  name: string;
  format: Format;
  /** Name of a map, or `fhir` for the built-in taking over of FHIR resources. */
  map: string;
  /** Dotted path in the decoded tree → what must be there; all must hold. Without it the format decides. */
  when?: Record<string, Wanted>;
  /** Name of `schema-NAME.json`. */
  schema?: string;
  /** Route for embedded documents, one for all or by format. */
  parts?: string | Partial<Record<Format, string>>;
  /** Resource type → canonicals claimed in `meta.profile`. */
  profiles?: Record<string, string[]>;
  /** Sender the route belongs to, as the door says it. */
  sender?: string;
  /** Name of `rules-NAME.json` for reactions. */
  rules?: string;
}

const FORMATS = new Set<string>(['hl7v2', 'cda', 'fhir', 'json', 'csv', 'xlsx', 'mail']);
const KNOWN = new Set([
  'name',
  'format',
  'map',
  'when',
  'schema',
  'parts',
  'profiles',
  'sender',
  'rules',
  'description',
]);

/** Reads `routes.json`; every problem is listed. */
export function readRoutes(value: unknown): { routes: Route[]; problems: string[] } {
  if (!Array.isArray(value)) return { routes: [], problems: ['it must be a list of routes'] };
  const problems: string[] = [];
  const names = new Set<string>();
  for (const [index, route] of (value as Partial<Route>[]).entries()) {
    const label = typeof route?.name === 'string' ? route.name : `number ${index + 1}`;
    if (typeof route?.name !== 'string') problems.push(`route ${label} has no name`);
    else if (names.has(route.name)) problems.push(`two routes are called ${label}`);
    else names.add(route.name);
    if (!FORMATS.has(String(route?.format)))
      problems.push(`route ${label}: format must be one of ${[...FORMATS].join(', ')}`);
    if (typeof route?.map !== 'string') problems.push(`route ${label} names no map`);
    for (const key of Object.keys(route ?? {}))
      if (!KNOWN.has(key)) problems.push(`route ${label}: unknown property ${key}`);
  }
  const routes = problems.length === 0 ? (value as Route[]) : [];
  for (const route of routes) {
    for (const name of partRoutes(route)) {
      if (!names.has(name)) problems.push(`route ${route.name}: parts names the route ${name}, which is not there`);
    }
  }
  return { routes, problems };
}

/** The routes that embedded documents of this one may take. */
export function partRoutes({ parts }: Route): string[] {
  if (parts === undefined) return [];
  return typeof parts === 'string' ? [parts] : Object.values(parts);
}

/** The route an embedded document of some format takes. */
export function partRoute({ parts }: Route, format: Format): string | undefined {
  return typeof parts === 'string' ? parts : parts?.[format];
}

/** True when a decoded message fits a route. */
export function fits(route: Route, format: Format, tree: unknown, sender?: string): boolean {
  if (route.format !== format || (route.sender !== undefined && route.sender !== sender)) return false;
  for (const path in route.when) {
    if (!meets(valuesAt(tree, path.split('.')), route.when[path]!)) return false;
  }
  return true;
}

function valuesAt(value: unknown, path: string[], depth = 0, found: unknown[] = []): unknown[] {
  if (Array.isArray(value)) for (const item of value) valuesAt(item, path, depth, found);
  else if (depth === path.length) {
    if (!isEmpty(value)) found.push(value);
  } else if (value !== null && typeof value === 'object' && Object.hasOwn(value, path[depth]!)) {
    valuesAt((value as Record<string, unknown>)[path[depth]!], path, depth + 1, found);
  }
  return found;
}

function meets(found: unknown[], wanted: Wanted): boolean {
  if (Array.isArray(wanted)) return found.some((one) => wanted.includes(text(one) ?? ''));
  if (typeof wanted !== 'object') return found.some((one) => one === wanted);
  if ('exists' in wanted) return found.length > 0 === wanted.exists;
  return found.some((one) => text(one)?.startsWith(wanted.prefix));
}
