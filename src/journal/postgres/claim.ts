import { fault } from '../../errors.ts';
import type { ClaimedDelivery, Message, Settlement } from '../journal.ts';
import { type DeliveryRow, deliveryOf, type MessageRow, MOST_CLAIMED_BYTES, messageOf } from '../rows.ts';
import type { Context } from './context.ts';
import { getPayload } from './payload.ts';
import { settle, settleDelivery } from './settle.ts';

interface TakenRow {
  attempts: number;
  ambiguous: boolean;
  since: number;
}

/** Leases the heads that may be taken and reads them. A message whose content is lost is put with the dead. */
export async function claim(context: Context, limit: number, leaseMs: number): Promise<Message[]> {
  const rows = await take<MessageRow>(context, '', limit, leaseMs, CLAIM);
  const messages = await Promise.all(
    rows.map(async (row) => {
      const bytes = row.bytes ?? (row.hash === null ? undefined : await getPayload(context.db, row.hash));
      if (bytes) return messageOf(row, bytes, row);
      const lost: Settlement = { state: 'dead', faults: [fault('payload-lost')], references: [] };
      await settle(context, row.id, lost, row.attempts);
      return undefined;
    }),
  );
  return messages.filter((one) => one !== undefined);
}

/** The same for the deliveries of one destination. */
export async function claimDeliveries(
  context: Context,
  destination: string,
  limit: number,
  leaseMs: number,
): Promise<ClaimedDelivery[]> {
  const rows = await take<DeliveryRow>(context, destination, limit, leaseMs, CLAIM_DELIVERIES);
  const deliveries = await Promise.all(
    rows.map(async (row) => {
      const bytes = row.bytes ?? (row.hash === null ? undefined : await getPayload(context.db, row.hash));
      if (bytes) return deliveryOf(row, destination, bytes, row);
      await settleDelivery(context, row.id, { outcome: 'permanent', faults: [fault('payload-lost')] }, 0, row.attempts);
      return undefined;
    }),
  );
  return deliveries.filter((one) => one !== undefined);
}

async function take<Row>(context: Context, stream: string, limit: number, leaseMs: number, statement: string) {
  const { db, bell, owner, moment } = context;
  const values = [stream, limit, moment() ?? null, leaseMs, owner, MOST_CLAIMED_BYTES];
  const rows = await db.rows<Row & TakenRow>(statement, values, stream === '' ? 'claim' : 'claim deliveries');
  if (rows.length > 0) bell.dueIn(leaseMs);
  return rows;
}

const TAKEN = 't.o_attempts AS attempts, t.o_ambiguous AS ambiguous, t.o_since AS since';

const CLAIM = `SELECT ${TAKEN}, m.id, coalesce(m.dedupe_key, m.dedupe) AS dedupe_key, m.door, m.sender, m.kind, m.lane,
    m.format, m.route, m.received_at, m.faults, m.envelope, m.size, b.bytes, b.hash
  FROM journal_take($1, $2, $3, $4, $5, $6) WITH ORDINALITY AS
    t (o_seq, o_attempts, o_ambiguous, o_since, n)
  JOIN message m ON m.seq = t.o_seq LEFT JOIN message_body b ON b.seq = t.o_seq ORDER BY t.n`;

const CLAIM_DELIVERIES = `SELECT ${TAKEN}, d.id, m.id AS message_id, d.kind, d.size, b.encoding, b.bytes, b.hash
  FROM journal_take($1, $2, $3, $4, $5, $6) WITH ORDINALITY AS
    t (o_seq, o_attempts, o_ambiguous, o_since, n)
  JOIN delivery d ON d.seq = t.o_seq JOIN message m ON m.seq = d.message JOIN delivery_body b ON b.seq = d.seq
  ORDER BY t.n`;
