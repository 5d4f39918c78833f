import { createHash } from 'node:crypto';
import { ParseOption, XmlDocument, type XmlElement } from 'libxml2-wasm';

const RIM = { rim: 'urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0' };
const DOCUMENT = 'urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1';

/** Classifications a DocumentEntry must have (IHE ITI TF-3, table 4.2.3.2-1), by scheme. */
const classified: Record<string, string> = {
  classCode: 'urn:uuid:41a5887f-8865-4c09-adf7-e362475b143a',
  confidentialityCode: 'urn:uuid:f4f85eac-e6cb-4883-b524-f2705394840f',
  formatCode: 'urn:uuid:a09d5840-386c-46f2-b5ad-9c3699a4309d',
  healthcareFacilityTypeCode: 'urn:uuid:f33fb8ac-18af-42cc-ae0e-ed0b0bdb91e1',
  practiceSettingCode: 'urn:uuid:cccf5598-8b07-4b77-a05e-ae952c785ead',
  typeCode: 'urn:uuid:f0306f51-975f-434e-a61c-c59651d33983',
};
const author = 'urn:uuid:93606bcf-9494-43ec-9b4e-a7748d1a838d';
const setAuthor = 'urn:uuid:a7058bb9-b4e4-4307-ba5b-e3f0ab85e12d';
const entryNumbers = {
  patientId: 'urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427',
  uniqueId: 'urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab',
};
const setNumbers = {
  patientId: 'urn:uuid:6b5aea1a-874d-4603-a4bc-96a0a7b38446',
  uniqueId: 'urn:uuid:96fdda7c-d067-4183-912e-bf5ee74998a8',
  sourceId: 'urn:uuid:554ac39e-e3fe-47fe-b233-965d2a147832',
};

const setNode = 'urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd';

const OID = /^[0-2](\.(0|[1-9]\d*))+$/;
const UUID = /^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/;
const UNIQUE = (value: string) =>
  (OID.test(value) && value.length <= 64) || UUID.test(value) || /^[^^]+\^[^^]+$/.test(value);
const DTM = /^\d{4}(\d{2}(\d{2}(\d{2}(\d{2}(\d{2})?)?)?)?)?$/;
const CX = /^[^^&|~]+\^\^\^&[0-2](\.\d+)+&ISO(\^[A-Z]+)?$/;
const XCN = /^[^^&|~]*\^[^^&|~]+(\^[^^&|~]*){0,6}(\^&[0-2](\.\d+)+&ISO(\^[A-Z]*){0,4})?$/;

const XON = /^[^^&|~]+(\^{5}&[0-2](\.\d+)+&ISO\^[A-Z]+\^{3}[^^&|~]+)?$/;
const ENTRY_UUID = new RegExp(`^urn:uuid:${UUID.source.slice(1)}`);

