import { createHash } from 'node:crypto';
import type { Bundle, BundleEntry, DocumentReference, List, Patient, Reference, Resource } from '@medplum/fhirtypes';
import { isIns } from '../../adapter/ins.ts';
import type { FhirEndpoint } from '../../adapter.ts';
import { type Fault, fault, warning } from '../../errors.ts';
import { checkContent, checkList, checkMetadata, checkParts } from './checks.ts';
import { checkOpen, checkSubject } from './content.ts';
import { examinePatchEntry } from './metadata.ts';
import { isMhdList, isSubmissionSet } from './names.ts';
import { superseding } from './replaces.ts';
import { knownBy, type Target, Targets } from './targets.ts';

/** A submission as it is to be applied, and everything found about it; an error among the faults means nothing is. */
export interface Examined {
  bundle: Bundle;
  faults: Fault[];
}

/** What is known while the entries of one submission are looked at. */
interface Desk {
  targets: Targets;
  fhir: FhirEndpoint;
  /** Business identifiers of the submission so far. */
  seen: Set<string>;
  /** The patient of the submission set. */
  subject?: Target<Patient>;
  /** Entries that the transaction owes besides. */
  added: BundleEntry[];
}

/**
 * Examines an ITI-65 transaction, all faults at once. Replaced documents become superseded in the same transaction, also
 * where the sender did not say so.
 *
 * @param repeats the sender numbers its requests: one that is here already is answered like the first
 */
export async function examineProvide(given: Bundle, fhir: FhirEndpoint, repeats: boolean): Promise<Examined> {
  const { bundle, faults } = withoutContainedMeta(given);
  const entries = bundle.entry ?? [];
  const desk: Desk = { targets: new Targets(bundle, fhir), fhir, seen: new Set(), added: [] };
  faults.push(...checkParts(entries.map((one) => one.resource)));
  const set = entries.find((one) => isSubmissionSet(one.resource))?.resource as List | undefined;
  desk.subject = await desk.targets.patient(set?.subject);
  const entry: BundleEntry[] = [];
  for (const [index, one] of entries.entries()) {
    const place = `Bundle.entry[${index}].resource`;
    const examined = await examineEntry(one, place, repeats, desk);
    faults.push(...examined.faults);
    entry.push(onlyOnce(examined.entry));
  }
  const patched = new Set(await patchedDocuments(entries, desk.targets));
  const missing = desk.added.filter(({ request }) => !patched.has(request!.url));
  return { faults, bundle: { ...bundle, entry: [...entry, ...missing] } };
}

async function examineEntry(
  entry: BundleEntry,
  place: string,
  repeats: boolean,
  desk: Desk,
): Promise<{ entry: BundleEntry; faults: Fault[] }> {
  const { resource, request } = entry;
  const { method = 'POST', url = '' } = request ?? {};
  if (method === 'PATCH') {
    const faults = await examinePatchEntry(resource, url, desk.fhir);
    return { entry, faults: faults.map((one) => ({ ...one, place })) };
  }
  const type = resource?.resourceType ?? /^\/?([A-Za-z]+)/.exec(url)?.[1];
  const isMhd = type === 'DocumentReference' || isMhdList(resource);
  if (isMhd && method !== 'POST') return { entry, faults: [fault('provide-method', { place, params: { method } })] };
  if (resource?.resourceType === 'Patient') return { entry, faults: checkNumbers(resource, place) };
  if (resource?.resourceType === 'DocumentReference') return examineDocument(entry, resource, place, repeats, desk);
  if (isMhdList(resource)) return examineList(entry, resource, place, repeats, desk);
  return { entry, faults: [] };
}

async function examineList(entry: BundleEntry, list: List, place: string, repeats: boolean, desk: Desk) {
  const subject = await desk.targets.patient(list.subject);
  const { faults: found } = await checkNew(list, list.identifier ?? [], place, repeats, desk);
  const faults = [...checkList(list, place), ...found];
  faults.push(...checkPerson(list.subject, subject, place, desk));
  return { entry: { ...entry, resource: { ...list, subject: literal(list.subject, subject) } }, faults };
}

async function examineDocument(
  entry: BundleEntry,
  document: DocumentReference,
  place: string,
  repeats: boolean,
  desk: Desk,
) {
  const { masterIdentifier } = document;
  const news = await checkNew(document, masterIdentifier ? [masterIdentifier] : [], place, repeats, desk);
  // The first time it was examined; now its answer is asked for again.
  if (news.repeated) return { entry, faults: [] };
  const subject = await desk.targets.patient(document.subject);
  const replaces = await superseding(document, subject, desk.targets, place);
  desk.added.push(...replaces.entries);
  const faults = [
    ...news.faults,
    ...checkMetadata(document, place),
    ...(await checkContent(document, subject, desk.targets, place)),
    ...checkPerson(document.subject, subject, place, desk),
    ...checkOpen(subject?.resource, `${place}.subject`),
    ...replaces.faults,
  ];
  return {
    entry: { ...entry, resource: { ...replaces.document, subject: literal(document.subject, subject) } },
    faults,
  };
}

