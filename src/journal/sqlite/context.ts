import type { Clock } from '../clock.ts';
import type { PayloadFiles } from '../files.ts';
import type { WorkBell } from '../work.ts';
import type { Database } from './database.ts';
import type { GroupCommit } from './group.ts';
import type { Lanes } from './lanes.ts';
import type { Queue } from './queue.ts';

/** What the parts of the SQLite journal share. */
export interface Context {
  db: Database;
  group: GroupCommit;
  queue: Queue;
  lanes: Lanes;
  files: PayloadFiles;
  clock: Clock;
  bell: WorkBell;
}

/** A payload as a row refers to it: inside the row, or in a file named by its hash. */
export type Stored = { bytes: Uint8Array; hash: null } | { bytes: null; hash: string };

/** Counts one more row that refers to a file. */
export function refer(db: Database, hash: string, size: number): void {
  db.run(REFER, hash, size);
}

/** Counts one row less; true when none is left and the file may go after the commit. */
export function unrefer(db: Database, hash: string): boolean {
  db.run(UNREFER, hash);
  return db.run(FORGET, hash) > 0;
}

/** Does any row refer to this file? */
export function referred(db: Database, hash: string): boolean {
  return db.get(REFERRED, hash) !== undefined;
}

const REFER =
  'INSERT INTO payload (hash, size, refs) VALUES (?1, ?2, 1) ON CONFLICT (hash) DO UPDATE SET refs = refs + 1';
const UNREFER = 'UPDATE payload SET refs = refs - 1 WHERE hash = ?1';
const FORGET = 'DELETE FROM payload WHERE hash = ?1 AND refs = 0';
const REFERRED = 'SELECT 1 FROM payload WHERE hash = ?1';
