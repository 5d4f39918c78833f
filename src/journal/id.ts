import { randomBytes } from 'node:crypto';

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
  const random = randomBytes(8);
  random[0] = (random[0] & 0x3f) | 0x80;
  const tail = random.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12)}-${tail.slice(0, 4)}-${tail.slice(4)}`;
}
