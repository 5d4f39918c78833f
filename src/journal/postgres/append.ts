import { INLINE_BYTES } from '../files.ts';
import type { Appended, NewMessage } from '../journal.ts';
import { dedupeColumns, faultsOf, json } from '../rows.ts';
import type { Context } from './context.ts';
import { type Database, text } from './database.ts';
import { putPayload } from './payload.ts';

interface AppendRow {
  o_id: string;
  o_duplicate: boolean;
  o_state: Appended['state'];
  o_faults: string | null;
}

/**
 * Intake. A large message is first written to the table of payloads; whatever follows in its lane meanwhile waits for it, so
 * that the order of the calls stays the order of the lane.
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
    const isSmall = bytes.length <= INLINE_BYTES;
    if (isSmall && !gate) return this.#enter(message, null);
    const stored = isSmall ? null : putPayload(this.#context.db, bytes);
    const entered = Promise.all([stored, gate]).then(([hash]) => ({ done: this.#enter(message, hash) }));
    this.#close(message.lane, entered);
    return entered.then(({ done }) => done);
  }

  async #enter(message: NewMessage, hash: string | null): Promise<Appended> {
    const { appends, bell } = this.#context;
    const appended = await appends.add({ message, hash }, hash === null ? message.incoming.bytes.length : 0);
    if (message.state === 'accepted' && !appended.duplicate) bell.ring();
    return appended;
  }

  #close(lane: string, entered: Promise<unknown>): void {
    const gate = entered.then(
      () => {},
      () => {},
    );
    this.#gates.set(lane, gate);
    void gate.then(() => this.#gates.get(lane) === gate && this.#gates.delete(lane));
  }
}

/** Writes messages down in one call. */
export async function appendAll(
  db: Database,
  moment: number | undefined,
  items: { message: NewMessage; hash: string | null }[],
): Promise<Appended[]> {
  const column = <T>(of: (message: NewMessage, hash: string | null) => T) =>
    items.map(({ message, hash }) => of(message, hash));
  const rows = await db.rows<AppendRow>(
    APPEND,
    [
      moment,
      column(({ id }) => id),
      column(({ dedupeKey }) => text(dedupeColumns(dedupeKey).dedupe)),
      column(({ dedupeKey }) => text(dedupeColumns(dedupeKey).whole)),
      column(({ incoming }) => text(incoming.door)),
      column(({ sender }) => text(sender)),
      column(({ kind }) => text(kind)),
      column(({ lane }) => text(lane)),
      column(({ incoming }) => incoming.format ?? null),
      column(({ incoming }) => text(incoming.route)),
      column(({ incoming }) => incoming.bytes.length),
      column(({ receivedAt }) => Math.round(receivedAt)),
      column(({ faults }) => json(faults)),
      column(({ incoming: { door, format, route, bytes, ...rest } }) => json(rest)),
      column(({ state }) => state),
      column(({ incoming }, hash) => (hash === null ? Buffer.from(incoming.bytes) : null)),
      column((_, hash) => hash),
    ],
    'append',
  );
  return rows.map((row) => ({
    id: row.o_id,
    duplicate: row.o_duplicate,
    state: row.o_state,
    faults: faultsOf(row.o_faults),
  }));
}

const APPEND = `SELECT * FROM journal_append(
  $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`;
