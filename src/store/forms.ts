import type { Bundle, BundleEntry, Resource } from '@medplum/fhirtypes';
import { fault, PasserelleError } from '../errors.ts';
import { PLACE_SYSTEM, seedUuid } from '../seed.ts';
import type { Abilities } from './abilities.ts';
import { rewritten } from './rewrite.ts';

/** A search whose answer decides what becomes of an entry: `Type?query`. */
export type Question = string;

/** A resource that was found, and its version where the server tells it. */
export interface Found {
  id: string;
  version?: string;
}

/** A type, and an id that was made from message and place. */
export interface OwnId {
  type: string;
  ownId: string;
}

/** What an entry asks for: a resource to be found by a search, and made when it is not there. */
interface Wish {
  type: string;
  query: string;
  /** What is there already stays as it is. */
  keeps: boolean;
  /** It named an id of its own, and is found by a tag instead. */
  ownId?: string;
}

/** A Bundle in the form that a server can do. */
export interface Shaped {
  bundle: Bundle;
  /** The answer as it would be to the Bundle that was meant: an entry for each of its entries. */
  answer(given: Bundle): Bundle;
}

/** The server can do all of it as it is meant. */
export function fits({ entry = [] }: Bundle, abilities: Abilities): boolean {
  return entry.every((one) => {
    const wish = wishOf(one, abilities);
    return !wish || (!wish.ownId && isAble(wish, abilities));
  });
}

/** What has to be looked up before the Bundle can be shaped. */
export function questionsOf({ entry = [] }: Bundle, abilities: Abilities): Question[] {
  const wishes = entry.flatMap((one) => wishOf(one, abilities) ?? []);
  return [...new Set(wishes.filter((wish) => !isAble(wish, abilities)).map(questionOf))];
}

/**
 * The Bundle in the form that the server can do, one rule for each thing that can be meant:
 *
 * | meant | form | where the server cannot |
 * |---|---|---|
 * | there once | `POST`, If-None-Exist | looked up; `PUT` to an id made from the condition |
 * | there as it is now | `PUT Type?condition` | looked up; `PUT` to what was found, else as above |
 * | there under an id of ours | `PUT Type/id` | found by a tag that holds the id, by the rule above |
 *
 * What is looked up is written with the version that was found, so that whoever writes in between is noticed.
 * @param found what each of {@link questionsOf} found
 * @throws PasserelleError `match-several`, `fhir-not-idempotent`
 */
export function shaped(bundle: Bundle, abilities: Abilities, found: ReadonlyMap<Question, Found[]>): Shaped {
  const addresses = new Map<string, string>();
  const entries = (bundle.entry ?? []).map((given) => {
    const wish = wishOf(given, abilities);
    if (!wish) return given;
    const entry = wish.ownId ? { ...given, fullUrl: given.fullUrl ?? `urn:uuid:${wish.ownId}` } : given;
    if (wish.ownId) addresses.set(`${wish.type}/${wish.ownId}`, entry.fullUrl!);
    const there = isAble(wish, abilities) ? undefined : oneOf(wish, found.get(questionOf(wish)) ?? []);
    if (!there || !wish.keeps) return formed(entry, wish, there, abilities);
    if (entry.fullUrl) addresses.set(entry.fullUrl, `${wish.type}/${there.id}`);
    return there;
  });
  const sent = entries.filter((one) => !isFound(one)) as BundleEntry[];
  const resolve = (address: string) => addresses.get(address);
  return {
    bundle: { ...bundle, entry: addresses.size > 0 ? sent.map((one) => rewritten(one, resolve)) : sent },
    answer: (given) => {
      const answers = (given.entry ?? []).values();
      const all = entries.map((one, at) =>
        isFound(one) ? kept(bundle.entry![at]!.resource!, one) : (answers.next().value ?? {}),
      );
      return { ...given, entry: all };
    },
  };
}

/** An id made from message and place (RFC 9562, version 8); those that servers give have other versions, or are none. */
const OWN_ID = /^([A-Z][A-Za-z]+)\/([0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})$/;

/** Type and id of an address that names an id of ours. */
export function ownIdIn(address: string): OwnId | undefined {
  const [, type = '', ownId = ''] = OWN_ID.exec(address) ?? [];
  return ownId ? { type, ownId } : undefined;
}

function wishOf({ request, resource }: BundleEntry, abilities: Abilities): Wish | undefined {
  if (!request || !resource) return undefined;
  const [type = '', query] = request.url.split(/\?(.*)/s);
  if (request.method === 'POST' && request.ifNoneExist) {
    return { type, query: request.ifNoneExist.replace(/^[^?=]*\?/, ''), keeps: true };
  }
  if (request.method !== 'PUT') return undefined;
  if (query) return { type, query, keeps: false };
  const own = ownIdIn(type);
  if (!own || request.ifMatch || abilities(own.type).has('updateCreate')) return undefined;
  return { ...own, query: tagQuery(own.ownId), keeps: false };
}

/** Finds what was written under a tag because it could not be written under its id. */
export function tagQuery(id: string): string {
  return `_tag=${encodeURIComponent(`${PLACE_SYSTEM}|${id}`)}`;
}

function isAble({ type, keeps }: Wish, abilities: Abilities): boolean {
  return abilities(type).has(keeps ? 'conditionalCreate' : 'conditionalUpdate');
}

const questionOf = ({ type, query }: Wish): Question => `${type}?${query}`;

const isFound = (one: BundleEntry | Found): one is Found => 'id' in one && !('request' in one);

function oneOf({ type }: Wish, found: Found[]): Found | undefined {
  if (found.length > 1) throw new PasserelleError(fault('match-several', { params: { type } }));
  return found[0];
}

function formed(entry: BundleEntry, wish: Wish, there: Found | undefined, abilities: Abilities): BundleEntry {
  const { type, query } = wish;
  const resource = wish.ownId ? tagged(entry.resource!, wish.ownId) : entry.resource!;
  if (there) {
    const ifMatch = there.version === undefined ? {} : { ifMatch: `W/"${there.version}"` };
    return withId(entry, resource, { method: 'PUT', url: `${type}/${there.id}`, ...ifMatch }, there.id);
  }
  const able = abilities(type);
  const update = () => ({ ...entry, resource, request: { method: 'PUT' as const, url: `${type}?${query}` } });
  if (!wish.keeps && able.has('conditionalUpdate')) return update();
  if (able.has('conditionalCreate')) {
    return { ...entry, resource, request: { method: 'POST', url: type, ifNoneExist: query } };
  }
  if (able.has('updateCreate')) {
    const id = seedUuid(type, query);
    return withId(entry, resource, { method: 'PUT', url: `${type}/${id}` }, id);
  }
  if (able.has('conditionalUpdate')) return update();
  throw new PasserelleError(fault('fhir-not-idempotent', { params: { type } }));
}

function withId(entry: BundleEntry, resource: Resource, request: BundleEntry['request'], id: string): BundleEntry {
  return { ...entry, resource: { ...resource, id } as Resource, request };
}

function tagged({ id: _id, meta, ...rest }: Resource, ownId: string): Resource {
  return { ...rest, meta: { ...meta, tag: [...(meta?.tag ?? []), { system: PLACE_SYSTEM, code: ownId }] } } as Resource;
}

function kept({ resourceType }: Resource, { id, version }: Found): BundleEntry {
  const location = version === undefined ? `${resourceType}/${id}` : `${resourceType}/${id}/_history/${version}`;
  return { response: { status: '200 OK', location } };
}
