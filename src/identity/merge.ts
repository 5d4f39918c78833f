import type { Identifier, Patient, Provenance, Reference, Resource } from '@medplum/fhirtypes';
import type { Draft } from '../conversion.ts';
import { seedUuid } from '../seed.ts';
import { identifierKey, isInsSystem } from './ins.ts';
import { insRivals } from './match.ts';
import { compare, traitsOf, traitsThat } from './traits.ts';

/** On an identifier a surviving record took over: the record it came from, so that a merge can be undone. */
export const MERGED_FROM = 'http://passerelle.example/fhir/StructureDefinition/merged-from';
const LIFECYCLE = 'http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle';
/** Identifier system of decisions, so that one is carried out once. */
export const DECISION_SYSTEM = 'http://passerelle.example/fhir/NamingSystem/identity-decision';

/** Who decided, when and why: what the Provenance says. */
export interface Author {
  /** Practitioner, Organization or Device that decided; for an A40 the sending system. */
  who: Reference;
  at: Date;
  /** `urn:passerelle:message:ID` of the message that asked for it, when one did. */
  source?: string;
  note?: string;
}

/** A record of the server beside its reference, or one that the same transaction creates (`urn:uuid:…`). */
export interface Side {
  reference: string;
  patient: Patient;
}

/** Elements that forbid a merge without a person: two INS, or more than one strict trait against it. */
export function mergeContradictions(survivor: Patient, retired: Patient): string[] {
  if (insRivals(survivor, retired)) return ['ins'];
  const against = traitsThat(compare(traitsOf(survivor), traitsOf(retired)), 'differ');
  const strict = against.filter((trait) => trait !== 'birthPlace');
  return strict.length > 1 ? strict : [];
}

/** The surviving record after the merge: the identifiers of both, those taken over marked with where they came from. */
export function survivorOf(survivor: Side, retired: Side): Patient {
  const known = new Set((survivor.patient.identifier ?? []).map(identifierKey));
  const taken = (retired.patient.identifier ?? []).filter((one) => !known.has(identifierKey(one)));
  const link = { other: { reference: retired.reference }, type: 'replaces' as const };
  return {
    ...survivor.patient,
    active: true,
    identifier: [...(survivor.patient.identifier ?? []), ...taken.map((one) => takenOver(one, retired.reference))],
    link: [...(survivor.patient.link ?? []).filter((one) => !pointsTo(one, retired.reference)), link],
  };
}

/** The retired record after the merge: inactive, pointing at the survivor; its content stays as it was. */
export function retiredOf(survivor: Side, retired: Side): Patient {
  const rest = (retired.patient.link ?? []).filter((one) => one.type !== 'replaced-by');
  return {
    ...retired.patient,
    active: false,
    link: [...rest, { other: { reference: survivor.reference }, type: 'replaced-by' }],
  };
}

/** Both records as they were before the merge; what each has learnt since stays. */
export function separated(survivor: Side, retired: Side): { survivor: Patient; retired: Patient } {
  const came = (one: Identifier) => one.extension?.some((extension) => isFrom(extension, retired.reference));
  const links = (survivor.patient.link ?? []).filter((one) => !pointsTo(one, retired.reference));
  const kept = (retired.patient.link ?? []).filter((one) => one.type !== 'replaced-by');
  return {
    survivor: withLinks(
      { ...survivor.patient, identifier: survivor.patient.identifier?.filter((one) => !came(one)) },
      links,
    ),
    retired: withLinks({ ...retired.patient, active: true }, kept),
  };
}

/**
 * A resource with every reference to one of `from` pointing to `to`; undefined when it has none. References in Provenance
 * and AuditEvent say what happened then and are not touched by callers.
 */
export function repointed<R extends Resource>(resource: R, from: string[], to: string): R | undefined {
  let found = false;
  const walk = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(walk);
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value).map(([key, one]) => {
      if (key !== 'reference' || typeof one !== 'string' || !from.includes(one)) return [key, walk(one)];
      found = true;
      return [key, to];
    });
    return Object.fromEntries(entries);
  };
  const result = walk(resource) as R;
  return found ? result : undefined;
}

/** A draft that changes a resource read from the server. */
export function changed<R extends Resource>(before: Resource, resource: R): Draft<R> {
  const reference = `${before.resourceType}/${before.id}`;
  return {
    key: `identity/${reference}`,
    fullUrl: `urn:uuid:${seedUuid(DECISION_SYSTEM, reference)}`,
    resource,
    write: 'update',
    identity: { system: DECISION_SYSTEM, value: reference },
    current: { reference, version: before.meta?.versionId },
  };
}

/** Who merged, separated or decided what. Its targets are also the memory of what a merge moved. */
export function provenance(
  activity: 'merge' | 'unmerge' | 'amend',
  targets: string[],
  author: Author,
): Draft<Provenance> {
  const value = seedUuid(DECISION_SYSTEM, activity, JSON.stringify(targets.toSorted()), author.at.toISOString());
  const what = author.source ? { identifier: { system: 'urn:ietf:rfc:3986', value: author.source } } : undefined;
  return {
    key: `identity/Provenance/${value}`,
    fullUrl: `urn:uuid:${value}`,
    resource: {
      resourceType: 'Provenance',
      target: targets.map((reference) => ({ reference })) as Provenance['target'],
      recorded: author.at.toISOString(),
      activity: { coding: [{ system: LIFECYCLE, code: activity }] },
      ...(author.note ? { reason: [{ text: author.note }] } : {}),
      agent: [{ who: author.who as Provenance['agent'][number]['who'] }],
      ...(what ? { entity: [{ role: 'source', what }] } : {}),
    },
    write: 'create',
    identity: { system: DECISION_SYSTEM, value },
  };
}

/** True for the Provenance of a merge, which is what an unmerge undoes. */
export function isMerge(one: Provenance): boolean {
  return one.activity?.coding?.some((coding) => coding.system === LIFECYCLE && coding.code === 'merge') ?? false;
}

/** Numbers of the retired record are history; an INS stays current: the survivor has none, or it would not be merged. */
function takenOver(identifier: Identifier, from: string): Identifier {
  const extension = [...(identifier.extension ?? []), { url: MERGED_FROM, valueReference: { reference: from } }];
  return isInsSystem(identifier.system) ? { ...identifier, extension } : { ...identifier, extension, use: 'old' };
}

function isFrom(extension: { url?: string; valueReference?: Reference }, reference: string): boolean {
  return extension.url === MERGED_FROM && extension.valueReference?.reference === reference;
}

function pointsTo(link: { other?: Reference }, reference: string): boolean {
  return link.other?.reference === reference;
}

function withLinks(patient: Patient, link: Patient['link']): Patient {
  const { link: _, ...rest } = patient;
  return link?.length ? { ...rest, link } : rest;
}
