import type { DeliveryOutcome } from '../../adapter.ts';
import { fault } from '../../errors.ts';
import type { Message, Settlement } from '../journal.ts';
import { type DeliveryRow, deliveryOf, type MessageRow, MOST_CLAIMED_BYTES, messageOf } from '../rows.ts';
import type { Context } from './context.ts';
import { type Leased, PIPELINE } from './queue.ts';
import { settle, settleDelivery } from './settle.ts';

/** Pause after a file could not be read though it is there. */
const READ_AGAIN_MS = 10_000;

/** Leases the heads that may be taken and reads them. A message whose content is lost is put with the dead. */
export async function claim(context: Context, limit: number, leaseMs: number): Promise<Message[]> {
  const taken = lease<MessageRow>(context, PIPELINE, limit, leaseMs, READ_MESSAGE);
  const messages = await Promise.all(
    taken.map(async ({ row, work }) => {
      const content = row.bytes ?? (await read(context, row.hash));
      if (content instanceof Uint8Array) return messageOf(row, content, leased(work));
      const end: Settlement =
        content === 'lost'
          ? { state: 'dead', faults: [fault('payload-lost')], references: [] }
          : { state: 'accepted', faults: [fault('payload-lost')], retryAt: Date.now() + READ_AGAIN_MS };
      await settle(context, row.id, end, work.attempts + 1);
      return undefined;
    }),
  );
  return messages.filter((one) => one !== undefined);
}

/** The same for the deliveries of one destination. */
export async function claimDeliveries(context: Context, destination: string, limit: number, leaseMs: number) {
  const taken = lease<DeliveryRow>(context, destination, limit, leaseMs, READ_DELIVERY);
  const deliveries = await Promise.all(
    taken.map(async ({ row, work }) => {
      const content = row.bytes ?? (await read(context, row.hash));
      if (content instanceof Uint8Array) return deliveryOf(row, destination, content, leased(work));
      const end: DeliveryOutcome = {
        outcome: content === 'lost' ? 'permanent' : 'transient',
        faults: [fault('payload-lost')],
      };
      await settleDelivery(context, row.id, end, Date.now() + READ_AGAIN_MS, work.attempts + 1);
      return undefined;
    }),
  );
  return deliveries.filter((one) => one !== undefined);
}

/**
 * One transaction a claim. A lease need not survive a power cut: at the next start all leases are void anyway. So it is
 * committed without a sync.
 */
function lease<Row extends { size: number }>(
  { db, queue, clock, bell }: Context,
  stream: string,
  limit: number,
  leaseMs: number,
  readRow: string,
): { work: Leased; row: Row }[] {
  const now = clock.now();
  if (!queue.isWaiting(stream, now)) return [];
  const taken: { work: Leased; row: Row }[] = [];
  let bytes = 0;
  const fits = (work: Leased) => {
    const row = db.get<Row>(readRow, work.seq)!;
    bytes += row.size;
    if (bytes > MOST_CLAIMED_BYTES && taken.length > 0) return false;
    taken.push({ work, row });
    return true;
  };
  const more = db.transaction(() => queue.take(stream, limit, now, now + leaseMs, fits));
  if (more) bell.ring();
  bell.dueAt(now + leaseMs);
  return taken;
}

/** The content of a file; a file may have been lost with a disk, or be unreadable for the moment. */
async function read({ files }: Context, hash: string | null): Promise<Uint8Array | 'lost' | 'unreadable'> {
  if (hash === null) return 'lost';
  return files.read(hash).catch((error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? 'lost' : 'unreadable'));
}

/** The lease as it stands after this claim. */
function leased({ attempts, ambiguous, since }: Leased) {
  return { attempts: attempts + 1, ambiguous, since };
}

/** By primary key; 8 µs with a body of 700 bytes. */
export const READ_MESSAGE = `SELECT m.id, coalesce(m.dedupe_key, m.dedupe) AS dedupe_key, m.door, m.sender, m.kind, m.lane, m.format, m.route, m.received_at,
    m.faults, m.envelope, m.size, m.hash, m.bytes
  FROM message m WHERE m.seq = ?1`;

/** One delivery with its payload, by its place. */
export const READ_DELIVERY = `SELECT d.id, m.id AS message_id, d.kind, d.size, b.encoding, b.bytes, b.hash
  FROM delivery d JOIN message m ON m.seq = d.message JOIN delivery_body b ON b.seq = d.seq WHERE d.seq = ?1`;
