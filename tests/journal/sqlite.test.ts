import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteJournal } from '../../src/journal/sqlite.ts';
import { journalContract } from './contract.ts';
import type { Store } from './store.ts';

journalContract('SQLite', async (): Promise<Store> => {
  const folder = await mkdtemp(join(tmpdir(), 'journal-'));
  return {
    journal: (options) => openSqliteJournal({ folder, minFreeBytes: 0, ...options }),
    address: ['sqlite', folder],
    dispose: () => rm(folder, { recursive: true, force: true }),
  };
});
