/** Most items, and bytes, of one call. */
const MOST_ITEMS = 500;
const MOST_BYTES = 8 * 1024 * 1024;

interface Waiting<Item, Result> {
  item: Item;
  bytes: number;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

/**
 * One call, and one commit, for all that came while the call before was on its way. Calls follow each other, so that what
 * comes first is written first.
 */
export class Batch<Item, Result> {
  readonly #run: (items: Item[]) => Promise<Result[]>;
  #waiting: Waiting<Item, Result>[] = [];
  #running = false;

  /** @param run answers a result for each item, in their order */
  constructor(run: (items: Item[]) => Promise<Result[]>) {
    this.#run = run;
  }

  add(item: Item, bytes = 0): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, bytes, resolve, reject });
      if (this.#running) return;
      this.#running = true;
      setImmediate(() => void this.#runAll());
    });
  }

  /** Resolves when nothing is waiting or on its way. */
  async idle(): Promise<void> {
    while (this.#running) await new Promise((resolve) => setTimeout(resolve, 1));
  }

  async #runAll(): Promise<void> {
    while (this.#waiting.length > 0) await this.#runSome(this.#next());
    this.#running = false;
  }

  /** One bad item must not take the others with it: after a failure each is tried by itself. */
  async #runSome(some: Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await this.#run(some.map(({ item }) => item));
      for (const [at, one] of some.entries()) one.resolve(results[at]);
    } catch (error) {
      if (some.length === 1) some[0].reject(error);
      else for (const one of some) await this.#runSome([one]);
    }
  }

  #next(): Waiting<Item, Result>[] {
    let bytes = 0;
    let count = 0;
    while (count < this.#waiting.length && count < MOST_ITEMS && (count === 0 || bytes < MOST_BYTES)) {
      bytes += this.#waiting[count++].bytes;
    }
    return this.#waiting.splice(0, count);
  }
}
