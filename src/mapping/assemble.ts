import type { Bundle, BundleEntry, Patient, Provenance, Resource } from '@medplum/fhirtypes';
import type { Conversion, Draft } from '../conversion.ts';
import { sourceOf } from '../message.ts';
import { elementsOf } from './elements.ts';
import { uuidOf } from './uuid.ts';

/** What the later stages of the pipeline settled about a conversion; assembling only puts it together. */
export interface Assembly {
  /** `receivedAt` in milliseconds since 1970; what a door knows of the sender. */
  message: { id: string; sender: string; receivedAt: number };
  identity?: {
    /** `Patient/id`, when the patient is on the server. */
    reference?: string;
    /** The record was written just now for this message. */
    enrolled?: true;
    /** fullUrl that drafts use for that patient. */
    fullUrl?: string;
    /** The patient as it is to be written; when it is missing the server's stays as it is. */
    patient?: Draft<Patient>;
    /** Query that finds the patient by any of its identifiers, when it is to be created unless somebody else has. */
    ifNoneExist?: string;
    drafts?: Draft[];
  };
  /** References of what the message wrote before the rest. */
  written?: string[];
  /** What changes on resources the server has (a document superseded, a stay cancelled). */
  changes?: { drafts: Draft[] };
  /** Its Provenance as it is on the server, when the message was worked on before. */
  told?: Provenance;
  /** Nothing of the message itself is written yet: its Provenance comes with what it writes. */
  isHeld?: true;
}

const BASE = 'http://passerelle.example/fhir/';
const MAP_VERSION = `${BASE}StructureDefinition/map-version`;
const PARTICIPANT = 'http://terminology.hl7.org/CodeSystem/provenance-participant-type';

/**
 * Puts a conversion into the transaction that the FHIR server gets, https://hl7.org/fhir/R4/http.html#transaction.
 *
 * Create-once resources are `POST` with `ifNoneExist`, updated ones `PUT Type?identifier=`, changes of what was read `PUT
 * Type/id` with `ifMatch`, Binary and Provenance `PUT` to an id made from message and place: sent twice, nothing is there
 * twice. Every resource gets `meta.source`; one Provenance tells message, sender and versions of the maps. Pure; the
 * conversion is not changed.
 */
export function assemble(conversion: Conversion, assembly: Assembly): Bundle {
  const { message, identity, changes } = assembly;
  const drafts = [
    ...conversion.drafts.map((draft) => (draft.fullUrl === identity?.fullUrl ? identity.patient : draft)),
    ...(identity?.drafts ?? []),
    ...(changes?.drafts ?? []),
  ].filter((draft) => draft !== undefined);
  if (identity?.patient && !drafts.includes(identity.patient)) drafts.unshift(identity.patient);
  const addresses = addressesOf(drafts, identity);
  const source = sourceOf(message.id);
  const entries = drafts.map((draft) => {
    const query = draft === identity?.patient ? identity.ifNoneExist : undefined;
    return entryOf(draft, addresses, source, query);
  });
  const written = drafts.map(({ fullUrl }) => addresses.get(fullUrl) ?? fullUrl);
  // A new patient was written before the rest; it is this message's work all the same.
  if (identity?.enrolled && identity.reference) written.unshift(identity.reference);
  written.unshift(...(assembly.written ?? []));
  if (written.length > 0 && !assembly.isHeld && !tellsOf(conversion, assembly.told)) {
    entries.push(provenanceEntry(conversion, [...new Set(written)], message));
  }
  return { resourceType: 'Bundle', type: 'transaction', entry: entries };
}

/** Id of the Provenance of a message. */
export function provenanceId(message: { id: string }): string {
  return uuidOf(`provenance\n${message.id}`);
}

/**
 * The same maps made the same of the message: what was told then is all of it. What it created or changed then would be missing
 * from what is told now.
 */
function tellsOf(conversion: Conversion, told: Provenance | undefined): boolean {
  if (!told) return false;
  const versions = (extension: Provenance['extension'] = []) => extension.map((one) => one.valueString).join();
  return versions(told.extension) === versions(mapVersions(conversion));
}

function mapVersions({ maps }: Conversion): NonNullable<Provenance['extension']> {
  return Object.entries(maps)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, version]) => ({ url: MAP_VERSION, valueString: `${name}|${version}` }));
}

