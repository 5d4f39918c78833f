import type { UnmappedCode } from '../../conversion.ts';
import type { UnmappedCount } from '../journal.ts';
import type { Database } from './database.ts';

/** A code a message brought that no table knows. */
export type Counted = UnmappedCode;

/**
 * Counts the codes a message brought that no table knows. The count is the number of messages of which this is true now: a
 * replay after the table was extended takes the message out again, so the list shrinks as the work gets done.
 */
export function countUnmapped(
  db: Database,
  message: { seq: number; sender: string },
  before: Counted[],
  after: Counted[],
): void {
  for (const one of distinct(before)) uncount(db, message.sender, one);
  for (const one of distinct(after)) {
    db.run(COUNT, message.sender, one.table, one.system ?? '', one.code, one.display ?? null, one.place, message.seq);
  }
}

function uncount(db: Database, sender: string, { table, system, code }: Counted): void {
  db.run(UNCOUNT, sender, table, system ?? '', code);
  db.run(DROP, sender, table, system ?? '', code);
}

/** A code counts once a message, however often it stands in it. */
function distinct(codes: Counted[]): Counted[] {
  return [...new Map(codes.map((one) => [JSON.stringify([one.table, one.system ?? '', one.code]), one])).values()];
}

/** The report of unmapped codes, most frequent first. */
export function listUnmapped(db: Database): UnmappedCount[] {
  const rows = db.all<Omit<UnmappedCount, 'display'> & { display: string | null }>(LIST);
  return rows.map(({ system, display, ...rest }) => ({
    ...rest,
    ...(system && { system }),
    ...(display !== null && { display }),
  }));
}

const COUNT = `INSERT INTO unmapped (sender, tbl, system, code, display, place, count, last_message)
  VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, ?7)
  ON CONFLICT (sender, tbl, system, code) DO UPDATE SET count = count + 1, display = ?5, place = ?6, last_message = ?7`;

const UNCOUNT = 'UPDATE unmapped SET count = count - 1 WHERE sender = ?1 AND tbl = ?2 AND system = ?3 AND code = ?4';

const DROP = 'DELETE FROM unmapped WHERE sender = ?1 AND tbl = ?2 AND system = ?3 AND code = ?4 AND count < 1';

/** One row a code, not a message: some hundred at most. */
const LIST = `SELECT u.sender, u.tbl AS "table", u.system, u.code, u.display, u.place, u.count,
    coalesce(m.id, '') AS "lastMessageId"
  FROM unmapped u LEFT JOIN message m ON m.seq = u.last_message ORDER BY u.count DESC, u.sender, u.code`;
