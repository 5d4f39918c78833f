import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Config, loadConfig } from '../config.ts';
import { fault, PasserelleError } from '../errors.ts';
import type { Journal } from '../journal/journal.ts';
import type { Arguments, Io } from './command.ts';
import { faultLine } from './text.ts';

/** The configuration of this command line; throws PasserelleError with all its faults. Warnings go to stderr. */
export function configured(args: Arguments, io: Io): Config {
  const { config, faults } = loadConfig({ environment: io.environment, cwd: io.cwd, file: args.values.config });
  if (!config) throw new PasserelleError(faults);
  for (const one of faults) io.err(`${faultLine(one, io.language)}\n`);
  return config;
}

/** A file's bytes, `-` for standard input; throws `file-unreadable`. */
export async function readBytes(name: string, io: Io): Promise<Uint8Array> {
  if (name === '-') return io.input();
  try {
    return await readFile(resolve(io.cwd, name));
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? 'unknown reason';
    throw new PasserelleError(fault('file-unreadable', { params: { file: name, reason } }));
  }
}

/** Opens the journal beside a gateway that may be running, for as long as `work` takes. */
export async function withJournal<T>(config: Config, work: (journal: Journal) => Promise<T>): Promise<T> {
  const { journalOf } = await import('../journal/open.ts');
  const journal = await journalOf(config.journal, config.data, { visitor: true });
  await journal.open();
  try {
    return await work(journal);
  } finally {
    await journal.close();
  }
}
