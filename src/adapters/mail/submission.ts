import { createHash } from 'node:crypto';
import type { CodeableConcept, Coding, Device, Identifier } from '@medplum/fhirtypes';
import { escapeText } from '../../formats/hl7v2/index.ts';
import type { XdmDocument, XdmSubmission, XdsCode } from '../../formats/xdm/index.ts';
import { type Author, type Content, type Dossier, uniqueIdOf } from './dossier.ts';
import type { PatientTraits } from './patient.ts';

/** Systems of codes as XDS writes them; others are written as the OID or URI they are. */
const systems: Record<string, string> = {
  'http://loinc.org': '2.16.840.1.113883.6.1',
  'http://snomed.info/sct': '2.16.840.1.113883.6.96',
  'http://terminology.hl7.org/CodeSystem/v3-Confidentiality': '2.16.840.1.113883.5.25',
  'http://ihe.net/fhir/ihe.formatcode.fhir/CodeSystem/formatcode': '1.3.6.1.4.1.19376.1.2.3',
};
const nos: Record<string, string> = {
  'TRE-A03-ClasseDocument': '1.2.250.1.213.1.1.4.1',
  'TRE-A01-CadreExercice': '1.2.250.1.213.1.1.4.9',
  'TRE-R02-SecteurActivite': '1.2.250.1.71.4.2.4',
  'TRE-A05-TypeDocComplementaire': '1.2.250.1.213.1.1.4.12',
  'TRE-A08-HL7Confidentiality': '1.2.250.1.213.1.1.4.13',
};

/** The archive for these documents: every content in turn, the metadata from their DocumentReference. */
export function submissionOf(
  dossiers: Dossier[],
  traits: PatientTraits,
  sending: { messageId: string; sourceId: string; from?: string; at: Date; withdraws?: boolean },
): XdmSubmission {
  const documents = dossiers.flatMap((dossier) =>
    dossier.contents
      .filter((content) => isStructured(content) || dossier.contents.every((one) => !isStructured(one)))
      .map((content) => ({ dossier, content })),
  );
  const replaces = dossiers[0]?.replaces;
  return {
    uniqueId: oidOf(sending.messageId),
    sourceId: sending.sourceId,
    ...present('from', sending.from),
    title: dossiers.map(titleOf).join(', '),
    submissionTime: hl7Time(sending.at.toISOString()) ?? '',
    // XDS wants one; where no act is told, the kind of document says what was done.
    ...coded('contentType', dossiers[0]?.reference.context?.event?.[0] ?? dossiers[0]?.reference.type),
    documents: documents.map(({ dossier, content }, index) => ({
      ...documentOf(dossier, content, index, traits, sending.at),
      ...(sending.withdraws ? { action: 'D' as const } : {}),
    })),
    ...(replaces ? { replaces } : {}),
  };
}

/** True for the CDA of a document; what stands beside it is a copy for reading. */
export function isStructured({ attachment }: Content): boolean {
  return /xml/.test(attachment.contentType ?? '');
}

/** What people call the document. */
export function titleOf({ reference }: Dossier): string {
  const type = reference.type?.coding?.[0]?.display ?? reference.type?.text;
  return reference.content?.[0]?.attachment?.title ?? reference.description ?? type ?? 'Document de santé';
}

function documentOf(dossier: Dossier, content: Content, index: number, traits: PatientTraits, at: Date): XdmDocument {
  const { reference } = dossier;
  const { attachment, format } = content;
  const context = reference.context;
  const extension = isStructured(content) ? 'XML' : attachment.contentType === 'application/pdf' ? 'PDF' : 'BIN';
  return {
    uri: `DOC${String(index + 1).padStart(5, '0')}.${extension}`,
    bytes: content.bytes,
    mimeType: attachment.contentType ?? 'application/octet-stream',
    uniqueId: entryIdOf(dossier, content),
    title: titleOf(dossier),
    creationTime: hl7Time(attachment.creation ?? reference.date ?? at.toISOString())!,
    languageCode: attachment.language ?? 'fr-FR',
    ...present('serviceStartTime', hl7Time(context?.period?.start)),
    ...present('serviceStopTime', hl7Time(context?.period?.end)),
    ...present('authorPerson', personOf(dossier.author)),
    ...present('authorInstitution', institutionOf(dossier.author)),
    ...present('legalAuthenticator', personOf(dossier.authenticator)),
    ...coded('classCode', reference.category?.[0]),
    ...coded('typeCode', reference.type),
    ...(format?.code ? { formatCode: codeOf(format)! } : {}),
    ...coded('facilityType', context?.facilityType),
    ...coded('practiceSetting', context?.practiceSetting),
    confidentiality: (reference.securityLabel ?? []).flatMap((one) => codeOf(one.coding?.[0]) ?? []),
    patientId: patientIdOf(traits),
    ...present('sourcePatientId', traits.local && cx(traits.local, 'PI')),
    sourcePatientInfo: sourceOf(traits),
  };
}

