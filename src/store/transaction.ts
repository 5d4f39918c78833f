import type { Bundle, BundleEntry, Resource } from '@medplum/fhirtypes';
import { fault, PasserelleError } from '../errors.ts';
import { type Desk, match, patchOne, removeMatching } from './conditional.ts';
import { pairsOf } from './query.ts';
import { rewritten } from './rewrite.ts';
import { newId, type Written } from './shelf.ts';

/** What one entry of a transaction asks for, its address taken apart. */
interface Step {
  /** Position in the Bundle. */
  index: number;
  method: string;
  type: string;
  id?: string;
  criteria?: string;
  resource?: Resource;
  expected?: string[];
  /** Reference the entry will have, `Type/id`. */
  reference?: string;
  /** The resource is there already and stays as it is (If-None-Exist). */
  kept?: boolean;
}

/** What a transaction needs besides the desk it writes at (R4 http, transaction). */
export interface TransactionOptions {
  maxEntries: number;
  /** Answers a GET of the Bundle, seeing what the transaction wrote. */
  read(url: string): { status: number; resource?: Resource };
  /** Prefer: return=representation. */
  representation: boolean;
}

const ORDER = ['DELETE', 'POST', 'PUT', 'PATCH', 'GET'];

/**
 * Carries out a transaction Bundle: all of it or, by throwing, nothing (the caller undoes its savepoint). Entries are
 * processed in the order FHIR sets (DELETE, POST, PUT and PATCH, GET), answered in theirs.
 * https://hl7.org/fhir/R4/http.html#transaction
 *
 * Medplum's BatchProcessor is not used: it refuses more than 50 updates or 8 entries with conditions, and awaits between
 * entries, so that several transactions could not share one commit.
 * Yields between entries, so that a long transaction can pause.
 * @throws PasserelleError whose faults' places begin with `Bundle.entry[n]`
 */
export function* transact(bundle: Bundle, desk: Desk, options: TransactionOptions): Generator<void, Bundle> {
  const entries = bundle.entry ?? [];
  if (entries.length > options.maxEntries) {
    throw new PasserelleError(fault('transaction-too-large', { params: { limit: options.maxEntries } }));
  }
  const steps = entries.map((entry, index) => within(index, () => stepOf(entry ?? {}, index, desk)));
  const answers: BundleEntry[] = new Array(entries.length);
  const sorted = [...steps].sort((one, other) => ORDER.indexOf(one.method) - ORDER.indexOf(other.method));
  for (const step of sorted.filter((one) => one.method === 'DELETE')) {
    answers[step.index] = within(step.index, () => remove(step, desk));
    yield;
  }
  const writing = sorted.filter((step) => step.method !== 'DELETE' && step.method !== 'GET');
  const known = new Addresses(desk);
  yield* identify(writing, entries, known, desk);
  for (const step of writing) {
    answers[step.index] = within(step.index, () => answer(write(step, known, desk), options.representation));
    yield;
  }
  for (const step of sorted.filter((one) => one.method === 'GET')) {
    answers[step.index] = within(step.index, () => readEntry(entries[step.index]!, known, options));
    yield;
  }
  return { resourceType: 'Bundle', type: 'transaction-response', ...(answers.length ? { entry: answers } : {}) };
}

/** Says in which entry something went wrong. */
function within<T>(index: number, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof PasserelleError)) throw error;
    const place = `Bundle.entry[${index}]`;
    throw new PasserelleError(
      error.faults.map((one) => ({ ...one, place: one.place ? `${place}.resource.ofType(${one.place})` : place })),
    );
  }
}

function invalid(reason: string): PasserelleError {
  return new PasserelleError(fault('fhir-request-invalid', { params: { reason } }));
}

