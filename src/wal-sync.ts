import { closeSync, fdatasync, fdatasyncSync, openSync } from 'node:fs';

/** From so long a sync on, waiting for it beside the thread is cheaper than in it: the way there and back takes 0.1 ms. */
const SLOW_MS = 0.5;

/**
 * Brings to the disk what SQLite has committed to its write-ahead log. With `synchronous=FULL` SQLite does so itself within
 * COMMIT, and holds up its thread while the disk works: a fifth to a third of the time under load. With `NORMAL` it leaves
 * that step out and nothing else (frames have checksums, the log's header and checkpoints are synced as ever), so a sync of
 * the log after the commit makes the same promise: https://sqlite.org/pragma.html#pragma_synchronous
 *
 * The log must stay open elsewhere, that is: the database it belongs to. Closing it here releases no lock of SQLite's, which
 * are on other files.
 */
export class WalSync {
  readonly #file: string;
  #descriptor: number | undefined;
  #lastMs = 0;

  /** @param file of the database, in WAL mode */
  constructor(file: string) {
    this.#file = `${file}-wal`;
  }

  /** Whether syncing within the thread would hold it up noticeably. */
  get isSlow(): boolean {
    return this.#lastMs > SLOW_MS;
  }

  /** Resolves when everything committed before the call is on disk. @throws the error of the disk */
  sync(): Promise<void> {
    const since = performance.now();
    return new Promise((resolve, reject) => {
      fdatasync(this.#open(), (error) => {
        this.#lastMs = performance.now() - since;
        if (error) reject(error);
        else resolve();
      });
    });
  }

  /** The same at once. */
  syncNow(): void {
    const since = performance.now();
    fdatasyncSync(this.#open());
    this.#lastMs = performance.now() - since;
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #open(): number {
    this.#descriptor ??= openSync(this.#file, 'r+');
    return this.#descriptor;
  }
}
