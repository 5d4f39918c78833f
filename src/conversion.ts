import type { Identifier, Resource } from '@medplum/fhirtypes';
import type { Fault } from './errors.ts';
import type { Format } from './message.ts';

/**
 * A message read into a plain tree by one of the formats. `tree` holds only JSON values (and `Uint8Array` for payloads
 * cut out of the bytes); its property names are what maps are written against, documented in the format's README.
 */
export interface Decoded<T = unknown> {
  format: Format;
  tree: T;
  faults: Fault[];
  /** Documents carried inside, each to be decoded in its turn (a CDA in OBX-5, a PDF in a CDA, a zip in a mail). */
  parts: Part[];
  /** How the format names a value's place in the source; without it places are JSON pointers into the tree. */
  places?: Places;
  /**
   * The places of values that go along with the one at a place (the authority with the number, the unit with the result), for
   * formats whose readers make one form of several values. Accounts count them with it.
   */
  tied?: (place: string) => string[];
}

/**
 * Names the place of a value of a tree for a reader: `PID-3[2].1`, an XPath, a row and column. Called rarely (a fault, an
 * explanation, a draft's key), so trees stay plain and readers keep what they need aside, for example in a WeakMap.
 *
 * @param path property names and indexes from the root of the tree
 * @param owner the object or array of the tree that holds the value; the last step of `path` is its property
 */
export type Places = (path: readonly (string | number)[], owner: object) => string;

/** A payload inside a message: its exact bytes and where they stood. */
export interface Part {
  /** Place in the carrier: `OBX[1]-5`, `/ClinicalDocument/component/nonXMLBody/text`. */
  place: string;
  contentType: string;
  bytes: Uint8Array;
}

/** One resource a conversion wants on the FHIR server. */
export interface Draft<R extends Resource = Resource> {
  /**
   * Place and type inside the message, stable over a re-send: `OBX[1]-5/Composition`. With the message's identity it is
   * the seed of `fullUrl`.
   */
  key: string;
  /** `urn:uuid:…`; references between drafts use it. */
  fullUrl: string;
  /** Without id and meta.source; these are set on assembly. */
  resource: R;
  /**
   * - `create`: written once (conditional create on `identity`); a replay never changes it
   * - `update`: the newest message wins (conditional update on `identity`)
   */
  write: 'create' | 'update';
  /** Business identity. Types with an `identifier` element carry it there too; Binary and Provenance cannot. */
  identity: { system: string; value: string };
  /**
   * What the server holds now, when this draft changes a resource that was read: it is written as `PUT Type/id` with
   * `If-Match`, so that a change made meanwhile is never overwritten.
   */
  current?: { reference: string; version?: string };
}

/** A wish about something that is on the server already. */
export type Intent =
  /** A new document takes the place of another (MDM^T10, ORC-1 RO, relatedDocument RPLC). */
  | { kind: 'replace'; document: Identifier; by: string; place: string }
  /** A document is taken back (MDM^T04, ORC-1 CA, OBX-11 D), by those named where the message names no sender. */
  | { kind: 'withdraw'; document: Identifier; place: string; persons?: Identifier[]; organizations?: Identifier[] }
  /** Two patient records are one person (ADT^A40, A24); identifiers of both sides. */
  | { kind: 'merge'; survivor: Identifier[]; retired: Identifier[]; place: string }
  /** Cancels an event written before (ADT^A11, A12, A13, ZBE-4 CANCEL). */
  | { kind: 'cancel'; type: string; identifier: Identifier; place: string };

/** A local code nobody has mapped yet; the original coding is kept in the resource. */
export interface UnmappedCode {
  system?: string;
  code: string;
  display?: string;
  /** Name of the ConceptMap that lacks it. */
  table: string;
  place: string;
}

/** Where one element of a draft came from. */
export interface Trace {
  /** fullUrl of the draft. */
  target: string;
  /** Element path in it, `valueQuantity.value`, `name[0].family`. */
  path: string;
  /** Place in the source. */
  place: string;
  map: string;
  rule: string;
  /** `table|from → to` when a code was translated. */
  translation?: { table: string; from: string; to: string };
}

/** What became of every value of the source; the sum of the three lists is the whole source. */
export interface Account {
  mapped: { place: string; target: string }[];
  kept: { place: string; where: string }[];
  ignored: { place: string; rule: string; reason: string }[];
  /** None of the three: each is a warning on the message. */
  fallen: { place: string; value: string }[];
}

/** Result of the pure part of the pipeline: everything that one message means, and everything found about it. */
export interface Conversion {
  drafts: Draft[];
  /** fullUrl of the Patient draft the message is about, when it is about one. */
  subject?: string;
  intents: Intent[];
  faults: Fault[];
  unmapped: UnmappedCode[];
  traces: Trace[];
  /** Name → version (content hash) of each map that took part. */
  maps: Record<string, string>;
  /**
   * What the sender asked to be done with its document besides storing it (DESTDMP, DESTMSSANTEPS, recipients …), as the
   * map `orders` filled it; doors that deliver documents read it.
   */
  orders?: Orders;
  account?: Account;
}

/** Orders of a document's sender, CI-SIS "Transmission de documents CDA en HL7 v2", metadata OBX and PRT. */
export interface Orders {
  event: 'new' | 'replace' | 'withdraw';
  /** MSH-10, MSH-3, MSH-4 of the request, for the business acknowledgements. */
  request?: { controlId: string; application: string; facility: string; type: string };
  dmp: boolean;
  mssProfessional: boolean;
  mssPatient: boolean;
  closePatientExchange?: boolean;
  hiddenFromProfessionals: boolean;
  hiddenFromPatient: boolean;
  hiddenFromRepresentatives: boolean;
  secretConnection: boolean;
  /** MODIF_CONF_CODE: the document is known already, only who may see it changes. */
  modifyConfidentiality?: boolean;
  acknowledgeReception: boolean;
  acknowledgeReading: boolean;
  sender?: Party;
  recipients: Party[];
  replyTo?: Party;
  /** Decoded texts of CORPSMAIL_PS and CORPSMAIL_PATIENT. */
  bodyProfessional?: string;
  bodyPatient?: string;
}

/** A person, structure or mailbox named by a PRT segment. */
export interface Party {
  person?: { identifier?: Identifier; family?: string; given?: string };
  organization?: { identifier?: Identifier; name?: string };
  mail?: string;
}
