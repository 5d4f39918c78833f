import type { Patient } from '@medplum/fhirtypes';
import type { Conversion, Draft } from '../conversion.ts';
import type { Fault } from '../errors.ts';
import { type Author, carryOutMerge, type Decision, enrol, identifierKey, identityKeys } from '../identity/index.ts';
import type { Message } from '../journal/journal.ts';
import { sourceOf } from '../message.ts';
import type { House } from './house.ts';
import { askNow } from './write-now.ts';

/** Who the message is about, once that is settled. */
export interface Identity {
  /** `held`: a person must decide first; nothing of the message may be written. */
  outcome: 'known' | 'nobody' | 'held';
  /** `Patient/id` on the server. */
  reference?: string;
  /** fullUrl that the message's drafts use for that patient. */
  fullUrl?: string;
  /** The record as it is to be written; absent when the message brings nothing new. */
  patient?: Draft<Patient>;
  /** The record was written just now for this message, before the rest of it. */
  enrolled?: true;
  /** For a new one: the query that finds it should somebody else have written it meanwhile. */
  ifNoneExist?: string;
  /** Questions for a person, retired records, what moves with a merge. */
  drafts: Draft[];
  /** What was written already (the questions of a held message). */
  references: string[];
  faults: Fault[];
}

/**
 * Runs work on one patient, from the moment it is asked who that is until everything is written, while no other work on one
 * of the same identifiers runs: two messages that name a new patient at once make one record.
 */
export function withPatient<T>(conversion: Conversion, { locks }: Pick<House, 'locks'>, work: () => Promise<T>) {
  const subject = subjectOf(conversion);
  const retired = mergesOf(conversion).flatMap((one) => one.retired.map(identifierKey));
  return locks.within([...(subject ? identityKeys(subject.resource) : []), ...retired], work);
}

/**
 * Settles who the patient is, and works out merges. Reads the FHIR server; call it within {@link withPatient}.
 * @param asOf when the message's statements were true at their source, FHIR dateTime.
 */
export async function identify(
  conversion: Conversion,
  asOf: string,
  message: Message,
  house: House,
): Promise<Identity> {
  const subject = subjectOf(conversion);
  if (!subject) return { outcome: 'nobody', drafts: [], references: [], faults: [] };
  return settleIdentity(subject, mergesOf(conversion), conversion, asOf, message, house);
}

type Merge = Extract<Conversion['intents'][number], { kind: 'merge' }>;

function subjectOf(conversion: Conversion): Draft<Patient> | undefined {
  return conversion.drafts.find((draft) => draft.fullUrl === conversion.subject) as Draft<Patient> | undefined;
}

function mergesOf(conversion: Conversion): Merge[] {
  return conversion.intents.filter((intent) => intent.kind === 'merge');
}

async function settleIdentity(
  subject: Draft<Patient>,
  merges: Merge[],
  conversion: Conversion,
  asOf: string,
  message: Message,
  house: House,
): Promise<Identity> {
  const receivedAt = new Date(message.receivedAt);
  const source = sourceOf(message.id);
  const decision = await enrol(subject, house.fhir, { asOf, receivedAt, source, drafts: conversion.drafts });
  if (decision.outcome === 'review') return heldForReview(decision, message, house);
  const author: Author = { who: { display: message.sender }, at: receivedAt, source };
  const identity: Identity = {
    outcome: 'known',
    reference: decision.reference,
    fullUrl: subject.fullUrl,
    patient: decision.patient,
    enrolled: decision.enrolled,
    ifNoneExist: decision.ifNoneExist,
    drafts: [...decision.tasks],
    references: [],
    faults: [...decision.faults],
  };
  for (const intent of merges) {
    const merged = await carryOutMerge(intent, { ...decision, patient: identity.patient }, house.fhir, author);
    identity.patient = merged.patient;
    identity.drafts.push(...merged.drafts, ...merged.tasks);
    identity.faults.push(...merged.faults);
  }
  return identity;
}

async function heldForReview(decision: Decision, message: Message, house: House): Promise<Identity> {
  const references = await askNow(decision.tasks, message, house);
  return { outcome: 'held', drafts: [], references, faults: decision.faults };
}
