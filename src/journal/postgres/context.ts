import type { Appended, NewMessage } from '../journal.ts';
import type { WorkBell } from '../work.ts';
import type { Batch } from './batch.ts';
import type { Database } from './database.ts';
import type { DeliveryEnd, MessageEnd } from './settle.ts';

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
