import type { OperationOutcome, Parameters, Resource } from '@medplum/fhirtypes';
import { type Fault, fault, operationOutcome, PasserelleError } from '../errors.ts';
import { checkStructure } from './structure.ts';

/** What the examiner finds about a resource. */
export interface ValidationFinding {
  severity: 'error' | 'warning' | 'information';
  /** FHIRPath of the element. */
  path: string;
  rule: string;
  message: { en: string; fr?: string };
}

/** The examiner behind `$validate`: judges by the base specification and the profiles named (or claimed, when none is). */
export type Validate = (resource: Resource, profiles: string[] | undefined) => ValidationFinding[];

/**
 * Answers `$validate` for a body that is the resource itself or Parameters holding it: all that the examiner finds,
 * without one the structure alone; an information when there is nothing to say.
 */
export function judge(
  body: unknown,
  pairs: [string, string][],
  type: string,
  validate: Validate | undefined,
): OperationOutcome {
  const { resource, profiles } = asked(body, pairs);
  if (!resource) {
    const reason = 'neither a resource nor Parameters with a part called resource';
    throw new PasserelleError(fault('fhir-request-invalid', { params: { reason } }));
  }
  if (resource.resourceType !== type) {
    const reason = 'the body and the address are of different types';
    throw new PasserelleError(fault('fhir-request-invalid', { params: { reason } }));
  }
  const faults = validate ? validate(resource, profiles).map(toFault) : checkStructure(resource);
  if (!faults.some((one) => one.severity !== 'information')) {
    faults.push({ code: 'resource-valid', severity: 'information' });
  }
  return operationOutcome(faults) as OperationOutcome;
}

function toFault({ severity, path, rule, message }: ValidationFinding): Fault {
  return { code: 'resource-finding', severity, place: path, rule, params: { message: message.en } };
}

/**
 * The resource and the profiles `$validate` was asked about: bare, or in Parameters (R4 resource-operation-validate).
 */
export function asked(body: unknown, pairs: [string, string][]): { resource?: Resource; profiles?: string[] } {
  const given = body as Resource | undefined;
  const profiles = pairs.filter(([name]) => name === 'profile').map(([, value]) => value);
  const parts = given?.resourceType === 'Parameters' ? ((given as Parameters).parameter ?? []) : undefined;
  const inner = parts?.find((one) => one.name === 'resource')?.resource;
  if (!parts || !inner) return { ...(given ? { resource: given } : {}), ...(profiles.length ? { profiles } : {}) };
  const named = parts.filter((one) => one.name === 'profile').map((one) => one.valueUri ?? one.valueCanonical ?? '');
  const all = [...profiles, ...named.filter(Boolean)];
  return { resource: inner, ...(all.length ? { profiles: all } : {}) };
}
