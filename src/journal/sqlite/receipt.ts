import type { Receipt } from '../../adapter.ts';
import { receiptText } from '../rows.ts';
import type { Context } from './context.ts';

/** Files a late answer with the delivery that announced its key; the newest, should two have announced the same. */
export function fileReceipt({ group, db }: Context, key: string, receipt: Receipt) {
  return group.add(() => {
    const found = db.get<{ seq: number; deliveryId: string; messageId: string }>(BY_KEY, key);
    if (!found) return undefined;
    db.run(FILE, found.seq, receiptText(receipt));
    return { messageId: found.messageId, deliveryId: found.deliveryId };
  });
}

/** Index delivery_key. */
export const BY_KEY = `SELECT d.seq, d.id AS "deliveryId", m.id AS "messageId"
  FROM delivery d JOIN message m ON m.seq = d.message WHERE d.key = ?1 ORDER BY d.seq DESC LIMIT 1`;

/** The same answer again finds itself in receipt_delivery. */
const FILE = 'INSERT OR IGNORE INTO receipt (delivery, receipt) VALUES (?1, ?2)';
