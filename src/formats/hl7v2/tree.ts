/** The plain tree of an HL7 v2 message, as maps see it; the README of this folder describes it for their authors. */
import type { Address, ContactPoint, HumanName, Identifier, Quantity, Range, Ratio } from '@medplum/fhirtypes';
import type { Separators } from './escape.ts';
import type { RawSegment } from './split.ts';

/** A component: its sub-components as text, escapes resolved; `s1` is the whole of one without sub-components. */
export type Component = { [subcomponent: `s${number}`]: string };

/** A coded value ready for `translate` and `cc`. */
export interface Coded {
  system?: string;
  code?: string;
  display?: string;
  text?: string;
  translations?: { system?: string; code: string; display?: string }[];
}

/** A person named by XCN. */
export interface Person {
  /** National identifiers as `src/formats/national.ts` gives them. */
  identifier: Identifier[];
  name?: HumanName;
}

/** A structure named by XON, or by a component of another type. */
export interface Organization {
  identifier: Identifier[];
  name?: string;
}

/** A place named by PL; each level as written. */
export interface PersonLocation {
  identifier?: Identifier;
  unit?: string;
  room?: string;
  bed?: string;
  facility?: string;
  status?: string;
  kind?: string;
  building?: string;
  floor?: string;
  description?: string;
  /** All levels in one line. */
  text: string;
}

/**
 * One repetition of a field: components `c1`, `c2` … (absent when empty), `text` when there is only one, and the form ready
 * for FHIR that its datatype has.
 */
export type Repetition = {
  [component: `c${number}`]: Component;
  text?: string;
  identifier?: Identifier;
  name?: HumanName;
  /** XPN.3: every given name of the birth certificate. */
  givenNames?: string;
  person?: Person;
  organization?: Organization;
  address?: Address;
  /** XAD.9, the INSEE code of the commune. */
  insee?: string;
  telecom?: ContactPoint;
  coded?: Coded;
  location?: PersonLocation;
  /** HD as a URI. */
  system?: string;
  /** FHIR date, at most day precision. */
  date?: string;
  /** FHIR dateTime with the precision and offset of the source. */
  dateTime?: string;
};

/** One segment; field n is `fn`, a list of repetitions, absent when empty. */
export type Segment = {
  [field: `f${number}`]: Repetition[];
} & Partial<ObservationValue>;

/** OBX-5 by OBX-2, and what goes with it; only on OBX segments. */
export interface ObservationValue {
  valueQuantity: Quantity;
  valueString: string;
  valueCoded: Coded;
  valueDateTime: string;
  valueTime: string;
  valueRange: Range;
  valueRatio: Ratio;
  referenceRange: { text: string; low?: Quantity; high?: Quantity };
  payload: Payload;
}

/** A decoded ED value; its bytes are in `Decoded.parts` when `part` is given. */
export interface Payload {
  /** That of its part: `OBX[1]-5`. */
  place: string;
  contentType: string;
  size: number;
  /** Index in `Decoded.parts`. */
  part?: number;
  /** The text itself of a plain-text value that is not a document (CORPSMAIL, mail body). */
  text?: string;
}

/** An OBX with the PRT and NTE that follow it. */
export interface ObservationGroup {
  OBX: Segment[];
  NTE: Segment[];
  PRT: Segment[];
}

/** ORC and OBR with what belongs to them (ORU^R01 ORDER_OBSERVATION). */
export interface OrderGroup {
  ORC: Segment[];
  OBR: Segment[];
  NTE: Segment[];
  PRT: Segment[];
  SPM: Segment[];
  /** Results: OBX that are neither documents nor metadata. */
  observation: ObservationGroup[];
  /** The printed report of the results (PDF, picture), where the message is no exchange of documents. */
  attachment: AttachmentGroup[];
}

/** An OBX that carries a file. */
export interface AttachmentGroup extends ObservationGroup {
  payload: Payload;
}

/** A document carried by an OBX, with the order and TXA it belongs to. */
export interface DocumentGroup extends ObservationGroup {
  ORC: Segment[];
  OBR: Segment[];
  TXA: Segment[];
  payload: Payload;
  /** By the event of an MDM, else OBX-11, else ORC-1. */
  event: 'new' | 'replace' | 'withdraw';
}

/** A patient of the message (several in a merge) and the record that is retired into it. */
export interface PatientGroup {
  PID: Segment[];
  PD1: Segment[];
  MRG: Segment[];
  PV1: Segment[];
}

/** MSH in words. */
export interface MessageHeader {
  type: string;
  event: string;
  structure?: string;
  controlId: string;
  processingId?: string;
  /** `2.5`, without country and profile. */
  version?: string;
  application?: string;
  facility?: string;
  receivingApplication?: string;
  receivingFacility?: string;
  dateTime?: string;
  /** MSH-21.1 and .2, first repetition: `2.1^CISIS_CDA_HL7_V2`. */
  profile?: string;
}

/** What the CI-SIS metadata OBX ask; only those that were sent. Names as in version 2.1 of the profile. */
export interface Metadata {
  MASQUE_PS?: boolean;
  INVISIBLE_PATIENT?: boolean;
  INVISIBLE_REP_LEGAUX?: boolean;
  CONNEXION_SECRETE?: boolean;
  MODIF_CONF_CODE?: boolean;
  DESTDMP?: boolean;
  DESTMSSANTEPS?: boolean;
  DESTMSSANTEPAT?: boolean;
  ACK_RECEPTION?: boolean;
  ACK_LECTURE_MSS?: boolean;
  /** NTE-4 FIN after DESTMSSANTEPAT. */
  FIN?: boolean;
  /** Decoded mail texts. */
  CORPSMAIL_PS?: string;
  CORPSMAIL_PATIENT?: string;
  /** The mail that brought the document (profile for practice software): Message-ID, subject, words. */
  MAIL?: { id?: string; subject?: string; body: string };
}

/** A PRT in words: PRT-4 role, person, structure, mailbox. */
export interface Participation {
  /** `SB` sender, `RCT` recipient, `REPLY` reply address. */
  role: string;
  person?: { identifier?: Identifier; family?: string; given?: string };
  organization?: { identifier?: Identifier; name?: string };
  mail?: string;
}

/** What is needed to write the very same bytes again. Not enumerable in the tree: maps and accounts do not see it. */
export interface Raw {
  separators: Separators;
  charset: { announced?: string; used: string; unknown?: boolean };
  /** Bytes before MSH (byte-order mark, framing, blanks) and those that were not read. */
  lead: Uint8Array;
  rest: Uint8Array;
  segments: RawSegment[];
}

/** Segments by name: `tree.PID[0].f3[0].c1.s1`. */
type Segments = { [name: `${Uppercase<string>}`]: Segment[] };

/** A message as maps read it: its segments, and the groups they form. */
export type Hl7v2Tree = Segments & {
  message: MessageHeader;
  patient: PatientGroup[];
  order: OrderGroup[];
  document: DocumentGroup[];
  metadata: Metadata;
  participation: Participation[];
  raw: Raw;
};
