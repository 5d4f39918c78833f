import { hash } from 'node:crypto';
import type { Receipt } from '../adapter.ts';
import type { Party } from '../conversion.ts';
import type { Fault } from '../errors.ts';
import type { MessageState } from '../message.ts';
import type { ClaimedDelivery, Counts, DeliveryRecord, Message, MessageRecord } from './journal.ts';
import { decodePayload, type EncodedPayload } from './payload.ts';

/** Contents handed out by one claim stay below this, or are one; the next claim brings the rest. */
export const MOST_CLAIMED_BYTES = 32 * 1024 * 1024;

/** Most records of one list, and how many when the caller does not say. */
export const MOST_RECORDS = 1000;
/** Messages of a list when its filter does not say. */
export const DEFAULT_RECORDS = 100;

/** Keys longer than this are shortened for their index. */
const MOST_KEY = 128;

/** JSON of a list or record, or NULL for an empty one, which is most of them. */
export function json(value: object | undefined): string | null {
  if (value === undefined) return null;
  for (const _ in value) return JSON.stringify(value);
  return null;
}

/** The faults of a column; none for NULL. */
export function faultsOf(column: string | null | undefined): Fault[] {
  return column ? (JSON.parse(column) as Fault[]) : [];
}

/**
 * A key as its index holds it and, when it had to be shortened, the whole of it. Keys may be long (an `Idempotency-Key` is
 * up to its sender) but must stay what they were at the beginning: keys that grow touch few pages.
 */
export function dedupeColumns(key: string | undefined): { dedupe: string | null; whole: string | null } {
  if (key === undefined) return { dedupe: null, whole: null };
  if (key.length <= MOST_KEY) return { dedupe: key, whole: null };
  return { dedupe: `${key.slice(0, MOST_KEY / 2)}#${hash('sha256', key, 'base64url')}`, whole: key };
}

/** How a row was leased. */
export interface Lease {
  attempts: number;
  ambiguous: number | boolean;
  since: number;
}

/** Columns of a message that is claimed, of either database. */
export interface MessageRow {
  id: string;
  dedupe_key: string | null;
  door: string;
  sender: string;
  kind: string;
  lane: string;
  format: Message['incoming']['format'] | null;
  route: string | null;
  received_at: number;
  faults: string | null;
  envelope: string | null;
  size: number;
  bytes: Uint8Array | null;
  hash: string | null;
}

/** A claimed message as the worker takes it. */
export function messageOf(row: MessageRow, bytes: Uint8Array, lease: Lease): Message {
  return {
    id: row.id,
    incoming: {
      door: row.door,
      bytes,
      ...(row.format && { format: row.format }),
      ...(row.route !== null && { route: row.route }),
      ...(row.envelope && JSON.parse(row.envelope)),
    },
    state: 'accepted',
    faults: faultsOf(row.faults),
    ...(row.dedupe_key !== null && { dedupeKey: row.dedupe_key }),
    lane: row.lane,
    kind: row.kind,
    sender: row.sender,
    receivedAt: row.received_at,
    attempts: lease.attempts,
    ambiguous: Boolean(lease.ambiguous),
    since: lease.since,
  };
}

/** Columns of a delivery that is claimed, of either database. */
export interface DeliveryRow {
  id: string;
  message_id: string;
  kind: string;
  encoding: EncodedPayload['encoding'];
  size: number;
  bytes: Uint8Array | null;
  hash: string | null;
}

/** A claimed delivery as the worker takes it. */
export function deliveryOf(row: DeliveryRow, destination: string, bytes: Uint8Array, lease: Lease): ClaimedDelivery {
  return {
    id: row.id,
    messageId: row.message_id,
    destination,
    kind: row.kind,
    payload: decodePayload({ encoding: row.encoding, bytes }),
    attempt: lease.attempts,
    ambiguous: Boolean(lease.ambiguous),
    since: lease.since,
    size: row.size,
  };
}

/** Place of a row among what waits; all null when it does not. */
interface WaitingColumns {
  waits: number | null;
  leased: number | boolean | null;
  due: number | null;
  tries: number | null;
}

