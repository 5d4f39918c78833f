import { randomUUID } from 'node:crypto';
import type { DeliveryOutcome, Receipt } from '../adapter.ts';
import { type Fault, fault, PasserelleError } from '../errors.ts';
import type { MessageState } from '../message.ts';
import { type Clock, steadyClock } from './clock.ts';
import type { Journal, ListFilter, NewDelivery, NewMessage, Settlement } from './journal.ts';
import { appendAll, Intake } from './postgres/append.ts';
import { Batch } from './postgres/batch.ts';
import { claim, claimDeliveries } from './postgres/claim.ts';
import type { Context } from './postgres/context.ts';
import { Database, text } from './postgres/database.ts';
import { purge, replay, takeSlot } from './postgres/keeping.ts';
import { Listener } from './postgres/listener.ts';
import { migrate } from './postgres/migrate.ts';
import { Presence } from './postgres/presence.ts';
import { bytes, counts, fileReceipt, get, list, listUnmapped, nextDue } from './postgres/query.ts';
import { Reservations } from './postgres/reservations.ts';
import { follow, settle, settleAll, settleAllDeliveries, settleDelivery } from './postgres/settle.ts';
import { WorkBell } from './work.ts';

/** Longest pause that outlives a start; longest pause, or lease, that is taken for real while running. */
const LONGEST_PAUSE_MS = 60_000;
const LONGEST_LEASE_MS = 15 * 60_000;

/** How often pauses are looked at that end too far away. */
const LOOK_MS = 60_000;

/** Where the journal lives in a PostgreSQL that several gateways may share. */
export interface PostgresJournalOptions {
  /** `postgres://user:password@host/database`. */
  url: string;
  /** Schema that holds the journal's tables; made when missing. */
  schema?: string;
  /** Time, for tests; the database's own clock otherwise. */
  clock?: Clock;
}

/** The journal of several processes, in PostgreSQL 14 or later. Call `open` before anything else. */
export function openPostgresJournal(options: PostgresJournalOptions): Journal {
  return new PostgresJournal(options);
}

class PostgresJournal implements Journal {
  readonly #options: Required<Omit<PostgresJournalOptions, 'clock'>> & { clock?: Clock };
  #parts:
    | (Context & { intake: Intake; listener: Listener; presence: Presence; reservations: Reservations })
    | undefined;

  #look: NodeJS.Timeout | undefined;

  constructor({ schema = 'passerelle', ...rest }: PostgresJournalOptions) {
    if (!/^[a-z_][a-z0-9_]{0,62}$/.test(schema)) throw unusable(schema, 'this is no name of a schema');
    this.#options = { schema, ...rest };
  }

