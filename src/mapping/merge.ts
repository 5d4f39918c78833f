import type { Resource } from '@medplum/fhirtypes';
import { LongBase64 } from '../formats/fhir/long-base64.ts';

type Bag = Record<string, unknown>;

/** Lists that are joined instead of chosen: element → what makes two items the same. */
const JOINED: Record<string, (item: Bag) => string> = {
  identifier: (item) => `${item.system}|${item.value}`,
  telecom: (item) => `${item.system}|${item.value}`,
  extension: (item) => String(item.url),
  // The birth name of one source and the used name of another are both wanted.
  name: (item) => String(item.use),
  profile: String,
  tag: (item) => `${item.system}|${item.code}`,
  security: (item) => `${item.system}|${item.code}`,
};

/** Fills in what the first draft of a thing lacks from a later one; what the first says stays. */
export function fillFrom(first: Resource, later: Resource): void {
  fill(first as unknown as Bag, later as unknown as Bag);
}

function fill(first: Bag, later: Bag): void {
  for (const name of Object.keys(later)) {
    const value = later[name];
    const known = first[name];
    if (known === undefined) first[name] = value;
    else if (name === 'meta') fill(known as Bag, value as Bag);
    else if (Array.isArray(known) && Array.isArray(value) && Object.hasOwn(JOINED, name)) {
      const identity = JOINED[name]!;
      for (const item of value) if (!known.some((one) => identity(one) === identity(item))) known.push(item);
    }
  }
}

/** Takes out what is empty: absent values, empty texts, objects and lists. Says whether nothing is left. */
export function prune(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return true;
  if (typeof value !== 'object') return false;
  if (Array.isArray(value)) return pruneList(value);
  if (value instanceof Uint8Array || value instanceof LongBase64) return false;
  return pruneObject(value as Bag);
}

function pruneObject(value: Bag): boolean {
  let filled = false;
  for (const name in value) {
    const item = value[name];
    if (typeof item === 'object' ? prune(item) : item === undefined || item === '') delete value[name];
    else filled = true;
  }
  return !filled;
}

function pruneList(list: unknown[]): boolean {
  let kept = 0;
  for (let index = 0; index < list.length; index++) {
    if (prune(list[index])) continue;
    if (kept < index) list[kept] = list[index];
    kept++;
  }
  // Setting the length of a list costs more than looking at its items.
  if (kept < list.length) list.length = kept;
  return kept === 0;
}

/** True when a resource says anything besides its type. */
export function hasContent(resource: object): boolean {
  for (const name in resource) if (name !== 'resourceType' && isFilled((resource as Bag)[name])) return true;
  return false;
}

function isFilled(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return false;
  if (typeof value !== 'object' || value instanceof LongBase64) return true;
  if (Array.isArray(value)) return value.some(isFilled);
  for (const name in value) if (isFilled((value as Bag)[name])) return true;
  return false;
}