/** Contents of one document that stand side by side are entries of their own, and each has its own number. */
function entryIdOf({ reference, contents }: Dossier, content: Content): string {
  const id = uniqueIdOf(reference.masterIdentifier) ?? reference.id ?? '';
  const at = isStructured(content) ? 0 : contents.indexOf(content);
  if (at === 0) return id;
  return oidOf(`${id}|${at}`);
}

/** An OID that follows from a name, in the arc of those that nobody need register (ITU-T X.667). */
function oidOf(name: string): string {
  return `2.25.${BigInt(`0x${createHash('sha256').update(name).digest('hex').slice(0, 30)}`)}`;
}

/** The INS; without one the number of the record, which is all there is to say whose document it is. */
function patientIdOf({ ins, local }: PatientTraits): string {
  if (ins) return cx(ins, 'NH');
  return local ? cx(local, 'PI') : '';
}

function cx({ value, oid }: { value: string; oid: string }, type: string): string {
  return `${escapeText(value)}^^^&${oid}&ISO^${type}`;
}

function sourceOf({ family, given, birthDate, sex }: PatientTraits): string[] {
  const day = birthDate.split('/').reverse().join('');
  return [
    `PID-5|${escapeText(family)}^${escapeText(given)}^^^^^L`,
    ...(day ? [`PID-7|${day}`] : []),
    ...(sex ? [`PID-8|${sex}`] : []),
  ];
}

/** XCN: the national number of a person, else none. */
function personOf({ practitioner, device }: Author): string | undefined {
  const name = practitioner?.name?.[0];
  if (device && !practitioner) return programOf(device);
  if (!practitioner || !name) return undefined;
  const number = national(practitioner.identifier, 'urn:oid:1.2.250.1.71.4.2.1');
  const authority = number ? '^^^^^^&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS' : '';
  return `${number ?? ''}^${escapeText(name.family ?? '')}^${escapeText(name.given?.[0] ?? '')}${authority}`;
}

/** A program as author: number, model and name in the places of number, family and first name (name type U, number RI). */
function programOf({ identifier = [], deviceName = [] }: Device): string | undefined {
  const model = deviceName.find(({ type }) => type === 'model-name')?.name ?? '';
  const name = deviceName.find(({ type }) => type !== 'model-name')?.name ?? '';
  const number = identifier.find(({ system, value }) => value && system?.startsWith('urn:oid:'));
  if (!model && !name) return undefined;
  const authority = number ? `^^^^^^&${number.system!.slice('urn:oid:'.length)}&ISO^U^^^RI` : '';
  return [escapeText(number?.value ?? ''), escapeText(model || name), escapeText(name) + authority].join('^');
}

/** XON */
function institutionOf({ organization }: Author): string | undefined {
  if (!organization?.name) return undefined;
  const number = national(organization.identifier, 'urn:oid:1.2.250.1.71.4.2.2');
  const name = escapeText(organization.name);
  return number ? `${name}^^^^^&1.2.250.1.71.4.2.2&ISO^IDNST^^^${number}` : name;
}

function national(identifiers: Identifier[] | undefined, system: string): string | undefined {
  return identifiers?.find((one) => one.system === system)?.value;
}

function coded<K extends string>(name: K, concept: CodeableConcept | undefined): { [N in K]?: XdsCode } {
  return present(name, codeOf(concept?.coding?.[0]));
}

function present<K extends string, V>(name: K, value: V | undefined): { [N in K]?: V } {
  return (value === undefined ? {} : { [name]: value }) as { [N in K]?: V };
}

function codeOf(coding: Coding | undefined): XdsCode | undefined {
  if (!coding?.code) return undefined;
  const { system = '', code, display = code } = coding;
  const known = systems[system] ?? nos[system.split('/').at(-1) ?? ''];
  return { code, display, system: known ?? system.replace(/^urn:oid:/, '') };
}

/** FHIR dateTime → HL7 time in UTC with as many digits as are known; a day alone stays the day it is. */
export function hl7Time(value: string | undefined): string | undefined {
  if (!value) return undefined;
  if (!value.includes('T')) return value.replaceAll('-', '');
  const time = new Date(value);
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString().slice(0, 19).replace(/[-:T]/g, '');
}
