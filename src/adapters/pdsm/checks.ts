import type { Binary, DocumentReference, DocumentReferenceContent, List, Patient, Resource } from '@medplum/fhirtypes';
import { type Fault, fault } from '../../errors.ts';
import { checkBytes, checkDocument } from './content.ts';
import { DESIGNATION_TYPE, isFolder, isSubmissionSet, SOURCE_ID } from './names.ts';
import type { Target, Targets } from './targets.ts';

/** The fault of a submission that lacks an element. */
export function lacking(element: string, place: string): Fault {
  return fault('provide-incomplete', { place: `${place}.${element}`, params: { element } });
}

/** What every submission is made of: one set, and at least one document. */
export function checkParts(resources: (Resource | undefined)[]): Fault[] {
  const missing = (element: string) => fault('provide-incomplete', { place: 'Bundle.entry', params: { element } });
  const sets = resources.filter(isSubmissionSet).length;
  const documents = resources.filter((one) => one?.resourceType === 'DocumentReference').length;
  return [
    ...(sets === 1 ? [] : [missing('the one List of code submissionset')]),
    ...(documents > 0 ? [] : [missing('DocumentReference')]),
  ];
}

/** Elements without which a set or a folder cannot be found or understood. */
export function checkList(list: List, place: string): Fault[] {
  const has = (url: string) => list.extension?.some((one) => one.url === url);
  const there: [string, unknown][] = [
    ['subject', list.subject],
    ['date', list.date],
    ['entry', list.entry?.length],
    ['extension(designationType)', has(DESIGNATION_TYPE)],
    ...(isFolder(list) ? [] : [['extension(sourceId)', has(SOURCE_ID)] as [string, unknown]]),
  ];
  return there.flatMap(([element, value]) => (value ? [] : [lacking(element, place)]));
}

/** Elements without which a document cannot be found, trusted or protected. */
export function checkMetadata(document: DocumentReference, place: string): Fault[] {
  const there: [string, unknown][] = [
    ['masterIdentifier', document.masterIdentifier?.value],
    ['status', document.status],
    ['type', document.type],
    ['subject', document.subject],
    ['date', document.date],
    ['author', document.author?.length],
    ['custodian', document.custodian],
    ['securityLabel', document.securityLabel?.length],
    ['context.period.start', document.context?.period?.start],
    ['content', document.content?.length],
  ];
  return there.flatMap(([element, value]) => (value ? [] : [lacking(element, place)]));
}

/** Each content must be there, and be what it is announced as. */
export async function checkContent(
  document: DocumentReference,
  subject: Target<Patient> | undefined,
  targets: Targets,
  place: string,
): Promise<Fault[]> {
  const faults: Fault[] = [];
  for (const [index, content] of (document.content ?? []).entries()) {
    faults.push(...(await checkOne(content, subject, targets, `${place}.content[${index}].attachment`)));
  }
  return faults;
}

async function checkOne(
  { attachment = {} }: DocumentReferenceContent,
  subject: Target<Patient> | undefined,
  targets: Targets,
  at: string,
): Promise<Fault[]> {
  const needed = ['contentType', 'title', 'hash', 'size', 'url'] as const;
  const faults = needed.filter((name) => attachment[name] === undefined).map((name) => lacking(name, at));
  if (!attachment.url) return faults;
  const content = await targets.content(attachment.url);
  // A FHIR document: its bytes are whatever a server makes of it, so no hash holds for them.
  if (content?.resourceType === 'Bundle' && content.type === 'document') return faults;
  if (content?.resourceType !== 'Binary') return [...faults, fault('provide-content-missing', { place: `${at}.url` })];
  const bytes = Buffer.from(content.data ?? '', 'base64');
  return [
    ...faults,
    ...checkType(attachment.contentType, content, at),
    ...checkBytes(attachment, bytes, at),
    ...checkDocument(attachment.contentType, bytes, subject?.resource, at),
  ];
}

/** ITI-68 gives the announced type, which is that of the Binary; XML has two names. */
function checkType(announced: string | undefined, { contentType }: Binary, at: string): Fault[] {
  const plain = (type: string) => type.split(';')[0]!.trim().toLowerCase().replace('text/xml', 'application/xml');
  if (!announced || !contentType || plain(announced) === plain(contentType)) return [];
  return [fault('provide-content-differs', { place: `${at}.contentType`, params: { element: 'contentType' } })];
}
