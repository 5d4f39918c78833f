import type { DeliveryOutcome } from '../../adapter.ts';
import { INLINE_BYTES } from '../files.ts';
import type { NewDelivery, Settlement } from '../journal.ts';
import { encodePayload } from '../payload.ts';
import { json } from '../rows.ts';
import type { Context, DeliveryEnd, MessageEnd, Outgoing } from './context.ts';
import { type Database, text } from './database.ts';
import { putPayload } from './payload.ts';

/** Ends or puts off the work on a message; with its deliveries in the same commit. */
export async function settle(context: Context, id: string, end: Settlement, attempt?: number): Promise<boolean> {
  const { ends, bell, until, db } = context;
  const isFinal = end.state !== 'accepted';
  const delay = isFinal ? 0 : until(end.retryAt);
  const deliveries = isFinal ? (end.deliveries ?? []) : [];
  const outgoing = await Promise.all(deliveries.map((one) => encode(db, one)));
  const bytes = outgoing.reduce((sum, one) => sum + (one.bytes?.length ?? 0), 0);
  const settled = await ends.add({ id, attempt, end, delay, outgoing }, bytes);
  if (settled && isFinal) bell.ring();
  else if (settled) bell.dueIn(delay);
  return settled;
}

/** Ends a delivery, or puts it off. */
export async function settleDelivery(
  context: Context,
  id: string,
  end: DeliveryOutcome,
  retryAt?: number,
  attempt?: number,
): Promise<boolean> {
  const delay = retryAt === undefined ? 0 : context.until(retryAt);
  const settled = await context.deliveryEnds.add({ id, attempt, end, delay });
  if (settled) context.bell.dueIn(Math.max(0, delay));
  return settled;
}

/** Enters deliveries that follow from the fate of another; nothing for a message that is not there. */
export async function follow({ db, moment, bell }: Context, id: string, deliveries: NewDelivery[]): Promise<void> {
  for (const one of deliveries) {
    const { delivery, encoding, bytes, hash, size } = await encode(db, one);
    const body = [encoding, bytes && Buffer.from(bytes), hash, size, withoutNul(json(delivery.recipient))];
    const values = [
      moment() ?? null,
      id,
      delivery.id,
      delivery.destination,
      delivery.kind,
      text(delivery.key),
      ...body,
    ];
    await db.rows(FOLLOW, values);
  }
  bell.ring();
}

async function encode(db: Database, delivery: NewDelivery): Promise<Outgoing> {
  const { encoding, bytes } = encodePayload(delivery.payload);
  const isLarge = bytes.length > INLINE_BYTES;
  const hash = isLarge ? await putPayload(db, bytes) : null;
  return { delivery, encoding, size: bytes.length, bytes: isLarge ? null : bytes, hash };
}

/** Settles messages in one call. */
export async function settleAll(
  db: Database,
  moment: number | undefined,
  owner: string,
  items: MessageEnd[],
): Promise<boolean[]> {
  const column = <T>(of: (item: MessageEnd) => T) => items.map(of);
  const final = <T>(of: (end: Exclude<Settlement, { state: 'accepted' }>) => T) =>
    items.map(({ end }) => (end.state === 'accepted' ? null : of(end)));
  const outgoing = items.flatMap((item, at) => item.outgoing.map((one) => ({ ...one, of: at + 1 })));
  const rows = await db.rows<{ settled: boolean }>(
    SETTLE,
    [
      moment ?? null,
      owner,
      column(({ id }) => id),
      column(({ attempt }) => attempt ?? null),
      column(({ end }) => end.state),
      column(({ end }) => json(end.faults)),
      final((end) => json(end.references)),
      final((end) => json(end.maps)),
      final((end) => withoutNul(json(end.unmapped))),
      final((end) => json(end.response)),
      column(({ delay }) => Math.round(delay)),
      column(({ end }) => end.state === 'accepted' && (end.ambiguous ?? false)),
      outgoing.map(({ of }) => of),
      outgoing.map(({ delivery }) => delivery.id),
      outgoing.map(({ delivery }) => delivery.destination),
      outgoing.map(({ delivery }) => delivery.kind),
      outgoing.map(({ delivery }) => text(delivery.key)),
      outgoing.map(({ encoding }) => encoding),
      outgoing.map(({ bytes }) => bytes && Buffer.from(bytes)),
      outgoing.map(({ hash }) => hash),
      outgoing.map(({ size }) => size),
      outgoing.map(({ delivery }) => withoutNul(json(delivery.recipient))),
    ],
    'settle',
  );
  return rows.map(({ settled }) => settled);
}

/** Settles deliveries in one call. */
export async function settleAllDeliveries(
  db: Database,
  moment: number | undefined,
  owner: string,
  items: DeliveryEnd[],
): Promise<boolean[]> {
  const column = <T>(of: (item: DeliveryEnd) => T) => items.map(of);
  const rows = await db.rows<{ settled: boolean }>(
    SETTLE_DELIVERIES,
    [
      moment ?? null,
      owner,
      column(({ id }) => id),
      column(({ attempt }) => attempt ?? null),
      column(({ end }) => end.outcome),
      column(({ end }) => ('faults' in end ? json(end.faults) : null)),
      column(({ end }) => (end.outcome === 'delivered' ? json(end.references) : null)),
      column(({ end }) => ('response' in end ? json(end.response) : null)),
      column(({ end }) => (end.outcome === 'delivered' ? text(end.key) : null)),
      column(({ delay }) => Math.round(delay)),
    ],
    'settle deliveries',
  );
  return rows.map(({ settled }) => settled);
}

/** The database looks into this JSON, and its text knows no U+0000. */
function withoutNul(value: string | null): string | null {
  return value === null ? null : value.replaceAll('\\u0000', '\\ufffd');
}

const SETTLE = `SELECT journal_settle($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
  $20, $21, $22) AS settled`;

const FOLLOW = `WITH locked AS MATERIALIZED (SELECT journal_lock_lanes())
  SELECT journal_deliver(journal_now($1), m.seq, m.lane, $3, $4, $5, $6, $7, $8, $9, $10, $11) FROM message m, locked
  WHERE m.id = $2`;

const SETTLE_DELIVERIES = 'SELECT journal_settle_deliveries($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) AS settled';
