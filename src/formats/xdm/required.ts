import { attribute, child, elements, ownText, type XmlElement } from '../xml/index.ts';
import { AUTHOR, CONTENT_TYPE, ENTRY, ENTRY_CODES, SET, SET_NODE } from './schemes.ts';

const OID = /^[0-2](\.(0|[1-9]\d*))+$/;
const TIME = /^\d{4}(\d\d){0,5}$/;
/** An entryUUID as it is written. */
export const ENTRY_UUID = /^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const AUTHORITY = /^(&[0-2](\.\d+)+&ISO)?$/;
const shapes = {
  patientId: /^[^^&|~]+\^\^\^&[0-2](\.\d+)+&ISO(\^[A-Z]+)?$/,
  uniqueId: /^([0-2](\.\d+)+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})(\^[^^]+)?$/i,
  sourceId: OID,
};

/** What XDS wants of an entry (IHE ITI TF-3, 4.2.3.2) and it does not say, or not in the form XDS gives it. */
export function lackingOf(entry: XmlElement): string[] {
  const lacking = Object.entries(ENTRY_CODES).flatMap(([name, scheme]) => (isCoded(entry, scheme) ? [] : [name]));
  if (!/^\w+\/[\w.+-]+$/.test(attribute(entry, 'mimeType') ?? '')) lacking.push('mimeType');
  if (!/^[a-z]{2,3}(-[A-Za-z0-9]{1,8})*$/.test(slot(entry, 'languageCode') ?? '')) lacking.push('languageCode');
  if (!TIME.test(slot(entry, 'creationTime') ?? '')) lacking.push('creationTime');
  for (const name of ['serviceStartTime', 'serviceStopTime']) {
    if (!TIME.test(slot(entry, name) ?? '2000')) lacking.push(name);
  }
  for (const name of ['hash', 'size']) if (slot(entry, name) === undefined) lacking.push(name);
  lacking.push(...numbersLacking(entry, ENTRY));
  if (!hasAuthors(entry, AUTHOR.entry)) lacking.push('author');
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
  if (!hasAuthors(set, AUTHOR.set)) lacking.push('author');
  const found = lacking.map((name) => `SubmissionSet.${name}`);
  const targets = new Set(associations(list, 'HasMember').map((one) => attribute(one, 'targetObject')));
  if (entries.some((one) => !targets.has(attribute(one, 'id')))) found.push('HasMember');
  const own = new Set(entries.map((one) => attribute(one, 'id')));
  if (!associations(list, 'RPLC').every((one) => isReplacement(one, own))) found.push('RPLC');
  const ids = entries.flatMap((one) => externalOf(one, ENTRY.uniqueId) ?? []);
  if (new Set(ids).size < ids.length) found.push('DocumentEntry.uniqueId');
  return found;
}

/** Associations of one kind, whatever the namespace its name is in. */
export function associations(list: XmlElement, kind: 'HasMember' | 'RPLC'): XmlElement[] {
  return elements(list, 'Association').filter((one) => attribute(one, 'associationType')?.endsWith(`:${kind}`));
}

/** An entry of the submission takes the place of one that was submitted before, named by its entryUUID (4.2.2.2). */
function isReplacement(association: XmlElement, own: Set<string | undefined>): boolean {
  const [source, target] = [attribute(association, 'sourceObject'), attribute(association, 'targetObject')];
  return own.has(source) && !own.has(target) && ENTRY_UUID.test(target ?? '');
}

/** Whoever is named as author is a person (XCN) or a structure (XON), TF-3, 4.2.3.2.1; a document may come without. */
function hasAuthors(object: XmlElement, scheme: string): boolean {
  const authors = elements(object, 'Classification').filter((one) => attribute(one, 'classificationScheme') === scheme);
  return authors.every((one) => {
    const [person, institution] = [slot(one, 'authorPerson'), slot(one, 'authorInstitution')];
    const isSaid = person !== undefined || institution !== undefined;
    return isSaid && (person === undefined || isXcn(person)) && (institution === undefined || isXon(institution));
  });
}

/** A family name; the authority of a number, where it is named, by its OID. */
function isXcn(value: string): boolean {
  const [, family = '', , , , , , , authority = ''] = value.split('^');
  return family !== '' && AUTHORITY.test(authority);
}

/** A name; a number only with its authority. */
function isXon(value: string): boolean {
  const [name = '', , , , , authority = '', , , , number = ''] = value.split('^');
  return /^[^&|~]+$/.test(name) && AUTHORITY.test(authority) && (number === '' || authority !== '');
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
