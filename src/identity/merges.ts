import type { Identifier, Patient, Task } from '@medplum/fhirtypes';
import type { FhirEndpoint } from '../adapter.ts';
import type { Draft, Intent } from '../conversion.ts';
import { type Fault, fault, warning } from '../errors.ts';
import { seedUuid } from '../seed.ts';
import { mergeRecords } from './decisions.ts';
import { identifierKey } from './ins.ts';
import { findByIdentifiers, identifierQuery, readPatient } from './lookup.ts';
import { type Author, changed, mergeContradictions, retiredOf, type Side, survivorOf } from './merge.ts';
import type { Decision } from './registrar.ts';
import { reviewTask } from './review.ts';
import { compare, traitsOf, traitsThat } from './traits.ts';

type MergeIntent = Extract<Intent, { kind: 'merge' }>;

/** What a merge message comes to. */
export interface Merged {
  /** The surviving record as it is to be written; it takes the place of the decision's own `patient`. */
  patient?: Draft<Patient>;
  /** The retired records, what moves with them, and the Provenance. */
  drafts: Draft[];
  tasks: Draft<Task>[];
  faults: Fault[];
}

/**
 * Carries out ADT^A40 / A24 for a survivor the registrar has found: records of the retired identifiers are merged into it.
 * A retired number nobody knows yet gets an inactive record that points at the survivor, so that an A01 which arrives after
 * its A40 finds the right person. Records with two INS or contradicting traits are not merged: a person decides.
 * @param decision of the survivor, `link` or `create`.
 */
export async function carryOutMerge(
  intent: MergeIntent,
  decision: Decision,
  endpoint: FhirEndpoint,
  author: Author,
): Promise<Merged> {
  const nothing: Merged = { patient: decision.patient, drafts: [], tasks: [], faults: [] };
  if (decision.outcome === 'review') return nothing;
  const keys = keysOf(intent.retired);
  if (keys.length === 0) return { ...nothing, faults: [warning('identity-unidentified', { place: intent.place })] };
  const survivor = await survivorSide(decision, endpoint);
  const found = await findByIdentifiers(endpoint, keys);
  if (found.circular) return { ...nothing, faults: [fault('identity-merge-circular', { place: intent.place })] };
  const retired = found.patients.filter((one) => `Patient/${one.id}` !== survivor.reference);
  if (found.patients.length === 0) return rememberRetired(intent, decision, survivor, keys);
  return mergeAll(intent, decision, survivor, retired, endpoint, author);
}

async function mergeAll(
  intent: MergeIntent,
  decision: Decision,
  survivor: Side,
  retired: Patient[],
  endpoint: FhirEndpoint,
  author: Author,
): Promise<Merged> {
  const result: Merged = { patient: decision.patient, drafts: [], tasks: [], faults: [] };
  let side = survivor;
  for (const patient of retired) {
    const elements = mergeContradictions(side.patient, patient);
    if (elements.length > 0) {
      const params = { elements: elements.join(', ') };
      result.faults.push(warning('identity-merge-refused', { place: intent.place, params }));
      result.tasks.push(refusal(side, patient, elements, author.at));
      continue;
    }
    const merged = await mergeRecords(side, { reference: `Patient/${patient.id}`, patient }, endpoint, author);
    result.drafts.push(...merged.drafts);
    result.faults.push(...traitWarnings(side.patient, patient, intent.place));
    side = { ...side, patient: merged.survivor };
  }
  if (side !== survivor) result.patient = rewritten(decision, survivor, side.patient);
  return result;
}

function rewritten(decision: Decision, survivor: Side, patient: Patient): Draft<Patient> {
  return decision.patient ? { ...decision.patient, resource: patient } : changed(survivor.patient, patient);
}

async function survivorSide(decision: Decision, endpoint: FhirEndpoint): Promise<Side> {
  const reference = decision.reference ?? decision.patient!.fullUrl;
  const patient = decision.patient?.resource ?? (await readPatient(endpoint, reference));
  return { reference, patient: patient ?? { resourceType: 'Patient' } };
}

function keysOf(identifiers: Identifier[]): string[] {
  return [...new Set(identifiers.filter((one) => one.system && one.value).map(identifierKey))];
}

/** The memory of a merge whose retired side has not been seen: a record that only points at the survivor. */
function rememberRetired(intent: MergeIntent, decision: Decision, survivor: Side, keys: string[]): Merged {
  const identifier = intent.retired.filter((one) => one.system && one.value);
  const id = seedUuid('retired', identifierQuery(keys));
  const fullUrl = `urn:uuid:${id}`;
  const known: Patient = { resourceType: 'Patient', identifier };
  const draft: Draft<Patient> = {
    key: 'identity/retired/Patient',
    fullUrl,
    resource: retiredOf(survivor, { reference: fullUrl, patient: known }),
    write: 'create',
    identity: { system: identifier[0]!.system!, value: identifier[0]!.value! },
    // By id: a condition on the number would find the survivor too, who takes it over in the same transaction (HAPI refuses).
    current: { reference: `Patient/${id}` },
  };
  const side = survivorOf(survivor, { reference: fullUrl, patient: known });
  return { patient: rewritten(decision, survivor, side), drafts: [draft], tasks: [], faults: [] };
}

function refusal(survivor: Side, retired: Patient, elements: string[], at: Date): Draft<Task> {
  return reviewTask({
    claim: survivor.patient,
    candidates: [retired],
    reason: 'merge-refused',
    elements,
    written: survivor.reference,
    at,
  });
}

function traitWarnings(survivor: Patient, retired: Patient, place: string): Fault[] {
  const odd = traitsThat(compare(traitsOf(survivor), traitsOf(retired)), 'differ');
  return odd.length > 0 ? [warning('identity-traits-differ', { place, params: { elements: odd.join(', ') } })] : [];
}
