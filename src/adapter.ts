import type { Coding, Observation, Resource } from '@medplum/fhirtypes';
import type { Router } from 'express';
import type { Logger } from 'pino';
import type { Orders, Party } from './conversion.ts';
import type { Fault } from './errors.ts';
import type { Format, Incoming, MessageState, Outcome, Verdict } from './message.ts';

/**
 * The contract of a door. Every method is optional: having it is the declaration. A door lives in
 * `src/adapters/<type>/index.ts`, which exports `door: DoorType`; it is loaded by the type named in the configuration, and
 * two entries of one type are two instances.
 */
export interface DoorType<C = unknown> {
  /** JSON Schema of the door's configuration, checked with ajv before anything starts; defaults are filled in. */
  configSchema?: object;
  create(context: DoorContext<C>): Door;
}

/** One system outside, coming in or going out; what it cannot do it leaves out. */
export interface Door {
  /** Begins to listen or to work; resolves when ready. Throws PasserelleError when it cannot. */
  start?(): Promise<void>;
  /** Takes nothing new, finishes what is in flight, resolves within ten seconds. */
  stop?(): Promise<void>;
  /** Says what is wrong with configuration or reachability; all faults at once, none when all is well. */
  check?(): Promise<Fault[]>;
  /** Mounts its HTTP paths; authentication has been done, `request.caller` says who asks. */
  http?(router: Router): void;
  /** Called at the cron expression of its configuration; looks for new messages outside. */
  poll?(): Promise<void>;
  /** Hands one delivery out. Never throws for what the other side answers: the outcome says it. */
  deliver?(delivery: Delivery): Promise<DeliveryOutcome>;
  /**
   * Says what of a message that has just been written is this door's business. Pure; asked in the commit that ends the
   * message, so that nothing wanted is lost. A destination without it gets nothing by itself.
   */
  wants?(written: Written): Wanted[];
  /**
   * Says what of a delivery's later fate is this door's business: it ended, or an answer to it came in. Pure; may be asked
   * about the same news again, so `part` is made from what the news is about.
   */
  hears?(news: News): Wanted[];
  /**
   * Says what the sender of a message that came in by this very door is to be told, now that the message has ended: written,
   * held for a person or refused. Changes nothing; may be asked again, so `part` is always the same. Asked only of doors that
   * are destinations too, since what they want is a delivery.
   */
  answers?(ended: Ended): Promise<Wanted[]>;
  /** Human-readable addresses it listens on, for `listening` in the log and the demo's table. */
  addresses?(): string[];
}

/** What the gateway gives to a door. Doors know nothing else of the house. */
export interface DoorContext<C = unknown> {
  /** Name of the instance in the configuration. */
  name: string;
  config: C;
  log: Logger;
  /** Resolves only when the journal has committed; the verdict is what the sender must be told. */
  accept(incoming: Incoming): Promise<Verdict>;
  /** Waits until the message has left the pipeline, at most `seconds`; undefined when time is up. */
  outcome(id: string, seconds: number): Promise<Outcome | undefined>;
  /** A late answer to an earlier delivery (DSN, MDN, ZAM), found by the key the delivery announced. */
  receipt(key: string, receipt: Receipt): Promise<void>;
  /** The exact bytes of a message that is known here; undefined when retention has removed them. */
  original(messageId: string): Promise<Uint8Array | undefined>;
  /** The FHIR server the gateway writes to. */
  fhir: FhirEndpoint;
}

/** What a message has become: enough for a destination to know whether it is concerned. */
export interface Written {
  messageId: string;
  /** Sending system. */
  sender: string;
  receivedAt: Date;
  /** What the sender of a document asked for; absent for everything else. */
  orders?: Orders;
  /** `Patient/id`, when the message is about one. */
  patient?: string;
  /** `Type/id` of everything written, in the order of the transaction. */
  references: string[];
  /** `DocumentReference/id` of what the message transmits, not of what its documents attach or mention; absent: all of them. */
  documents?: string[];
}

/** How a message ended, for the door it came in by. */
export interface Ended {
  messageId: string;
  state: Exclude<MessageState, 'accepted'>;
  /** All that was found, worst first. */
  faults: Fault[];
  format?: Format;
  /** As it came; of an HL7 v2 message of megabytes nothing is left once it was converted (the journal has it). */
  bytes: Uint8Array;
}

