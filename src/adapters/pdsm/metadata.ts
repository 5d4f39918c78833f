import type { Bundle, DocumentReference, List, Parameters, Resource } from '@medplum/fhirtypes';
import type { Request } from 'express';
import type { FhirEndpoint } from '../../adapter.ts';
import { type Fault, fault, isError, PasserelleError } from '../../errors.ts';
import { patchXml, read } from '../../formats/fhir/index.ts';
import { type Change, fhirPathChanges, isOpen, jsonChanges } from './changes.ts';
import { readOne } from './dossier.ts';
import { IS_ARCHIVED, isMhdList } from './names.ts';

/** Which resource a PATCH is about: by its id, or by a condition that one resource must meet. */
export interface PatchTarget {
  type: 'DocumentReference' | 'List';
  id?: string;
  query?: string;
}

/** What the manager makes of a PATCH: a refusal, another patch that says the same, or nothing of its own. */
export interface PatchVerdict {
  faults: Fault[];
  instead?: { path: string; patch: object[] };
}

type Entry = DocumentReference | List;

/**
 * Metadata update: only status, securityLabel and is-archived. What is no patch at all, and how many resources match, is the
 * FHIR server's to say. An XML Patch, which FHIR servers seldom take, becomes the JSON Patch of what it changes.
 */
export async function examinePatch(request: Request, target: PatchTarget, fhir: FhirEndpoint): Promise<PatchVerdict> {
  const type = request.get('content-type') ?? '';
  const isXml = /application\/xml-patch\+xml/i.test(type);
  const changes = isXml ? [] : changesOf(request.body, type);
  const needsList = target.type === 'List' || isXml || changes.some((one) => one.element === 'extension');
  const found = needsList ? await matching(target, fhir) : [];
  const [current] = found;
  // Other lists are nobody's metadata.
  if (target.type === 'List' && current && !isMhdList(current)) return { faults: [] };
  if (isXml) return xmlVerdict(request.body, target, found);
  const there = (current?.extension ?? []).map((one) => one.url);
  return { faults: changes.filter((one) => !isOpen(one, there)).map(fixed) };
}

/** The same for a patch inside a transaction, about a resource that is there; the first of its changes that is not allowed. */
export async function examinePatchEntry(
  resource: Resource | undefined,
  url: string,
  fhir: FhirEndpoint,
): Promise<Fault[]> {
  const [, type, id, query] = /^\/?(DocumentReference|List)(?:\/([^/?]+))?(?:\?(.*))?$/.exec(url) ?? [];
  if (type !== 'DocumentReference' && type !== 'List') return [];
  const changes = changesIn(resource);
  const target: PatchTarget = { type, ...(id ? { id } : {}), ...(query ? { query } : {}) };
  const [current] = changes.some((one) => one.element === 'extension') ? await matching(target, fhir) : [];
  const there = (current?.extension ?? []).map((one) => one.url);
  return changes.filter((one) => !isOpen(one, there)).map(fixed);
}

/** A FHIRPath Patch travels as Parameters, a JSON Patch as a Binary. */
function changesIn(resource: Resource | undefined): Change[] {
  if (resource?.resourceType === 'Parameters') return fhirPathChanges(resource);
  if (resource?.resourceType !== 'Binary') return [];
  return jsonChanges(Buffer.from(resource.data ?? '', 'base64'));
}

function changesOf(body: unknown, type: string): Change[] {
  if (!(body instanceof Uint8Array) || body.length === 0) return [];
  if (/json-patch/i.test(type)) return jsonChanges(body);
  const { tree, faults } = read(body);
  if (faults.some(isError) || tree?.resourceType !== 'Parameters') return [];
  return fhirPathChanges(tree as Parameters);
}

async function matching({ type, id, query }: PatchTarget, fhir: FhirEndpoint): Promise<Entry[]> {
  if (id !== undefined) {
    const one = await readOne<Entry>(`${type}/${id}`, fhir);
    return one ? [one] : [];
  }
  const { status, body } = await fhir.send({ method: 'GET', path: `${type}?${query}&_count=2` });
  if (status >= 500) throw new PasserelleError(fault('fhir-unreachable', { detail: `answered ${status}` }));
  const found = status === 200 ? ((body as Bundle<Entry>).entry ?? []) : [];
  return found.flatMap((one) => (one.resource && one.search?.mode !== 'outcome' ? [one.resource] : []));
}

/** RFC 5261, turned into the changes of elements that it comes to. */
function xmlVerdict(body: unknown, { type }: PatchTarget, found: Entry[]): PatchVerdict {
  const [current, another] = found;
  if (!current) return { faults: [fault('match-none', { params: { type } })] };
  if (another) return { faults: [fault('match-several', { params: { type } })] };
  if (!(body instanceof Uint8Array) || body.length === 0) return { faults: [fault('body-empty')] };
  const { resource, faults } = patchXml(current, body);
  if (!resource) return { faults };
  // Written and read again like the patched one, so that nothing but the patch makes them differ.
  const before = (patchXml(current, Buffer.from('<diff/>')).resource ?? current) as unknown as Record<string, unknown>;
  const after = resource as unknown as Record<string, unknown>;
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  const differing = [...names].filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));
  const closed = differing.filter((name) => !mayDiffer(name, before[name], after[name]));
  if (closed.length > 0) return { faults: closed.map((element) => fixed({ element, urls: [] })) };
  const patch = differing.flatMap((name) => replacing(name, before[name], after[name]));
  return { faults: [], instead: { path: `${type}/${current.id}`, patch } };
}

function mayDiffer(name: string, before: unknown, after: unknown): boolean {
  if (name !== 'extension') return isOpen({ element: name, urls: [] }, []);
  const others = (list: unknown) =>
    JSON.stringify(((list ?? []) as { url: string }[]).filter((one) => one.url !== IS_ARCHIVED));
  return others(before) === others(after);
}

/** What was read is tested before it is replaced: a change made meanwhile is not overwritten. */
function replacing(name: string, before: unknown, after: unknown): object[] {
  const path = `/${name}`;
  const test = before === undefined ? [] : [{ op: 'test', path, value: before }];
  if (after === undefined) return [...test, { op: 'remove', path }];
  return [...test, { op: before === undefined ? 'add' : 'replace', path, value: after }];
}

function fixed({ element }: Change): Fault {
  const name = /^[A-Za-z]{1,64}$/.test(element) ? element : 'this element';
  return fault('metadata-fixed', { params: { element: name } });
}
