import type { Binary, Bundle, BundleEntry, DocumentReference, Patient, Resource } from '@medplum/fhirtypes';
import type { FhirEndpoint } from '../../adapter.ts';
import { type Fault, fault, warning } from '../../errors.ts';
import { checkBytes, checkDocument, checkOpen, checkSubject } from './content.ts';
import { checkPatchResource } from './metadata.ts';
import { isSubmissionSet } from './names.ts';
import { statusPatch } from './submission.ts';
import { documentsOf, type Target, Targets } from './targets.ts';

/** A submission as it is to be applied, and everything found about it; an error among the faults means nothing is. */
export interface Examined {
  bundle: Bundle;
  faults: Fault[];
}

/**
 * Examines an ITI-65 transaction, all faults at once. Replaced documents become superseded in the same transaction, also
 * where the sender did not say so.
 *
 * @param repeats the sender numbers its requests: one that is here already is answered like the first
 */
export async function examineProvide(given: Bundle, fhir: FhirEndpoint, repeats: boolean): Promise<Examined> {
  const { bundle, faults } = withoutContainedMeta(given);
  const targets = new Targets(bundle, fhir);
  const entries = bundle.entry ?? [];
  const added: BundleEntry[] = [];
  faults.push(...checkParts(entries));
  for (const [index, { resource, request }] of entries.entries()) {
    const place = `Bundle.entry[${index}].resource`;
    if (isSubmissionSet(resource)) {
      faults.push(...checkSubject(resource.subject?.reference, `${place}.subject`));
      if (!(await targets.patient(resource.subject))) faults.push(unknownSubject(place));
    }
    if (request?.method === 'PATCH' && resource?.resourceType === 'Parameters') {
      faults.push(...checkPatchResource(resource).map((one) => ({ ...one, place })));
    }
    if (resource?.resourceType !== 'DocumentReference' || request?.method !== 'POST') continue;
    const known = resource.masterIdentifier?.value ? await documentsOf(resource.masterIdentifier, fhir) : [];
    // The first time it was examined; now its answer is asked for again.
    if (known.length > 0 && repeats) continue;
    if (known.length > 0) faults.push(fault('provide-exists', { place: `${place}.masterIdentifier` }));
    const subject = await targets.patient(resource.subject);
    faults.push(...checkMetadata(resource, place), ...checkContent(resource, subject, targets, place));
    faults.push(...checkSubject(resource.subject?.reference, `${place}.subject`));
    if (!subject) faults.push(unknownSubject(place));
    faults.push(...checkOpen(subject?.resource, `${place}.subject`));
    added.push(...(await superseding(resource, subject, targets, place, faults)));
  }
  const patched = new Set(await patchedDocuments(entries, targets));
  const missing = added.filter(({ request }) => !patched.has(request!.url));
  return { faults, bundle: { ...bundle, entry: [...entries.map(onlyOnce), ...missing] } };
}

/** A document that two senders provide at the same time is written once. */
function onlyOnce(entry: BundleEntry): BundleEntry {
  const { resource, request } = entry;
  if (resource?.resourceType !== 'DocumentReference' || request?.method !== 'POST' || request.ifNoneExist) return entry;
  const { system = '', value } = resource.masterIdentifier ?? {};
  if (!value) return entry;
  const ifNoneExist = `identifier=${encodeURIComponent(`${system}|${value}`)}`;
  return { ...entry, request: { ...request, ifNoneExist } };
}

function checkParts(entries: BundleEntry[]): Fault[] {
  const missing = (element: string) => fault('provide-incomplete', { place: 'Bundle.entry', params: { element } });
  const sets = entries.filter((one) => isSubmissionSet(one.resource)).length;
  const documents = entries.filter((one) => one.resource?.resourceType === 'DocumentReference').length;
  return [
    ...(sets === 1 ? [] : [missing('the one List of code submissionset')]),
    ...(documents > 0 ? [] : [missing('DocumentReference')]),
  ];
}

/** Elements without which a document cannot be found, trusted or protected. */
function checkMetadata(document: DocumentReference, place: string): Fault[] {
  const there: [string, unknown][] = [
    ['masterIdentifier', document.masterIdentifier?.value],
    ['type', document.type],
    ['subject', document.subject],
    ['custodian', document.custodian],
    ['securityLabel', document.securityLabel?.length],
    ['context.period.start', document.context?.period?.start],
    ['content', document.content?.length],
  ];
  return there.flatMap(([element, value]) => (value ? [] : [lacking(element, place)]));
}

function checkContent(
  document: DocumentReference,
  subject: Target<Patient> | undefined,
  targets: Targets,
  place: string,
): Fault[] {
  return (document.content ?? []).flatMap(({ attachment = {} }, index) => {
    const at = `${place}.content[${index}].attachment`;
    const needed = ['contentType', 'title', 'hash', 'size', 'url'] as const;
    const faults = needed.filter((name) => attachment[name] === undefined).map((name) => lacking(name, at));
    if (!attachment.url) return faults;
    const binary = targets.entry(attachment.url)?.resource;
    if (binary?.resourceType !== 'Binary') return [...faults, fault('provide-content-missing', { place: `${at}.url` })];
    const bytes = Buffer.from((binary as Binary).data ?? '', 'base64');
    return [
      ...faults,
      ...checkBytes(attachment, bytes, at),
      ...checkDocument(attachment.contentType, bytes, subject?.resource, at),
    ];
  });
}

/** What a document replaces must be known, be the latest, be about the same patient. */
async function superseding(
  document: DocumentReference,
  subject: Target<Resource> | undefined,
  targets: Targets,
  place: string,
  faults: Fault[],
): Promise<BundleEntry[]> {
  const entries: BundleEntry[] = [];
  for (const [index, { code, target }] of (document.relatesTo ?? []).entries()) {
    const at = `${place}.relatesTo[${index}].target`;
    const parent = await targets.document(target);
    if (!parent) {
      faults.push(fault('provide-parent-unknown', { place: at }));
      continue;
    }
    if (code !== 'replaces' || !parent.known) continue;
    if (subject && parent.resource.subject?.reference !== subject.known) {
      faults.push(fault('document-other-patient', { place: at }));
    } else if (parent.resource.status !== 'current') {
      faults.push(fault('document-not-latest', { place: at }));
    }
    const ifMatch = parent.resource.meta?.versionId && `W/"${parent.resource.meta.versionId}"`;
    entries.push({
      resource: statusPatch('superseded'),
      request: { method: 'PATCH', url: parent.known, ...(ifMatch ? { ifMatch } : {}) },
    });
  }
  return entries;
}

/** Documents that the sender changes itself, `DocumentReference/id`. */
async function patchedDocuments(entries: BundleEntry[], targets: Targets): Promise<string[]> {
  const changed: string[] = [];
  for (const { request } of entries) {
    if (request?.method !== 'PATCH' && request?.method !== 'PUT') continue;
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

function lacking(element: string, place: string): Fault {
  return fault('provide-incomplete', { place: `${place}.${element}`, params: { element } });
}

function unknownSubject(place: string): Fault {
  return fault('provide-subject-unknown', { place: `${place}.subject` });
}
