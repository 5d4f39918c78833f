import type { Identifier, Patient, Reference, Resource } from '@medplum/fhirtypes';
import { fault } from '../errors.ts';
import { type BundleIndex, identifierQuery } from './fhir-references.ts';
import { businessIdentifiers } from './identity.ts';
import type { Entry, Run } from './run.ts';

/** Elements that say whom a resource is about, https://hl7.org/fhir/R4/compartmentdefinition-patient.html */
const ABOUT = ['subject', 'patient', 'beneficiary', 'for', 'individual'] as const;

/**
 * Finds the patient a FHIR message is about: a Patient in it, one contained in what is about it, or one made from a logical
 * or conditional reference (identifier only; the registrar finds the rest). A message about several patients is refused,
 * because only one identity can be settled for a message.
 */
export function settleSubject(run: Run, entries: Entry[], index: BundleIndex): void {
  const inside = patientsIn(entries);
  const about = new Set<Resource>();
  const made = new Map<string, Entry>();
  for (const { resource } of entries) {
    for (const holder of subjectsOf(resource!)) {
      const patient = patientOf(holder, resource!, inside, index, made, run);
      if (patient) about.add(patient);
    }
  }
  if (about.size === 0 && inside.size === 1) for (const patient of inside.keys()) about.add(patient);
  if (about.size > 1 || (about.size === 0 && inside.size > 1)) {
    const count = Math.max(about.size, inside.size);
    run.session.faults.push(fault('several-patients', { place: '/', params: { count } }));
    return;
  }
  const [patient] = about;
  const entry = patient && (inside.get(patient) ?? [...made.values()].find((one) => one.resource === patient));
  if (entry) entry.subject = true;
}

function patientsIn(entries: Entry[]): Map<Resource, Entry> {
  const found = new Map<Resource, Entry>();
  for (const entry of entries) if (entry.resource?.resourceType === 'Patient') found.set(entry.resource, entry);
  return found;
}

function subjectsOf(resource: Resource): Reference[] {
  const bag = resource as unknown as Record<string, unknown>;
  return ABOUT.flatMap((name) => {
    const value = bag[name];
    return value !== null && typeof value === 'object' && !Array.isArray(value) ? [value as Reference] : [];
  });
}

function patientOf(
  holder: Reference,
  owner: Resource,
  inside: Map<Resource, Entry>,
  index: BundleIndex,
  made: Map<string, Entry>,
  run: Run,
): Resource | undefined {
  const text = holder.reference ?? '';
  const target = index.resolve(text) ?? (holder.identifier && index.identified('Patient', holder.identifier));
  if (target) {
    if (!inside.has(target)) return undefined;
    if (!holder.reference) index.link(holder, target);
    return target;
  }
  const base = text.startsWith('#')
    ? containedPatient([owner], ({ id }) => id === text.slice(1))
    : fromIdentifier(holder, text, run);
  if (!base) return undefined;
  const [first] = businessIdentifiers(base);
  const key = `${first!.system}|${first!.value}`;
  const entry = made.get(key) ?? addPatient(base, run);
  made.set(key, entry);
  index.link(holder, entry.resource!);
  return entry.resource;
}

/** Only with a number that has a system: a name alone identifies nobody. */
function containedPatient(owners: Resource[], wanted: (one: Patient) => boolean): Patient | undefined {
  for (const { contained } of owners as { contained?: Resource[] }[]) {
    const found = contained?.find((one): one is Patient => one.resourceType === 'Patient' && wanted(one));
    if (!found || businessIdentifiers(found).length === 0) continue;
    const { id: _, ...patient } = found;
    return structuredClone(patient) as Patient;
  }
  return undefined;
}

/** The number alone, or the contained patient (a document's `sourcePatientInfo`) that has it, for its traits. */
function fromIdentifier(holder: Reference, text: string, { session }: Run): Patient | undefined {
  if (holder.type !== undefined && holder.type !== 'Patient') return undefined;
  const logical = text === '' ? holder.identifier : undefined;
  const identifier: Identifier | undefined = text.startsWith('Patient?') ? identifierQuery(text.slice(8)) : logical;
  const { system, value } = identifier ?? {};
  if (!system || !value) return undefined;
  const has = (one: Patient) => one.identifier?.some((own) => own.system === system && own.value === value) ?? false;
  const resources = session.entries.flatMap(({ resource }) => resource ?? []);
  return containedPatient(resources, has) ?? { resourceType: 'Patient', identifier: [{ ...identifier }] };
}

function addPatient(patient: Patient, run: Run): Entry {
  const rule = { map: 'fhir', rule: 'subject' };
  const entry: Entry = {
    resource: patient,
    path: [],
    owner: undefined,
    key: 'subject',
    rule,
    document: run.document,
  };
  run.session.entries.push(entry);
  return entry;
}
