import type { DeliveryOutcome } from '../../adapter.ts';
import type { Appended, NewDelivery, NewMessage, Settlement } from '../journal.ts';
import type { EncodedPayload } from '../payload.ts';
import type { WorkBell } from '../work.ts';
import type { Batch } from './batch.ts';
import type { Database } from './database.ts';

/** What the parts of the PostgreSQL journal share. */
export interface Context {
  db: Database;
  /** Name of this process on the leases it holds. */
  owner: string;
  bell: WorkBell;
  /** The moment that tests give; undefined for the database's own clock. */
  moment(): number | undefined;
  /** Milliseconds from now until a moment of the caller's clock. */
  until(moment: number): number;
  appends: Batch<{ message: NewMessage; hash: string | null }, Appended>;
  ends: Batch<MessageEnd, boolean>;
  deliveryEnds: Batch<DeliveryEnd, boolean>;
}

/** How the work on a message ends, or is put off by `delay` milliseconds. */
export interface MessageEnd {
  id: string;
  attempt: number | undefined;
  end: Settlement;
  delay: number;
  outgoing: Outgoing[];
}

/** The same of a delivery. */
export interface DeliveryEnd {
  id: string;
  attempt: number | undefined;
  end: DeliveryOutcome;
  delay: number;
}

/** A delivery with its payload as it is stored: in the row, or under its hash. */
export interface Outgoing {
  delivery: NewDelivery;
  encoding: EncodedPayload['encoding'];
  size: number;
  bytes: Uint8Array | null;
  hash: string | null;
}
