import type { QueryResultRow } from 'pg';
import { fault } from '../../errors.ts';
import type { ClaimedDelivery, Message, Settlement } from '../journal.ts';
import { type DeliveryRow, deliveryOf, type Lease, type MessageRow, MOST_CLAIMED_BYTES, messageOf } from '../rows.ts';
import type { Context } from './context.ts';
import { getPayload } from './payload.ts';
import { settle, settleDelivery } from './settle.ts';

/** Leases the heads that may be taken and reads them. A message whose content is lost is put with the dead. */
export async function claim(context: Context, limit: number, leaseMs: number): Promise<Message[]> {
  const rows = await lease<MessageRow>(context, CLAIM, [limit, leaseMs]);
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
  const rows = await lease<DeliveryRow>(context, CLAIM_DELIVERIES, [limit, leaseMs], destination);
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

async function lease<Row extends QueryResultRow>(
  { db, bell, owner, moment }: Context,
  [statement, name]: [string, string],
  [limit, leaseMs]: [number, number],
  ...stream: string[]
): Promise<(Row & Lease)[]> {
  const values = [...stream, limit, moment() ?? null, leaseMs, owner, MOST_CLAIMED_BYTES];
  const rows = await db.rows<Row & Lease>(statement, values, name);
  if (rows.length > 0) bell.dueIn(leaseMs);
  return rows;
}

const CLAIM: [string, string] = ['SELECT * FROM journal_claim($1, $2, $3, $4, $5)', 'claim'];

const CLAIM_DELIVERIES: [string, string] = [
  'SELECT * FROM journal_claim_deliveries($1, $2, $3, $4, $5, $6)',
  'claim deliveries',
];
