import { createHash } from 'node:crypto';
import type { CodeableConcept, Coding, Identifier } from '@medplum/fhirtypes';
import type { XdmDocument, XdmSubmission, XdsCode } from '../../formats/xdm/index.ts';
import type { Author, Content, Dossier } from './dossier.ts';
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
  sending: { messageId: string; sourceId: string; at: Date; withdraws?: boolean },
): XdmSubmission {
  const documents = dossiers.flatMap((dossier) =>
    dossier.contents
      .filter((content) => isStructured(content) || dossier.contents.every((one) => !isStructured(one)))
      .map((content) => ({ dossier, content })),
  );
  const number = BigInt(`0x${createHash('sha256').update(sending.messageId).digest('hex').slice(0, 30)}`);
  const replaces = dossiers[0]?.replaces;
  return {
    uniqueId: `2.25.${number}`,
    sourceId: sending.sourceId,
    title: dossiers.map(titleOf).join(', '),
    submissionTime: hl7Time(sending.at.toISOString()) ?? '',
    ...coded('contentType', dossiers[0]?.reference.context?.event?.[0]),
    documents: documents.map(({ dossier, content }, index) => ({
      ...documentOf(dossier, content, index, traits),
      ...(sending.withdraws ? { action: 'D' as const } : {}),
    })),
    ...(replaces ? { replaces } : {}),
  };
}

export function isStructured({ attachment }: Content): boolean {
  return /xml/.test(attachment.contentType ?? '');
}

/** What people call the document. */
export function titleOf({ reference }: Dossier): string {
  const type = reference.type?.coding?.[0]?.display ?? reference.type?.text;
  return reference.content?.[0]?.attachment?.title ?? reference.description ?? type ?? 'Document de santé';
}

function documentOf(dossier: Dossier, content: Content, index: number, traits: PatientTraits): XdmDocument {
  const { reference } = dossier;
  const { attachment, format } = content;
  const context = reference.context;
  const extension = isStructured(content) ? 'XML' : attachment.contentType === 'application/pdf' ? 'PDF' : 'BIN';
  return {
    uri: `DOC${String(index + 1).padStart(5, '0')}.${extension}`,
    bytes: content.bytes,
    mimeType: attachment.contentType ?? 'application/octet-stream',
    uniqueId: (reference.masterIdentifier?.value ?? reference.id ?? '').replace(/^urn:(oid|uuid):/, ''),
    title: titleOf(dossier),
    creationTime: hl7Time(attachment.creation ?? reference.date) ?? '',
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
    patientId: traits.ins ? `${traits.ins.value}^^^&${traits.ins.oid}&ISO^NH` : '',
    sourcePatientInfo: sourceOf(traits),
  };
}

function sourceOf({ family, given, birthDate }: PatientTraits): string[] {
  const day = birthDate.split('/').reverse().join('');
  return [`PID-5|${family}^${given}^^^^^L`, ...(day ? [`PID-7|${day}`] : [])];
}

/** XCN: the national number of a person, else none. */
function personOf({ practitioner }: Author): string | undefined {
  const name = practitioner?.name?.[0];
  if (!practitioner || !name) return undefined;
  const number = national(practitioner.identifier, 'urn:oid:1.2.250.1.71.4.2.1');
  const authority = number ? '^^^^^^&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS' : '';
  return `${number ?? ''}^${name.family ?? ''}^${name.given?.[0] ?? ''}${authority}`;
}

/** XON */
function institutionOf({ organization }: Author): string | undefined {
  if (!organization?.name) return undefined;
  const number = national(organization.identifier, 'urn:oid:1.2.250.1.71.4.2.2');
  return number ? `${organization.name}^^^^^&1.2.250.1.71.4.2.2&ISO^IDNST^^^${number}` : organization.name;
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
