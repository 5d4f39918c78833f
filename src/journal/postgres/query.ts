import type { Receipt } from '../../adapter.ts';
import type { MessageState } from '../../message.ts';
import type { Counts, DeliveryRecord, ListFilter, MessageRecord, UnmappedCount } from '../journal.ts';
import {
  countsOf,
  DEFAULT_RECORDS,
  type DeliveryRecordRow,
  deliveryRecordOf,
  MOST_RECORDS,
  type RecordRow,
  receiptText,
  recordOf,
} from '../rows.ts';
import type { Context } from './context.ts';
import { type Database, text } from './database.ts';
import { getPayload } from './payload.ts';

type Row = RecordRow & { root: string };

/** One message with its deliveries. */
export async function get({ db }: Context, id: string): Promise<MessageRecord | undefined> {
  return (await records(db, await db.rows<Row>(BY_ID, [text(id)])))[0];
}

/** Newest first; a page is found by its place in the index, so the last page costs what the first does. */
export async function list({ db }: Context, filter: ListFilter): Promise<MessageRecord[]> {
  const limit = Math.max(0, Math.min(filter.limit ?? DEFAULT_RECORDS, MOST_RECORDS));
  let before = Number.MAX_SAFE_INTEGER;
  if (filter.before !== undefined) {
    const found = await db.row<{ seq: number }>(SEQ, [text(filter.before)]);
    if (!found) return [];
    before = found.seq;
  }
  const held = filter.state !== undefined && filter.state !== 'accepted' && filter.state !== 'delivered';
  return records(db, await db.rows<Row>(listStatement(filter.state), [before, limit, ...(held ? [filter.state] : [])]));
}

/** The exact bytes of a message, wherever they are kept; undefined when it is unknown or its bytes were purged. */
export async function bytes({ db }: Context, id: string): Promise<Uint8Array | undefined> {
  const row = await db.row<{ bytes: Uint8Array | null; hash: string | null }>(BYTES, [text(id)]);
  if (!row) return undefined;
  return row.hash === null ? (row.bytes ?? undefined) : getPayload(db, row.hash);
}

/** From counters written in the commits that changed what they count. */
export async function counts({ db, moment }: Context): Promise<Counts> {
  const tallies = await db.rows<{ name: string; n: number }>(TALLIES);
  return countsOf(tallies, await db.rows<{ stream: string; waited: number }>(OLDEST, [moment() ?? null]));
}

/** Milliseconds until something becomes due. */
export async function nextDue({ db, moment }: Pick<Context, 'db' | 'moment'>): Promise<number | undefined> {
  return (await db.row<{ due_in: number | null }>(OUTLOOK, [moment() ?? null]))?.due_in ?? undefined;
}

/** The report of unmapped codes, most frequent first. */
export async function listUnmapped({ db }: Context): Promise<UnmappedCount[]> {
  const rows = await db.rows<Omit<UnmappedCount, 'display'> & { display: string | null }>(UNMAPPED);
  return rows.map(({ system, display, ...rest }) => ({
    ...rest,
    ...(system && { system }),
    ...(display !== null && { display }),
  }));
}

/** Files a late answer with the delivery that announced its key; the newest, should two have announced the same. */
export async function fileReceipt({ db }: Context, key: string, receipt: Receipt) {
  const found = await db.row<{ messageId: string; deliveryId: string }>(RECEIPT, [
    text(key),
    text(receiptText(receipt)),
  ]);
  return found && { messageId: found.messageId, deliveryId: found.deliveryId };
}

function listStatement(state: MessageState | undefined): string {
  if (state === undefined) return LIST_ALL;
  if (state === 'accepted') return LIST_WAITING;
  return state === 'delivered' ? LIST_DELIVERED : LIST_HELD;
}

/** With the deliveries of all of them in one more question. */
async function records(db: Database, rows: Row[]): Promise<MessageRecord[]> {
  if (rows.length === 0) return [];
  const deliveries = new Map<number, DeliveryRecord[]>();
  const found = await db.rows<DeliveryRecordRow & { message: number; receipts: string[] | null }>(DELIVERIES, [
    rows.map(({ seq }) => seq),
  ]);
  for (const one of found) {
    const record = deliveryRecordOf(one, one.receipts ?? []);
    deliveries.set(one.message, [...(deliveries.get(one.message) ?? []), record]);
  }
  return rows.map((row) => recordOf(row, row.root, deliveries.get(row.seq) ?? []));
}

