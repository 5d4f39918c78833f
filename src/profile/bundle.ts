import { isAbsolute } from './primitives.ts';
import { isObject, type Json, type Neighbour, type Trial, textOf } from './trial.ts';

/** Bundle rules that R4 states in prose, https://hl7.org/fhir/R4/bundle.html */

function entriesOf(bundle: Json): Json[] {
  return Array.isArray(bundle.entry) ? bundle.entry.filter(isObject) : [];
}

/** The entries' resources by what references may call them: the fullUrl, and `Type/id`. */
export function neighboursOf(bundle: Json): Map<string, Neighbour> {
  const found = new Map<string, Neighbour>();
  for (const [index, entry] of entriesOf(bundle).entries()) {
    const { fullUrl, resource } = entry;
    if (isObject(resource)) {
      if (typeof fullUrl === 'string') {
        found.set(fullUrl, { resource, index });
      }
      if (typeof resource.id === 'string' && !(typeof fullUrl === 'string' && fullUrl.startsWith('urn:'))) {
        found.set(`${textOf(resource.resourceType)}/${resource.id}`, { resource, index });
      }
    }
  }
  return found;
}

const withoutFullUrl = new Set(['transaction', 'batch', 'transaction-response', 'batch-response', 'history']);

/** Judges a Bundle beyond its elements and invariants. */
export function judgeBundle(bundle: Json, trial: Trial): void {
  const { type } = bundle;
  const entries = entriesOf(bundle);
  trial.enter('entry');
  for (const [index, entry] of entries.entries()) {
    trial.at(index);
    judgeFullUrl(entry, type, trial);
  }
  trial.leave();
  if (type === 'document') {
    judgeReach(bundle, entries, trial);
  }
}

function judgeFullUrl(entry: Json, type: unknown, trial: Trial): void {
  const { fullUrl, resource } = entry;
  if (typeof fullUrl !== 'string') {
    if (isObject(resource) && !withoutFullUrl.has(textOf(type))) {
      trial.report('error', 'bundle-full-url');
    }
    return;
  }
  if (!isAbsolute(fullUrl)) {
    trial.report('error', 'bundle-full-url', {}, 'bundle-full-url', 'fullUrl');
  }
  if (!isObject(resource)) {
    return;
  }
  if (type === 'searchset' && resource.id === undefined && resource.resourceType !== 'OperationOutcome') {
    trial.report('error', 'id-missing', {}, 'id-missing', 'resource');
  }
  const literal = /^https?:\/\/.*\/[A-Z][A-Za-z]+\/[A-Za-z0-9\-.]{1,64}(?:\/_history\/[^/]*)?$/.test(fullUrl);
  if (literal && !fullUrl.endsWith(`/${textOf(resource.resourceType)}/${textOf(resource.id)}`)) {
    trial.report('error', 'bundle-full-url', {}, 'bundle-full-url', 'fullUrl');
  }
}

/** What a resource refers to, by the strings of its `reference` elements. */
function referencesIn(value: unknown, into: string[], trial: Trial): void {
  if (Array.isArray(value)) {
    for (const one of value) {
      referencesIn(one, into, trial);
    }
  } else if (isObject(value)) {
    trial.spend();
    for (const key in value) {
      const content = value[key];
      if (key === 'reference' && typeof content === 'string') {
        into.push(content);
      } else if (typeof content === 'object') {
        referencesIn(content, into, trial);
      }
    }
  }
}

/**
 * In a document every entry must be linked with the Composition, forward or backward, and what the Composition itself
 * names as subject, author and the like must be there.
 */
function judgeReach(bundle: Json, entries: Json[], trial: Trial): void {
  const neighbours = neighboursOf(bundle);
  const links = entries.map((): number[] => []);
  for (const [from, entry] of entries.entries()) {
    const references: string[] = [];
    referencesIn(entry.resource, references, trial);
    for (const reference of references) {
      const to = neighbours.get(reference)?.index;
      if (to !== undefined) {
        links[from]?.push(to);
        links[to]?.push(from);
      } else if (from === 0 && reference.startsWith('urn:')) {
        trial.report('error', 'reference-bundle', {}, 'reference-bundle', 'entry[0].resource');
      }
    }
  }
  const reached = new Set([0]);
  for (const at of reached) {
    for (const next of links[at] ?? []) {
      reached.add(next);
    }
  }
  for (const at of entries.keys()) {
    if (!reached.has(at)) {
      trial.report('error', 'bundle-reach', {}, 'bundle-reach', `entry[${at}]`);
    }
  }
}
