import { attribute, child, elements, ownText, type XmlElement } from '../xml/index.ts';

/** Classifications of a DocumentEntry, IHE ITI TF-3, table 4.2.3.2-1. */
const CLASSIFIED = {
  classCode: 'urn:uuid:41a5887f-8865-4c09-adf7-e362475b143a',
  confidentialityCode: 'urn:uuid:f4f85eac-e6cb-4883-b524-f2705394840f',
  formatCode: 'urn:uuid:a09d5840-386c-46f2-b5ad-9c3699a4309d',
  healthcareFacilityTypeCode: 'urn:uuid:f33fb8ac-18af-42cc-ae0e-ed0b0bdb91e1',
  practiceSettingCode: 'urn:uuid:cccf5598-8b07-4b77-a05e-ae952c785ead',
  typeCode: 'urn:uuid:f0306f51-975f-434e-a61c-c59651d33983',
};
const CONTENT_TYPE = 'urn:uuid:aa543740-bdda-424e-8c96-df4873be8500';
/** Numbers of a DocumentEntry, by scheme. */
export const ENTRY = {
  patientId: 'urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427',
  uniqueId: 'urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab',
};
const SET = {
  patientId: 'urn:uuid:6b5aea1a-874d-4603-a4bc-96a0a7b38446',
  uniqueId: 'urn:uuid:96fdda7c-d067-4183-912e-bf5ee74998a8',
  sourceId: 'urn:uuid:554ac39e-e3fe-47fe-b233-965d2a147832',
};
const SET_NODE = 'urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd';

const OID = /^[0-2](\.(0|[1-9]\d*))+$/;
const TIME = /^\d{4}(\d\d){0,5}$/;
const shapes = {
  patientId: /^[^^&|~]+\^\^\^&[0-2](\.\d+)+&ISO(\^[A-Z]+)?$/,
  uniqueId: /^([0-2](\.\d+)+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})(\^[^^]+)?$/i,
  sourceId: OID,
};

/** What XDS wants of an entry (IHE ITI TF-3, 4.2.3.2) and it does not say, or not in the form XDS gives it. */
export function lackingOf(entry: XmlElement): string[] {
  const lacking = Object.entries(CLASSIFIED).flatMap(([name, scheme]) => (isCoded(entry, scheme) ? [] : [name]));
  if (!/^\w+\/[\w.+-]+$/.test(attribute(entry, 'mimeType') ?? '')) lacking.push('mimeType');
  if (!/^[a-z]{2,3}(-[A-Za-z0-9]{1,8})*$/.test(slot(entry, 'languageCode') ?? '')) lacking.push('languageCode');
  if (!TIME.test(slot(entry, 'creationTime') ?? '')) lacking.push('creationTime');
  for (const name of ['serviceStartTime', 'serviceStopTime']) {
    if (!TIME.test(slot(entry, name) ?? '2000')) lacking.push(name);
  }
  for (const name of ['hash', 'size']) if (slot(entry, name) === undefined) lacking.push(name);
  lacking.push(...numbersLacking(entry, ENTRY));
  return lacking.map((name) => `DocumentEntry.${name}`);
}

/** The same of the submission set and of what ties the entries to it. */
export function lackingOfSet(list: XmlElement, entries: XmlElement[]): string[] {
  const sets = setsOf(list);
  const [set] = sets;
  if (!set || sets.length > 1) return ['SubmissionSet'];
  const lacking = isCoded(set, CONTENT_TYPE) ? [] : ['contentTypeCode'];
  if (!TIME.test(slot(set, 'submissionTime') ?? '')) lacking.push('submissionTime');
  lacking.push(...numbersLacking(set, SET));
  const found = lacking.map((name) => `SubmissionSet.${name}`);
  const members = elements(list, 'Association').filter((one) =>
    /:HasMember$/.test(attribute(one, 'associationType') ?? ''),
  );
  const targets = new Set(members.map((one) => attribute(one, 'targetObject')));
  if (entries.some((one) => !targets.has(attribute(one, 'id')))) found.push('HasMember');
  const ids = entries.flatMap((one) => externalOf(one, ENTRY.uniqueId) ?? []);
  if (new Set(ids).size < ids.length) found.push('DocumentEntry.uniqueId');
  return found;
}

/** CX of the patient each submission set names, as written. */
export function setPatients(list: XmlElement): string[] {
  return setsOf(list).flatMap((one) => externalOf(one, SET.patientId) ?? []);
}

/** Folders are packages too: a set is classified as one, beside it or in it. */
function setsOf(list: XmlElement): XmlElement[] {
  const packages = elements(list, 'RegistryPackage');
  const beside = [list, ...packages].flatMap((one) => elements(one, 'Classification'));
  const sets = new Set(
    beside.flatMap((one) =>
      attribute(one, 'classificationNode') === SET_NODE ? attribute(one, 'classifiedObject') : [],
    ),
  );
  return packages.filter((one) => sets.has(attribute(one, 'id')));
}

function numbersLacking(object: XmlElement, schemes: Partial<Record<keyof typeof shapes, string>>): string[] {
  return Object.entries(schemes).flatMap(([name, scheme]) =>
    shapes[name as keyof typeof shapes].test(externalOf(object, scheme) ?? '') ? [] : [name],
  );
}

/** A classification by a code of a named system. */
function isCoded(object: XmlElement, scheme: string): boolean {
  const found = elements(object, 'Classification').filter((one) => attribute(one, 'classificationScheme') === scheme);
  return found.length > 0 && found.every((one) => attribute(one, 'nodeRepresentation') && slot(one, 'codingScheme'));
}

/** The number an object has in a scheme, as written. */
export function externalOf(object: XmlElement, scheme: string): string | undefined {
  const one = elements(object, 'ExternalIdentifier').find((each) => attribute(each, 'identificationScheme') === scheme);
  return one && attribute(one, 'value');
}

/** First value of a slot. */
export function slot(object: XmlElement, name: string): string | undefined {
  const found = elements(object, 'Slot').find((one) => attribute(one, 'name') === name);
  const list = found && child(found, 'ValueList');
  const value = list && child(list, 'Value');
  return value && ownText(value).trim();
}