function stepOf({ request, resource }: BundleEntry, index: number, desk: Desk): Step {
  const method = request?.method as string | undefined;
  if (typeof request?.url !== 'string' || !request.url || !method)
    throw invalid('an entry of a transaction needs request.method and request.url');
  if (!ORDER.includes(method))
    throw new PasserelleError(fault('interaction-unsupported', { params: { method: 'this method' } }));
  const url = request.url.replace(/^\//, '');
  const [path, criteria] = cut(url, '?');
  const [type, id, ...rest] = path.split('/') as [string, string?, ...string[]];
  const step: Step = { index, method, type };
  if (method === 'GET') return step;
  if (rest.length) throw invalid('request.url is neither a type nor a resource');
  checkType(type, desk);
  if (method !== 'DELETE' && !resource) throw invalid('the entry has no resource');
  // Published French bundles name the resource's own id behind the type; the server chooses the id all the same.
  const isOwnId = id !== undefined && id === resource?.id;
  if (method === 'POST' && (criteria || (id && !isOwnId))) throw invalid('a POST in a transaction goes to a type');
  if (method !== 'POST' && !id && !criteria) throw invalid('request.url has neither an id nor criteria');
  if (id && method !== 'POST') step.id = id;
  else if (method === 'POST') step.criteria = request.ifNoneExist?.replace(/^[^?=]*\?/, '') || undefined;
  else step.criteria = criteria;
  if (resource) step.resource = resource;
  if (request.ifMatch) step.expected = versions(request.ifMatch);
  if (method !== 'PATCH' && resource && resource.resourceType !== type)
    throw invalid('resource and request.url are of different types');
  return step;
}

function checkType(type: string, desk: Desk): void {
  if (desk.context.parameters.types.has(type)) return;
  throw new PasserelleError(
    fault('type-unknown', { params: { type: /^\w{1,64}$/.test(type) ? type : '(unreadable)' } }),
  );
}

function cut(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

/** `W/"3"`, `"3", W/"4"`: the versions an If-Match names. */
export function versions(ifMatch: string): string[] | undefined {
  if (ifMatch.trim() === '*') return undefined;
  return ifMatch.split(',').map((one) => one.trim().replace(/^(?:W\/)?"?([^"]*)"?$/, '$1'));
}

/** What the addresses in a Bundle stand for on this server. */
class Addresses {
  readonly #known = new Map<string, string>();
  readonly #literal = new Map<string, string>();
  readonly #desk: Desk;

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  learn(fullUrl: string | undefined, step: Step): void {
    if (!step.reference) return;
    if (fullUrl) this.#known.set(fullUrl, step.reference);
    const id = step.resource?.id;
    if (step.method === 'POST' && id) this.#literal.set(`${step.type}/${id}`, step.reference);
  }

  /** A reference or address, replaced when it names an entry or is a condition. */
  readonly resolve = (address: string, element: string): string | undefined => {
    const known = this.#known.get(address);
    if (known) return known;
    if (element !== 'reference') return undefined;
    const condition = /^([A-Z][A-Za-z]{1,63})\?(.+)$/.exec(address);
    if (condition && this.#desk.context.parameters.types.has(condition[1]!)) {
      return this.#found(address, condition[1]!, condition[2]!);
    }
    const literal = this.#literal.get(address);
    return literal && !this.#desk.shelf.has(address) ? literal : undefined;
  };

  #found(address: string, type: string, criteria: string): string {
    const id = match(type, criteria, this.#desk);
    if (id === undefined) throw new PasserelleError(fault('match-none', { params: { type } }));
    this.#known.set(address, `${type}/${id}`);
    return `${type}/${id}`;
  }
}

/** Gives every entry its reference before anything is written, so that references among them can be resolved. */
function* identify(steps: Step[], entries: BundleEntry[], known: Addresses, desk: Desk): Generator<void> {
  const taken = new Set<string>();
  const asked = new Map<string, Step>();
  for (const step of steps) {
    within(step.index, () => {
      const condition = step.criteria === undefined ? undefined : conditionOf(step);
      const before = condition === undefined ? undefined : asked.get(condition);
      if (before && step.method === 'POST') {
        step.reference = before.reference;
        step.kept = true;
      } else {
        if (!before) place(step, desk);
        if (condition !== undefined) asked.set(condition, step);
        const repeats = before || (!step.kept && taken.has(step.reference!));
        if (repeats) throw new PasserelleError(fault('transaction-repeats'));
        taken.add(step.reference!);
      }
      known.learn(entries[step.index]!.fullUrl, step);
    });
    yield;
  }
}

/** The same condition, however it is escaped, is about the same resource, also while that is not there yet. */
function conditionOf({ type, criteria }: Step): string {
  return `${type}?${JSON.stringify(pairsOf(criteria!).sort())}`;
}

function place(step: Step, desk: Desk): void {
  const { type, method, criteria } = step;
  const found = step.id ?? (criteria === undefined ? undefined : match(type, criteria, desk));
  if (method === 'PATCH' && found === undefined) throw new PasserelleError(fault('match-none', { params: { type } }));
  if (method === 'POST') step.kept = found !== undefined;
  if (method === 'PUT' && step.resource?.id && step.resource.id !== (found ?? step.resource.id)) {
    throw invalid('the id of the resource is not that of request.url');
  }
  step.reference = `${type}/${found ?? (method === 'PUT' ? step.resource?.id : undefined) ?? newId()}`;
}

function write(step: Step, known: Addresses, desk: Desk): Written {
  const { shelf } = desk;
  const id = step.reference!.slice(step.type.length + 1);
  if (step.kept) return { ...shelf.read(step.type, id), created: false, changed: false };
  if (step.method === 'PATCH') return patchOne(step.type, id, patchOf(step.resource!), step.expected, desk);
  const resource = rewritten(step.resource!, known.resolve);
  return step.method === 'POST' ? shelf.create(resource, id) : shelf.update(resource, id, step.expected);
}

/** A JSON Patch travels in a Bundle as a Binary, a FHIRPath Patch as Parameters. */
function patchOf(resource: Resource): unknown {
  if (resource.resourceType !== 'Binary') return resource;
  try {
    return JSON.parse(Buffer.from(resource.data ?? '', 'base64').toString());
  } catch {
    throw invalid('the Binary does not hold a JSON Patch');
  }
}

function remove(step: Step, desk: Desk): BundleEntry {
  if (step.id === undefined) removeMatching(step.type, step.criteria!, step.expected, desk);
  else if (desk.shelf.has(`${step.type}/${step.id}`)) desk.shelf.remove(step.type, step.id, step.expected);
  return { response: { status: '204 No Content' } };
}

/** The answer of one entry: status, Location, ETag, Last-Modified. */
export function answer({ resource, version, created }: Written, representation: boolean): BundleEntry {
  return {
    ...(representation ? { resource } : {}),
    response: {
      status: created ? '201 Created' : '200 OK',
      location: `${resource.resourceType}/${resource.id}/_history/${version}`,
      etag: `W/"${version}"`,
      lastModified: resource.meta!.lastUpdated!,
    },
  };
}

function readEntry(entry: BundleEntry, known: Addresses, options: TransactionOptions): BundleEntry {
  const url = entry.request!.url!.replace(/^\//, '');
  const { status, resource } = options.read(known.resolve(url, 'url') ?? url);
  return { ...(resource ? { resource } : {}), response: { status: String(status) } };
}
