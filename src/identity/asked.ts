import type { Task } from '@medplum/fhirtypes';
import type { FhirEndpoint } from '../adapter.ts';
import type { Draft } from '../conversion.ts';
import { fault, PasserelleError } from '../errors.ts';
import { decided, keepApart, mergePatients, postpone, readTask, unmerge } from './decisions.ts';
import { type Author, changed } from './merge.ts';
import { isReview, outputOf } from './review.ts';

/** What writing a review task comes to. */
export interface Asked {
  /** One transaction; empty when the decision was carried out before. */
  drafts: Draft[];
  /** The task is a new one: somebody undoes a merge that no task had asked about. */
  isNew: boolean;
}

/**
 * The decision that somebody takes by writing a task of the identity review queue, or undefined when the write is none:
 * another task, or a review that only changes hands. The task says what:
 *
 * - `completed` with output `decision` = `merge` and `record` = the Patient the claim belongs to
 * - `completed` with output `decision` = `apart`
 * - `completed` with output `decision` = `unmerge` and `record` = the retired Patient, on any review task or a new one
 * - `on-hold` with `restriction.period.start`: not before then
 * @param reference `Task/id`; undefined for a task that is to be created.
 * @throws PasserelleError `identity-decision-unknown`, `identity-merge-refused`, `fhir-unreachable`.
 */
export async function askedDecision(
  wanted: Task,
  reference: string | undefined,
  endpoint: FhirEndpoint,
  author: Author,
): Promise<Asked | undefined> {
  if (!isReview(wanted)) return undefined;
  const { decision, record } = outputOf(wanted);
  if (reference === undefined) {
    if (wanted.status !== 'completed' || decision !== 'unmerge' || !record) return undefined;
    return { drafts: await unmerge(record, endpoint, author), isNew: true };
  }
  const until = wanted.restriction?.period?.start;
  if (wanted.status === 'on-hold' && until)
    return { drafts: await postpone(reference, until, endpoint, author), isNew: false };
  if (wanted.status !== 'completed') return undefined;
  const current = await readTask(endpoint, reference);
  const before = current.status === 'completed' ? outputOf(current) : {};
  if (decision !== undefined && before.decision === decision && (record ?? before.record) === before.record)
    return { drafts: [], isNew: false };
  return { drafts: await draftsOf(decision, record, reference, current, endpoint, author), isNew: false };
}

async function draftsOf(
  decision: string | undefined,
  record: string | undefined,
  reference: string,
  current: Task,
  endpoint: FhirEndpoint,
  author: Author,
): Promise<Draft[]> {
  if (decision === 'merge' && record) return mergePatients(reference, record, endpoint, author);
  if (decision === 'apart') return keepApart(reference, endpoint, author);
  if (decision === 'unmerge' && record) {
    const undone = await unmerge(record, endpoint, author);
    return [...undone, changed(current, decided(current, { decision, record }, author))];
  }
  throw new PasserelleError(fault('identity-decision-unknown', { place: 'Task.output' }));
}