/** One delivery a destination wants to make. */
export interface Wanted {
  /** Name inside the message (`gp`, `patient`): with message and destination it makes the delivery's id. */
  part: string;
  kind: string;
  /** JSON values; what is large stays on the FHIR server and is named by its reference. */
  payload: unknown;
  /** Later answers name it (Message-ID of a mail). */
  key?: string;
  /** Whom it is for, for those who hear how it went. */
  recipient?: Party;
}

/** How a delivery to another destination went. */
export interface News {
  messageId: string;
  sender: string;
  receivedAt: Date;
  /** What the sender of the message asked for. */
  orders?: Orders;
  delivery: { id: string; destination: string; kind: string; recipient?: Party };
  event: { kind: 'delivered' } | { kind: 'dead'; faults: Fault[] } | { kind: 'receipt'; receipt: Receipt };
  at: Date;
}

/** One thing to hand out to one destination. */
export interface Delivery {
  id: string;
  messageId: string;
  destination: string;
  /** What kind of payload: `bundle` (FHIR transaction), `document`, `mail`, `hl7v2`. */
  kind: string;
  payload: unknown;
  /** 1 for the first. */
  attempt: number;
  /** True when an earlier attempt may have arrived: look before repeating. */
  ambiguous: boolean;
}

/**
 * - `delivered`: the other side has it
 * - `transient`: try again later (unreachable, 429, 503, 4xx greylisting)
 * - `ambiguous`: sent, but no answer; find out by reading before repeating
 * - `permanent`: will never work as it is; goes to the dead letters with its reason
 *
 * `left`: what the door could not do with it any more and must not do it again for, as deliveries of its own.
 */
export type DeliveryOutcome =
  | { outcome: 'delivered'; references?: string[]; key?: string; response?: Outcome['response']; left?: Wanted[] }
  | { outcome: 'transient' | 'ambiguous'; faults: Fault[]; retryAfterSeconds?: number }
  | { outcome: 'permanent'; faults: Fault[]; response?: Outcome['response']; left?: Wanted[] };

/** A late answer about an earlier delivery. */
export interface Receipt {
  kind: 'received' | 'read' | 'failed';
  at: string;
  code?: string;
  detail?: string;
}

/** Requests to the FHIR R4 server, whichever it is; path is relative to its base. */
export interface FhirEndpoint {
  send(request: FhirRequest): Promise<FhirResponse>;
  /**
   * Current resources that have one of these values at a parameter (reference, token, `_id`); only where the server is in
   * this process. Must not be changed.
   */
  find?(type: string, parameter: string, values: string[], limit?: number): Resource[];
  /** Several of {@link find}, answered in their order as of one commit. */
  findAll?(finds: Find[]): Resource[][];
  /** Observations of a patient, newest first; where {@link find} is. Must not be changed. */
  readings?(asked: Reading): Observation[];
}

/** Which current resources are asked for: those of a type with one of the values at a parameter. */
export interface Find {
  type: string;
  /** A search parameter of type reference (`Type/id`) or token (`system|code` or `code`), or `_id`. */
  parameter: string;
  /** Alternatives. */
  values: string[];
}

/** Which readings of a patient are asked for: the newest `count` with one of the codes between two moments. */
export interface Reading {
  /** `Patient/id` */
  patient: string;
  codes: Pick<Coding, 'system' | 'code'>[];
  /** Milliseconds since 1970. */
  since: number;
  until: number;
  count: number;
}

/** An interaction of the FHIR R4 RESTful API, as if it came over HTTP. */
export interface FhirRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** `Patient?identifier=…`, `Patient/1`, or '' for a transaction. */
  path: string;
  body?: unknown;
  /** Lower-case names. */
  headers?: Record<string, string>;
}

/** What the FHIR server answered; also refusals, with an OperationOutcome as body. */
export interface FhirResponse {
  status: number;
  headers: Record<string, string>;
  /** Parsed JSON; a Uint8Array for a Binary asked with a type other than FHIR. */
  body?: unknown;
}