/** fullUrl → the address references are to use, where it is known before the transaction runs. */
function addressesOf(drafts: Draft[], identity: Assembly['identity']): Map<string, string> {
  const addresses = new Map<string, string>();
  for (const draft of drafts) {
    if (draft.current) addresses.set(draft.fullUrl, draft.current.reference);
    else if (hasOwnId(draft)) addresses.set(draft.fullUrl, `${draft.resource.resourceType}/${idOf(draft)}`);
  }
  if (identity?.fullUrl && identity.reference) addresses.set(identity.fullUrl, identity.reference);
  return addresses;
}

/** Types that cannot carry an identifier are written to an id of our own. */
function hasOwnId({ resource }: Draft): boolean {
  return elementsOf(resource.resourceType)?.get('identifier') === undefined;
}

function idOf({ fullUrl }: Draft): string {
  return fullUrl.replace(/^urn:uuid:/, '');
}

function entryOf(draft: Draft, addresses: Map<string, string>, source: string, any?: string): BundleEntry {
  const { resourceType: type, id: _, meta, ...rest } = readdress(draft.resource, addresses) as Resource;
  const id = draft.current ? draft.current.reference.slice(type.length + 1) : hasOwnId(draft) ? idOf(draft) : undefined;
  const resource = { resourceType: type, ...(id ? { id } : {}), meta: { ...meta, source }, ...rest } as Resource;
  if (draft.current) {
    const { reference, version } = draft.current;
    const ifMatch = version === undefined ? {} : { ifMatch: `W/"${version}"` };
    return { fullUrl: draft.fullUrl, resource, request: { method: 'PUT', url: reference, ...ifMatch } };
  }
  if (id) {
    return { fullUrl: draft.fullUrl, resource, request: { method: 'PUT', url: `${type}/${id}` } };
  }
  const own = `identifier=${encodeURIComponent(`${draft.identity.system}|${draft.identity.value}`)}`;
  const query = any ?? `${own}${ofPatient(resource)}`;
  const request: BundleEntry['request'] =
    draft.write === 'update'
      ? { method: 'PUT', url: `${type}?${query}` }
      : { method: 'POST', url: type, ifNoneExist: query };
  return { fullUrl: draft.fullUrl, resource, request };
}

/**
 * Two senders may number two patients' forms alike. What is found by such a number must be about this patient too, or one
 * patient's resource would stand for, or be overwritten by, another's.
 */
function ofPatient(resource: Resource): string {
  const {
    subject,
    patient,
    for: beneficiary,
  } = resource as unknown as Record<string, { reference?: string } | undefined>;
  const reference = [subject, patient, beneficiary]
    .map((one) => one?.reference)
    .find((one) => one?.startsWith('Patient/'));
  if (!reference || NO_PATIENT_PARAMETER.has(resource.resourceType)) return '';
  return `&patient=${encodeURIComponent(reference)}`;
}

/** Types about a patient that R4 gives no search parameter of that name. */
const NO_PATIENT_PARAMETER = new Set(['AdverseEvent']);

/** A copy in which references (and attachments' urls) use the known addresses; what does not change is shared. */
function readdress(value: unknown, addresses: Map<string, string>): unknown {
  if (addresses.size === 0 || value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) {
    let changed = false;
    const list = value.map((item) => {
      const made = readdress(item, addresses);
      changed ||= made !== item;
      return made;
    });
    return changed ? list : value;
  }
  let copy: Record<string, unknown> | undefined;
  for (const name in value) {
    const item = (value as Record<string, unknown>)[name];
    const address =
      (name === 'reference' || name === 'url') && typeof item === 'string' ? addresses.get(item) : undefined;
    const made = address ?? readdress(item, addresses);
    if (made === item) continue;
    copy ??= { ...value };
    copy[name] = made;
  }
  return copy ?? value;
}

function provenanceEntry(conversion: Conversion, written: string[], message: Assembly['message']): BundleEntry {
  const id = provenanceId(message);
  const source = sourceOf(message.id);
  const provenance: Provenance = {
    resourceType: 'Provenance',
    id,
    meta: { profile: [`${BASE}StructureDefinition/message-provenance`], source },
    extension: mapVersions(conversion),
    target: written.map((reference) => ({ reference })),
    recorded: new Date(message.receivedAt).toISOString(),
    agent: [agent('author', message.sender || 'unknown'), agent('assembler', 'Passerelle')],
    entity: [{ role: 'source', what: { identifier: { system: 'urn:ietf:rfc:3986', value: source } } }],
  };
  if (provenance.extension?.length === 0) delete provenance.extension;
  return { fullUrl: `urn:uuid:${id}`, resource: provenance, request: { method: 'PUT', url: `Provenance/${id}` } };
}

function agent(role: string, display: string): Provenance['agent'][number] {
  return { type: { coding: [{ system: PARTICIPANT, code: role }] }, who: { display } };
}
