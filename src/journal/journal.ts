import type { Delivery, DeliveryOutcome, Receipt } from '../adapter.ts';
import type { Party, UnmappedCode } from '../conversion.ts';
import type { Fault } from '../errors.ts';
import type { Incoming, MessageState, Outcome } from '../message.ts';

/**
 * The memory of the gateway: every message with its exact bytes, every delivery, each with its own state. SQLite for one
 * process, PostgreSQL for several, behind this one interface and one test-suite.
 *
 * Invariants: what `append` resolved for is on disk; each message and each delivery ends in exactly one final state; a row
 * is worked on by one lease holder at a time; messages of one lane are claimed in the order they were appended, the next
 * only when the one before has left the pipeline.
 */
export interface Journal {
  /** Opens, migrates and recovers (expired leases are released) before it resolves. */
  open(): Promise<void>;
  close(): Promise<void>;

  /** Writes messages down; all appends of one turn of the event loop share one commit. */
  append(message: NewMessage): Promise<Appended>;

  /**
   * The oldest waiting message of each free lane, at most `limit` (fewer when their contents would fill the memory), leased
   * to this process for `leaseMs`.
   */
  claim(limit: number, leaseMs: number): Promise<Message[]>;
  /** Prolongs the leases of claimed messages and deliveries, by id; ids no longer leased are ignored. */
  heartbeat(ids: string[], leaseMs: number): Promise<void>;
  /**
   * Ends, or puts off, the work on a claimed message; all of one turn share one commit. Answers false, and changes nothing,
   * when the message is no longer leased, or leased under another attempt than `attempt` (as `Message.attempts` said).
   */
  settle(id: string, settlement: Settlement, attempt?: number): Promise<boolean>;

  /**
   * Waiting deliveries of one destination that are due, oldest first, leased; of the deliveries of one lane only the oldest.
   */
  claimDeliveries(destination: string, limit: number, leaseMs: number): Promise<ClaimedDelivery[]>;
  /** As `settle`. A transient or ambiguous outcome puts the delivery off until `retryAt` (at once without it). */
  settleDelivery(id: string, outcome: DeliveryOutcome, retryAt?: number, attempt?: number): Promise<boolean>;
  /** Adds deliveries to a message whose own end is on disk; those that are there already are left alone. */
  follow(messageId: string, deliveries: NewDelivery[]): Promise<void>;
  /** Files a late answer to a delivery, found by the key the delivery announced; the same answer twice is filed once. */
  receipt(key: string, receipt: Receipt): Promise<{ messageId: string; deliveryId: string } | undefined>;

  get(id: string): Promise<MessageRecord | undefined>;
  bytes(id: string): Promise<Uint8Array | undefined>;
  list(filter: ListFilter): Promise<MessageRecord[]>;
  counts(): Promise<Counts>;
  unmapped(): Promise<UnmappedCount[]>;

  /**
   * Puts messages back to `accepted`; answers how many. Never creates a second message; those that wait already, and those
   * whose bytes were purged, are left alone.
   */
  replay(selection: { ids: string[] } | { state: MessageState }): Promise<number>;
  /**
   * Removes what the retention policy no longer keeps; answers how many messages were touched. `bytes` removes only what was
   * received and keeps the record. Never touches a message that waits or has a delivery that waits.
   */
  purge(olderThan: number, states: MessageState[], part?: 'message' | 'bytes'): Promise<number>;

  /** Ties two lanes: from now on messages of both are one ordered row (A40, A24). */
  tieLanes(lane: string, into: string): Promise<void>;

  /**
   * Waits until no other process holds one of the keys (identifiers of a patient), and holds them until the answer is called.
   * Within this process nothing is held up: see `identity/locks.ts`.
   */
  reserve(keys: string[]): Promise<() => void>;

  /** Called when something was appended or became due, so that workers need not poll quickly; answers how to stop that. */
  onWork(listener: () => void): () => void;

  /** True for exactly one caller for each name and slot, over all processes (a cron line and the minute it is due). */
  once(name: string, slot: string): Promise<boolean>;

  /** What keeps the journal from taking messages just now (`disk-low`, `not-durable`); none when all is well. */
  obstacles(): Fault[];
}

