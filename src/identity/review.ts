import type { Patient, Task, TaskInput } from '@medplum/fhirtypes';
import type { Draft } from '../conversion.ts';
import { seedHash, seedUuid } from '../seed.ts';
import { identifierKey } from './ins.ts';
import { traitsOf } from './traits.ts';

/** Identifier system of the tasks of the identity review queue and of records kept apart by one. */
export const REVIEW_SYSTEM = 'http://passerelle.example/fhir/NamingSystem/identity-review';
const COVISAN = 'http://passerelle.example/fhir/CodeSystem/covisan';
const ROLE = 'http://passerelle.example/fhir/CodeSystem/identity-review';

/** Names of the task's inputs and outputs. */
export const reviewParts = {
  claim: 'claim',
  candidate: 'candidate',
  element: 'element',
  reason: 'reason',
  decision: 'decision',
  record: 'record',
} as const;
/** Names of inputs and outputs of an identity review. */
export type ReviewPart = keyof typeof reviewParts;

/** What a person decided: the claim is the candidate, or somebody else. */
export interface ReviewDecision {
  decision: 'merge' | 'apart';
  /** `Patient/id` of the record the claim belongs to; absent until a claim kept apart has been written. */
  record?: string;
}

/** What a review is about. */
export interface Question {
  /** The person as the message names them. */
  claim: Patient;
  /** Records that may be the same person, as the server has them. */
  candidates: Patient[];
  reason: string;
  elements: string[];
  /** Reference of the record written for the claim, when it was written apart. */
  written?: string;
  at: Date;
}

/**
 * The name of a question: the same claim (identifiers and strict traits) asks the same question whenever it comes, so a
 * re-sent message opens no second task and finds the decision of the first.
 */
export function questionKey(claim: Patient): string {
  const { birthName, given, birthDate, sex } = traitsOf(claim);
  const identifiers = (claim.identifier ?? []).map(identifierKey).sort();
  return seedHash('identity-review', JSON.stringify(identifiers), JSON.stringify([birthName, given, birthDate, sex]));
}

/**
 * The task of the review queue: both sides of the question, what contradicts, no decision yet. A claim that was not
 * written is contained, so that whoever decides sees it.
 */
export function reviewTask(question: Question): Draft<Task> {
  const value = questionKey(question.claim);
  const written = question.written;
  const claim = {
    ...question.claim,
    id: 'claim',
    meta: undefined,
    text: undefined,
    link: undefined,
    contained: undefined,
  };
  const candidates = question.candidates.map((one) =>
    input('candidate', { valueReference: { reference: `Patient/${one.id}` } }),
  );
  const task: Task = {
    resourceType: 'Task',
    ...(written ? {} : { contained: [claim] }),
    identifier: [{ system: REVIEW_SYSTEM, value }],
    status: 'requested',
    intent: 'order',
    priority: 'urgent',
    code: { coding: [{ system: COVISAN, code: 'identity-review', display: 'Revue d’identité' }] },
    description: 'Revue d’identité : fusionner, garder séparés ou reporter.',
    focus: question.candidates[0] ? { reference: `Patient/${question.candidates[0].id}` } : undefined,
    authoredOn: question.at.toISOString(),
    input: [
      input('claim', { valueReference: { reference: written ?? '#claim' } }),
      ...candidates,
      input('reason', { valueCode: question.reason }),
      ...question.elements.map((element) => input('element', { valueCode: element })),
    ],
  };
  return {
    key: 'identity-review/Task',
    fullUrl: `urn:uuid:${seedUuid(REVIEW_SYSTEM, value)}`,
    resource: JSON.parse(JSON.stringify(task)) as Task,
    write: 'create',
    identity: { system: REVIEW_SYSTEM, value },
  };
}

/** The decision a completed review task records; undefined while it is open. */
export function decisionOf(task: Task): ReviewDecision | undefined {
  if (task.status !== 'completed') return undefined;
  const { decision, record } = outputOf(task);
  return decision === 'merge' || decision === 'apart' ? { decision, record } : undefined;
}

/** What the outputs of a review task say, whatever its status. */
export function outputOf(task: Task): { decision?: string; record?: string } {
  const part = (name: ReviewPart) =>
    task.output?.find((one) => one.type?.coding?.some((coding) => coding.code === name));
  return { decision: part('decision')?.valueCode, record: part('record')?.valueReference?.reference };
}

/** Whether a task belongs to the identity review queue. */
export function isReview(task: Task): boolean {
  return task.code?.coding?.some((one) => one.system === COVISAN && one.code === 'identity-review') ?? false;
}

/** References of the records a review task shows: `Patient/id`. */
export function candidatesOf(task: Task): string[] {
  return partsOf(task, 'candidate').flatMap((one) => one.valueReference?.reference ?? []);
}

/** The claim's own record, when it was written apart; undefined when it is only contained in the task. */
export function writtenClaim(task: Task): string | undefined {
  const reference = partsOf(task, 'claim')[0]?.valueReference?.reference;
  return reference?.startsWith('#') ? undefined : reference;
}

/** A typed part of a task: `input` and `output` have one shape. */
export function input(name: ReviewPart, value: Partial<TaskInput>): TaskInput {
  return { type: { coding: [{ system: ROLE, code: reviewParts[name] }] }, ...value };
}

function partsOf(task: Task, name: ReviewPart): TaskInput[] {
  return (task.input ?? []).filter((one) => one.type?.coding?.some((coding) => coding.code === name));
}
