import { createHash } from 'node:crypto';
import { seedUuid } from '../../seed.ts';
import { AUTHOR, CONTENT_TYPE, ENTRY, ENTRY_CODES, SET, SET_NODE, STABLE } from './schemes.ts';
import type { XdmDocument, XdmSubmission, XdsCode } from './tree.ts';

const RIM = 'urn:oasis:names:tc:ebxml-regrep';

/** METADATA.XML of an archive: the ebXML request that XDS would have sent. */
export function metadataXml(submission: XdmSubmission): string {
  const ids = new Numbers();
  const entries = submission.documents.map(({ uniqueId }) => entryUuid(uniqueId));
  const documents = submission.documents.map((one, index) =>
    documentXml(one, entries[index]!, ids, index === 0 ? submission.replaces : undefined),
  );
  const members = entries.map((entry) => memberXml(entry, ids));
  const replaced = submission.replaces ? [replaceXml(entries[0]!, entryUuid(submission.replaces), ids)] : [];
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<lcm:SubmitObjectsRequest xmlns:lcm="${RIM}:xsd:lcm:3.0" xmlns:rim="${RIM}:xsd:rim:3.0"><rim:RegistryObjectList>`,
    ...documents,
    setXml(submission, ids),
    `<rim:Classification id="${ids.next('cl')}" classifiedObject="SubmissionSet01" classificationNode="${SET_NODE}"/>`,
    ...members,
    ...replaced,
    '</rim:RegistryObjectList></lcm:SubmitObjectsRequest>',
    '',
  ].join('\n');
}

/**
 * entryUUID of a document's entry. It follows from the document's uniqueId, so that a later submission can name what it
 * replaces as XDS wants it (IHE ITI TF-3, 4.2.2.2): by the entryUUID under which it was sent.
 */
function entryUuid(uniqueId: string): string {
  return `urn:uuid:${seedUuid('XDSDocumentEntry', uniqueId)}`;
}

function documentXml(document: XdmDocument, id: string, ids: Numbers, replaces?: string): string {
  const { bytes, confidentiality } = document;
  const slots: [string, string[]][] = [
    ['creationTime', [document.creationTime]],
    ['hash', [createHash('sha1').update(bytes).digest('hex')]],
    ['size', [String(bytes.length)]],
    ['URI', [document.uri]],
    ['languageCode', [document.languageCode]],
    ['serviceStartTime', given(document.serviceStartTime)],
    ['serviceStopTime', given(document.serviceStopTime)],
    ['sourcePatientId', given(document.sourcePatientId)],
    ['sourcePatientInfo', document.sourcePatientInfo],
    ['legalAuthenticator', given(document.legalAuthenticator)],
    // Metadata of one's own are named by URN, IHE ITI TF-3, 4.2.3.1.6.
    ['urn:passerelle:action', given(document.action)],
    // The association below names an entry, which who got the older document in another way has never seen.
    ['urn:passerelle:replaces', given(replaces)],
  ];
  const classified = (scheme: keyof typeof ENTRY_CODES, code: XdsCode | undefined) =>
    code ? classificationXml(id, ENTRY_CODES[scheme], code, ids) : '';
  return [
    `<rim:ExtrinsicObject id="${id}" mimeType="${text(document.mimeType)}" objectType="${STABLE}" status="${RIM}:StatusType:Approved">`,
    ...slots.map(([name, values]) => slotXml(name, values)),
    `<rim:Name>${localised(document.title)}</rim:Name>`,
    authorXml(id, AUTHOR.entry, document, ids),
    classified('classCode', document.classCode),
    ...confidentiality.map((one) => classified('confidentialityCode', one)),
    classified('formatCode', document.formatCode),
    classified('healthcareFacilityTypeCode', document.facilityType),
    classified('practiceSettingCode', document.practiceSetting),
    classified('typeCode', document.typeCode),
    externalXml(id, ENTRY.patientId, document.patientId, 'XDSDocumentEntry.patientId', ids),
    externalXml(id, ENTRY.uniqueId, document.uniqueId, 'XDSDocumentEntry.uniqueId', ids),
    '</rim:ExtrinsicObject>',
  ]
    .filter(Boolean)
    .join('\n');
}

function setXml(submission: XdmSubmission, ids: Numbers): string {
  const id = 'SubmissionSet01';
  const first = submission.documents[0]!;
  return [
    `<rim:RegistryPackage id="${id}" objectType="${RIM}:ObjectType:RegistryObject:RegistryPackage" status="${RIM}:StatusType:Approved">`,
    slotXml('submissionTime', [submission.submissionTime]),
    `<rim:Name>${localised(submission.title)}</rim:Name>`,
    authorXml(id, AUTHOR.set, first, ids),
    submission.contentType ? classificationXml(id, CONTENT_TYPE, submission.contentType, ids) : '',
    externalXml(id, SET.patientId, first.patientId, 'XDSSubmissionSet.patientId', ids),
    externalXml(id, SET.uniqueId, submission.uniqueId, 'XDSSubmissionSet.uniqueId', ids),
    externalXml(id, SET.sourceId, submission.sourceId, 'XDSSubmissionSet.sourceId', ids),
    '</rim:RegistryPackage>',
  ]
    .filter(Boolean)
    .join('\n');
}

function memberXml(document: string, ids: Numbers): string {
  return `<rim:Association id="${ids.next('as')}" associationType="${RIM}:AssociationType:HasMember" sourceObject="SubmissionSet01" targetObject="${document}">${slotXml('SubmissionSetStatus', ['Original'])}</rim:Association>`;
}

function replaceXml(entry: string, replaced: string, ids: Numbers): string {
  return `<rim:Association id="${ids.next('as')}" associationType="urn:ihe:iti:2007:AssociationType:RPLC" sourceObject="${entry}" targetObject="${replaced}"/>`;
}

function authorXml(object: string, scheme: string, author: XdmDocument, ids: Numbers): string {
  const slots =
    slotXml('authorPerson', given(author.authorPerson)) + slotXml('authorInstitution', given(author.authorInstitution));
  // An author of whom nothing is known is left out; XDS has no word for it.
  if (!slots) return '';
  return `<rim:Classification id="${ids.next('au')}" classificationScheme="${scheme}" classifiedObject="${object}" nodeRepresentation="">${slots}</rim:Classification>`;
}

function classificationXml(object: string, scheme: string, { code, system, display }: XdsCode, ids: Numbers): string {
  return `<rim:Classification id="${ids.next('cl')}" classificationScheme="${scheme}" classifiedObject="${object}" nodeRepresentation="${text(code)}">${slotXml('codingScheme', [system])}<rim:Name>${localised(display)}</rim:Name></rim:Classification>`;
}

function externalXml(object: string, scheme: string, value: string, name: string, ids: Numbers): string {
  if (!value) return '';
  return `<rim:ExternalIdentifier id="${ids.next('ei')}" registryObject="${object}" identificationScheme="${scheme}" value="${text(value)}"><rim:Name>${localised(name)}</rim:Name></rim:ExternalIdentifier>`;
}

function slotXml(name: string, values: string[]): string {
  if (values.length === 0) return '';
  const list = values.map((value) => `<rim:Value>${text(value)}</rim:Value>`).join('');
  return `<rim:Slot name="${name}"><rim:ValueList>${list}</rim:ValueList></rim:Slot>`;
}

function localised(value: string): string {
  return `<rim:LocalizedString value="${text(value)}"/>`;
}

function given(value: string | undefined): string[] {
  return value ? [value] : [];
}

/** Text for an attribute or element; what XML cannot carry at all is left out. */
export function text(value: string): string {
  const named: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return value
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '')
    .replace(/[&<>"]/g, (sign) => named[sign]!);
}

function pad(number: number): string {
  return String(number).padStart(2, '0');
}

/** Ids that are unique in one document and the same every time. */
class Numbers {
  #last = 0;
  next(prefix: string): string {
    return `${prefix}${pad(++this.#last)}`;
  }
}