/** A message as it enters the journal, after inspection and before the acknowledgement. */
export interface NewMessage {
  id: string;
  incoming: Incoming;
  /** `accepted`, `refused` or `quarantined`, as inspection decided. */
  state: MessageState;
  faults: Fault[];
  /** Identity for duplicate detection: sender, control id, time and content hash, or the Idempotency-Key. */
  dedupeKey?: string;
  /** Ordering key: patient (INS, else identifier with system); empty for a message about nobody, a row of its own. */
  lane: string;
  /** `ADT^A01`, `MDM^T02`, `CDA 11490-0`, `json covidom`: for lists; never patient data. */
  kind: string;
  /** Sending system as read from the message or the door. */
  sender: string;
  receivedAt: number;
}

/** What the journal knows of a message it was given: new, or the one that was there. */
export interface Appended {
  id: string;
  duplicate: boolean;
  /** State of the message found (when duplicate) or just written. */
  state: MessageState;
  /** Faults of the message found, when duplicate. */
  faults: Fault[];
}

/** A claimed message. */
export interface Message extends NewMessage {
  /** 1 for the first attempt. */
  attempts: number;
  /** The attempt before may have been written: look before repeating. */
  ambiguous: boolean;
  /** Since when it waits: when it was received, or last replayed. */
  since: number;
}

/** A claimed delivery. */
export interface ClaimedDelivery extends Delivery {
  /** Since when it waits. */
  since: number;
  /** Size of the payload in bytes. */
  size: number;
}

/** How the pipeline ended with a message: for good, or until another attempt. */
export type Settlement =
  | {
      state: 'delivered' | 'quarantined' | 'dead' | 'refused';
      faults: Fault[];
      references: string[];
      unmapped?: UnmappedCode[];
      /** Versions of the maps that took part. */
      maps?: Record<string, string>;
      response?: Outcome['response'];
      /** Deliveries to other destinations that follow from it, written in the same commit. */
      deliveries?: NewDelivery[];
    }
  | { state: 'accepted'; faults: Fault[]; retryAt: number; ambiguous?: boolean };

/** One thing to be sent to one destination. */
export interface NewDelivery {
  /** A UUID made from message, destination and place, so that a replay finds the same delivery and repeats nothing. */
  id: string;
  destination: string;
  kind: string;
  /** JSON values, and `Uint8Array` anywhere in them. */
  payload: unknown;
  /** Later answers name it (Message-ID of a mail). */
  key?: string;
  /** Whom it is for, kept for those who hear how it went. */
  recipient?: Party;
}

/** A message as people ask for it, without its bytes. */
export interface MessageRecord {
  id: string;
  door: string;
  /** `sender` of the Incoming: the client of the token, when it came in by HTTP. Only it and operators see the message. */
  client?: string;
  sender: string;
  kind: string;
  state: MessageState;
  lane: string;
  receivedAt: number;
  settledAt?: number;
  attempts: number;
  nextAttemptAt?: number;
  size: number;
  format?: string;
  route?: string;
  faults: Fault[];
  references: string[];
  maps: Record<string, string>;
  response?: Outcome['response'];
  deliveries: DeliveryRecord[];
}

/** A delivery as people ask for it, without its payload; times are milliseconds since 1970. */
export interface DeliveryRecord {
  id: string;
  destination: string;
  kind: string;
  recipient?: Party;
  state: 'waiting' | 'delivered' | 'dead';
  attempts: number;
  nextAttemptAt?: number;
  settledAt?: number;
  faults: Fault[];
  references: string[];
  receipts: Receipt[];
}

/** Which messages are listed, newest first. */
export interface ListFilter {
  state?: MessageState;
  limit?: number;
  /** Only messages before this one (paging, newest first). */
  before?: string;
}

/** How much is in which state, from counters kept in the commits that change them. */
export interface Counts {
  messages: Record<MessageState, number>;
  /** Waiting deliveries by destination. */
  waiting: Record<string, number>;
  dead: Record<string, number>;
  /** Age of the oldest message or delivery that waits, in seconds; 0 when none. */
  oldestWaitingSeconds: number;
  /** The same for the messages that wait (`fhir`) and for each destination where something waits. */
  oldestSeconds: Record<string, number>;
}

/** A code no table knows, in how many messages of one sender it stands. */
export interface UnmappedCount extends UnmappedCode {
  sender: string;
  count: number;
  lastMessageId: string;
}
