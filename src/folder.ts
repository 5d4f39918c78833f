import { mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Words } from './errors/entry.ts';
import { fault, PasserelleError } from './errors.ts';

/**
 * Makes a folder of the data folder, with those above it, readable by this user alone; one that is there stays as it is.
 * Step by step: below /proc and the like Node's own recursive `mkdirSync` tries again without end.
 * @throws PasserelleError `data-unusable` that says what stands in the way
 */
export function makeFolder(folder: string): void {
  const missing: string[] = [];
  for (let at = resolve(folder); ; at = dirname(at)) {
    if (isFolder(at, folder)) break;
    missing.unshift(at);
  }
  for (const one of missing) make(one, folder);
}

function make(at: string, folder: string): void {
  try {
    mkdirSync(at, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Another process may have made it in between.
    if (code === 'EEXIST' && isFolder(at, folder)) return;
    throw unusable(folder, at, code === 'ENOENT' ? nothingMade : code);
  }
}

function isFolder(path: string, folder: string): boolean {
  try {
    if (statSync(path).isDirectory()) return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return false;
    throw unusable(folder, path, code);
  }
  throw unusable(folder, path, 'ENOTDIR');
}

/** /proc and /sys answer so although the folder above is there. */
const nothingMade = { fr: 'ENOENT, aucun dossier ne peut y être fait', en: 'ENOENT, no folder can be made there' };

function unusable(folder: string, at: string, reason: string | Words = 'EIO'): PasserelleError {
  return new PasserelleError(fault('data-unusable', { params: { folder, at, reason } }));
}
