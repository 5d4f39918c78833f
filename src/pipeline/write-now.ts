import type { Draft } from '../conversion.ts';
import { fault, PasserelleError } from '../errors.ts';
import { assemble } from '../mapping/assemble.ts';
import type { House } from './house.ts';

/** Who or what the drafts come from, for `meta.source` and Provenance. */
export interface Origin {
  id: string;
  sender: string;
  receivedAt: number;
}

/**
 * Writes drafts that are not the content of a message that is going to be delivered: the questions of one that is held, what
 * the nurse's round found. They have derived identities, so writing them twice is writing them once.
 * @returns `Type/id` of what was written.
 * @throws PasserelleError `fhir-unreachable` when the server does not take them just now.
 */
export async function writeNow(drafts: Draft[], origin: Origin, house: Pick<House, 'deliver'>): Promise<string[]> {
  if (drafts.length === 0) return [];
  const conversion = { drafts, intents: [], faults: [], unmapped: [], traces: [], maps: {} };
  const outcome = await house.deliver({
    id: origin.id,
    messageId: origin.id,
    destination: 'fhir',
    kind: 'bundle',
    payload: assemble(conversion, { message: origin }),
    attempt: 1,
    ambiguous: false,
  });
  if (outcome.outcome === 'delivered') return outcome.references ?? [];
  throw new PasserelleError(outcome.faults.length > 0 ? outcome.faults : [fault('fhir-unreachable')]);
}
