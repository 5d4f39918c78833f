// SMART App Launch 2.2, scopes for requesting FHIR resources: https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html

/** What a SMART v2 scope allows: create, read, update, delete, search. */
export type Permission = 'c' | 'r' | 'u' | 'd' | 's';

/** One resource scope, `system/Observation.rs?category=vital-signs`. */
export interface Scope {
  context: 'patient' | 'user' | 'system';
  /** A FHIR type, or `*`. */
  type: string;
  /** Some of `cruds`, in that order. */
  permissions: string;
  /** Search parameters a resource must match, in the order of their names; empty when the scope has none. */
  query: [name: string, value: string][];
}

/** A scope list longer than this is not read at all. */
const longestList = 8192;
const mostScopes = 200;

/** The forms of version 1, which are still around. */
const permissionsOfV1: Record<string, string> = { read: 'rs', write: 'cud', '*': 'cruds' };

/** Reads one scope, in the form of version 2 or 1; undefined for anything else (`openid`, `launch/patient`, nonsense). */
export function parseScope(text: string): Scope | undefined {
  const match =
    /^(patient|user|system)\/(\*|[A-Z][A-Za-z]{1,63})\.(read|write|\*|[cruds]{1,5})(?:\?(\S{1,512}))?$/.exec(text);
  if (!match) return undefined;
  const [, context, type, actions, query] = match as unknown as [string, Scope['context'], string, string, string?];
  const permissions = permissionsOfV1[actions] ?? actions;
  if (!/^c?r?u?d?s?$/.test(permissions)) return undefined;
  const pairs = [...new URLSearchParams(query ?? '')] as [string, string][];
  if (query !== undefined && (pairs.length === 0 || pairs.some(([name, value]) => !name || !value))) return undefined;
  return { context, type, permissions, query: pairs.sort(byName) };
}

/** The resource scopes of a blank-separated list; what is not one is left out, it grants nothing. */
export function parseScopes(list: string): Scope[] {
  if (list.length > longestList) return [];
  return list
    .split(' ')
    .filter(Boolean)
    .slice(0, mostScopes)
    .flatMap((one) => parseScope(one) ?? []);
}

/** Scopes that are not about resources but may stand in a token. */
const plain = /^(openid|fhirUser|profile|launch(\/[a-z]+)?|offline_access|online_access)$/;

/** What of a list is neither a resource scope nor one of the plain ones: it opens nothing. */
export function oddScopes(list: string): string[] {
  return list.split(' ').filter((one) => one && !parseScope(one) && !plain.test(one));
}

/** Writes a scope in the form of version 2. */
export function formatScope({ context, type, permissions, query }: Scope): string {
  const constraint = query.length > 0 ? `?${new URLSearchParams(query)}` : '';
  return `${context}/${type}.${permissions}${constraint}`;
}

/** Scopes as a token carries them, separated by blanks. */
export function formatScopes(scopes: Scope[]): string {
  return scopes.map(formatScope).join(' ');
}

/** What both scopes allow; undefined when that is nothing. */
export function meet(a: Scope, b: Scope): Scope | undefined {
  if (a.context !== b.context) return undefined;
  if (a.type !== b.type && a.type !== '*' && b.type !== '*') return undefined;
  const permissions = [...a.permissions].filter((one) => b.permissions.includes(one)).join('');
  if (permissions === '') return undefined;
  const missing = b.query.filter(([name, value]) => !a.query.some(([n, v]) => n === name && v === value));
  return {
    context: a.context,
    type: a.type === '*' ? b.type : a.type,
    permissions,
    query: [...a.query, ...missing].sort(byName),
  };
}

/** What is left of a request when a client may have no more than `allowed`; never wider than either. */
export function narrow(requested: Scope[], allowed: Scope[]): Scope[] {
  const all = requested.flatMap((one) => allowed.flatMap((other) => meet(one, other) ?? []));
  const texts = new Set<string>();
  return all.filter((one) => !texts.has(formatScope(one)) && texts.add(formatScope(one)));
}

function byName([a]: [string, string], [b]: [string, string]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
