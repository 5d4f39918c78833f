import { statfsSync } from 'node:fs';
import { type Fault, fault } from '../errors.ts';

/** How long one look at the free space holds; what was taken in since is subtracted. */
const LOOK_AGAIN_MS = 250;

/** Default of the space that must stay free: room for a checkpoint, for settlements and for the operator's rescue work. */
export const MIN_FREE_BYTES = 256 * 1024 * 1024;

/**
 * Watches the disk of one folder, so that intake is refused before the disk is full: a full disk would also stop the
 * settling of what was accepted before.
 */
export class Space {
  readonly #folder: string;
  readonly #minFree: number;
  #free = Number.POSITIVE_INFINITY;
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(folder: string, minFree: number) {
    this.#folder = folder;
    this.#minFree = minFree;
  }

  /** A fault when `bytes` more would leave too little, or the disk does not answer; counts them as taken otherwise. */
  take(bytes: number): Fault | undefined {
    const now = performance.now();
    if (now - this.#lookedAt > LOOK_AGAIN_MS) {
      const free = freeBytes(this.#folder);
      if (free === undefined) return fault('not-durable');
      this.#free = free;
      this.#lookedAt = now;
    }
    if (this.#free - bytes < this.#minFree) return fault('disk-low');
    this.#free -= bytes;
    return undefined;
  }
}

/** Undefined when the folder is gone or does not answer. */
function freeBytes(folder: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}
