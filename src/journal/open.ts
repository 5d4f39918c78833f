import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fault, PasserelleError } from '../errors.ts';
import type { Journal } from './journal.ts';
import { openSqliteJournal } from './sqlite.ts';

/**
 * The journal that the setting `journal` names, not opened yet. A `visitor` only looks and replays, beside a gateway that
 * may be running; it makes no journal where there is none (`journal-absent`).
 */
export async function journalOf(setting: string, data: string, { visitor = false } = {}): Promise<Journal> {
  if (/^postgres(ql)?:/.test(setting)) {
    const { openPostgresJournal } = await import('./postgres.ts');
    return openPostgresJournal({ url: setting });
  }
  if (setting !== 'sqlite') {
    const problem = { fr: 'n’est ni sqlite ni postgres://…', en: 'it is neither sqlite nor postgres://…' };
    throw new PasserelleError(fault('config-invalid', { params: { setting: 'journal', problem } }));
  }
  const folder = join(data, 'journal');
  if (visitor && !existsSync(join(folder, 'journal.db'))) {
    throw new PasserelleError(fault('journal-absent', { params: { folder: data } }));
  }
  return openSqliteJournal({ folder, visitor });
}
