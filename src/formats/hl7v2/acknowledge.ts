/**
 * Acknowledgements, https://www.hl7.eu/HL7v2x/v251/std251/ch02.html#Heading34 and the error annex of the CI-SIS volets
 * "Transmission de documents CDA en HL7 v2" and "… aux LPS".
 */
import type { ErrorEntry } from '../../errors/entry.ts';
import { type Fault, isError, register, sentence } from '../../errors.ts';
import { charset, charsetNamed } from './charset.ts';
import { type Envelope, envelope } from './envelope.ts';
import { escapeText } from './escape.ts';
import type { Hl7v2Tree } from './tree.ts';
import { write } from './write.ts';

/**
 * Original mode: AA accepted, AE content at fault, AR refused by circumstances. Enhanced mode (MSH-15 and MSH-16 were sent):
 * CA, CE, CR for the commit.
 */
export type AcknowledgementCode = 'AA' | 'AE' | 'AR' | 'CA' | 'CE' | 'CR';

/** What the acknowledgement is to say. */
export interface Answer {
  code: AcknowledgementCode;
  /** Errors become ERR segments, worst first; warnings are not told to a sender whose message was accepted. */
  faults: Fault[];
  /** MSH-10 of the acknowledgement. */
  controlId: string;
  at: Date;
}

/** ERR-3.2, table 0357. */
const conditions: Record<string, string> = {
  '0': 'Message accepted',
  '100': 'Segment sequence error',
  '101': 'Required field missing',
  '102': 'Data type error',
  '103': 'Table value not found',
  '198': 'Non-Conformant Cardinality',
  '199': 'Other HL7 Error',
  '200': 'Unsupported message type',
  '201': 'Unsupported event code',
  '202': 'Unsupported processing id',
  '203': 'Unsupported version id',
  '204': 'Unknown key identifier',
  '205': 'Duplicate key identifier',
  '206': 'Application record locked',
  '207': 'Application internal error',
};

/** ERR-5.2, the application codes of the annex. */
const applicationCodes: Record<string, string> = {
  '900': 'La version du document n’est pas la dernière',
  '901': 'Auteur non autorisé à remplacer ou supprimer le document',
  '902': 'Patient inconnu',
  '903': 'Document sans INS',
  '904': 'INS ou traits différents',
  '905': 'INS sans tous ses traits',
  '906': 'Autre erreur',
};

const MOST_ERRORS = 20;

/**
 * The acknowledgement of a message, in the sender's character set: sender and receiver swapped, `ACK^T02^ACK` for
 * `MDM^T02^…`, MSA-2 the control id as it was written, one ERR for each error. A request without a readable MSH gets one with
 * what little is known.
 */
export function acknowledge(request: Uint8Array | Hl7v2Tree | Envelope, answer: Answer): Uint8Array {
  const seen = envelopeOf(request);
  const set = charset(charsetNamed(seen.charset) ?? 'utf-8');
  const ownSet = set.name.startsWith('utf-16') ? charset('utf-8') : set;
  const { field: bar, component: caret } = seen.separators;
  const event = seen.event === '' ? '' : `${caret}${seen.event}`;
  const type = `ACK${event}${event === '' ? '' : `${caret}ACK`}`;
  const announced = ownSet === set && seen.charset !== '' ? seen.charset : 'UNICODE UTF-8';
  const msh = [
    `MSH${bar}${seen.encodingCharacters}`,
    seen.receivingApplication,
    seen.receivingFacility,
    seen.application,
    seen.facility,
    timestamp(answer.at),
    '',
    type,
    answer.controlId,
    seen.processingId || 'P',
    seen.version || '2.5',
    '',
    '',
    '',
    '',
    seen.country,
    announced,
  ];
  const lines = `${msh.join(bar)}\r${['MSA', answer.code, seen.controlId].join(bar)}\r`;
  const errors = answer.code.endsWith('A') ? [] : answer.faults.filter(isError);
  // What was copied from the request is bytes of the sender's set already (held as latin1); our sentences are encoded here.
  const head = Buffer.from(lines, 'latin1');
  if (errors.length === 0) return head;
  const told = errors.slice(0, MOST_ERRORS).map((one) => errorSegment(one, seen));
  return Buffer.concat([head, ownSet.encode(ownSet.name === 'utf-8' ? told.join('') : plain(told.join('')))]);
}

function envelopeOf(request: Uint8Array | Hl7v2Tree | Envelope): Envelope {
  if (request instanceof Uint8Array) return envelope(request);
  return 'encodingCharacters' in request ? (request as Envelope) : envelope(write(request as Hl7v2Tree));
}

function errorSegment(found: Fault, seen: Envelope): string {
  const { separators } = seen;
  const caret = separators.component;
  const entry: ErrorEntry = register[found.code];
  const safe = (text: string): string => escapeText(text, separators);
  const condition = [entry.err3, conditions[entry.err3] ?? '', 'HL70357'].join(caret);
  const application = entry.err5
    ? [entry.err5, safe(applicationCodes[entry.err5] ?? ''), 'HL70533', found.code, '', 'passerelle'].join(caret)
    : [found.code, '', 'passerelle'].join(caret);
  const told = safe(sentence(found, 'fr').slice(0, 250));
  const fields = ['ERR', '', location(found.place, caret), condition, 'E', application, '', '', told];
  return `${fields.join(separators.field)}\r`;
}

/** ERL: `PID-3[2].4.2` → `PID^1^3^2^4^2`. Empty when the place is not one of a segment. */
export function location(place: string | undefined, caret: string): string {
  const match = /^([A-Z][A-Z0-9]{2})(?:\[(\d+)\])?(?:-(\d+)(?:\[(\d+)\])?(?:\.(\d+)(?:\.(\d+))?)?)?/.exec(place ?? '');
  if (!match) return '';
  const [, segment, occurrence = '1', field = '', repetition, component, subcomponent] = match;
  const parts = [segment!, occurrence, field];
  if (repetition ?? component) parts.push(repetition ?? '1');
  if (component) parts.push(component);
  if (subcomponent) parts.push(subcomponent);
  while (parts.at(-1) === '') parts.pop();
  return parts.join(caret);
}

/** The typographic characters of our sentences that the Latin sets lack. */
function plain(text: string): string {
  return text
    .replace(/[‘’]/g, "'")
    .replace(/[“”«»]/g, '"')
    .replace(/[–—]/g, '-')
    .replaceAll('…', '...');
}

let second = 0;
let written = '';

/** MSH-7 in UTC with its offset, to the second; the text is kept for the second it is of. */
function timestamp(at: Date): string {
  const now = Math.floor(at.getTime() / 1000);
  if (now !== second) {
    second = now;
    written = `${at.toISOString().slice(0, 19).replace(/[-:T]/g, '')}+0000`;
  }
  return written;
}
