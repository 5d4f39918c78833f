import { createHash } from 'node:crypto';
import { seedUuid } from '../../seed.ts';
import type { XdmDocument, XdmSubmission, XdsCode } from './tree.ts';

/** Classification schemes of XDS, IHE ITI TF-3, table 4.2.5.1-1 */
const SCHEMES = {
  author: 'urn:uuid:93606bcf-9494-43ec-9b4e-a7748d1a838d',
  classCode: 'urn:uuid:41a5887f-8865-4c09-adf7-e362475b143a',
  confidentiality: 'urn:uuid:f4f85eac-e6cb-4883-b524-f2705394840f',
  formatCode: 'urn:uuid:a09d5840-386c-46f2-b5ad-9c3699a4309d',
  facilityType: 'urn:uuid:f33fb8ac-18af-42cc-ae0e-ed0b0bdb91e1',
  practiceSetting: 'urn:uuid:cccf5598-8b07-4b77-a05e-ae952c785ead',
  typeCode: 'urn:uuid:f0306f51-975f-434e-a61c-c59651d33983',
  setAuthor: 'urn:uuid:a7058bb9-b4e4-4307-ba5b-e3f0ab85e12d',
  contentType: 'urn:uuid:aa543740-bdda-424e-8c96-df4873be8500',
};
const DOCUMENT = {
  objectType: 'urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1',
  patientId: 'urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427',
  uniqueId: 'urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab',
};
const SET = {
  node: 'urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd',
  patientId: 'urn:uuid:6b5aea1a-874d-4603-a4bc-96a0a7b38446',
  uniqueId: 'urn:uuid:96fdda7c-d067-4183-912e-bf5ee74998a8',
  sourceId: 'urn:uuid:554ac39e-e3fe-47fe-b233-965d2a147832',
};
const RIM = 'urn:oasis:names:tc:ebxml-regrep';

/** METADATA.XML of an archive: the ebXML request that XDS would have sent. */
export function metadataXml(submission: XdmSubmission): string {
  const ids = new Numbers();
  const entries = submission.documents.map(({ uniqueId }) => entryUuid(uniqueId));
  const documents = submission.documents.map((one, index) => documentXml(one, entries[index]!, ids));
  const members = entries.map((entry) => memberXml(entry, ids));
  const replaced = submission.replaces ? [replaceXml(entries[0]!, entryUuid(submission.replaces), ids)] : [];
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<lcm:SubmitObjectsRequest xmlns:lcm="${RIM}:xsd:lcm:3.0" xmlns:rim="${RIM}:xsd:rim:3.0"><rim:RegistryObjectList>`,
    ...documents,
    setXml(submission, ids),
    `<rim:Classification id="${ids.next('cl')}" classifiedObject="SubmissionSet01" classificationNode="${SET.node}"/>`,
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

function documentXml(document: XdmDocument, id: string, ids: Numbers): string {
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
  ];
  const classified = (scheme: keyof typeof SCHEMES, code: XdsCode | undefined) =>
    code ? classificationXml(id, SCHEMES[scheme], code, ids) : '';
  return [
    `<rim:ExtrinsicObject id="${id}" mimeType="${text(document.mimeType)}" objectType="${DOCUMENT.objectType}" status="${RIM}:StatusType:Approved">`,
    ...slots.map(([name, values]) => slotXml(name, values)),
    `<rim:Name>${localised(document.title)}</rim:Name>`,
    authorXml(id, SCHEMES.author, document, ids),
    classified('classCode', document.classCode),
    ...confidentiality.map((one) => classified('confidentiality', one)),
    classified('formatCode', document.formatCode),
    classified('facilityType', document.facilityType),
    classified('practiceSetting', document.practiceSetting),
    classified('typeCode', document.typeCode),
    externalXml(id, DOCUMENT.patientId, document.patientId, 'XDSDocumentEntry.patientId', ids),
    externalXml(id, DOCUMENT.uniqueId, document.uniqueId, 'XDSDocumentEntry.uniqueId', ids),
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
    authorXml(id, SCHEMES.setAuthor, first, ids),
    submission.contentType ? classificationXml(id, SCHEMES.contentType, submission.contentType, ids) : '',
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
