import { createHash } from 'node:crypto';
import type { Database } from './database.ts';

/** Step in which a large payload is hashed and read, so that others get their turn in between. */
const STEP_BYTES = 1024 * 1024;

/** Writes a large payload down, once for equal content, and answers its hash. The row that refers to it must follow soon. */
export async function putPayload(db: Database, bytes: Uint8Array): Promise<string> {
  const digest = createHash('sha256');
  for (let at = 0; at < bytes.length; at += STEP_BYTES) {
    digest.update(bytes.subarray(at, at + STEP_BYTES));
    await new Promise(setImmediate);
  }
  const hash = digest.digest('hex');
  const known = await db.rows(TOUCH, [hash]);
  if (known.length === 0)
    await db.rows(PUT, [hash, bytes.length, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)]);
  return hash;
}

/** Reads a payload in steps: the driver takes every value as text, of twice the length. Undefined when it is not there. */
export async function getPayload(db: Database, hash: string): Promise<Uint8Array | undefined> {
  const found = await db.row<{ size: number }>(SIZE, [hash]);
  if (!found) return undefined;
  const bytes = Buffer.alloc(found.size);
  for (let at = 0; at < bytes.length; at += STEP_BYTES) {
    const part = await db.row<{ part: Buffer }>(PART, [hash, at + 1, STEP_BYTES]);
    if (!part) return undefined;
    part.part.copy(bytes, at);
  }
  return bytes;
}

/** Removes payloads nobody refers to, but for those that may be on the way to being referred to. */
export async function sweepPayloads(db: Database): Promise<void> {
  await db.rows(SWEEP);
}

const TOUCH = 'UPDATE payload SET touched_at = journal_now(NULL) WHERE hash = $1 RETURNING hash';

const PUT = `INSERT INTO payload (hash, size, refs, touched_at, bytes) VALUES ($1, $2, 0, journal_now(NULL), $3)
  ON CONFLICT (hash) DO UPDATE SET touched_at = excluded.touched_at`;

const SIZE = 'SELECT size FROM payload WHERE hash = $1';

/** Cheap at any place: the column is stored uncompressed, in pieces. */
const PART = 'SELECT substring(bytes FROM $2 FOR $3) AS part FROM payload WHERE hash = $1';

/** An hour is much longer than any commit takes that follows the writing of a payload. */
const SWEEP = 'DELETE FROM payload WHERE refs <= 0 AND touched_at < journal_now(NULL) - 3600000';
