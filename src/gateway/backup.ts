import { chmod, copyFile, mkdir, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';

/** A file of the data folder that has been copied. */
export interface Copied {
  /** Path below the data folder. */
  file: string;
  bytes: number;
}

/** All pages in one step: a copy that is begun again at each write of the gateway would never end. */
const ALL_PAGES = 0x7fffffff;

/** What belongs to a process, or to a database that is copied as a whole. */
const NOT_COPIED = /(^|\/)owner\.lock$|-wal$|-shm$|\/incoming\//;

const DATABASE = /\.(db|sqlite)$/;

/**
 * Copies a data folder while a gateway works in it: each database as it stands at one moment, everything else file by file. The
 * journal comes first: what the FHIR store has taken since is sent to it once more after a restore, which writes nothing
 * twice; the other way round a message would count as delivered to a store that never had it.
 * @param from the data folder
 * @param to a folder that is empty or not there
 * @throws the error of the file system or of SQLite
 */
export async function backUp(from: string, to: string, copied: (one: Copied) => void): Promise<void> {
  await mkdir(to, { recursive: true, mode: 0o700 });
  for (const file of inOrder(await filesOf(from))) {
    const target = join(to, file);
    await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    if (DATABASE.test(file)) await copyDatabase(join(from, file), target);
    else await copyFile(join(from, file), target);
    await chmod(target, 0o600);
    copied({ file, bytes: (await stat(target)).size });
  }
}

async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((one) => one.isFile())
    .map((one) => join(one.parentPath, one.name).slice(folder.length + 1))
    .filter((file) => !NOT_COPIED.test(file));
}

/** The journal's database, then its payloads, which are written before the rows that name them, then the rest. */
function inOrder(files: string[]): string[] {
  const rank = (file: string) => (/^journal\/[^/]+$/.test(file) ? 0 : file.startsWith('journal/') ? 1 : 2);
  return files.toSorted((a, b) => rank(a) - rank(b) || a.localeCompare(b));
}

async function copyDatabase(from: string, to: string): Promise<void> {
  const source = new DatabaseSync(from, { readOnly: true, timeout: 5000 });
  try {
    await backup(source, to, { rate: ALL_PAGES });
  } finally {
    source.close();
  }
}
