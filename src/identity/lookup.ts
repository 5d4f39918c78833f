import type { Bundle, Patient, Resource } from '@medplum/fhirtypes';
import type { FhirEndpoint, FhirResponse } from '../adapter.ts';
import { fault, PasserelleError } from '../errors.ts';

/** How many merges a record may be followed through before they are held to run in a circle. */
const MERGE_DEPTH = 16;
/** How many records one identifier may bring; more is a server to repair, not a person to match. */
const PAGE = 50;

/** Records found for one claim: active ones, each once, merged ones replaced by the record that took them over. */
export interface Found {
  patients: Patient[];
  /** True when following merges came back to where it began. */
  circular: boolean;
}

/** Every record that carries one of the identifiers (`system|value`); one request, plus one for each merge followed. */
export async function findByIdentifiers(endpoint: FhirEndpoint, keys: string[]): Promise<Found> {
  if (keys.length === 0) return { patients: [], circular: false };
  return followAll(endpoint, await searchPatients(endpoint, identifierQuery(keys)));
}

/** Active records with this family name and birth date: people to keep apart, never to link. */
export async function findNamesakes(endpoint: FhirEndpoint, family: string, birthDate: string): Promise<Patient[]> {
  const query = `family=${encodeURIComponent(escapeToken(family))}&birthdate=${birthDate}`;
  const found = await searchPatients(endpoint, query);
  return found.filter((patient) => patient.active !== false);
}

/**
 * The conditional of a create, `identifier=a|1,b|2`: any of the identifiers known means the record is there. One statement
 * for all of them keeps two simultaneous messages, each with another identifier of one person, from making two records.
 */
export function identifierQuery(keys: string[]): string {
  return `identifier=${keys.map((key) => encodeURIComponent(escapedKey(key))).join(',')}`;
}

/** The record itself; undefined when it is not there (any more). */
export async function readPatient(endpoint: FhirEndpoint, reference: string): Promise<Patient | undefined> {
  const response = await endpoint.send({ method: 'GET', path: reference });
  if (response.status === 404 || response.status === 410) return undefined;
  return expectOk(response).body as Patient;
}

/** All pages of a search, at most `limit` resources. */
export async function searchAll<R extends Resource>(endpoint: FhirEndpoint, path: string, limit: number): Promise<R[]> {
  const found: R[] = [];
  let next: string | undefined = path;
  while (next && found.length < limit) {
    const bundle = expectOk(await endpoint.send({ method: 'GET', path: next })).body as Bundle;
    found.push(...(bundle.entry ?? []).flatMap((entry) => (entry.resource ? [entry.resource as R] : [])));
    const link: string | undefined = bundle.link?.find((one) => one.relation === 'next')?.url;
    next = link ? relative(link) : undefined;
  }
  return found.slice(0, limit);
}

/** Throws what makes the caller wait and try again: a server that does not answer as it should. */
export function expectOk(response: FhirResponse): FhirResponse {
  if (response.status >= 200 && response.status < 300) return response;
  throw new PasserelleError(fault('fhir-unreachable', { detail: `status ${response.status}` }));
}

async function searchPatients(endpoint: FhirEndpoint, query: string): Promise<Patient[]> {
  const found = await searchAll<Patient>(endpoint, `Patient?${query}&_count=${PAGE}`, PAGE);
  return found.filter((resource) => resource.resourceType === 'Patient');
}

async function followAll(endpoint: FhirEndpoint, patients: Patient[]): Promise<Found> {
  const byId = new Map<string, Patient>();
  let circular = false;
  for (const patient of patients) {
    const survivor = await follow(endpoint, patient, new Map(patients.map((one) => [`Patient/${one.id}`, one])));
    if (survivor === 'circular') circular = true;
    else if (survivor) byId.set(survivor.id!, survivor);
  }
  return { patients: [...byId.values()], circular };
}

async function follow(
  endpoint: FhirEndpoint,
  patient: Patient,
  atHand: Map<string, Patient>,
): Promise<Patient | 'circular' | undefined> {
  let current: Patient | undefined = patient;
  for (let depth = 0; depth < MERGE_DEPTH; depth++) {
    const next: string | undefined = replacedBy(current);
    if (!next) return current;
    current = atHand.get(next) ?? (await readPatient(endpoint, next));
    if (!current) return undefined;
  }
  return 'circular';
}

/** Reference of the record that took this one over, https://hl7.org/fhir/R4/patient-definitions.html#Patient.link */
export function replacedBy(patient: Patient): string | undefined {
  const link = patient.link?.find((one) => one.type === 'replaced-by');
  return link?.other?.reference?.match(/Patient\/[A-Za-z0-9.-]{1,64}/)?.[0];
}

function escapedKey(key: string): string {
  const bar = key.indexOf('|');
  return `${escapeToken(key.slice(0, bar))}|${escapeToken(key.slice(bar + 1))}`;
}

/** https://hl7.org/fhir/R4/search.html#escaping */
function escapeToken(text: string): string {
  return text.replace(/[\\,$|]/g, (character) => `\\${character}`);
}

/** A server's `next` link is absolute; requests here are relative to its base. */
function relative(link: string): string {
  const query = link.indexOf('?');
  const path = query < 0 ? link : link.slice(0, query);
  const search = query < 0 ? '' : link.slice(query);
  const inside = /(?:^|\/)((?:[A-Z][A-Za-z]+(?:\/[A-Za-z0-9.-]+(?:\/\$[a-z-]+)?)?)?)\/?$/.exec(path)?.[1] ?? '';
  return `${inside}${search}`;
}
