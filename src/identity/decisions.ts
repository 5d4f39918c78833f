import type { Patient, Provenance, Resource, Task } from '@medplum/fhirtypes';
import type { FhirEndpoint } from '../adapter.ts';
import type { Draft } from '../conversion.ts';
import { fault, PasserelleError } from '../errors.ts';
import { readIfThere, searchAll } from '../fhir-pages.ts';
import { readPatient, replacedBy } from './lookup.ts';
import { insRivals } from './match.ts';
import {
  type Author,
  changed,
  isMerge,
  provenance,
  repointed,
  retiredOf,
  type Side,
  separated,
  survivorOf,
} from './merge.ts';
import { candidatesOf, input, type ReviewDecision, writtenClaim } from './review.ts';

/** How many resources of one record a merge moves; more is refused rather than done by half. */
const MOVED = 20_000;
/** What happened stays as it was said then. */
const HISTORY = new Set(['Provenance', 'AuditEvent', 'Patient']);

/**
 * Two records become one: the retired one turns inactive and points at the survivor, the survivor takes over its
 * identifiers, and every resource about the retired one points at the survivor. Nothing is written: the drafts are one
 * transaction. No check is made here; {@link ../identity/merge.ts mergeContradictions} names what speaks against it.
 * @throws PasserelleError `fhir-unreachable`.
 */
export async function mergeRecords(
  survivor: Side,
  retired: Side,
  endpoint: FhirEndpoint,
  author: Author,
): Promise<{ survivor: Patient; drafts: Draft[] }> {
  const after = survivorOf(survivor, retired);
  const moved = await about(endpoint, retired.reference);
  const drafts = moved.flatMap((one) => {
    const resource = HISTORY.has(one.resourceType)
      ? undefined
      : repointed(one, [retired.reference], survivor.reference);
    return resource ? [changed(one, resource)] : [];
  });
  const targets = [survivor.reference, retired.reference, ...drafts.map((draft) => draft.current!.reference)];
  const retiredDraft = changed(retired.patient, retiredOf(survivor, retired));
  return { survivor: after, drafts: [retiredDraft, ...drafts, provenance('merge', targets, author)] };
}

/**
 * A person decided that the claim of a review is the record `keep`. A claim that had been written apart is merged into it;
 * one that waits in quarantine will be linked to it when its message is taken up again.
 * @throws PasserelleError `identity-decision-unknown`, `identity-merge-refused` (two INS: not even a person may), `fhir-unreachable`.
 */
export async function mergePatients(
  taskReference: string,
  keep: string,
  endpoint: FhirEndpoint,
  author: Author,
): Promise<Draft[]> {
  const task = await readTask(endpoint, taskReference);
  const written = writtenClaim(task);
  const shown = [...candidatesOf(task), ...(written === undefined ? [] : [written])];
  if (!shown.includes(keep)) throw new PasserelleError(fault('identity-decision-unknown', { place: taskReference }));
  const retiring = written === undefined ? [] : shown.filter((one) => one !== keep);
  const drafts: Draft[] = [];
  let survivor = await readRecord(endpoint, keep);
  const before = survivor;
  for (const reference of retiring) {
    const patient = await readRecord(endpoint, reference);
    if (replacedBy(patient)) continue;
    if (insRivals(survivor, patient))
      throw new PasserelleError(fault('identity-merge-refused', { place: reference, params: { elements: 'ins' } }));
    const merged = await mergeRecords({ reference: keep, patient: survivor }, { reference, patient }, endpoint, author);
    survivor = merged.survivor;
    drafts.push(...merged.drafts);
  }
  if (survivor !== before) drafts.unshift(changed(before, survivor));
  return [...drafts, ...close(task, { decision: 'merge', record: keep }, author)];
}

/** A person decided that the claim is nobody of the candidates; both stay, or the claim gets a record of its own. */
export async function keepApart(taskReference: string, endpoint: FhirEndpoint, author: Author): Promise<Draft[]> {
  const task = await readTask(endpoint, taskReference);
  return close(task, { decision: 'apart', record: writtenClaim(task) }, author);
}

