import type { DoorContext } from '../adapter.ts';
import { fault, isError, PasserelleError } from '../errors.ts';
import { newMessageId } from '../journal/id.ts';
import type { Journal } from '../journal/journal.ts';
import type { Incoming, Verdict } from '../message.ts';
import type { House } from '../pipeline/house.ts';
import { inspect } from '../pipeline/inspect.ts';
import type { Metrics } from '../web/metrics.ts';
import type { HighWater } from './high-water.ts';
import { type Note, noteRefused } from './noting.ts';

/** What taking a message needs. */
export interface Intake {
  journal: Journal;
  house: House;
  metrics: Metrics;
  note: Note;
  /** False while starting or stopping. */
  open(): boolean;
  /** Whether too much waits already. */
  water: HighWater;
}

/**
 * Takes one message: looks at it, writes it down, and only then says what the sender must be told. A message that is refused
 * is written down too, so that a person can see what came.
 */
export function createAccept(intake: Intake): DoorContext['accept'] {
  const { metrics, open, water } = intake;
  return async (incoming: Incoming): Promise<Verdict> => {
    if (!open()) throw new PasserelleError(fault('draining'));
    const tooMuch = await water.enter(incoming.door);
    if (tooMuch) {
      metrics.refused(incoming.door, tooMuch.code);
      throw new PasserelleError(tooMuch);
    }
    try {
      return await take(incoming, intake);
    } finally {
      water.written();
    }
  };
}

async function take(incoming: Incoming, { journal, house, metrics, note }: Intake): Promise<Verdict> {
  const receivedAt = house.now();
  const id = newMessageId();
  const { ties, mapped, ...inspection } = await inspect(incoming, receivedAt, house);
  if (ties && inspection.state === 'accepted') await journal.tieLanes(ties.lane, ties.into);
  const lane = inspection.lane || id;
  const appended = await journal.append({ id, incoming, ...inspection, lane, receivedAt: receivedAt.getTime() });
  // Before the worker is woken, which is after this turn.
  if (mapped && appended.state === 'accepted' && !appended.duplicate) {
    house.prepared.keep(id, mapped, incoming.bytes.length, house);
  }
  const faults = appended.duplicate ? appended.faults : inspection.faults;
  // Before the door is told: it may be told once only, and then keeps the message no longer.
  if (appended.state === 'refused' || appended.state === 'quarantined') {
    const { state, id: messageId } = appended;
    const { bytes, format, door } = incoming;
    const answers = await house.answers(door, { messageId, state, faults, bytes, format });
    if (answers.length > 0) await journal.follow(messageId, answers);
    const { sender, kind } = inspection;
    if (!appended.duplicate) noteRefused(note, { id: messageId, sender, door, kind, state, faults, at: receivedAt });
  }
  count(metrics, incoming.door, { ...appended, faults });
  return { id: appended.id, state: appended.state, duplicate: appended.duplicate, faults };
}

function count(metrics: Metrics, door: string, { state, faults, duplicate }: Verdict): void {
  const error = faults.find(isError);
  if (error && (state === 'refused' || state === 'quarantined')) metrics.refused(door, error.code);
  else if (!duplicate) metrics.accepted(door);
}
