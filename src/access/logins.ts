import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { makeFolder } from '../folder.ts';

/** What a person has allowed a program: the content of a code or of a refresh token. */
export interface Granted {
  clientId: string;
  /** Scopes given, separated by blanks. */
  scope: string;
  /** RPPS number. */
  practitioner: string;
  /** Patient in context. */
  patient?: string;
  nonce?: string;
  /** Of a code only: where it was sent, and the challenge its verifier must meet (S256). */
  redirectUri?: string;
  challenge?: string;
}

/**
 * Codes and refresh tokens, over a restart too; only their hashes are kept. Each counts once. One that comes a second time
 * was stolen, or its answer was: all tokens of that login end. https://www.rfc-editor.org/rfc/rfc9700#section-4.14
 */
export interface Logins {
  /** A new code or refresh token; `family` ties what follows from one login together. */
  issue(kind: 'code' | 'refresh', granted: Granted, seconds: number, family?: string): string;
  /** What it stands for, the first time and before it ends; undefined otherwise. */
  redeem(kind: 'code' | 'refresh', token: string): { granted: Granted; family: string; expires: number } | undefined;
  /** Name of the client a refresh token was given to, without spending it. */
  clientOf(refreshToken: string): string | undefined;
  /** Ends everything that follows from one login. */
  end(family: string): void;
  close(): void;
}

/** Opens the codes and refresh tokens of this data folder. */
export function openLogins(data: string): Logins {
  makeFolder(data);
  const file = join(data, 'logins.sqlite');
  const database = new DatabaseSync(file, { timeout: 5000 });
  chmodSync(file, 0o600);
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    CREATE TABLE IF NOT EXISTS login (
      hash TEXT PRIMARY KEY, kind TEXT NOT NULL, family TEXT NOT NULL, content TEXT NOT NULL, expires INTEGER NOT NULL,
      used INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID, STRICT;
    CREATE INDEX IF NOT EXISTS login_family ON login (family);
    CREATE INDEX IF NOT EXISTS login_expires ON login (expires);
  `);
  const insert = database.prepare('INSERT INTO login (hash, kind, family, content, expires) VALUES (?, ?, ?, ?, ?)');
  const take = database.prepare(
    'UPDATE login SET used = 1 WHERE hash = ? AND kind = ? AND used = 0 AND expires > ? RETURNING content, family, expires',
  );
  const spent = database.prepare('SELECT family FROM login WHERE hash = ? AND kind = ? AND used = 1');
  const holder = database.prepare("SELECT content FROM login WHERE hash = ? AND kind = 'refresh'");
  const forget = database.prepare('DELETE FROM login WHERE expires < ?');
  const drop = database.prepare('DELETE FROM login WHERE family = ?');
  const now = () => Math.floor(Date.now() / 1000);
  return {
    issue(kind, granted, seconds, family = randomUUID()) {
      forget.run(now() - 60);
      const token = randomBytes(32).toString('base64url');
      insert.run(hashOf(token), kind, family, JSON.stringify(granted), now() + seconds);
      return token;
    },
    redeem(kind, token) {
      const hash = hashOf(token);
      const row = take.get(hash, kind, now()) as { content: string; family: string; expires: number } | undefined;
      if (row) return { granted: JSON.parse(row.content) as Granted, family: row.family, expires: row.expires };
      const again = spent.get(hash, kind) as { family: string } | undefined;
      if (again) drop.run(again.family);
      return undefined;
    },
    clientOf(token) {
      const row = holder.get(hashOf(token)) as { content: string } | undefined;
      return row && (JSON.parse(row.content) as Granted).clientId;
    },
    end: (family) => void drop.run(family),
    close: () => database.close(),
  };
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}