const COLUMNS = `m.seq, m.id, m.door, m.sender, m.kind, m.lane, coalesce(t.root, m.lane) AS root, m.format, m.route, m.size,
  m.received_at, m.envelope, m.faults AS first_faults, o.state, o.settled_at, o.attempts, o.faults, o.refs, o.maps, o.response,
  w.seq AS waits, w.owner IS NOT NULL AS leased, w.due, w.attempts AS tries`;

const JOINS = `LEFT JOIN lane_tie t ON t.lane = m.lane LEFT JOIN outcome o ON o.seq = m.seq
  LEFT JOIN work w ON w.stream = '' AND w.seq = m.seq`;

const BY_ID = `SELECT ${COLUMNS} FROM message m ${JOINS} WHERE m.id = $1`;

const LIST_ALL = `SELECT ${COLUMNS} FROM message m ${JOINS} WHERE m.seq < $1 ORDER BY m.seq DESC LIMIT $2`;

/** The page is cut before anything is joined to it. */
const page = (from: string) =>
  `SELECT ${COLUMNS} FROM (${from}) p JOIN message m ON m.seq = p.seq ${JOINS} ORDER BY m.seq DESC`;

const LIST_WAITING = page("SELECT seq FROM work WHERE stream = '' AND seq < $1 ORDER BY seq DESC LIMIT $2");

/** Nearly every outcome is this one, so walking the table is as good as an index that every settlement would pay for. */
const LIST_DELIVERED = page(
  "SELECT seq FROM outcome WHERE state = 'delivered' AND seq < $1 ORDER BY seq DESC LIMIT $2",
);

const LIST_HELD =
  page(`SELECT seq FROM outcome WHERE state IN ('quarantined', 'refused', 'dead') AND state = $3 AND seq < $1
  ORDER BY seq DESC LIMIT $2`);

const SEQ = 'SELECT seq FROM message WHERE id = $1';

const BYTES = 'SELECT b.bytes, b.hash FROM message m JOIN message_body b ON b.seq = m.seq WHERE m.id = $1';

const TALLIES = 'SELECT o_name AS name, o_n AS n FROM journal_tallies()';

const OUTLOOK = 'SELECT o_due_in AS due_in FROM journal_outlook($1)';

/** As in SQLite: the first thousand of each stream, and the first of what has just come. */
const OLDEST = `SELECT s.stream, journal_now($1) - least(early.since, arrived.since) AS waited FROM journal_streams() s
  CROSS JOIN LATERAL (SELECT min(f.since) AS since FROM
    (SELECT w.since FROM work w WHERE w.stream = s.stream ORDER BY w.seq LIMIT 1000) f) early
  LEFT JOIN LATERAL (SELECT w.since FROM work w WHERE w.stream = s.stream AND w.place = 0
    ORDER BY w.seq LIMIT 1) arrived ON true`;

const DELIVERIES = `SELECT d.message, d.seq, d.id, d.destination, d.kind, d.recipient, o.state, o.settled_at, o.attempts, o.faults, o.refs,
    w.seq AS waits, w.owner IS NOT NULL AS leased, w.due, w.attempts AS tries,
    (SELECT array_agg(r.receipt ORDER BY r.seq) FROM receipt r WHERE r.delivery = d.seq) AS receipts
  FROM delivery d LEFT JOIN delivery_outcome o ON o.seq = d.seq
  LEFT JOIN work w ON w.stream = d.destination AND w.seq = d.seq WHERE d.message = ANY ($1) ORDER BY d.seq`;

const UNMAPPED = `SELECT u.sender, u.tbl AS "table", u.system, u.code, u.display, u.place, u.count,
    coalesce(m.id, '') AS "lastMessageId"
  FROM unmapped u LEFT JOIN message m ON m.seq = u.last_message ORDER BY u.count DESC, u.sender, u.code`;

const RECEIPT = `WITH found AS (
    SELECT d.seq, d.id, m.id AS message FROM delivery d JOIN message m ON m.seq = d.message
      WHERE d.key = $1 ORDER BY d.seq DESC LIMIT 1
  ), filed AS (
    INSERT INTO receipt (delivery, receipt) SELECT seq, $2 FROM found ON CONFLICT DO NOTHING
  ) SELECT id AS "deliveryId", message AS "messageId" FROM found`;
