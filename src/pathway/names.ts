import type { Coding, Resource } from '@medplum/fhirtypes';
import type { Draft } from '../conversion.ts';
import { seedHash, seedUuid } from '../seed.ts';

/** Systems the pathway writes with; the programme's own codes are in `profiles/CodeSystem-*.json`. */
export const COVISAN = 'http://passerelle.example/fhir/CodeSystem/covisan';
/** Business states of a task (`Task.businessStatus`). */
export const TASK_STATUS = 'http://passerelle.example/fhir/CodeSystem/task-status';
/** Phases of the illness. */
export const PHASE = 'http://passerelle.example/fhir/CodeSystem/phase';
/** Why a follow-up ended. */
export const EXIT_REASON = 'http://passerelle.example/fhir/CodeSystem/exit-reason';
/** Types of the inputs and outputs of tasks, see `TaskPart`. */
export const PART = 'http://passerelle.example/fhir/CodeSystem/task-part';
/** Identifier system of everything the pathway makes: its value is derived from what it is made for. */
export const PATHWAY = 'http://passerelle.example/fhir/NamingSystem/pathway';
/** On a CarePlan: `date`, the first day of symptoms it was dated from, and `asOf`, when that was said. */
export const J1_USED = 'http://passerelle.example/fhir/StructureDefinition/first-symptoms';
/** The programme's own profiles, `profiles/StructureDefinition-*.json`. */
export const PROFILE = 'http://passerelle.example/fhir/StructureDefinition/';
/** Activities of a Provenance (ISO 21089). */
export const LIFECYCLE = 'http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle';

/** Names of the inputs and outputs of tasks. */
export type TaskPart =
  | 'rule'
  | 'rule-version'
  | 'threshold'
  | 'reading'
  | 'effective'
  | 'level'
  | 'day'
  | 'fixed'
  | 'step'
  | 'report';

/**
 * A resource the pathway wants written, named by what it is for: the same cause always gives the same identity, so a
 * message taken up again writes nothing twice.
 */
export function named<R extends Resource & { identifier?: unknown }>(resource: R, ...seed: string[]): Draft<R> {
  const value = seedHash(resource.resourceType, ...seed);
  const identifier = [{ system: PATHWAY, value }];
  return {
    key: `pathway/${value.slice(0, 16)}/${resource.resourceType}`,
    fullUrl: `urn:uuid:${seedUuid(PATHWAY, value)}`,
    resource: { ...resource, ...(resource.resourceType === 'Provenance' ? {} : { identifier }) },
    write: 'create',
    identity: { system: PATHWAY, value },
  };
}

/** A draft that changes a resource read from the server. */
export function changed<R extends Resource>(resource: R): Draft<R> {
  const reference = `${resource.resourceType}/${resource.id}`;
  const identifier = (resource as { identifier?: { system?: string; value?: string }[] }).identifier;
  const own = Array.isArray(identifier) ? identifier.find((one) => one.system && one.value) : undefined;
  return {
    key: `pathway/${reference}`,
    fullUrl: `urn:uuid:${seedUuid(PATHWAY, reference)}`,
    resource,
    write: 'update',
    identity: own ? { system: own.system!, value: own.value! } : { system: PATHWAY, value: reference },
    current: { reference, version: resource.meta?.versionId },
  };
}

/** A `Task.businessStatus`. */
export function status(code: string, display: string): { coding: Coding[] } {
  return { coding: [{ system: TASK_STATUS, code, display }] };
}

/** The type of an input or output of a task. */
export function part(code: TaskPart): { coding: Coding[] } {
  return { coding: [{ system: PART, code }] };
}
