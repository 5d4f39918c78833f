import { createHash } from 'node:crypto';
import type {
  Bundle,
  BundleEntry,
  Device,
  DocumentReference,
  Identifier,
  List,
  Parameters,
  Patient,
  Resource,
} from '@medplum/fhirtypes';
import { isIns } from '../../adapter/ins.ts';
import type { ServerConfig } from './config.ts';
import { type Dossier, sha1 } from './dossier.ts';
import { DESIGNATION_TYPE, LIST_TYPES, profiles, SOURCE_ID, URI } from './names.ts';

/** What one submission is made from. */
export interface Submission {
  /** The same seed gives the same submission. */
  seed: string;
  dossier: Dossier;
  patient: Patient;
  ins: Required<Pick<Identifier, 'system' | 'value'>>;
  at: Date;
  /** The document on the server elsewhere that this one replaces: `DocumentReference/id`. */
  replaces?: string;
}

/**
 * ITI-65 Provide Document Bundle: submission set, document, content; for a replacement also the FHIRPath Patch that
 * supersedes the old document (TD2.1 of PDSm for DMP). People travel as contained resources, the subject is named by INS.
 */
export function provideBundle(submission: Submission, config: ServerConfig): Bundle {
  const { seed, dossier, replaces } = submission;
  const [list, document, binary] = ['list', 'document', 'binary'].map((part) => `urn:uuid:${uuidOf(seed, part)}`);
  const { contentType = 'application/octet-stream' } = dossier.content.attachment;
  return {
    resourceType: 'Bundle',
    meta: { profile: [profiles.provide] },
    type: 'transaction',
    entry: [
      post(list!, submissionSet(submission, list!, document!, config)),
      post(document!, sharedDocument(submission, document!, binary!)),
      post(binary!, {
        resourceType: 'Binary',
        contentType,
        data: Buffer.from(dossier.bytes).toString('base64'),
      }),
      ...(replaces ? [patch(replaces, statusPatch('superseded'))] : []),
    ],
  };
}

function post(fullUrl: string, resource: Resource): BundleEntry {
  return { fullUrl, resource, request: { method: 'POST', url: resource.resourceType } };
}

function patch(url: string, resource: Parameters): BundleEntry {
  return { fullUrl: `urn:uuid:${uuidOf(url, 'patch')}`, resource, request: { method: 'PATCH', url } };
}

/** FHIRPath Patch of the status, https://hl7.org/fhir/R4/fhirpatch.html */
export function statusPatch(status: NonNullable<DocumentReference['status']>): Parameters {
  const part = [
    { name: 'type', valueCode: 'replace' },
    { name: 'path', valueString: 'DocumentReference.status' },
    { name: 'value', valueCode: status },
  ];
  return { resourceType: 'Parameters', parameter: [{ name: 'operation', part }] };
}

function submissionSet(
  { dossier, ins, at, seed }: Submission,
  id: string,
  document: string,
  config: ServerConfig,
): List {
  const people = peopleOf(dossier);
  const { sourceId, designationType } = config;
  return {
    resourceType: 'List',
    meta: { profile: [profiles.submissionSet] },
    ...(people.contained.length > 0 ? { contained: people.contained } : {}),
    extension: [
      { url: DESIGNATION_TYPE, valueCodeableConcept: { coding: [designationType] } },
      { url: SOURCE_ID, valueIdentifier: { system: URI, value: sourceId } },
    ],
    identifier: [
      { use: 'usual', system: URI, value: `urn:uuid:${uuidOf(seed, 'submission')}` },
      { use: 'official', system: URI, value: id },
    ],
    status: 'current',
    mode: 'working',
    title: titleOf(dossier),
    code: { coding: [{ system: LIST_TYPES, code: 'submissionset' }] },
    subject: { reference: subjectOf(ins) },
    date: at.toISOString(),
    ...(people.author ? { source: { reference: people.author } } : {}),
    entry: [{ item: { reference: document } }],
  };
}

