import type { MessageState } from '../../message.ts';
import type { Context } from './context.ts';
import { text } from './database.ts';
import { sweepPayloads } from './payload.ts';

/** Messages of one call: others wait for the lanes meanwhile. */
const STEP = 200;

/** Clocks go back: rows this much newer than the limit are passed before the walk ends. One day. */
const SKEW_MS = 24 * 60 * 60 * 1000;

/** Puts messages back to work, at the place of the lane where they were. */
export async function replay(
  { db, moment, bell }: Context,
  selection: { ids: string[] } | { state: MessageState },
): Promise<number> {
  let replayed = 0;
  const step = async (ids: (string | null)[] | null, state: string | null, after: number, last: number) => {
    const done = await db.row<{ o_replayed: number; o_seen: number; o_last: number }>(REPLAY, [
      moment() ?? null,
      ids,
      state,
      after,
      last,
      STEP,
    ]);
    replayed += done!.o_replayed;
    return done!;
  };
  if ('ids' in selection) {
    const ids = [...new Set(selection.ids)].map(text);
    for (let at = 0; at < ids.length; at += STEP) await step(ids.slice(at, at + STEP), null, 0, 0);
  } else if (selection.state !== 'accepted') {
    const { last } = (await db.row<{ last: number }>(LAST))!;
    for (let after = 0, seen = STEP; seen === STEP; ) {
      ({ o_last: after, o_seen: seen } = await step(null, selection.state, after, last));
    }
  }
  bell.ring();
  return replayed;
}

/** Removes messages, or only their bytes, that were received before `olderThan`. */
export async function purge(
  { db }: Context,
  olderThan: number,
  states: MessageState[],
  part: 'message' | 'bytes',
): Promise<number> {
  let purged = 0;
  for (let after = 0; ; ) {
    const values = [after, STEP, Math.round(olderThan), states, part === 'message'];
    const done = (await db.row<{ o_purged: number; o_seen: number; o_last: number; o_oldest: number }>(PURGE, values))!;
    purged += done.o_purged;
    if (done.o_seen < STEP || done.o_oldest > olderThan + SKEW_MS) break;
    after = done.o_last;
  }
  await db.rows(FORGET_SLOTS);
  await sweepPayloads(db);
  return purged;
}

/** True for the first who asks for this slot. */
export async function takeSlot({ db }: Context, name: string, slot: string): Promise<boolean> {
  return (await db.rows(TAKE_SLOT, [name, slot])).length > 0;
}

const REPLAY = 'SELECT * FROM journal_replay($1, $2, $3, $4, $5, $6)';

const LAST = 'SELECT coalesce(max(seq), 0) AS last FROM message';

const PURGE = 'SELECT * FROM journal_purge($1, $2, $3, $4, $5)';

const FORGET_SLOTS = 'DELETE FROM once WHERE at < journal_now(NULL) - 30 * 86400000::bigint';

const TAKE_SLOT = `INSERT INTO once (name, slot, at) VALUES ($1, $2, journal_now(NULL)) ON CONFLICT DO NOTHING
  RETURNING name`;
