import type { Permission } from './scopes.ts';

/** One thing a caller must be allowed to do. */
export interface Need {
  type: string;
  permission: Permission;
}

/** Met when one of its needs is. */
export interface Demand {
  anyOf: Need[];
  /** What the interaction touches, for scopes that only reach some resources of a type. */
  on: 'search' | 'instance' | 'create' | 'update' | 'other';
  /** Id of the instance. */
  id?: string;
}

/** Where the FHIR API is mounted. */
export const fhirBase = '/fhir/R4';

/** Paths that need no token. */
const open = [
  '/health',
  '/ready',
  '/metrics',
  '/.well-known/smart-configuration',
  `${fhirBase}/.well-known/smart-configuration`,
  `${fhirBase}/metadata`,
  '/oauth2/authorize',
  '/oauth2/callback',
  '/oauth2/patient',
  '/oauth2/token',
  '/oauth2/jwks',
];

/** True for the paths of health, discovery and tokens: the only ones that are answered without a token. */
export function isOpen(path: string): boolean {
  return open.includes(path);
}

const all: Permission[] = ['c', 'r', 'u', 'd', 's'];

function need(scopes: string): Need[] {
  return scopes.split(' ').map((one) => {
    const [type, permission] = one.split('.') as [string, Permission];
    return { type, permission };
  });
}

/** What each path beside the FHIR API asks for: one of the scopes, with `system/` or `user/` in front. */
const doors: { method: string; path: RegExp; scopes: string }[] = [
  { method: 'POST', path: /^\/in\/hl7v2$/, scopes: 'Bundle.c' },
  { method: 'POST', path: /^\/in\/cda$/, scopes: 'Bundle.c DocumentReference.c' },
  { method: 'POST', path: /^\/in\/telemonitoring\/[^/]+$/, scopes: 'Bundle.c Observation.c QuestionnaireResponse.c' },
  { method: 'GET', path: /^\/(messages|unmapped)$/, scopes: 'AuditEvent.s' },
];

/**
 * What a request must be allowed to do, as far as method and path say; all demands must be met. Undefined when the body
 * decides (a Bundle at the FHIR base, `/in/fhir`), an empty list when any token will do. A path nobody knows demands
 * everything: deny is the default.
 */
export function demandsOf(method: string, path: string, query: URLSearchParams): Demand[] | undefined {
  if (path === fhirBase || path.startsWith(`${fhirBase}/`)) {
    const below = path.slice(fhirBase.length).split('/').filter(Boolean);
    if (method === 'POST' && below.length === 0) return undefined;
    return demandsOfInteraction(method, below, query);
  }
  if (method === 'POST' && path === '/in/fhir') return undefined;
  // The owner of a message sees it, whoever it is; the window checks.
  if (method === 'GET' && /^\/messages\/[^/]+$/.test(path)) return [];
  const explained = method === 'GET' ? /^\/explain\/([^/]+)\/([^/]+)$/.exec(path) : null;
  if (explained) return one(explained[1] as string, 'r', 'instance', explained[2]);
  const door = doors.find((one) => one.method === method && one.path.test(path));
  return door ? [{ anyOf: need(door.scopes), on: 'other' }] : everything;
}

/** Only a caller who may do anything meets these. */
const everything: Demand[] = all.map((permission) => ({ anyOf: [{ type: '*', permission }], on: 'other' }));

const one = (type: string, permission: Permission, on: Demand['on'] = 'other', id?: string): Demand[] => [
  { anyOf: [{ type, permission }], on, ...(id === undefined ? {} : { id }) },
];

/** Operations that only read, and what they ask for; every other operation asks for everything there is. */
const operations: Record<string, (type: string, id?: string) => Demand[]> = {
  // Who may read whose log is the window's to decide, see src/web/audit.ts.
  '$access-log': (_type, id) => one('Patient', 'r', 'instance', id),
  // Who may take emergency access is the operation's to decide, see src/web/break-glass.ts.
  '$break-glass': (_type, id) => one('Patient', 'r', id === undefined ? 'other' : 'instance', id),
  $everything: (type, id) => one(type, 'r', 'instance', id),
  // What the form takes from other resources is asked for one by one, see src/web/forms.ts.
  $form: (type, id) => one(type, 'r', 'instance', id),
  // Answers that are posted show nothing of what is stored; those stored are read as the caller may see them.
  $extract: (type, id) =>
    type !== 'QuestionnaireResponse' ? everything : id === undefined ? [] : one(type, 'r', 'instance', id),
  $document: (type, id) => one(type, 'r', 'instance', id),
  $match: (type) => one(type, 's'),
  $lastn: (type) => one(type, 's', 'search'),
  $docref: (type) => one(type, 's'),
  $expand: () => one('ValueSet', 'r'),
  '$validate-code': (type) => one(type === 'CodeSystem' ? 'CodeSystem' : 'ValueSet', 'r'),
  $lookup: () => one('CodeSystem', 'r'),
  $translate: () => one('ConceptMap', 'r'),
  // Judging a resource shows nothing of what is stored.
  $validate: () => [],
};