function sharedDocument(
  { dossier, patient, ins, replaces, at }: Submission,
  id: string,
  url: string,
): DocumentReference {
  const { document, content, bytes } = dossier;
  const people = peopleOf(dossier);
  const { attachment, format } = content;
  const { period, event, facilityType, practiceSetting } = document.context ?? {};
  const start = period?.start ?? attachment.creation ?? document.date;
  return {
    resourceType: 'DocumentReference',
    meta: { profile: [profiles.document] },
    contained: [sourcePatient(patient), ...people.contained],
    ...(document.masterIdentifier ? { masterIdentifier: document.masterIdentifier } : {}),
    identifier: [{ use: 'official', system: URI, value: id }],
    status: 'current',
    ...(document.type ? { type: document.type } : {}),
    ...(document.category ? { category: document.category } : {}),
    subject: { reference: subjectOf(ins) },
    date: document.date ?? at.toISOString(),
    ...(people.author ? { author: [{ reference: people.author }] } : {}),
    ...(people.author && document.authenticator ? { authenticator: { reference: people.author } } : {}),
    ...(people.custodian ? { custodian: { reference: people.custodian } } : {}),
    ...(replaces ? { relatesTo: [{ code: 'replaces', target: { reference: replaces } }] } : {}),
    ...(document.description ? { description: document.description } : {}),
    securityLabel: document.securityLabel ?? [
      { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'N' }] },
    ],
    content: [
      {
        attachment: {
          contentType: attachment.contentType ?? 'application/octet-stream',
          language: attachment.language ?? 'fr-FR',
          url,
          size: bytes.length,
          hash: sha1(bytes),
          title: titleOf(dossier),
          creation: attachment.creation ?? document.date,
        },
        ...(format ? { format } : {}),
      },
    ],
    context: {
      ...(event ? { event } : {}),
      period: { ...period, ...(start ? { start } : {}) },
      ...(facilityType ? { facilityType } : {}),
      ...(practiceSetting ? { practiceSetting } : {}),
      sourcePatientInfo: { reference: '#source-patient' },
    },
  };
}

/** The patient as the hospital knows it: INS and its own number. */
function sourcePatient({ identifier, name, birthDate, gender }: Patient): Patient {
  const shown = identifier?.filter(
    ({ system, type, use }) => (isIns(system) && use !== 'old') || type?.coding?.some((one) => one.code === 'PI'),
  );
  return {
    resourceType: 'Patient',
    id: 'source-patient',
    ...(shown?.length ? { identifier: shown } : {}),
    ...(name ? { name } : {}),
    ...(birthDate ? { birthDate } : {}),
    ...(gender ? { gender } : {}),
  };
}

function subjectOf({ system, value }: Submission['ins']): string {
  return `Patient?identifier=${system}|${value}`;
}

function titleOf({ document, content }: Dossier): string {
  const type = document.type?.coding?.[0]?.display ?? document.type?.text;
  return content.attachment.title ?? document.description ?? type ?? 'Document de santé';
}

/** Author and custodian as contained resources: no meta, no narrative, references among themselves only. */
function peopleOf({ author, custodian }: Dossier): { contained: Resource[]; author?: string; custodian?: string } {
  const { role, practitioner, organization, device } = author;
  const contained: Resource[] = [];
  const keep = (resource: Resource | undefined, id: string, links: object = {}) => {
    if (!resource) return undefined;
    const { meta: _meta, text: _text, ...rest } = resource as Resource & { text?: unknown };
    contained.push({ ...rest, id, ...links } as Resource);
    return `#${id}`;
  };
  const person = keep(practitioner, 'practitioner');
  const place = keep(organization, 'organization');
  const links = {
    practitioner: person ? { reference: person } : undefined,
    organization: place ? { reference: place } : undefined,
  };
  const byRole = keep(role && stripped(role), 'role', links);
  const same = custodian && custodian.id === organization?.id;
  const holder = same ? place : keep(custodian, 'custodian');
  const named = byRole ?? person ?? place ?? keep(device && withoutPatient(device), 'device') ?? holder;
  return { contained, ...(named ? { author: named } : {}), ...(holder ? { custodian: holder } : {}) };
}

/** What a device belongs to is this house's business. */
function withoutPatient({ patient: _patient, owner: _owner, location: _location, ...device }: Device): Device {
  return device;
}

/** Places and services of a role are references to this house, which nobody elsewhere can follow. */
function stripped<R extends Resource>(role: R): R {
  const {
    location: _location,
    healthcareService: _service,
    endpoint: _endpoint,
    ...rest
  } = role as R & Record<string, unknown>;
  return rest as R;
}

/** A UUID (version 8) that follows from its parts. */
function uuidOf(...parts: string[]): string {
  const hash = createHash('sha256').update(JSON.stringify(parts)).digest('hex');
  const variant = ((Number.parseInt(hash[16]!, 16) & 3) | 8).toString(16);
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-${variant}${hash.slice(17, 20)}-${hash.slice(20, 32)}`;
}
