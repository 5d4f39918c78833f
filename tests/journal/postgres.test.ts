import { afterAll, test } from '@jest/globals';
import pg from 'pg';
import { openPostgresJournal } from '../../src/journal/postgres.ts';
import { journalContract } from './contract.ts';
import { postgresServer } from './postgres-server.ts';
import type { Store } from './store.ts';

const server = await postgresServer();

afterAll(() => server?.dispose());

let stores = 0;

async function fresh(): Promise<Store> {
  const { url } = server!;
  const schema = `journal_${process.pid}_${++stores}`;
  return {
    journal: (options) => openPostgresJournal({ url, schema, ...options }),
    address: ['postgres', url, schema],
    async dispose() {
      const client = new pg.Client(url);
      await client.connect();
      await client.query(`SET client_min_messages = warning; DROP SCHEMA IF EXISTS ${schema} CASCADE`);
      await client.end();
    },
  };
}

if (server) journalContract('PostgreSQL', fresh, 20);
else test.skip('PostgreSQL journal: SKIPPED, no server can be started here', () => {});
