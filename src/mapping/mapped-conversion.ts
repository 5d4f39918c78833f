import type { Account, Conversion, Draft, Intent, Orders, Trace, UnmappedCode } from '../conversion.ts';
import type { Fault } from '../errors.ts';
import type { DraftOf } from './drafts.ts';
import type { RawTrace, Session } from './run.ts';
import { resolveTraces } from './traces.ts';

/**
 * A conversion whose traces are worked out when somebody reads them. A class, because a getter in an object literal keeps
 * each conversion alive until a full garbage collection (its hidden class holds the closure), which doubled the time.
 */
export class MappedConversion implements Conversion {
  readonly drafts: Draft[];
  readonly intents: Intent[];
  readonly faults: Fault[];
  readonly unmapped: UnmappedCode[];
  readonly maps: Record<string, string>;
  subject?: string;
  orders?: Orders;
  account?: Account;
  readonly #raw: RawTrace[];
  readonly #draftOf: DraftOf;
  #traces: Trace[] | undefined;

  constructor(session: Session, drafts: Draft[], draftOf: DraftOf) {
    this.drafts = drafts;
    this.intents = session.intents;
    this.faults = session.faults;
    this.unmapped = session.unmapped;
    this.maps = session.maps;
    this.#raw = session.traces;
    this.#draftOf = draftOf;
  }

  get traces(): Trace[] {
    this.#traces ??= resolveTraces(this.#raw, this.drafts, this.#draftOf);
    return this.#traces;
  }

  /** With the traces, which are no property of its own. */
  toJSON(): Conversion {
    return { ...this, traces: this.traces };
  }
}
