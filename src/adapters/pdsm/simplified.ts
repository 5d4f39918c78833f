import { randomUUID } from 'node:crypto';
import type { Bundle, DocumentReference, Resource } from '@medplum/fhirtypes';
import type { FhirEndpoint } from '../../adapter.ts';
import { type Fault, fault } from '../../errors.ts';
import { checkBytes, checkDocument, checkOpen, checkSubject } from './content.ts';
import { sha1 } from './dossier.ts';
import { type Examined, withoutContainedMeta } from './provide.ts';
import { superseding } from './replaces.ts';
import { knownBy, Targets } from './targets.ts';

/** True for a document that brings its content along, or says it is a simplified publish. */
export function isSimplified(resource: Resource | undefined): resource is DocumentReference {
  if (resource?.resourceType !== 'DocumentReference') return false;
  const isNamed = (resource.meta?.profile ?? []).some((one) => /simplified-?publish/i.test(one));
  return isNamed || (resource.content ?? []).some((one) => one.attachment?.data !== undefined);
}

/**
 * Examines an ITI-105 publish, all faults at once, and makes of it the transaction of a document and its content, in this
 * order. hash and size are computed; announced ones must agree.
 */
export async function examineSimplified(given: DocumentReference, fhir: FhirEndpoint): Promise<Examined> {
  const faults: Fault[] = [];
  const lacking = (element: string, place: string) =>
    fault('provide-incomplete', { place: `${place}.${element}`, params: { element } });
  const { attachment = {} } = given.content?.[0] ?? {};
  const at = 'DocumentReference.content[0].attachment';
  const needed = ['data', 'contentType', 'title'] as const;
  faults.push(...needed.filter((name) => !attachment[name]).map((name) => lacking(name, at)));
  if (attachment.url !== undefined || given.content?.length !== 1) faults.push(fault('provide-inline', { place: at }));
  if (!given.type) faults.push(lacking('type', 'DocumentReference'));

  const targets = new Targets({ resourceType: 'Bundle', type: 'transaction' }, fhir);
  const subject = await targets.patient(given.subject);
  if (!given.subject) faults.push(lacking('subject', 'DocumentReference'));
  else if (!subject) faults.push(fault('provide-subject-unknown', { place: 'DocumentReference.subject' }));
  faults.push(...checkSubject(given.subject, 'DocumentReference.subject'));
  faults.push(...checkOpen(subject?.resource, 'DocumentReference.subject'));
  const bytes = Buffer.from(attachment.data ?? '', 'base64');
  if (bytes.length > 0) {
    faults.push(...checkBytes(attachment, bytes, at));
    faults.push(...checkDocument(attachment.contentType, bytes, subject?.resource, at));
  }
  const known = given.masterIdentifier?.value ? await knownBy('DocumentReference', given.masterIdentifier, fhir) : [];
  if (known.length > 0) faults.push(fault('provide-exists', { place: 'DocumentReference.masterIdentifier' }));
  const replaces = await superseding(given, subject, targets, 'DocumentReference');
  const named = given.subject && !given.subject.reference && subject?.known;
  const document = {
    ...replaces.document,
    ...(named ? { subject: { ...given.subject, reference: subject.known } } : {}),
  };
  const { bundle, faults: mended } = withoutContainedMeta(transactionOf(document, bytes));
  const entry = [...(bundle.entry ?? []), ...replaces.entries];
  return { bundle: { ...bundle, entry }, faults: [...faults, ...replaces.faults, ...mended] };
}

function transactionOf(given: DocumentReference, bytes: Buffer): Bundle {
  const [fullUrl, url] = [`urn:uuid:${randomUUID()}`, `urn:uuid:${randomUUID()}`];
  const { attachment = {}, ...rest } = given.content?.[0] ?? {};
  const { data, contentType = 'application/octet-stream' } = attachment;
  const { id: _id, ...document } = given;
  const content = [
    { ...rest, attachment: { ...attachment, data: undefined, url, size: bytes.length, hash: sha1(bytes) } },
  ];
  return {
    resourceType: 'Bundle',
    type: 'transaction',
    entry: [
      {
        fullUrl,
        resource: { ...document, content },
        request: { method: 'POST', url: 'DocumentReference' },
      },
      {
        fullUrl: url,
        resource: { resourceType: 'Binary', contentType, data },
        request: { method: 'POST', url: 'Binary' },
      },
    ],
  };
}
