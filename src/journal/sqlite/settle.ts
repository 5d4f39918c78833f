import type { DeliveryOutcome } from '../../adapter.ts';
import { INLINE_BYTES } from '../files.ts';
import type { NewDelivery, Settlement } from '../journal.ts';
import { type EncodedPayload, encodePayload } from '../payload.ts';
import { json, tally } from '../rows.ts';
import { type Context, refer, referred, type Stored } from './context.ts';
import { PIPELINE } from './queue.ts';
import { type Counted, countUnmapped } from './unmapped.ts';

type Final = Exclude<Settlement, { state: 'accepted' }>;

interface Outgoing {
  delivery: NewDelivery;
  encoding: EncodedPayload['encoding'];
  size: number;
  body: Stored;
}

/** Ends or puts off the work on a message; with its deliveries in the same commit. */
export async function settle(context: Context, id: string, end: Settlement, attempt?: number): Promise<boolean> {
  const { group, bell, clock } = context;
  if (end.state === 'accepted') {
    const due = clock.fromWall(end.retryAt);
    const kept = await group.add(() => putOff(context, id, end, due, attempt));
    if (kept) bell.dueAt(due);
    return kept;
  }
  const outgoing: Outgoing[] = [];
  try {
    for (const one of end.deliveries ?? []) outgoing.push(await encode(context, one));
    const left = await group.add(() => finish(context, id, end, outgoing, attempt));
    if (left && (left.takeable || outgoing.length > 0)) bell.ring();
    return left !== undefined;
  } finally {
    for (const { body } of outgoing) if (body.hash !== null) await release(context, body.hash);
  }
}

/** Enters deliveries that follow from the fate of another; nothing for a message that is not there. */
export async function follow(context: Context, id: string, deliveries: NewDelivery[]): Promise<void> {
  const { db, group, bell } = context;
  const outgoing: Outgoing[] = [];
  try {
    for (const one of deliveries) outgoing.push(await encode(context, one));
    await group.add(() => {
      const message = db.get<{ seq: number; sender: string; lane: string }>(SEQ, id);
      if (message) for (const one of outgoing) deliver(context, message, one);
    });
    bell.ring();
  } finally {
    for (const { body } of outgoing) if (body.hash !== null) await release(context, body.hash);
  }
}

function putOff(
  context: Context,
  id: string,
  end: { faults: Settlement['faults']; ambiguous?: boolean },
  due: number,
  attempt?: number,
) {
  const { db, queue, clock } = context;
  const seq = db.get<{ seq: number }>(SEQ, id)?.seq;
  const kept = seq === undefined ? undefined : queue.putOff(PIPELINE, seq, attempt, due, end.ambiguous ?? false);
  if (seq === undefined || !kept) return false;
  db.run(NOTE_FAILURE, seq, clock.now(), kept.attempts, json(end.faults));
  return true;
}

function finish(context: Context, id: string, end: Final, outgoing: Outgoing[], attempt?: number) {
  const { db, queue, clock } = context;
  const message = db.get<{ seq: number; sender: string; lane: string }>(SEQ, id);
  const left = message && queue.leave(PIPELINE, message.seq, attempt);
  if (!left) return undefined;
  const again = left.attempts > 1;
  const before = again ? db.get<{ unmapped: string | null }>(UNMAPPED_BEFORE, message.seq)?.unmapped : undefined;
  if (before || end.unmapped?.length) {
    countUnmapped(db, message, before ? (JSON.parse(before) as Counted[]) : [], end.unmapped ?? []);
  }
  db.run(
    WRITE_OUTCOME,
    message.seq,
    end.state,
    clock.now(),
    left.attempts,
    json(end.faults),
    json(end.references),
    json(end.maps),
    json(end.unmapped),
    json(end.response),
  );
  db.count(tally.state('accepted'), -1);
  db.count(tally.state(end.state), 1);
  for (const one of outgoing) deliver(context, message, one);
  return left;
}

/**
 * Enters a delivery. One of the same id is here already when a message is replayed: what was delivered or waits is left
 * alone, what was dead is tried again with the payload of now.
 */
function deliver(
  context: Context,
  message: { seq: number; lane: string },
  { delivery, encoding, size, body }: Outgoing,
) {
  const { db, queue, lanes, clock } = context;
  const { id, destination, kind, key = null, recipient } = delivery;
  const { lane } = message;
  const now = clock.now();
  const row = [id, message.seq, destination, kind, lane, key, size, now, json(recipient)];
  const entered = db.insert(INSERT_DELIVERY, ...row);
  if (entered !== undefined) {
    db.run(INSERT_BODY, entered, encoding, body.bytes, body.hash);
    if (body.hash !== null) refer(db, body.hash, size);
    queue.enter(destination, entered, lane, now);
    db.count(tally.waiting(destination), 1);
    return;
  }
  const dead = db.get<{ seq: number; destination: string; lane: string; attempts: number }>(DEAD_DELIVERY, id);
  if (!dead) return;
  db.run(FORGET_OUTCOME, dead.seq);
  queue.reenter(dead.destination, dead.seq, lanes.root(lane), dead.attempts, now);
  queue.seat(dead.destination, lanes.root(lane));
  db.count(tally.dead(dead.destination), -1);
  db.count(tally.waiting(dead.destination), 1);
}

