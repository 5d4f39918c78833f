import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { makeFolder } from '../folder.ts';

/** Remembers which client assertions were used, over a restart too: each `jti` counts once until it expires. */
export interface ReplayGuard {
  /** True the first time this client uses this `jti`. `expiresAt`: seconds since 1970. */
  firstUse(clientId: string, jti: string, expiresAt: number): boolean;
  close(): void;
}

/** Opens the memory of used assertions of this data folder. */
export function openReplayGuard(data: string): ReplayGuard {
  makeFolder(data);
  const database = new DatabaseSync(join(data, 'assertions.sqlite'), { timeout: 5000 });
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    CREATE TABLE IF NOT EXISTS assertion (
      client TEXT NOT NULL, jti TEXT NOT NULL, expires INTEGER NOT NULL, PRIMARY KEY (client, jti)
    ) WITHOUT ROWID, STRICT;
    CREATE INDEX IF NOT EXISTS assertion_expires ON assertion (expires);
  `);
  const insert = database.prepare('INSERT INTO assertion VALUES (?, ?, ?) ON CONFLICT DO NOTHING');
  const forget = database.prepare('DELETE FROM assertion WHERE expires < ?');
  return {
    firstUse(clientId, jti, expiresAt) {
      // A minute of grace, for clocks that differ.
      forget.run(Math.floor(Date.now() / 1000) - 60);
      return insert.run(clientId, jti, Math.ceil(expiresAt)).changes === 1;
    },
    close: () => database.close(),
  };
}
