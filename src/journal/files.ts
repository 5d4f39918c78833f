import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { access, type FileHandle, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Payloads above this many bytes live in a file of their own: a row that overflows into many pages makes every commit slow. */
export const INLINE_BYTES = 64 * 1024;

/** Step in which a large payload is hashed and written, so that others get their turn in between (1 MiB ≈ 1 ms). */
const STEP_BYTES = 1024 * 1024;

/**
 * Step in which a payload being written is synced: a commit beside it waits for what the file system has not written yet, after
 * 40 MB at once 50 to 70 ms, so 10 to 25.
 */
const SYNCED_BYTES = 8 * STEP_BYTES;

/**
 * Large payloads as files named by the SHA-256 of their content: the same document sent twice is kept once. The table of the
 * journal counts who refers to each; a file nobody refers to (its commit failed, or the process died before it) is swept.
 *
 * What `put` answered for is on disk, file and directory entry both.
 */
export class PayloadFiles {
  readonly #folder: string;
  readonly #incoming: string;
  /** Hashes between `put` and the end of their commit: not to be removed whatever the table says. */
  readonly #pinned = new Map<string, number>();
  /** Removals under way: a `put` of the same content waits for them. */
  readonly #going = new Map<string, Promise<void>>();

  constructor(folder: string) {
    this.#folder = folder;
    this.#incoming = join(folder, 'incoming');
  }

  /** Makes the folders; half-written files of a process that died are removed. */
  open(): void {
    rmSync(this.#incoming, { recursive: true, force: true });
    mkdirSync(this.#incoming, { recursive: true });
  }

  /** Writes a payload down and answers its hash, pinned until `unpin`. */
  async put(bytes: Uint8Array): Promise<string> {
    const hash = await hashOf(bytes);
    this.#pinned.set(hash, (this.#pinned.get(hash) ?? 0) + 1);
    try {
      await this.#going.get(hash);
      if (await exists(this.#path(hash))) await syncFolder(join(this.#folder, hash.slice(0, 2)));
      else await this.#write(hash, bytes);
      return hash;
    } catch (error) {
      this.unpin(hash);
      throw error;
    }
  }

  unpin(hash: string): void {
    const pins = (this.#pinned.get(hash) ?? 1) - 1;
    if (pins > 0) this.#pinned.set(hash, pins);
    else this.#pinned.delete(hash);
  }

  /** Rejects when the file is gone. */
  read(hash: string): Promise<Uint8Array> {
    return readFile(this.#path(hash));
  }

  /** Removes a file that the table no longer knows, unless it has been put again meanwhile. */
  async remove(hash: string): Promise<void> {
    if (this.#pinned.has(hash)) return;
    const going = rm(this.#path(hash), { force: true }).finally(() => this.#going.delete(hash));
    this.#going.set(hash, going);
    await going;
  }

  /** Removes every file `known` does not answer true for. */
  async sweep(known: (hash: string) => boolean): Promise<void> {
    for (const shelf of await readdir(this.#folder)) {
      if (!/^[0-9a-f]{2}$/.test(shelf)) continue;
      for (const hash of await readdir(join(this.#folder, shelf))) {
        if (!known(hash)) await this.remove(hash);
      }
    }
  }

  #path(hash: string): string {
    return join(this.#folder, hash.slice(0, 2), hash);
  }

  async #write(hash: string, bytes: Uint8Array): Promise<void> {
    const draft = join(this.#incoming, randomUUID());
    const file = await open(draft, 'wx', 0o600);
    try {
      for (let at = 0; at < bytes.length; at += STEP_BYTES) {
        if (at > 0 && at % SYNCED_BYTES === 0) await file.datasync();
        await writeFully(file, bytes.subarray(at, at + STEP_BYTES));
      }
      await file.sync();
    } catch (error) {
      await file.close();
      await rm(draft, { force: true });
      throw error;
    }
    await file.close();
    const shelf = join(this.#folder, hash.slice(0, 2));
    const made = await mkdir(shelf, { recursive: true });
    await rename(draft, this.#path(hash));
    await syncFolder(shelf);
    if (made) await syncFolder(this.#folder);
  }
}

/** SHA-256 in lower-case hexadecimal, worked out in steps. */
async function hashOf(bytes: Uint8Array): Promise<string> {
  const hash = createHash('sha256');
  for (let at = 0; at < bytes.length; at += STEP_BYTES) {
    hash.update(bytes.subarray(at, at + STEP_BYTES));
    await new Promise(setImmediate);
  }
  return hash.digest('hex');
}

async function writeFully(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** A new name in a directory is durable only when the directory is synced; Windows cannot and need not. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  if (!handle) return;
  try {
    await handle.sync();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM' && (error as NodeJS.ErrnoException).code !== 'EISDIR')
      throw error;
  } finally {
    await handle.close();
  }
}
