import { hash as digest } from 'node:crypto';
import { chmodSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { AuditEvent } from '@medplum/fhirtypes';
import { fault, PasserelleError } from '../errors.ts';
import { makeFolder } from '../folder.ts';
import { WalSync } from '../wal-sync.ts';

/** Who did what, append-only: each row carries a hash over the one before and its own content. */
export interface AuditTrail {
  /** Takes an event; it is on disk with the next group, at most 50 ms later, or when `flush` returns. */
  record(event: AuditEvent): void;
  flush(): void;
  /** True while events wait that could not be written: nothing may be shown then. */
  isBlocked(): boolean;
  /** Newest first. Bounds are ISO instants; `patient` is an id. */
  list(question: AuditQuestion): { total: number; events: AuditEvent[] };
  close(): void;
}

/** Which rows of the audit are asked for; times are ISO instants. */
export interface AuditQuestion {
  from: string;
  to: string;
  patient?: string;
  count: number;
  offset: number;
}

/** Where the chain is broken, or how many rows are whole; `head` may be noted elsewhere to notice a cut-off end. */
export type AuditState = { whole: true; rows: number; head: string } | { whole: false; row: number };

const FILE = 'audit.sqlite';
const groupMs = 50;
const largestGroup = 1000;
const retryMs = 1000;
const start = '0'.repeat(64);

/** Opens the trail in the data folder. @throws Error when the file cannot be opened. */
export function openAudit(data: string): AuditTrail {
  makeFolder(data);
  const file = join(data, FILE);
  const database = new DatabaseSync(file, { timeout: 5000 });
  chmodSync(file, 0o600);
  // At 3,000 events a second a checkpoint of the default size stopped every hundredth request for 25 ms.
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    PRAGMA wal_autocheckpoint = 4000;
    CREATE TABLE IF NOT EXISTS event (
      number INTEGER PRIMARY KEY, recorded TEXT NOT NULL, patient TEXT, content TEXT NOT NULL, hash TEXT NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS event_recorded ON event (recorded);
    CREATE TRIGGER IF NOT EXISTS event_kept BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'append-only'); END;
    CREATE TRIGGER IF NOT EXISTS event_fixed BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'append-only'); END;
  `);
  const insert = database.prepare('INSERT INTO event VALUES (?, ?, ?, ?, ?)');
  const newest = database.prepare('SELECT number, hash FROM event ORDER BY number DESC LIMIT 1');
  const waiting: AuditEvent[] = [];
  const log = new WalSync(file);
  let timer: NodeJS.Timeout | undefined;

  const write = () => {
    if (timer) clearTimeout(timer);
    timer = undefined;
    if (waiting.length === 0) return;
    // Read inside the transaction: several processes may share the folder.
    database.exec('BEGIN IMMEDIATE');
    try {
      const last = newest.get() as { number: number; hash: string } | undefined;
      let { number, hash } = last ?? { number: 0, hash: start };
      for (const event of waiting) {
        const patient = patientsOf(event);
        const content = JSON.stringify(event);
        hash = chained(hash, ++number, event.recorded, patient, content);
        insert.run(number, event.recorded, patient, content, hash);
      }
      database.exec('COMMIT');
    } catch (error) {
      database.exec('ROLLBACK');
      throw error;
    }
    waiting.length = 0;
  };
  const flush = () => {
    write();
    log.syncNow();
  };

  let blocked = false;
  const attempt = async () => {
    try {
      write();
      await log.sync();
      blocked = false;
    } catch {
      // Disk full or file locked: the events stay, and are tried again; the gate shows nothing until then.
      blocked = true;
      timer ??= setTimeout(attempt, retryMs);
    }
  };

  return {
    record(event) {
      waiting.push(event);
      if (waiting.length >= largestGroup && !blocked) void attempt();
      else timer ??= setTimeout(attempt, groupMs);
    },
    flush,
    isBlocked: () => blocked,
    list({ from, to, patient, count, offset }) {
      flush();
      const where = `recorded >= ? AND recorded < ?${patient === undefined ? '' : ' AND instr(patient, ?) > 0'}`;
      const bounds = [from, to, ...(patient === undefined ? [] : [`|${patient}|`])];
      const { total } = database.prepare(`SELECT count(*) AS total FROM event WHERE ${where}`).get(...bounds) as {
        total: number;
      };
      const rows = database
        .prepare(`SELECT content FROM event WHERE ${where} ORDER BY number DESC LIMIT ? OFFSET ?`)
        .all(...bounds, count, offset) as { content: string }[];
      return { total, events: rows.map((one) => JSON.parse(one.content) as AuditEvent) };
    },
    close() {
      flush();
      log.close();
      database.close();
    },
  };
}

/** Follows the chain from the first row; reads only. Undefined when there is no trail. */
export function verifyAudit(data: string): AuditState | undefined {
  const file = join(data, FILE);
  if (!existsSync(file)) return undefined;
  const database = new DatabaseSync(file, { readOnly: true, timeout: 5000 });
  try {
    return verified(database);
  } catch (error) {
    const { message: reason } = error as Error;
    throw new PasserelleError(fault('file-unreadable', { params: { file, reason } }), { cause: error });
  } finally {
    database.close();
  }
}

function verified(database: DatabaseSync): AuditState {
  let hash = start;
  let rows = 0;
  const all = database.prepare('SELECT number, recorded, patient, content, hash FROM event ORDER BY number').iterate();
  for (const row of all as Iterable<Record<string, string | number | null>>) {
    rows++;
    const { number, recorded, patient, content } = row;
    hash = chained(hash, rows, recorded as string, patient as string | null, content as string);
    if (number !== rows || row.hash !== hash) return { whole: false, row: rows };
  }
  return { whole: true, rows, head: hash };
}

function chained(before: string, number: number, recorded: string, patient: string | null, content: string): string {
  return digest('sha256', JSON.stringify([before, number, recorded, patient, content]), 'hex');
}

/** Ids between bars, so that one is found among several; null when the event names no patient. */
function patientsOf({ entity }: AuditEvent): string | null {
  const references = (entity ?? []).flatMap((one) => one.what?.reference ?? []);
  const ids = references.flatMap((one) => /^Patient\/([A-Za-z0-9.-]+)$/.exec(one)?.[1] ?? []);
  return ids.length > 0 ? `|${ids.join('|')}|` : null;
}
