import type { MessageState } from '../../message.ts';
import { tally } from '../rows.ts';
import type { Context } from './context.ts';
import { PIPELINE } from './queue.ts';

/** Messages of one commit: intake gets its turn every 10 ms while a whole day is replayed. */
const STEP = 500;

interface Candidate {
  seq: number;
  lane: string;
  state: MessageState;
  attempts: number;
}

/** Puts messages back to work, at the place of the lane where they were. */
export async function replay(
  context: Context,
  selection: { ids: string[] } | { state: MessageState },
): Promise<number> {
  const { group, bell } = context;
  let replayed = 0;
  const steps = 'ids' in selection ? byId(context, selection.ids) : byState(context, selection.state);
  for (const candidates of steps) {
    replayed += await group.add(() => reenter(context, candidates()));
    bell.ring();
  }
  return replayed;
}

function* byId({ db }: Context, ids: string[]): Generator<() => Candidate[]> {
  for (let at = 0; at < ids.length; at += STEP) {
    const some = ids.slice(at, at + STEP);
    yield () => some.map((id) => db.get<Candidate>(BY_ID, id)).filter((one) => one !== undefined);
  }
}

/** Upwards through those that were there at the beginning; what ends again meanwhile lies behind. */
function* byState({ db }: Context, state: MessageState): Generator<() => Candidate[]> {
  const last = db.get<{ seq: number | null }>(LAST)?.seq ?? 0;
  let after = 0;
  let more = true;
  while (more) {
    yield () => {
      const held = state !== 'delivered' && state !== 'accepted';
      const some = db.all<Candidate>(held ? HELD : OF_STATE, state, after, last, STEP);
      more = some.length === STEP;
      after = some.at(-1)?.seq ?? last;
      return some;
    };
  }
}

function reenter({ db, queue, lanes, clock }: Context, candidates: Candidate[]): number {
  const touched = new Set<string>();
  let count = 0;
  for (const { seq, lane, state, attempts } of candidates) {
    if (state === 'accepted' || !db.get(HAS_BYTES, seq)) continue;
    const root = lanes.root(lane);
    if (db.run(REOPEN, seq, state) === 0) continue;
    queue.reenter(PIPELINE, seq, root, attempts, clock.now());
    db.count(tally.state(state), -1);
    db.count(tally.state('accepted'), 1);
    touched.add(root);
    count++;
  }
  for (const lane of touched) queue.seat(PIPELINE, lane);
  return count;
}

const CANDIDATE = 'SELECT m.seq, m.lane, o.state, o.attempts FROM outcome o JOIN message m ON m.seq = o.seq';

const BY_ID = `${CANDIDATE} WHERE m.id = ?1`;

/** Index outcome_held. */
export const HELD = `SELECT m.seq, m.lane, o.state, o.attempts FROM outcome o CROSS JOIN message m ON m.seq = o.seq
  WHERE o.state IN ('quarantined', 'refused', 'dead') AND o.state = ?1 AND o.seq > ?2 AND o.seq <= ?3
  ORDER BY o.seq LIMIT ?4`;

/** In order of arrival through the outcomes; nearly all are of this state. */
export const OF_STATE = `SELECT m.seq, m.lane, o.state, o.attempts FROM outcome o CROSS JOIN message m ON m.seq = o.seq
  WHERE o.state = ?1 AND o.seq > ?2 AND o.seq <= ?3 ORDER BY o.seq LIMIT ?4`;

const LAST = 'SELECT max(seq) AS seq FROM message';

const HAS_BYTES = 'SELECT 1 FROM message WHERE seq = ?1 AND coalesce(hash, bytes) IS NOT NULL';

/** What was written stays on record until the new attempt has ended; so do its unmapped codes. */
const REOPEN = "UPDATE outcome SET state = 'accepted', faults = NULL WHERE seq = ?1 AND state = ?2";
