import { randomBytes } from 'node:crypto';

/** Randomness is fetched for many ids at a time: fetching it for each costs 4 µs. */
const POOL_BYTES = 8 * 512;
let pool = Buffer.alloc(0);
let taken = 0;

let lastMillisecond = 0;
let counter = 0;

/**
 * A new message id: a UUID of version 7 (RFC 9562, 5.7), which begins with the time. Any UUID would do for the journal, but
 * ids that grow keep its index on ids at one place of the disk: with random ids every commit touches as many scattered pages
 * as it has messages. Ids of one process strictly grow, also when the clock goes back.
 */
export function newMessageId(): string {
  const now = Date.now();
  if (now > lastMillisecond) {
    lastMillisecond = now;
    counter = 0;
  } else if (++counter > 0xfff) {
    lastMillisecond++;
    counter = 0;
  }
  const hex = lastMillisecond.toString(16).padStart(12, '0') + (0x7000 + counter).toString(16);
  if (taken >= pool.length) {
    pool = randomBytes(POOL_BYTES);
    taken = 0;
  }
  pool[taken] = (pool[taken] & 0x3f) | 0x80;
  const tail = pool.toString('hex', taken, taken + 8);
  taken += 8;
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12)}-${tail.slice(0, 4)}-${tail.slice(4)}`;
}
