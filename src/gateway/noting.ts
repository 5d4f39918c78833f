import type { Exchanged } from '../access/index.ts';
import type { Delivery, DeliveryOutcome } from '../adapter.ts';
import { type Fault, isError } from '../errors.ts';
import type { Message, Settlement } from '../journal/journal.ts';
import type { MessageState } from '../message.ts';

/** Takes what belongs into the audit. */
export type Note = (exchanged: Exchanged) => void;

/** A message that the door refused or held back: nothing was written, and its sender knows. */
export function noteRefused(
  note: Note,
  message: { id: string; sender: string; door: string; kind: string; state: MessageState; faults: Fault[]; at: Date },
): void {
  const { id, sender: from, door, kind, state, faults, at } = message;
  note({
    direction: 'in',
    messageId: id,
    from,
    door,
    kind,
    outcome: 'refused',
    became: reason(faults) ?? state,
    references: [],
    at,
  });
}

/** The pipeline, with a note of each message that ended. */
export function notingMessages(note: Note, process: (message: Message) => Promise<Settlement>, now: () => Date) {
  return async (message: Message): Promise<Settlement> => {
    const end = await process(message);
    if (end.state === 'accepted') return end;
    const { id: messageId, sender: from, kind, incoming } = message;
    const outcome = end.state === 'delivered' ? 'done' : end.state === 'dead' ? 'failed' : 'refused';
    const became = outcome === 'done' ? end.state : (reason(end.faults) ?? end.state);
    const { references } = end;
    note({ direction: 'in', messageId, from, door: incoming.door, kind, outcome, became, references, at: now() });
    return end;
  };
}

/** What left by another door, or was given up. */
export function noteDelivery(note: Note, delivery: Delivery, end: DeliveryOutcome, at: Date): void {
  const { messageId, destination: door, kind } = delivery;
  const done = end.outcome === 'delivered';
  const became = done ? 'delivered' : (reason(end.faults) ?? 'dead');
  const outcome = done ? 'done' : 'failed';
  const references = done ? (end.references ?? []) : [];
  note({ direction: 'out', messageId, from: 'passerelle', door, kind, outcome, became, references, at });
}

function reason(faults: Fault[]): string | undefined {
  return faults.find(isError)?.code;
}