/** Columns of a message that is looked at, of either database. */
export interface RecordRow extends WaitingColumns {
  seq: number;
  id: string;
  door: string;
  sender: string;
  kind: string;
  lane: string;
  format: MessageRecord['format'] | null;
  route: string | null;
  size: number;
  received_at: number;
  envelope: string | null;
  first_faults: string | null;
  state: MessageState | null;
  settled_at: number | null;
  attempts: number | null;
  faults: string | null;
  refs: string | null;
  maps: string | null;
  response: string | null;
}

/** A message as people ask for it; `waits` tells whether it is settled. */
export function recordOf(row: RecordRow, lane: string, deliveries: DeliveryRecord[]): MessageRecord {
  const settled = row.waits === null;
  const { sender: client } = (row.envelope ? JSON.parse(row.envelope) : {}) as { sender?: string };
  return {
    id: row.id,
    door: row.door,
    ...(client !== undefined && { client }),
    sender: row.sender,
    kind: row.kind,
    state: settled ? row.state! : 'accepted',
    lane,
    receivedAt: row.received_at,
    ...(settled && { settledAt: row.settled_at! }),
    attempts: row.tries ?? row.attempts ?? 0,
    ...(row.due && !row.leased && { nextAttemptAt: row.due }),
    size: row.size,
    ...(row.format && { format: row.format }),
    ...(row.route !== null && { route: row.route }),
    faults: faultsOf(row.state === null ? row.first_faults : row.faults),
    references: row.refs ? JSON.parse(row.refs) : [],
    maps: row.maps ? JSON.parse(row.maps) : {},
    ...(row.response && { response: JSON.parse(row.response) }),
    deliveries,
  };
}

/** Columns of a delivery that is looked at, of either database. */
export interface DeliveryRecordRow extends WaitingColumns {
  seq: number;
  id: string;
  destination: string;
  kind: string;
  recipient: string | null;
  state: DeliveryRecord['state'] | null;
  settled_at: number | null;
  attempts: number | null;
  faults: string | null;
  refs: string | null;
}

/** A delivery as people ask for it; `waits` tells whether it is settled. */
export function deliveryRecordOf(row: DeliveryRecordRow, receipts: string[]): DeliveryRecord {
  const settled = row.waits === null;
  return {
    id: row.id,
    destination: row.destination,
    kind: row.kind,
    ...(row.recipient && { recipient: JSON.parse(row.recipient) as Party }),
    state: settled ? row.state! : 'waiting',
    attempts: row.tries ?? row.attempts ?? 0,
    ...(row.due && !row.leased && { nextAttemptAt: row.due }),
    ...(settled && { settledAt: row.settled_at! }),
    faults: faultsOf(row.faults),
    references: row.refs ? JSON.parse(row.refs) : [],
    receipts: receipts.map((one) => JSON.parse(one) as Receipt),
  };
}

/** A receipt as it is filed: equal receipts are equal text. */
export function receiptText({ kind, at, code, detail }: Receipt): string {
  return JSON.stringify({ kind, at, code, detail });
}

/** Names of the counters kept in `tally`. */
export const tally = {
  state: (state: string) => `state:${state}`,
  waiting: (destination: string) => `waiting:${destination}`,
  dead: (destination: string) => `dead:${destination}`,
};

/** @param waits how long the oldest of each stream has waited, in milliseconds. */
export function countsOf(tallies: { name: string; n: number }[], waits: { stream: string; waited: number }[]): Counts {
  const messages: Counts['messages'] = { accepted: 0, delivered: 0, quarantined: 0, refused: 0, dead: 0 };
  const waiting: Record<string, number> = {};
  const dead: Record<string, number> = {};
  for (const { name, n } of tallies) {
    const [, what, of] = /^(state|waiting|dead):(.*)$/s.exec(name)!;
    if (what === 'state') messages[of as MessageState] = n;
    else if (n !== 0) (what === 'waiting' ? waiting : dead)[of] = n;
  }
  const ages = waits.map(({ stream, waited }) => [stream || 'fhir', Math.max(0, waited / 1000)] as const);
  const oldestWaitingSeconds = Math.max(0, ...ages.map(([, seconds]) => seconds));
  return { messages, waiting, dead, oldestWaitingSeconds, oldestSeconds: Object.fromEntries(ages) };
}