/** What METADATA.XML breaks of the XDS metadata rules (IHE ITI TF-3, 4.2); written apart from what writes it. */
export function brokenRules(xml: string, files: Map<string, Uint8Array>): string[] {
  const parsed = XmlDocument.fromString(xml, { option: ParseOption.XML_PARSE_NONET });
  try {
    const all = (path: string) => parsed.find(path, RIM) as XmlElement[];
    const entries = all(`//rim:ExtrinsicObject`);
    const sets = all('//rim:RegistryPackage');
    const broken = entries.flatMap((one) => [
      ...(one.attr('objectType')?.value === DOCUMENT ? [] : ['objectType']),
      ...entryRules(one, files),
    ]);
    if (sets.length !== 1) broken.push('one SubmissionSet');
    const isSet = (id: string | undefined) =>
      all(`//rim:Classification[@classificationNode="${setNode}"][@classifiedObject="${id}"]`).length === 1;
    if (!sets.every((one) => isSet(one.attr('id')?.value))) broken.push('SubmissionSet: classified');
    if (entries.length === 0) broken.push('a DocumentEntry');
    broken.push(...sets.flatMap(setRules));
    const patients = new Set([
      ...entries.map((one) => number(one, entryNumbers.patientId)),
      ...sets.map((one) => number(one, setNumbers.patientId)),
    ]);
    if (patients.size !== 1) broken.push('one patient');
    const ids = entries.map((one) => number(one, entryNumbers.uniqueId));
    if (new Set(ids).size !== ids.length) broken.push('uniqueId: unique');
    for (const one of all('//rim:Association[contains(@associationType,":RPLC")]')) {
      // 4.2.2.2: of an entry of this submission, to an entry that was submitted before: both by their entryUUID.
      const [from, to] = ['sourceObject', 'targetObject'].map((name) => one.attr(name)?.value ?? '');
      const own = entries.map((entry) => entry.attr('id')?.value);
      if (!own.includes(from) || own.includes(to) || !ENTRY_UUID.test(to!)) broken.push('RPLC');
    }
    for (const one of entries) {
      const id = one.attr('id')?.value;
      const member = `//rim:Association[contains(@associationType,"HasMember")][@targetObject="${id}"]`;
      if (all(member).length !== 1) broken.push('HasMember');
    }
    const names = all('//*[@id]').map((one) => one.attr('id')!.value);
    if (new Set(names).size !== names.length) broken.push('ids: unique');
    return broken;
  } finally {
    parsed.dispose();
  }
}

function entryRules(entry: XmlElement, files: Map<string, Uint8Array>): string[] {
  const broken: string[] = [];
  const demand = (name: string, holds: boolean | undefined) => holds || broken.push(name);
  for (const [name, scheme] of Object.entries(classified)) {
    const found = entry.find(`rim:Classification[@classificationScheme="${scheme}"]`, RIM) as XmlElement[];
    demand(name, found.length > 0 && found.every(isCoded));
  }
  broken.push(...authorRules(entry, author));
  const [uri = ''] = slot(entry, 'URI');
  const bytes = files.get(uri);
  demand('URI: a file of the archive', bytes !== undefined);
  demand('hash', bytes && slot(entry, 'hash')[0] === createHash('sha1').update(bytes).digest('hex'));
  demand('size', bytes && slot(entry, 'size')[0] === String(bytes.length));
  demand('mimeType', /^[a-z]+\/[\w.+-]+$/.test(entry.attr('mimeType')?.value ?? ''));
  demand('languageCode', /^[a-z]{2}(-[A-Z]{2})?$/.test(slot(entry, 'languageCode')[0] ?? ''));
  demand('creationTime: DTM', DTM.test(slot(entry, 'creationTime')[0] ?? ''));
  for (const time of ['serviceStartTime', 'serviceStopTime'])
    demand(
      `${time}: DTM`,
      slot(entry, time).every((one) => DTM.test(one)),
    );
  for (const id of slot(entry, 'sourcePatientId')) demand('sourcePatientId: CX', CX.test(id));
  demand(
    'sourcePatientInfo',
    slot(entry, 'sourcePatientInfo').every((one) => /^PID-\d+\|./.test(one)),
  );
  demand('patientId: CX', CX.test(number(entry, entryNumbers.patientId) ?? ''));
  demand('uniqueId', UNIQUE(number(entry, entryNumbers.uniqueId) ?? ''));
  return broken;
}

/** 4.2.3.2.1: a person, a structure or both, each in its form. */
function authorRules(object: XmlElement, scheme: string): string[] {
  const authors = object.find(`rim:Classification[@classificationScheme="${scheme}"]`, RIM) as XmlElement[];
  const said = authors.map((one) => ({ people: slot(one, 'authorPerson'), places: slot(one, 'authorInstitution') }));
  return [
    ...(authors.length > 0 && said.every(({ people, places }) => people.length + places.length > 0) ? [] : ['author']),
    ...(said.every(({ people }) => people.length < 2 && people.every((one) => XCN.test(one)))
      ? []
      : ['authorPerson: XCN']),
    ...(said.every(({ places }) => places.every((one) => XON.test(one))) ? [] : ['authorInstitution: XON']),
  ];
}

