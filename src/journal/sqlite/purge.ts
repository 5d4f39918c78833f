import type { MessageState } from '../../message.ts';
import { tally } from '../rows.ts';
import { type Context, referred, unrefer } from './context.ts';
import { type Counted, countUnmapped } from './unmapped.ts';

/** Messages of one commit. */
const STEP = 500;

/** Clocks go back: rows this much newer than the limit are passed before the walk ends. One day. */
const SKEW_MS = 24 * 60 * 60 * 1000;

/** How long a slot of `once` is remembered. */
const SLOT_MS = 30 * 24 * 60 * 60 * 1000;

/** Free pages given back to the disk with each step, when a quarter of the file is free. */
const VACUUM_PAGES = 2000;

interface Old {
  seq: number;
  state: MessageState;
  received_at: number;
  sender: string;
  unmapped: string | null;
  hash: string | null;
  /** 1 while the content is kept, in the row or in a file. */
  kept: number;
}

/** Removes messages, or only their bytes, that were received before `olderThan`; files go after the commit. */
export async function purge(
  context: Context,
  olderThan: number,
  states: MessageState[],
  part: 'message' | 'bytes',
): Promise<number> {
  const { group, db, files, clock } = context;
  let purged = 0;
  let after = 0;
  for (;;) {
    const gone: string[] = [];
    const step = await group.add(() => {
      const old = db.all<Old>(OLDEST, after, STEP);
      const due = old.filter((one) => one.received_at < olderThan && states.includes(one.state));
      const done = due.filter((one) => (part === 'bytes' ? dropContent(context, one, gone) : drop(context, one, gone)));
      return {
        last: old.at(-1),
        seen: old.length,
        done: done.length,
        oldest: Math.min(...old.map((one) => one.received_at)),
      };
    });
    // Asked again: the same content may have come in since the commit.
    for (const hash of gone) if (!referred(db, hash)) await files.remove(hash);
    purged += step.done;
    giveBack(context);
    if (step.seen < STEP || step.oldest > olderThan + SKEW_MS) break;
    after = step.last!.seq;
  }
  await group.add(() => db.run(FORGET_SLOTS, clock.now() - SLOT_MS));
  await files.sweep((hash) => referred(db, hash));
  return purged;
}

function drop(context: Context, message: Old, gone: string[]): boolean {
  const { db } = context;
  const { seq, state, sender } = message;
  if (db.get(HAS_WAITING_DELIVERY, seq)) return false;
  if (message.hash !== null && unrefer(db, message.hash)) gone.push(message.hash);
  for (const delivery of db.all<{ seq: number; destination: string; state: string; hash: string | null }>(
    DELIVERIES,
    seq,
  )) {
    for (const statement of DROP_DELIVERY) db.run(statement, delivery.seq);
    if (delivery.hash !== null && unrefer(db, delivery.hash)) gone.push(delivery.hash);
    if (delivery.state === 'dead') db.count(tally.dead(delivery.destination), -1);
  }
  if (message.unmapped) countUnmapped(db, { seq, sender }, JSON.parse(message.unmapped) as Counted[], []);
  for (const statement of DROP_MESSAGE) db.run(statement, seq);
  db.count(tally.state(state), -1);
  return true;
}

function dropContent({ db }: Context, { seq, kept, hash }: Old, gone: string[]): boolean {
  if (!kept) return false;
  db.run(EMPTY, seq);
  if (hash !== null && unrefer(db, hash)) gone.push(hash);
  return true;
}

function giveBack({ db }: Context): void {
  const { page_count: pages } = db.get<{ page_count: number }>('PRAGMA page_count')!;
  const { freelist_count: free } = db.get<{ freelist_count: number }>('PRAGMA freelist_count')!;
  if (free * 4 > pages) db.db.exec(`PRAGMA incremental_vacuum(${VACUUM_PAGES})`);
}

/** From the first that is stored; the walk ends where the messages are younger than what is asked for. */
export const OLDEST = `SELECT o.seq, o.state, o.unmapped, m.received_at, m.sender, m.hash,
    coalesce(m.hash, m.bytes) IS NOT NULL AS kept
  FROM outcome o CROSS JOIN message m ON m.seq = o.seq
  WHERE o.seq > ?1 AND o.state <> 'accepted' ORDER BY o.seq LIMIT ?2`;

const HAS_WAITING_DELIVERY = `SELECT 1 FROM delivery d JOIN work w ON w.stream = d.destination AND w.seq = d.seq
  WHERE d.message = ?1 LIMIT 1`;

const EMPTY = 'UPDATE message SET hash = NULL, bytes = NULL WHERE seq = ?1';

const DELIVERIES = `SELECT d.seq, d.destination, o.state, b.hash
  FROM delivery d LEFT JOIN delivery_outcome o ON o.seq = d.seq LEFT JOIN delivery_body b ON b.seq = d.seq
  WHERE d.message = ?1`;

const DROP_DELIVERY = [
  'DELETE FROM receipt WHERE delivery = ?1',
  'DELETE FROM delivery_outcome WHERE seq = ?1',
  'DELETE FROM delivery_body WHERE seq = ?1',
  'DELETE FROM delivery WHERE seq = ?1',
];

const DROP_MESSAGE = ['DELETE FROM outcome WHERE seq = ?1', 'DELETE FROM message WHERE seq = ?1'];

const FORGET_SLOTS = 'DELETE FROM once WHERE at < ?1';