/** Nothing of the same identifier may be here, or stand twice in the submission. */
async function checkNew(
  resource: DocumentReference | List,
  identifiers: { system?: string; value?: string }[],
  place: string,
  repeats: boolean,
  { seen, fhir }: Desk,
): Promise<{ faults: Fault[]; repeated?: true }> {
  const element = resource.resourceType === 'List' ? 'identifier' : 'masterIdentifier';
  for (const one of identifiers.filter(({ value }) => value)) {
    const known = (await knownBy(resource.resourceType, one, fhir)).length > 0;
    if (known && repeats) return { faults: [], repeated: true };
    const key = `${resource.resourceType} ${one.system ?? ''}|${one.value}`;
    if (known || seen.has(key)) return { faults: [fault('provide-exists', { place: `${place}.${element}` })] };
    seen.add(key);
  }
  return { faults: [] };
}

/** The patient must be known, and everything submitted together be about one. */
function checkPerson(
  named: Reference | undefined,
  found: Target<Patient> | undefined,
  place: string,
  { subject }: Desk,
): Fault[] {
  const at = `${place}.subject`;
  const faults = checkSubject(named, at);
  if (!found) faults.push(fault('provide-subject-unknown', { place: at }));
  else if (subject && (found.known ?? found.resource) !== (subject.known ?? subject.resource)) {
    faults.push(fault('provide-patients-differ', { place: at }));
  }
  return faults;
}

function checkNumbers({ identifier = [] }: Patient, place: string): Fault[] {
  return identifier.flatMap((one, index) => checkSubject({ identifier: one }, `${place}.identifier[${index}]`));
}

/** A reference by identifier alone is found by no search for the patient: the resource it means is named as well. */
function literal<R extends Reference>(named: R | undefined, found: Target<Resource> | undefined): R | undefined {
  return named && !named.reference && found?.known ? { ...named, reference: found.known } : named;
}

/** What two senders provide at the same time, or a server away in the wrong moment gets twice, is written once. */
function onlyOnce(entry: BundleEntry): BundleEntry {
  const { resource, request } = entry;
  if (!resource || request?.method !== 'POST' || request.ifNoneExist) return entry;
  if (resource.resourceType === 'Binary') {
    const id = contentId(entry.fullUrl ?? '', resource.data ?? '');
    return { ...entry, resource: { ...resource, id }, request: { method: 'PUT', url: `Binary/${id}` } };
  }
  const { system = '', value } = identifierOf(resource) ?? {};
  if (!value) return entry;
  const ifNoneExist = `identifier=${encodeURIComponent(`${system}|${value}`)}`;
  return { ...entry, request: { ...request, ifNoneExist } };
}

/** A Binary has no identifier: its id follows from the place it was given and from its content, so it never changes. */
function contentId(fullUrl: string, data: string): string {
  return `content-${createHash('sha256')
    .update(JSON.stringify([fullUrl, data]))
    .digest('hex')
    .slice(0, 40)}`;
}

function identifierOf(resource: Resource) {
  if (resource.resourceType === 'DocumentReference') return resource.masterIdentifier;
  if (resource.resourceType === 'Patient') return resource.identifier?.find((one) => isIns(one.system));
  return isMhdList(resource) ? resource.identifier?.find((one) => one.value) : undefined;
}

/** Documents that the sender changes itself, `DocumentReference/id`. */
async function patchedDocuments(entries: BundleEntry[], targets: Targets): Promise<string[]> {
  const changed: string[] = [];
  for (const { request } of entries) {
    if (request?.method !== 'PATCH') continue;
    const reference = request.url.replace(/^\//, '');
    if (!reference.startsWith('DocumentReference')) continue;
    const found = await targets.document({ reference });
    if (found?.known) changed.push(found.known);
  }
  return changed;
}

/** FHIR invariant dom-4: official examples break it, so what is too much is taken off and said. */
export function withoutContainedMeta(given: Bundle): Examined {
  const faults: Fault[] = [];
  const entry = (given.entry ?? []).map((one, index) => {
    const { contained } = (one.resource ?? {}) as { contained?: Resource[] };
    if (!Array.isArray(contained)) return one;
    const mended = contained.map((resource, position) => {
      const { versionId, lastUpdated, ...meta } = resource.meta ?? {};
      const found = Object.entries({ versionId, lastUpdated }).filter(([, value]) => value !== undefined);
      const place = `Bundle.entry[${index}].resource.contained[${position}].meta`;
      faults.push(...found.map(([element]) => warning('contained-meta', { place, params: { element } })));
      return found.length > 0 ? { ...resource, meta } : resource;
    });
    return { ...one, resource: { ...one.resource, contained: mended } as Resource };
  });
  return { bundle: given.entry ? { ...given, entry } : given, faults };
}