/** A person cannot decide yet; the task waits until `until` (FHIR dateTime) and then shows up again. */
export async function postpone(
  taskReference: string,
  until: string,
  endpoint: FhirEndpoint,
  author: Author,
): Promise<Draft[]> {
  const task = await readTask(endpoint, taskReference);
  const next: Task = {
    ...task,
    status: 'on-hold',
    lastModified: author.at.toISOString(),
    restriction: { period: { start: until } },
  };
  return [changed(task, next), provenance('amend', [taskReference], author)];
}

/**
 * Undoes a merge: the retired record is active again, the survivor gives back what it took over, and what the merge moved
 * points to the retired record again. What came in since then stays with the survivor.
 * @throws PasserelleError `identity-decision-unknown` when the record was not merged, `fhir-unreachable`.
 */
export async function unmerge(retiredReference: string, endpoint: FhirEndpoint, author: Author): Promise<Draft[]> {
  const retired = { reference: retiredReference, patient: await readRecord(endpoint, retiredReference) };
  const chain = await survivorsOf(endpoint, retired.patient);
  const first = chain[0];
  if (!first) throw new PasserelleError(fault('identity-decision-unknown', { place: retiredReference }));
  const drafts: Draft[] = [changed(retired.patient, separated(first, retired).retired)];
  for (const side of chain) drafts.push(changed(side.patient, separated(side, retired).survivor));
  const references = chain.map((side) => side.reference);
  for (const target of await movedBy(endpoint, retiredReference, references)) {
    const resource = await readIfThere<Resource>(endpoint, target);
    if (!resource) continue;
    const back = repointed(resource, references, retiredReference);
    if (back) drafts.push(changed(resource, back));
  }
  const targets = drafts.map((draft) => draft.current!.reference);
  return [...drafts, provenance('unmerge', targets, author)];
}

/** The survivor, the survivor's survivor, … of a merged record. */
async function survivorsOf(endpoint: FhirEndpoint, retired: Patient): Promise<Side[]> {
  const chain: Side[] = [];
  let next = replacedBy(retired);
  while (next && chain.length < 16 && !chain.some((side) => side.reference === next)) {
    const patient = await readRecord(endpoint, next);
    chain.push({ reference: next, patient });
    next = replacedBy(patient);
  }
  return chain;
}

/** What the merge that retired the record moved, as its Provenance says; the records themselves left out. */
async function movedBy(endpoint: FhirEndpoint, retired: string, survivors: string[]): Promise<string[]> {
  const found = await searchAll<Provenance>(endpoint, `Provenance?target=${retired}&_count=100`, 1000);
  const merges = found.filter((one) => isMerge(one) && one.target[1]?.reference === retired);
  const latest = merges.toSorted((a, b) => Date.parse(b.recorded) - Date.parse(a.recorded))[0];
  const targets = (latest?.target ?? []).flatMap((one) => one.reference ?? []);
  return targets.filter((reference) => reference !== retired && !survivors.includes(reference));
}

/** Every resource of the patient's compartment. */
async function about(endpoint: FhirEndpoint, reference: string): Promise<Resource[]> {
  const found = await searchAll<Resource>(endpoint, `${reference}/$everything?_count=200`, MOVED);
  if (found.length >= MOVED)
    throw new PasserelleError(fault('identity-merge-refused', { params: { elements: 'size' } }));
  return found;
}

function close(task: Task, decision: ReviewDecision, author: Author): Draft[] {
  const targets = [`Task/${task.id}`, ...(decision.record ? [decision.record] : [])];
  return [changed(task, decided(task, decision, author)), provenance('amend', targets, author)];
}

/** The task as it is once somebody has decided. */
export function decided(task: Task, decision: { decision: string; record?: string }, author: Author): Task {
  const record = decision.record ? [input('record', { valueReference: { reference: decision.record } })] : [];
  return {
    ...task,
    status: 'completed',
    lastModified: author.at.toISOString(),
    output: [input('decision', { valueCode: decision.decision }), ...record],
  };
}

/** @throws PasserelleError `identity-decision-unknown` when there is no such task. */
export async function readTask(endpoint: FhirEndpoint, reference: string): Promise<Task> {
  const task = await readIfThere<Task>(endpoint, reference);
  if (!task) throw new PasserelleError(fault('identity-decision-unknown', { place: reference }));
  return task;
}

async function readRecord(endpoint: FhirEndpoint, reference: string): Promise<Patient> {
  const patient = await readPatient(endpoint, reference);
  if (!patient) throw new PasserelleError(fault('identity-decision-unknown', { place: reference }));
  return patient;
}
