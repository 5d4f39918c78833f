import type { Bundle } from '@medplum/fhirtypes';
import type { FhirResponse } from '../../adapter.ts';
import { Joining, weightOf } from './join.ts';

/** How much may be sent together. */
export interface TogetherOptions {
  /** Transactions under way at one time. */
  connections: number;
  /** Resources of one transaction at most, unless a single message has more. */
  resources: number;
}

interface Waiting {
  bundle: Bundle;
  weight: number;
  answer(response: FhirResponse): void;
  fail(error: unknown): void;
}

/** The server did not get to the transaction, or nobody knows: what holds for one holds for all that went with it. */
const ABOUT_ALL = new Set([401, 403, 408, 425, 429, 502, 503, 504]);

/**
 * Sends what waits for a server together. A message that finds a free connection goes at once and alone; where messages wait,
 * they share transactions. Each gets the answer it would have had by itself: when a transaction is refused its halves are sent
 * apart, down to the message that is bad, so that one does not hold up the others. Sending the halves again is safe, since
 * every write of a message is idempotent.
 */
export class Together {
  readonly #send: (bundle: Bundle) => Promise<FhirResponse>;
  readonly #options: TogetherOptions;
  #waiting: Waiting[] = [];
  #underWay = 0;
  #scheduled = false;

  constructor(send: (bundle: Bundle) => Promise<FhirResponse>, options: TogetherOptions) {
    this.#send = send;
    this.#options = options;
  }

  /** The server's answer to a transaction, as if it had been sent alone. */
  send(bundle: Bundle): Promise<FhirResponse> {
    return new Promise((answer, fail) => {
      this.#waiting.push({ bundle, weight: weightOf(bundle), answer, fail });
      this.#schedule();
    });
  }

  /** What comes in one turn of the event loop is looked at together. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      while (this.#waiting.length > 0 && this.#underWay < this.#options.connections) void this.#next();
    });
  }

  async #next(): Promise<void> {
    this.#underWay++;
    const { group, joined } = this.#take();
    try {
      await this.#exchange(group, joined);
    } catch (error) {
      // An answer nobody can use: each is told, and looks before it repeats.
      for (const one of group) one.fail(error);
    } finally {
      this.#underWay--;
      this.#schedule();
    }
  }

  /** The oldest that waits, and what may go with it: a fair share of what waits, for there are other connections. */
  #take(): { group: Waiting[]; joined: Joining } {
    const free = this.#options.connections - this.#underWay + 1;
    const most = Math.ceil(this.#waiting.length / free);
    const joined = new Joining();
    const group: Waiting[] = [];
    const left: Waiting[] = [];
    let weight = 0;
    for (const one of this.#waiting) {
      const fits = group.length === 0 || (group.length < most && weight + one.weight <= this.#options.resources);
      if (fits && joined.add(one.bundle)) {
        group.push(one);
        weight += one.weight;
      } else left.push(one);
    }
    this.#waiting = left;
    return { group, joined };
  }

  async #exchange(group: Waiting[], joining = joiningOf(group)): Promise<void> {
    const [first] = group;
    if (group.length === 1) return first!.answer(await this.#send(first!.bundle));
    const { bundle, share } = joining.finish();
    const response = await this.#send(bundle);
    if (response.status >= 200 && response.status < 300) {
      const shares = share((response.body ?? {}) as Bundle);
      for (const [at, one] of group.entries()) one.answer({ ...response, body: shares[at] });
    } else if (ABOUT_ALL.has(response.status)) {
      for (const one of group) one.answer(response);
    } else {
      const half = Math.ceil(group.length / 2);
      await this.#exchange(group.slice(0, half));
      await this.#exchange(group.slice(half));
    }
  }
}

function joiningOf(group: Waiting[]): Joining {
  const joining = new Joining();
  for (const { bundle } of group) joining.add(bundle);
  return joining;
}
