import type { DeliveryOutcome } from '../adapter.ts';
import type { Draft } from '../conversion.ts';
import { fault, PasserelleError } from '../errors.ts';
import { type Assembly, assemble } from '../mapping/index.ts';
import type { House } from './house.ts';

/** Who or what the drafts come from, for `meta.source` and Provenance. */
export interface Origin {
  id: string;
  sender: string;
  receivedAt: number;
}

/**
 * Writes drafts that are not the content of a message that is going to be delivered: a decision, what the nurse's round found.
 * They have derived identities, so writing them twice is writing them once.
 * @returns `Type/id` of what was written.
 * @throws PasserelleError `fhir-unreachable` when the server does not take them just now.
 */
export async function writeNow(drafts: Draft[], origin: Origin, house: Pick<House, 'deliver'>): Promise<string[]> {
  if (drafts.length === 0) return [];
  return writtenOf(await handOver(drafts, [], origin, house));
}

/**
 * Writes the questions of a message that is held until a person has decided. That it was held does not count as its work: its
 * Provenance is there once what it says is written.
 * @throws as {@link writeNow}
 */
export async function askNow(questions: Draft[], origin: Origin, house: Pick<House, 'deliver'>): Promise<string[]> {
  return writtenOf(await transact(questions, { message: origin, isHeld: true }, house));
}

function writtenOf(outcome: DeliveryOutcome): string[] {
  if (outcome.outcome === 'delivered') return outcome.references ?? [];
  throw unwritten(outcome);
}

/**
 * What follows from resources that are written already, and the Provenance that tells of both, in one transaction.
 * @param written references of what the message wrote before
 */
export function handOver(
  drafts: Draft[],
  written: string[],
  origin: Origin,
  house: Pick<House, 'deliver'>,
): Promise<DeliveryOutcome> {
  return transact(drafts, { message: origin, written }, house);
}

function transact(drafts: Draft[], assembly: Assembly, house: Pick<House, 'deliver'>): Promise<DeliveryOutcome> {
  const { id } = assembly.message;
  const conversion = { drafts, intents: [], faults: [], unmapped: [], traces: [], maps: {} };
  return house.deliver({
    id,
    messageId: id,
    destination: 'fhir',
    kind: 'bundle',
    payload: assemble(conversion, assembly),
    attempt: 1,
    ambiguous: false,
  });
}

/** Why nothing was written, to be thrown where that is waited for. */
export function unwritten({ faults }: Exclude<DeliveryOutcome, { outcome: 'delivered' }>): PasserelleError {
  return new PasserelleError(faults.length > 0 ? faults : [fault('fhir-unreachable')]);
}
