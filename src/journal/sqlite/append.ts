import type { Fault } from '../../errors.ts';
import type { MessageState } from '../../message.ts';
import { INLINE_BYTES } from '../files.ts';
import type { Appended, NewMessage } from '../journal.ts';
import { dedupeColumns, faultsOf, json, tally } from '../rows.ts';
import { type Context, refer, referred, type Stored } from './context.ts';
import { PIPELINE } from './queue.ts';

/**
 * Intake. Small messages go straight into the commit of this turn. A large one is first written to its file; whatever
 * follows in its lane meanwhile waits for it, so that the order of the calls stays the order of the lane.
 */
export class Intake {
  readonly #context: Context;
  readonly #gates = new Map<string, Promise<unknown>>();

  constructor(context: Context) {
    this.#context = context;
  }

  append(given: NewMessage): Promise<Appended> {
    const message = given.lane === '' ? { ...given, lane: given.id } : given;
    const { bytes } = message.incoming;
    const gate = this.#gates.get(message.lane);
    if (bytes.length <= INLINE_BYTES && !gate) return this.#enter(message, { bytes, hash: null });
    const stored = bytes.length <= INLINE_BYTES ? Promise.resolve({ bytes, hash: null } as Stored) : this.#file(bytes);
    const entered = Promise.all([stored, gate]).then(([body]) => ({ done: this.#enter(message, body) }));
    this.#close(message.lane, entered);
    return entered.then(({ done }) => done);
  }

  /** Those that follow in the lane wait until `entered` has its place in a commit, or has failed. */
  #close(lane: string, entered: Promise<unknown>): void {
    const gate = entered.then(
      () => {},
      () => {},
    );
    this.#gates.set(lane, gate);
    void gate.then(() => this.#gates.get(lane) === gate && this.#gates.delete(lane));
  }

  async #file(bytes: Uint8Array): Promise<Stored> {
    return this.#context.group.failing(async () => ({ bytes: null, hash: await this.#context.files.put(bytes) }));
  }

  async #enter(message: NewMessage, body: Stored): Promise<Appended> {
    const { group, files, db } = this.#context;
    try {
      const appended = await group.add(() => enter(this.#context, message, body), message.incoming.bytes.length);
      if (message.state === 'accepted' && !appended.duplicate) this.#context.bell.ring();
      return appended;
    } finally {
      if (body.hash !== null) {
        files.unpin(body.hash);
        if (!referred(db, body.hash)) await files.remove(body.hash);
      }
    }
  }
}

interface Found {
  seq: number;
  id: string;
  state: MessageState;
  faults: string | null;
}

function enter(context: Context, message: NewMessage, body: Stored): Appended {
  const { dedupe } = dedupeColumns(message.dedupeKey);
  const found = dedupe === null ? undefined : context.db.get<Found>(BY_KEY, dedupe);
  if (found && found.state !== 'refused') return duplicate(found);
  if (found && message.state === 'refused' && sameBody(context, found.seq, body)) {
    return refuseAgain(context, found, message.faults);
  }
  if (found) context.db.run(HAND_KEY_ON, found.seq);
  if (write(context, message, body)) return { id: message.id, duplicate: false, state: message.state, faults: [] };
  return duplicate(context.db.get<Found>(BY_ID, message.id)!);
}

function duplicate({ id, state, faults }: Found): Appended {
  return { id, duplicate: true, state, faults: faultsOf(faults) };
}

/** False when a message of this id is here already: a caller repeats what it was not sure of. */
function write(context: Context, message: NewMessage, body: Stored): boolean {
  const { dedupe, whole } = dedupeColumns(message.dedupeKey);
  const { db, queue } = context;
  const { door, format, route, bytes, ...rest } = message.incoming;
  const seq = db.insert(
    INSERT_MESSAGE,
    message.id,
    dedupe,
    whole,
    door,
    message.sender,
    message.kind,
    message.lane,
    format ?? null,
    route ?? null,
    bytes.length,
    message.receivedAt,
    json(message.faults),
    json(rest),
    body.hash,
    body.bytes,
  );
  if (seq === undefined) return false;
  if (body.hash !== null) refer(db, body.hash, bytes.length);
  if (message.state === 'accepted') queue.enter(PIPELINE, seq, message.lane, message.receivedAt);
  else db.run(INSERT_OUTCOME, seq, message.state, context.clock.now(), json(message.faults));
  db.count(tally.state(message.state), 1);
  return true;
}

/**
 * The same bytes refused once more: the row of the first time tells it, with the faults of now. A sender that repeats a bad
 * message every second fills no disk.
 */
function refuseAgain({ db, clock }: Context, found: Found, faults: Fault[]): Appended {
  db.run(REFUSE_AGAIN, found.seq, clock.now(), json(faults));
  return { id: found.id, duplicate: true, state: 'refused', faults };
}

function sameBody({ db }: Context, seq: number, body: Stored): boolean {
  const kept = db.get<{ bytes: Uint8Array | null; hash: string | null }>(BODY, seq);
  if (!kept) return false;
  if (body.hash !== null) return kept.hash === body.hash;
  return kept.bytes !== null && Buffer.compare(kept.bytes, body.bytes) === 0;
}

/** Is this key known? One search in message_dedupe. 2 µs. */
export const BY_KEY = `SELECT m.seq, m.id, coalesce(o.state, 'accepted') AS state, coalesce(o.faults, m.faults) AS faults
  FROM message m LEFT JOIN outcome o ON o.seq = m.seq WHERE m.dedupe = ?1`;

const BY_ID = `SELECT m.seq, m.id, coalesce(o.state, 'accepted') AS state, coalesce(o.faults, m.faults) AS faults
  FROM message m LEFT JOIN outcome o ON o.seq = m.seq WHERE m.id = ?1`;

/** A refused message may be sent again; the new attempt is the one that counts for duplicates from then on. */
const HAND_KEY_ON = 'UPDATE message SET dedupe_key = coalesce(dedupe_key, dedupe), dedupe = NULL WHERE seq = ?1';

const INSERT_MESSAGE = `INSERT INTO message
  (id, dedupe, dedupe_key, door, sender, kind, lane, format, route, size, received_at, faults, envelope, hash, bytes)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`;

const INSERT_OUTCOME = 'INSERT INTO outcome (seq, state, settled_at, attempts, faults) VALUES (?1, ?2, ?3, 0, ?4)';

const REFUSE_AGAIN = 'UPDATE outcome SET settled_at = ?2, faults = ?3 WHERE seq = ?1';

const BODY = 'SELECT bytes, hash FROM message WHERE seq = ?1';
