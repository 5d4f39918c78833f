import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fault, PasserelleError } from '../../errors.ts';
import { unusable } from './database.ts';

/**
 * Makes this process the one that works on the journal of a folder. The lock is one on a file of its own, so the system
 * releases it when the process ends, however it ends; others may still read the journal and replay.
 *
 * @returns how to give it back
 * @throws PasserelleError `journal-busy` when another process has it
 */
export function own(folder: string): () => void {
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(join(folder, 'owner.lock'));
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    lock?.close();
    if (/locked/.test(String(error))) throw new PasserelleError(fault('journal-busy', { params: { where: folder } }));
    throw unusable(folder, error);
  }
  return () => lock.close();
}
