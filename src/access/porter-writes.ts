import type { Bundle, Resource } from '@medplum/fhirtypes';
import type { FhirEndpoint } from '../adapter.ts';
import type { ErrorCode } from '../errors.ts';
import type { Caller } from './caller.ts';
import { safeSteps } from './demands.ts';
import { binariesOf, kindOf } from './porter-asker.ts';
import { patientsOf } from './porter-elements.ts';
import { type Facts, openFacts } from './porter-facts.ts';
import { seesBinary } from './porter-reads.ts';
import type { AccessRules } from './porter-rules.ts';

/** One write as it was asked for. */
export interface AskedWrite {
  method: string;
  /** Steps below the FHIR base, and whether a query follows. */
  steps: string[];
  conditional: boolean;
  /** What is written; undefined for a deletion, or when it could not be read. */
  resource?: Resource;
}

/** Why a write is not allowed. */
export type Refusal = { code: ErrorCode; what: string };

/**
 * What stands against the write of a person or tool; undefined when nothing does. What is there and what shall be there must both be
 * visible, so that a write neither finds out nor moves what is outside; a condition would be an oracle.
 */
export async function refusalOf(
  rules: AccessRules,
  caller: Caller,
  fhir: FhirEndpoint,
  write: AskedWrite,
): Promise<Refusal | undefined> {
  if (kindOf(caller) === 'machine') return undefined;
  const facts = openFacts(rules, caller, fhir);
  if (write.steps.length > 0 || write.method !== 'POST') return single(rules, facts, fhir, write);
  const bundle = write.resource as Bundle | undefined;
  if (bundle?.resourceType !== 'Bundle') return refuse('whole system');
  for (const entry of bundle.entry ?? []) {
    const url = typeof entry?.request?.url === 'string' ? entry.request.url : '';
    const steps = safeSteps(url.split('?')[0] as string);
    const method = String(entry?.request?.method);
    if (!steps || steps.length === 0 || method === 'GET' || method === 'HEAD') return refuse('read in a Bundle');
    const conditional = url.includes('?') || entry.request?.ifNoneExist !== undefined;
    const refusal = await single(rules, facts, fhir, { method, steps, conditional, resource: entry.resource });
    if (refusal) return refusal;
  }
  return undefined;
}

async function single(
  rules: AccessRules,
  facts: Facts,
  fhir: FhirEndpoint,
  { method, steps, conditional, resource }: AskedWrite,
): Promise<Refusal | undefined> {
  const [type = '', id] = steps;
  if (conditional) return refuse('conditional write');
  if (!['POST', 'PUT', 'DELETE'].includes(method)) return refuse(method);
  if (steps.length > 2 || (method === 'POST' ? id !== undefined : id === undefined)) return refuse('this address');
  if (type !== 'Patient' && !rules.patientOf[type]) return refuse(`writing ${type}`);
  if (method !== 'POST' && !(await isVisible(facts, fhir, `${type}/${id}`))) return notHere;
  if (method === 'DELETE') return undefined;
  if (resource?.resourceType !== type) return refuse('this body');
  if (namesBreakGlass(rules, resource)) return refuse('granting emergency access');
  const about = type === 'Patient' && method === 'POST' ? [] : patientsOf(rules, { ...resource, id } as Resource);
  if (about.length === 0) return refuse('writing about nobody known here');
  for (const patient of about) if (!(await isVisible(facts, fhir, `Patient/${patient}`))) return notHere;
  for (const binary of binariesOf(resource)) if (!(await seesBinary(rules, facts, fhir, binary))) return notHere;
  return undefined;
}

const notHere: Refusal = { code: 'access-not-here', what: '' };

function refuse(what: string): Refusal {
  return { code: 'access-not-for-persons', what };
}

async function isVisible(facts: Facts, fhir: FhirEndpoint, reference: string): Promise<boolean> {
  const { status, body } = await fhir.send({ method: 'GET', path: reference });
  const [verdict] = status === 200 ? await facts.judge([body as Resource]) : [];
  // What is shown in part only would be written back in part only.
  if (verdict?.allowed && verdict.view === undefined) return true;
  await facts.beforeRefusal(reference.split('/')[0] as string);
  return false;
}

/** Only the operation that announces it gives emergency access. */
function namesBreakGlass(rules: AccessRules, resource: Resource): boolean {
  return resource.resourceType === 'Consent' && JSON.stringify(resource).includes(rules.breakGlass.system);
}
