import type { QuestionnaireResponse, Resource } from '@medplum/fhirtypes';
import type { Decoded, Intent, Orders, UnmappedCode } from '../conversion.ts';
import type { Fault } from '../errors.ts';
import type { MappedDocument } from './document.ts';

/**
 * Memory of one group while it runs. Every variable has three places: value, the object or array of the tree that holds
 * it, and its property there. Closures index it directly; that is what makes a compiled map fast.
 */
export type Slots = unknown[];
/** Slot of the run itself: drafts, faults, accounting. */
export const RUN = 0;
/** Slot of the value `$this` stands for. */
export const THIS = 1;
/** Where the variables of this group come from ({@link Origins}). */
export const ORIGINS = 4;
/** Slots of the group that called this one; undefined for the top group. */
export const CALLER = 5;
/** Slot of the variables the calling group passed. */
export const PASSED = 6;
/** First slot of the group's own variables. */
export const FIRST_VARIABLE = 7;
/** Places of one variable: value, holder, property. */
export const SLOT_WIDTH = 3;

/** A compiled expression: undefined, a single value, or an array of values. */
export type Evaluate = (slots: Slots) => unknown;

/** Which rule of which map; one object per rule, shared by all its traces. */
export interface RuleInfo {
  map: string;
  rule: string;
}

/** A code that was translated; a trace tells it as text. */
export interface Translation {
  table: string;
  from: { system?: string; code: string };
  /** The system the table gives to codes that came without one. */
  system: string | undefined;
  to: { system?: string; code: string } | undefined;
}

/** A draft in the making: what a map sets on `bundle.entry`. */
export interface Entry {
  resource?: Resource;
  key?: string;
  write?: 'create' | 'update';
  subject?: boolean;
  identity?: { system?: string; value?: string };
  kept?: unknown[];
  /** Where it came from: the first source of the rule that made it, as a path of the tree. */
  path: (string | number)[];
  owner: object | undefined;
  rule: RuleInfo;
  document: MappedDocument;
}

/** A reference, or an attachment's url, that is filled in once the drafts have their fullUrls. */
export interface Link {
  holder: Record<string, unknown>;
  property: 'reference' | 'url';
  /** What it names: a resource that is in an entry, the entry with a key, or else the subject. */
  resource?: object;
  key?: string;
  type?: string;
  document: MappedDocument;
  rule: RuleInfo;
  /** Where the rule read, for a report that nothing was found. */
  owner: object | undefined;
  ownerKey: string | number;
}

/** One value written into a target, kept raw; places are worked out only when somebody asks. */
export interface RawTrace {
  target: object;
  property: string | number;
  owner: object | undefined;
  key: string | number;
  rule: RuleInfo;
  document: MappedDocument;
  translation?: Translation;
  /** Other values of the source that went into it, pairs of owner and property; only with the account on. */
  reads?: unknown[];
  /** What the conditions before it read; belongs here unless it was also used as a value. */
  conditions?: unknown[];
}

/** What the gateway knows about a message besides its tree. */
export interface ConvertContext {
  /** Who sent it, as the door or the message says: `client:orbis`, `MSH-3|MSH-4`. */
  sender: string;
  /** What makes the message the same message when it is sent again. */
  messageIdentity: string;
  receivedAt: Date;
  /** Name of the route; otherwise the first that fits. */
  route?: string;
  /** The exact bytes of the message, for maps that keep them (`message.bytes`). */
  bytes?: Uint8Array;
  contentType?: string;
  /** Embedded documents that could be decoded. */
  parts?: EmbeddedDocument[];
  /** Work out what became of every value of the source. */
  account?: boolean;
  /** Extracts resources from the answers to a Questionnaire; without it they are only taken over. */
  extract?: ExtractAnswers;
}

/** What finished answers give by the templates of their Questionnaire. */
export interface ExtractedAnswers {
  /** The Questionnaire that says how, and its version (content hash), as for a map. */
  map: string;
  version: string;
  extracted: {
    resource: Resource;
    /** Stable over a re-send and a correction. */
    key: string;
    template: string;
    /** The item it stands at, or the response. */
    source: object;
    request: { fullUrl?: string };
  }[];
  faults: Fault[];
}

/** Extracts from a response; undefined when no Questionnaire is known that says how. */
export type ExtractAnswers = (response: QuestionnaireResponse) => ExtractedAnswers | undefined;

/** A document inside the message, decoded. */
export interface EmbeddedDocument {
  /** Place in the carrier; that of the `Part` it was decoded from. */
  place: string;
  contentType: string;
  bytes: Uint8Array;
  decoded: Decoded;
}

/** All that one conversion gathers, over carrier and parts. */
export interface Session {
  context: ConvertContext;
  entries: Entry[];
  intents: Intent[];
  orders?: Orders;
  links: Link[];
  faults: Fault[];
  unmapped: UnmappedCode[];
  /** What `unmapped` holds already: a message may repeat a code thousands of times. */
  reported: Set<string>;
  /** The dates read so far, as they were written → as FHIR writes them. */
  dates: Map<string, string>;
  traces: RawTrace[];
  maps: Record<string, string>;
}

/** One document being mapped; what closures find at `slots[RUN]`. */
export interface Run {
  session: Session;
  document: MappedDocument;
  /** The rule at work. */
  rule: RuleInfo;
  /** First value of the source the expression at work has read. */
  owner: object | undefined;
  key: string | number;
  translation: Translation | undefined;
  /** Pairs of owner and property read; only with the account on. */
  reads: unknown[] | undefined;
  /** Nesting of group calls. */
  depth: number;
}

/** The session of one conversion, with nothing in it yet. */
export function newSession(context: ConvertContext): Session {
  return {
    context,
    entries: [],
    intents: [],
    links: [],
    faults: [],
    unmapped: [],
    reported: new Set(),
    dates: new Map(),
    traces: [],
    maps: {},
  };
}

/** A document about to be mapped by a map. */
export function newRun(session: Session, document: MappedDocument, map: string): Run {
  return {
    session,
    document,
    rule: { map, rule: '' },
    owner: undefined,
    key: '',
    translation: undefined,
    reads: session.context.account ? [] : undefined,
    depth: 0,
  };
}

/** Remembers which value was read, for traces and the account. */
export function note(run: Run, owner: object | undefined, key: string | number): void {
  if (run.owner === undefined) {
    run.owner = owner;
    run.key = key;
  }
  if (run.reads !== undefined) run.reads.push(owner, key);
}

/**
 * An object counts as read with all it holds when an expression gives it. Who takes only some of it says so: the whole is
 * forgotten, then the parts are noted.
 */
export function forgetWhole({ reads }: Run, source: object): void {
  if (reads === undefined) return;
  for (let index = reads.length - 2; index >= 0; index -= 2) {
    const owner = reads[index] as Record<string | number, unknown> | undefined;
    const held = owner?.[reads[index + 1] as string | number];
    if (held === source || (Array.isArray(held) && held.includes(source))) {
      reads.splice(index, 2);
      return;
    }
  }
}

/** Of an object that was read, only these properties were used. */
export function usedOnly(run: Run, source: object, names: readonly string[]): void {
  if (run.reads === undefined) return;
  forgetWhole(run, source);
  for (const name of names) if (Object.hasOwn(source, name)) run.reads.push(source, name);
}

/** Reports a warning, without a place of its own at that which the expression at work has read. */
export function report(run: Run, fault: Fault, place = run.document.place(run.owner, run.key)): void {
  run.session.faults.push({
    ...fault,
    place,
    rule: `${run.rule.map}.map#${run.rule.rule}`,
  });
}
