import type { ClientBase } from 'pg';
import { INTAKE_FUNCTIONS } from './functions-intake.ts';
import { KEEPING_FUNCTIONS } from './functions-keeping.ts';
import { PROCESS_FUNCTIONS } from './functions-processes.ts';
import { QUEUE_FUNCTIONS } from './functions-queue.ts';
import { SETTLE_FUNCTIONS } from './functions-settle.ts';
import { SCHEMA_VERSION, TABLES } from './schema.ts';

/** The functions that end messages take one more column; those of before cannot be replaced by others of their name. */
const DELIVERIES_ADDRESSED = `ALTER TABLE delivery ADD COLUMN recipient text;
DROP FUNCTION journal_settle_deliveries, journal_settle, journal_deliver, journal_count_unmapped;
${SETTLE_FUNCTIONS}`;

/** `MIGRATIONS[n]` leads from version n to n + 1; the first makes everything. */
const MIGRATIONS = [
  TABLES + QUEUE_FUNCTIONS + INTAKE_FUNCTIONS + SETTLE_FUNCTIONS + KEEPING_FUNCTIONS,
  PROCESS_FUNCTIONS,
  DELIVERIES_ADDRESSED,
];

/**
 * Brings a schema to the current version; of several processes that start together one does it and the others wait.
 *
 * @throws Error when the schema was written by a newer version.
 */
export async function migrate(client: ClientBase, schema: string): Promise<void> {
  await client.query('BEGIN');
  try {
    await client.query('SELECT pg_advisory_xact_lock(hashtext($1))', [`passerelle schema ${schema}`]);
    // Asked first: making what is there already needs a right that an operator may not want to give.
    const there = await client.query('SELECT 1 FROM pg_namespace WHERE nspname = $1', [schema]);
    if (there.rows.length === 0) await client.query(`CREATE SCHEMA "${schema}"`);
    await client.query('CREATE TABLE IF NOT EXISTS version (version integer NOT NULL)');
    const { rows } = await client.query<{ version: number }>('SELECT version FROM version');
    const version = rows[0]?.version ?? 0;
    if (version > SCHEMA_VERSION) throw new Error(`it is of version ${version}, this program knows ${SCHEMA_VERSION}`);
    for (let step = version; step < SCHEMA_VERSION; step++) {
      await client.query(MIGRATIONS[step]);
      await client.query(step === 0 ? 'INSERT INTO version VALUES (1)' : `UPDATE version SET version = ${step + 1}`);
    }
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}