  async open(): Promise<void> {
    const { url, schema } = this.#options;
    const db = new Database(url, schema);
    try {
      const client = await db.connect();
      try {
        await migrate(client, schema);
      } finally {
        client.release();
      }
    } catch (error) {
      await db.close();
      throw unusable(withoutSecret(url), error instanceof Error ? error.message : String(error), error);
    }
    const context = this.#context(db);
    const listener = new Listener(url, schema, context.owner, () => context.bell.ring());
    const presence = new Presence(context);
    const reservations = new Reservations(url, schema);
    this.#parts = { ...context, intake: new Intake(context), listener, presence, reservations };
    await listener.listen();
    presence.start();
    await db.rows(SHORTEN, [context.moment() ?? null, LONGEST_PAUSE_MS, LONGEST_LEASE_MS]);
    this.#look = setInterval(() => {
      const values = [context.moment() ?? null, LONGEST_LEASE_MS, LONGEST_LEASE_MS];
      void db.rows(SHORTEN, values).catch(() => {});
    }, LOOK_MS);
    this.#look.unref();
  }

  async close(): Promise<void> {
    if (!this.#parts) return;
    const { appends, ends, deliveryEnds, bell, listener, presence, reservations, db } = this.#parts;
    this.#parts = undefined;
    clearInterval(this.#look);
    bell.close();
    presence.close();
    await Promise.all([appends.idle(), ends.idle(), deliveryEnds.idle(), listener.close(), reservations.close()]);
    await db.close();
  }

  async append(message: NewMessage) {
    return this.#open().intake.append(message);
  }

  async claim(limit: number, leaseMs: number) {
    return claim(this.#open(), limit, leaseMs);
  }

  async heartbeat(ids: string[], leaseMs: number) {
    const { db, moment, owner } = this.#open();
    await db.rows(PROLONG, [ids, moment() ?? null, leaseMs, owner]);
  }

  async settle(id: string, settlement: Settlement, attempt?: number) {
    return settle(this.#open(), id, settlement, attempt);
  }

  async claimDeliveries(destination: string, limit: number, leaseMs: number) {
    return claimDeliveries(this.#open(), destination, limit, leaseMs);
  }

  async settleDelivery(id: string, outcome: DeliveryOutcome, retryAt?: number, attempt?: number) {
    return settleDelivery(this.#open(), id, outcome, retryAt, attempt);
  }

  async follow(messageId: string, deliveries: NewDelivery[]) {
    return follow(this.#open(), messageId, deliveries);
  }

  async receipt(key: string, receipt: Receipt) {
    return fileReceipt(this.#open(), key, receipt);
  }

  async get(id: string) {
    return get(this.#open(), id);
  }

  async bytes(id: string) {
    return bytes(this.#open(), id);
  }

  async list(filter: ListFilter) {
    return list(this.#open(), filter);
  }

  async counts() {
    return counts(this.#open());
  }

  async unmapped() {
    return listUnmapped(this.#open());
  }

  async replay(selection: { ids: string[] } | { state: MessageState }) {
    return replay(this.#open(), selection);
  }

  async purge(olderThan: number, states: MessageState[], part: 'message' | 'bytes' = 'message') {
    return purge(this.#open(), olderThan, states, part);
  }

  async tieLanes(lane: string, into: string) {
    await this.#open().db.rows(TIE, [text(lane), text(into)]);
  }

  async reserve(keys: string[]) {
    return this.#open().reservations.take(keys);
  }

  onWork(listener: () => void) {
    return this.#open().bell.listen(listener);
  }

  async once(name: string, slot: string) {
    return takeSlot(this.#open(), name, slot);
  }

  obstacles(): Fault[] {
    return this.#open().db.failure === undefined ? [] : [fault('not-durable')];
  }

  #open() {
    if (!this.#parts) throw new PasserelleError(fault('draining'));
    return this.#parts;
  }

  #context(db: Database): Context {
    const { clock } = this.#options;
    const owner = randomUUID();
    const local = steadyClock();
    const moment = () => clock?.now();
    const bell = new WorkBell(local, async () => {
      const wait = await nextDue({ db, moment }).catch(() => undefined);
      return wait === undefined ? undefined : local.now() + wait;
    });
    return {
      db,
      owner,
      bell,
      moment,
      until: (at) => (clock ? at - clock.now() : at - Date.now()),
      appends: new Batch((items) => appendAll(db, moment(), items)),
      ends: new Batch((items) => settleAll(db, moment(), owner, items)),
      deliveryEnds: new Batch((items) => settleAllDeliveries(db, moment(), owner, items)),
    };
  }
}

function unusable(where: string, why: string, cause?: unknown): PasserelleError {
  return new PasserelleError(fault('journal-unusable', { params: { where, why } }), { cause });
}

/** An address that may be shown: without user and password. */
function withoutSecret(url: string): string {
  return url.replace(/\/\/[^/@]*@/, '//');
}

const PROLONG = 'SELECT journal_prolong($1, $2, $3, $4)';

/** The database's clock may be set back: see the function. */
const SHORTEN = 'SELECT journal_shorten($1, $2, $3)';

const TIE = 'SELECT journal_tie($1, $2)';
