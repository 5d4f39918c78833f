import type { Patient, Reference } from '@medplum/fhirtypes';
import type { FhirEndpoint } from '../adapter.ts';
import { readIfThere, searchAll } from '../fhir-pages.ts';

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
  const isPlain = keys.every((key) => /^[^|]*\|[^|,]*$/.test(key));
  const found =
    endpoint.find && isPlain ? findHere(endpoint, keys) : await searchPatients(endpoint, identifierQuery(keys));
  return followAll(endpoint, found);
}

/** The same where the server is in this process; it looks for systems and for values, so the pairs are compared here. */
function findHere(endpoint: FhirEndpoint, keys: string[]): Patient[] {
  const wanted = new Set(keys);
  const found = endpoint.find!('Patient', 'identifier', keys, PAGE) as Patient[];
  return found.filter(({ identifier = [] }) =>
    identifier.some(({ system = '', value }) => wanted.has(`${system}|${value}`)),
  );
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
  return readIfThere(endpoint, reference);
}

/**
 * The record that a Reference names by its address here, or else by an identifier; merges are followed.
 * @returns undefined when there is none, or more than one.
 */
export async function recordOf(
  endpoint: FhirEndpoint,
  { reference, identifier }: Reference,
): Promise<Patient | undefined> {
  if (reference) {
    const named = /^Patient\/[A-Za-z0-9.-]{1,64}$/.test(reference) && (await readPatient(endpoint, reference));
    return named ? (await followAll(endpoint, [named])).patients[0] : undefined;
  }
  if (!identifier?.system || !identifier.value) return undefined;
  const { patients } = await findByIdentifiers(endpoint, [`${identifier.system}|${identifier.value}`]);
  return patients.length === 1 ? patients[0] : undefined;
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