/** Ends a delivery, or puts it off. */
export async function settleDelivery(
  context: Context,
  id: string,
  end: DeliveryOutcome,
  retryAt?: number,
  attempt?: number,
): Promise<boolean> {
  const { group, bell, clock } = context;
  const due = retryAt === undefined ? clock.now() : clock.fromWall(retryAt);
  const settled = await group.add(() => endDelivery(context, id, end, due, attempt));
  if (settled?.takeable) bell.ring();
  else if (settled) bell.dueAt(due);
  return settled !== undefined;
}

function endDelivery({ db, queue, clock }: Context, id: string, end: DeliveryOutcome, due: number, attempt?: number) {
  const found = db.get<{ seq: number; destination: string }>(DELIVERY, id);
  if (!found) return undefined;
  const { seq, destination } = found;
  if (end.outcome !== 'delivered' && end.outcome !== 'permanent') {
    const kept = queue.putOff(destination, seq, attempt, due, end.outcome === 'ambiguous');
    if (!kept) return undefined;
    db.run(WRITE_DELIVERY_OUTCOME, seq, 'waiting', clock.now(), kept.attempts, json(end.faults), null, null);
    return { takeable: false };
  }
  const left = queue.leave(destination, seq, attempt);
  if (!left) return undefined;
  const delivered = end.outcome === 'delivered' ? end : undefined;
  db.run(
    WRITE_DELIVERY_OUTCOME,
    seq,
    delivered ? 'delivered' : 'dead',
    clock.now(),
    left.attempts,
    'faults' in end ? json(end.faults) : null,
    json(delivered?.references),
    json(end.response),
  );
  if (delivered?.key !== undefined) db.run(SET_KEY, seq, delivered.key);
  db.count(tally.waiting(destination), -1);
  if (!delivered) db.count(tally.dead(destination), 1);
  return { takeable: left.takeable };
}

async function encode({ group, files }: Context, delivery: NewDelivery): Promise<Outgoing> {
  const { encoding, bytes } = encodePayload(delivery.payload);
  const body: Stored =
    bytes.length <= INLINE_BYTES
      ? { bytes, hash: null }
      : await group.failing(async () => ({ bytes: null, hash: await files.put(bytes) }));
  return { delivery, encoding, size: bytes.length, body };
}

/** Lets go of a file after its commit; it goes when that commit failed or found its row there already. */
export async function release({ files, db }: Context, hash: string): Promise<void> {
  files.unpin(hash);
  if (!referred(db, hash)) await files.remove(hash);
}

const SEQ = 'SELECT seq, sender, lane FROM message WHERE id = ?1';

const UNMAPPED_BEFORE = 'SELECT unmapped FROM outcome WHERE seq = ?1';

/** Last in its table nearly always: what waited least long is settled last. 4 µs. */
const WRITE_OUTCOME = `INSERT OR REPLACE INTO outcome
  (seq, state, settled_at, attempts, faults, refs, maps, unmapped, response) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`;

/** What went wrong the last time, shown while the message waits; an earlier outcome's references stay. */
const NOTE_FAILURE = `INSERT INTO outcome (seq, state, settled_at, attempts, faults) VALUES (?1, 'accepted', ?2, ?3, ?4)
  ON CONFLICT (seq) DO UPDATE SET state = 'accepted', settled_at = ?2, attempts = ?3, faults = ?4`;

const INSERT_DELIVERY = `INSERT INTO delivery (id, message, destination, kind, lane, key, size, created_at, recipient)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`;

const INSERT_BODY = 'INSERT INTO delivery_body (seq, encoding, bytes, hash) VALUES (?1, ?2, ?3, ?4)';

const DELIVERY = 'SELECT seq, destination FROM delivery WHERE id = ?1';

const DEAD_DELIVERY = `SELECT d.seq, d.destination, d.lane, o.attempts
  FROM delivery d JOIN delivery_outcome o ON o.seq = d.seq WHERE d.id = ?1 AND o.state = 'dead'`;

const FORGET_OUTCOME = 'DELETE FROM delivery_outcome WHERE seq = ?1';

const WRITE_DELIVERY_OUTCOME = `INSERT OR REPLACE INTO delivery_outcome
  (seq, state, settled_at, attempts, faults, refs, response) VALUES (?, ?, ?, ?, ?, ?, ?)`;

const SET_KEY = 'UPDATE delivery SET key = ?2 WHERE seq = ?1';
