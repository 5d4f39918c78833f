import type { Conversion } from '../conversion.ts';
import type { Fault } from '../errors.ts';
import type { Translator } from '../mapping/index.ts';
import type { PathwayRules } from '../pathway/index.ts';
import type { Unwrapped } from './unwrap.ts';

/** What inspection made of a message on its way to the verdict: read, mapped and expanded; of FHIR, judged as well. */
export interface Mapped {
  unwrapped: Unwrapped;
  conversion: Conversion;
  judged?: Fault[];
}

/** Rooms that a conversion depends on; other maps or rules make another one. */
interface Rooms {
  translator: Translator;
  pathway: PathwayRules;
}

/** Bounds of what is kept: messages, and bytes of their contents (a conversion takes some ten times as much). */
const MOST = 128;
const MOST_BYTES = 2 * 1024 * 1024;
/** Whoever was not asked for by then waits for something else. */
const LONGEST_MS = 5000;

/**
 * Conversions made before the acknowledgement, for the worker that takes the message up right after it: mapping twice cost
 * a tenth of a telemonitoring message. Nothing depends on it: what is not here is made again from the journal's bytes.
 */
export class Prepared {
  readonly #kept = new Map<string, { mapped: Mapped; rooms: Rooms; size: number; since: number }>();
  #bytes = 0;

  /** Keeps it, unless there is no room. */
  keep(id: string, mapped: Mapped, size: number, { translator, pathway }: Rooms): void {
    const now = performance.now();
    for (const [old, { since }] of this.#kept) {
      if (now - since < LONGEST_MS) break;
      this.#drop(old);
    }
    if (this.#kept.size >= MOST || this.#bytes + size > MOST_BYTES) return;
    this.#kept.set(id, { mapped, rooms: { translator, pathway }, size, since: now });
    this.#bytes += size;
  }

  /** Gives it away, once; what was made by other maps or rules than those of now is dropped. */
  take(id: string, { translator, pathway }: Rooms): Mapped | undefined {
    const found = this.#kept.get(id);
    if (!found) return undefined;
    this.#drop(id);
    const isOfNow = found.rooms.translator === translator && found.rooms.pathway === pathway;
    return isOfNow ? found.mapped : undefined;
  }

  #drop(id: string): void {
    this.#bytes -= this.#kept.get(id)!.size;
    this.#kept.delete(id);
  }
}