/** A FHIR interaction, https://hl7.org/fhir/R4/http.html; `below` are the path's steps below the base. */
export function demandsOfInteraction(method: string, below: string[], query: URLSearchParams): Demand[] {
  const verb = method === 'HEAD' ? 'GET' : method;
  const [type, id, third] = below;
  const operation = below.find((step) => step.startsWith('$'));
  if (operation) {
    const on = type === operation ? '*' : (type as string);
    return operations[operation]?.(on, id === operation ? undefined : id) ?? everything;
  }
  if (type === undefined || type === '_search' || type === '_history') return wholeSystem(verb, type, query);
  if (verb === 'GET') return [...reading(type, id, third), ...broughtAlong(query)];
  if (verb === 'POST' && id === '_search' && below.length === 2)
    return [...one(type, 's', 'search'), ...broughtAlong(query)];
  if (verb === 'POST' && below.length === 1) return one(type, 'c', 'create');
  if ((verb === 'PUT' || verb === 'PATCH') && below.length <= 2) return one(type, 'u', 'update', id);
  if (verb === 'DELETE' && below.length <= 2) return one(type, 'd', 'instance', id);
  return everything;
}

function wholeSystem(verb: string, step: string | undefined, query: URLSearchParams): Demand[] {
  const reads = (verb === 'GET' && step !== '_search') || (verb === 'POST' && step === '_search');
  if (!reads) return everything;
  const types =
    step === '_history'
      ? []
      : query
          .getAll('_type')
          .flatMap((value) => value.split(','))
          .filter(Boolean);
  return (types.length > 0 ? types : ['*']).flatMap((type) => one(type, 's'));
}

function reading(type: string, id?: string, third?: string): Demand[] {
  if (id === undefined) return one(type, 's', 'search');
  if (id === '_history') return one(type, 's');
  if (third === undefined || third === '_history') return one(type, 'r', 'instance', id);
  // Compartment search, Patient/1/Observation.
  return one(third, 's');
}

/** Types a search names beside its own: those of `_type`, `_revinclude`, `_include:…:Type`, `_has`. */
export function broughtAlong(query: URLSearchParams): Demand[] {
  const types = new Set<string>();
  for (const [name, value] of query) {
    const [parameter] = name.split(':');
    const parts = value.split(':');
    if (parameter === '_type') for (const type of value.split(',')) types.add(type);
    else if (parameter === '_revinclude') types.add(parts[0] as string);
    else if (parameter === '_include' && parts[2]) types.add(parts[2]);
    else if (name.includes('_has:')) for (const type of name.matchAll(/_has:([^:]+)/g)) types.add(type[1] as string);
  }
  return [...types].filter(Boolean).flatMap((type) => one(type, 's'));
}

interface Entry {
  request?: { method?: unknown; url?: unknown };
  resource?: { resourceType?: unknown };
}

/** What a Bundle asks for: a transaction or batch entry by entry, anything else as a whole. */
export function demandsOfBundle(bundle: { type?: unknown; entry?: unknown }): (Demand & { resource?: unknown })[] {
  if (bundle.type !== 'transaction' && bundle.type !== 'batch') return one('Bundle', 'c', 'create');
  const entries = Array.isArray(bundle.entry) ? (bundle.entry as (Entry | null)[]) : [];
  return entries.flatMap((entry) => demandsOfEntry(entry).map((demand) => ({ ...demand, resource: entry?.resource })));
}

function demandsOfEntry(entry: Entry | null): Demand[] {
  const { method, url } = entry?.request ?? {};
  if (typeof method !== 'string' || typeof url !== 'string') return everything;
  const at = url.indexOf('?');
  const below = safeSteps(at < 0 ? url : url.slice(0, at));
  if (!below) return everything;
  const type = entry?.resource?.resourceType;
  const writes = (method === 'POST' || method === 'PUT') && !below.some((step) => step.startsWith('$'));
  // An entry that says one type and carries another is either a mistake or a way round.
  if (writes && type !== below[0]) return everything;
  return demandsOfInteraction(method, below, new URLSearchParams(at < 0 ? '' : url.slice(at + 1)));
}

/**
 * What a transaction or batch asks for that is taken as a message: `/in/fhir` writes the resources it carries, whatever the
 * entries' requests say, so each must be allowed as well.
 */
export function demandsOfCarried(bundle: { entry?: unknown }): (Demand & { resource?: unknown })[] {
  const entries = Array.isArray(bundle.entry) ? (bundle.entry as (Entry | null)[]) : [];
  return entries.flatMap((entry) => {
    if (!entry?.resource) return [];
    const type = typeof entry.resource.resourceType === 'string' ? entry.resource.resourceType : '*';
    const anyOf: Need[] = [
      { type, permission: 'c' },
      { type, permission: 'u' },
    ];
    return [{ anyOf, on: 'create' as const, resource: entry.resource }];
  });
}

/**
 * The steps of a path, each decoded; undefined when a step could be read in two ways (`..`, an encoded slash, a broken
 * escape): what the gate has checked must be what the door will do.
 */
export function safeSteps(path: string): string[] | undefined {
  const steps: string[] = [];
  for (const raw of path.split('/').filter(Boolean)) {
    let step: string;
    try {
      step = decodeURIComponent(raw);
    } catch {
      return undefined;
    }
    if (step === '.' || step === '..' || /[/\\%?#\u0000-\u001f\u007f]/.test(step)) return undefined;
    steps.push(step);
  }
  return steps;
}