function setRules(set: XmlElement): string[] {
  const broken: string[] = [];
  const demand = (name: string, holds: boolean) => holds || broken.push(`SubmissionSet.${name}`);
  const content = set.find(
    'rim:Classification[@classificationScheme="urn:uuid:aa543740-bdda-424e-8c96-df4873be8500"]',
    RIM,
  );
  demand('contentTypeCode', content.length === 1 && isCoded(content[0] as XmlElement));
  demand('submissionTime: DTM', DTM.test(slot(set, 'submissionTime')[0] ?? ''));
  demand('patientId: CX', CX.test(number(set, setNumbers.patientId) ?? ''));
  demand('uniqueId: OID', OID.test(number(set, setNumbers.uniqueId) ?? ''));
  broken.push(...authorRules(set, setAuthor).map((name) => `SubmissionSet.${name}`));
  demand('sourceId: OID', OID.test(number(set, setNumbers.sourceId) ?? ''));
  return broken;
}

function isCoded(classification: XmlElement): boolean {
  const [system] = slot(classification, 'codingScheme');
  const display = classification.find('rim:Name/rim:LocalizedString/@value', RIM);
  return Boolean(classification.attr('nodeRepresentation')?.value && system && display.length > 0);
}

function slot(element: XmlElement, name: string): string[] {
  return element.find(`rim:Slot[@name="${name}"]/rim:ValueList/rim:Value`, RIM).map((one) => one.content);
}

function number(element: XmlElement, scheme: string): string | undefined {
  const found = element.find(`rim:ExternalIdentifier[@identificationScheme="${scheme}"]`, RIM) as XmlElement[];
  return found.length === 1 ? found[0]!.attr('value')?.value : undefined;
}

/** What an archive breaks of the layout of an XDM medium (IHE ITI TF-2, 3.32.4.1.2), and of the metadata rules. */
export function brokenMedium(files: Map<string, Uint8Array>): string[] {
  const text = (name: string) => Buffer.from(files.get(name) ?? []).toString('utf8');
  const folder = 'IHE_XDM/SUBSET01/';
  const inside = [...files].flatMap(([name, bytes]): [string, Uint8Array][] =>
    name.startsWith(folder) ? [[name.slice(folder.length), bytes]] : [],
  );
  const documents = inside.filter(([name]) => name !== 'METADATA.XML');
  const broken: string[] = [];
  const known = new Set(['INDEX.HTM', 'README.TXT', ...inside.map(([name]) => folder + name)]);
  for (const name of ['INDEX.HTM', 'README.TXT', `${folder}METADATA.XML`]) if (!files.has(name)) broken.push(name);
  for (const name of files.keys()) if (!known.has(name)) broken.push('a file nobody asked for');
  // ISO 9660 level 1: eight and three capitals, digits or underscores.
  for (const name of files.keys())
    if (!name.split('/').every((part) => /^[A-Z0-9_]{1,8}(\.[A-Z0-9_]{1,3})?$/.test(part))) broken.push('name: 8.3');
  const index = XmlDocument.fromString(text('INDEX.HTM'), { option: ParseOption.XML_PARSE_NONET });
  try {
    const links = index.find('//h:a/@href', { h: 'http://www.w3.org/1999/xhtml' }).map((one) => one.content);
    if (links.some((one) => !files.has(one))) broken.push('INDEX.HTM: a link leads nowhere');
    for (const name of ['README.TXT', ...documents.map(([uri]) => folder + uri)])
      if (!links.includes(name)) broken.push('INDEX.HTM: a file is not linked');
  } finally {
    index.dispose();
  }
  for (const [uri] of documents)
    if (!text('README.TXT').includes(uri)) broken.push('README.TXT: a document is not named');
  const metadata = text(`${folder}METADATA.XML`);
  broken.push(...brokenRules(metadata, new Map(documents)));
  if (metadata.split('<rim:ExtrinsicObject ').length - 1 !== documents.length)
    broken.push('a document without an entry');
  return broken;
}
