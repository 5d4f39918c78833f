import type { DeliveryOutcome, Receipt } from '../adapter.ts';
import { type Fault, fault, PasserelleError } from '../errors.ts';
import type { MessageState } from '../message.ts';
import { type Clock, steadyClock } from './clock.ts';
import { PayloadFiles } from './files.ts';
import type { Journal, ListFilter, NewDelivery, NewMessage, Settlement } from './journal.ts';
import { MIN_FREE_BYTES, Space } from './space.ts';
import { Intake } from './sqlite/append.ts';
import { claim, claimDeliveries } from './sqlite/claim.ts';
import type { Context } from './sqlite/context.ts';
import { Database, unusable } from './sqlite/database.ts';
import { GroupCommit } from './sqlite/group.ts';
import { Lanes } from './sqlite/lanes.ts';
import { prolong, recover, takeSlot } from './sqlite/lease.ts';
import { own } from './sqlite/owner.ts';
import { purge } from './sqlite/purge.ts';
import { bytes, counts, get, list } from './sqlite/query.ts';
import { Queue } from './sqlite/queue.ts';
import { fileReceipt } from './sqlite/receipt.ts';
import { replay } from './sqlite/replay.ts';
import { follow, settle, settleDelivery } from './sqlite/settle.ts';
import { listUnmapped } from './sqlite/unmapped.ts';
import { WorkBell } from './work.ts';

/** How often a change made by another process (`passerelle replay`) is looked for; 1 µs each. */
const LOOK_MS = 500;

/** How often a journal that could not write tries whether it can again, when it is asked. */
const TRY_AGAIN_MS = 1000;

/** Where the journal lives on this machine's disk. */
export interface SqliteJournalOptions {
  /** Folder of its own; made when missing. */
  folder: string;
  /** Space in bytes that must stay free on the disk; below it `append` answers `disk-low`. */
  minFreeBytes?: number;
  /**
   * Only to look and to replay while another process may be working on the journal: takes neither ownership nor leases.
   */
  visitor?: boolean;
  /** Time, for tests. */
  clock?: Clock;
}

/** The journal of one process, in SQLite. Call `open` before anything else. */
export function openSqliteJournal(options: SqliteJournalOptions): Journal {
  return new SqliteJournal(options);
}

class SqliteJournal implements Journal {
  readonly #options: SqliteJournalOptions;
  #parts: (Context & { intake: Intake; space: Space }) | undefined;
  #disown: (() => void) | undefined;
  #look: NodeJS.Timeout | undefined;
  #triedAt = 0;

  constructor(options: SqliteJournalOptions) {
    this.#options = options;
  }

  async open(): Promise<void> {
    const { folder, visitor, clock = steadyClock(), minFreeBytes = MIN_FREE_BYTES } = this.#options;
    const db = new Database(folder);
    try {
      const files = new PayloadFiles(`${folder}/payloads`);
      const lanes = new Lanes(db);
      const queue = new Queue(db, lanes);
      const bell = new WorkBell(clock, () => queue.nextDue(clock.now()));
      const context: Context = { db, group: new GroupCommit(db), queue, lanes, files, clock, bell };
      if (!visitor) {
        this.#disown = own(folder);
        files.open();
        recover(context);
      }
      this.#parts = { ...context, intake: new Intake(context), space: new Space(folder, minFreeBytes) };
      this.#watch(context);
    } catch (error) {
      this.#disown?.();
      db.close();
      throw error instanceof PasserelleError ? error : unusable(folder, error);
    }
  }

  async close(): Promise<void> {
    if (!this.#parts) return;
    clearInterval(this.#look);
    this.#parts.group.flush();
    this.#parts.bell.close();
    this.#parts.db.close();
    this.#parts = undefined;
    this.#disown?.();
  }

  async append(message: NewMessage) {
    const { intake, space } = this.#open();
    const low = space.take(message.incoming.bytes.length);
    if (low) throw new PasserelleError(low);
    return intake.append(message);
  }

  async claim(limit: number, leaseMs: number) {
    return claim(this.#open(), limit, leaseMs);
  }

  async heartbeat(ids: string[], leaseMs: number) {
    prolong(this.#open(), ids, leaseMs);
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
    return listUnmapped(this.#open().db);
  }

  async replay(selection: { ids: string[] } | { state: MessageState }) {
    return replay(this.#open(), selection);
  }

  async purge(olderThan: number, states: MessageState[], part: 'message' | 'bytes' = 'message') {
    return purge(this.#open(), olderThan, states, part);
  }

  async tieLanes(lane: string, into: string) {
    const { group, lanes, queue, bell } = this.#open();
    await group.add(() => {
      const tied = lanes.tie(lane, into);
      if (tied) queue.merge(tied.from, tied.to);
    });
    bell.ring();
  }

  async reserve() {
    return () => {};
  }

  onWork(listener: () => void) {
    return this.#open().bell.listen(listener);
  }

  async once(name: string, slot: string) {
    return takeSlot(this.#open(), name, slot);
  }

  obstacles(): Fault[] {
    const { group, db, space } = this.#open();
    if (group.failure !== undefined && performance.now() - this.#triedAt > TRY_AGAIN_MS) {
      this.#triedAt = performance.now();
      void group.add(() => db.touch()).catch(() => {});
    }
    const low = space.take(0);
    return [...(low ? [low] : []), ...(group.failure === undefined ? [] : [fault('not-durable')])];
  }

  #open() {
    if (!this.#parts) throw new PasserelleError(fault('draining'));
    return this.#parts;
  }

  /** Rings when another connection has written, and for what became due before this process was there. */
  #watch({ db, bell, queue, clock }: Context): void {
    const version = () => db.get<{ data_version: number }>('PRAGMA data_version')!.data_version;
    let seen = version();
    this.#look = setInterval(() => {
      const now = version();
      if (now === seen) return;
      seen = now;
      bell.ring();
    }, LOOK_MS);
    this.#look.unref();
    const due = queue.nextDue(clock.now());
    if (due !== undefined) bell.dueAt(due);
    bell.ring();
  }
}
