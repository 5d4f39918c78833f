import type { Context } from './context.ts';
import { PIPELINE } from './queue.ts';

/** Work that took a process down with it this often is suspected of being the reason, and waits longer each time. */
const SUSPICIOUS_ATTEMPTS = 5;

/** Longest pause that outlives a restart; a clock that was wrong before must not hold work back for hours. */
const LONGEST_PAUSE_MS = 60_000;

/** Prolongs the leases of messages and deliveries by their ids. */
export function prolong({ db, queue, clock }: Context, ids: string[], leaseMs: number): void {
  const until = clock.now() + leaseMs;
  db.transaction(() => {
    for (const id of ids) {
      const message = db.get<{ seq: number }>(MESSAGE, id);
      if (message) queue.prolong(PIPELINE, message.seq, until);
      const delivery = message ? undefined : db.get<{ seq: number; destination: string }>(DELIVERY, id);
      if (delivery) queue.prolong(delivery.destination, delivery.seq, until);
    }
  });
}

/**
 * Releases every lease: only one process works on the folder, so their holder is dead. It may have got through with each,
 * so the next attempt must look before repeating. Call before intake and workers begin.
 */
export function recover({ db, queue, clock }: Context): void {
  const now = clock.now();
  db.transaction(() => {
    db.run(RELEASE, now, SUSPICIOUS_ATTEMPTS, LONGEST_PAUSE_MS);
    db.run(SHORTEN, now + LONGEST_PAUSE_MS);
    queue.seatDoubles();
  });
  db.log.syncNow();
}

/** True for the first who asks for this slot. */
export function takeSlot({ db, group, clock }: Context, name: string, slot: string): Promise<boolean> {
  return group.add(() => db.run(TAKE_SLOT, name, slot, clock.now()) > 0);
}

const MESSAGE = 'SELECT seq FROM message WHERE id = ?1';

const DELIVERY = 'SELECT seq, destination FROM delivery WHERE id = ?1';

/** Reads all that waits, once at the start: 60 ms a million rows. */
const RELEASE = `UPDATE work SET leased = 0, ambiguous = 1,
    due = CASE WHEN attempts > ?2 THEN ?1 + min(1000 << min(attempts - ?2, 10), ?3) ELSE 1 END
  WHERE leased = 1`;

const SHORTEN = 'UPDATE work SET due = ?1 WHERE due > ?1';

const TAKE_SLOT = 'INSERT OR IGNORE INTO once (name, slot, at) VALUES (?1, ?2, ?3)';
