/** MSH read by itself: what a door needs to acknowledge a message it has not decoded, in microseconds. */
import type { Separators } from './escape.ts';

/** Fields of MSH as written. Texts are the message's bytes one by one (latin1), so that they can be echoed unread. */
export interface Envelope {
  separators: Separators;
  encodingCharacters: string;
  application: string;
  facility: string;
  receivingApplication: string;
  receivingFacility: string;
  /** MSH-9.1 and MSH-9.2. */
  type: string;
  event: string;
  controlId: string;
  processingId: string;
  version: string;
  /** MSH-15 and MSH-16, conditions of the enhanced acknowledgement: AL, NE, ER, SU. */
  acceptAcknowledgement: string;
  applicationAcknowledgement: string;
  country: string;
  charset: string;
}

/** A header longer than this is not one. */
const LONGEST = 8192;
/** Longest field that is echoed. */
const ECHOED = 250;

/** Never throws; what is not there is empty. */
export function envelope(bytes: Uint8Array): Envelope {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, LONGEST));
  const start = buffer.subarray(0, 80).indexOf('MSH');
  const text = start < 0 ? '' : headerLine(buffer.toString('latin1', start));
  const bar = text[3] ?? '|';
  const fields = text.split(bar);
  const characters = fields[1] ?? '^~\\&';
  const usable = /^[^\s\w]{1,9}$/.test(characters) && !characters.includes(bar);
  const one = (number: number): string => clean(fields[number - 1] ?? '');
  const encodingCharacters = usable ? characters : '^~\\&';
  const component = encodingCharacters[0]!;
  const [type = '', event = ''] = one(9).split(component);
  // A separator of several bytes (`˜` in UTF-8) leaves the last two where they always are: at the end.
  const separators: Separators = {
    field: bar,
    component,
    repetition: encodingCharacters[1] ?? '',
    escape: encodingCharacters.length > 2 ? encodingCharacters.at(-2)! : '',
    subcomponent: encodingCharacters.length > 3 ? encodingCharacters.at(-1)! : '',
  };
  return {
    separators,
    encodingCharacters,
    application: one(3),
    facility: one(4),
    receivingApplication: one(5),
    receivingFacility: one(6),
    type,
    event,
    controlId: one(10),
    processingId: one(11),
    version: one(12),
    acceptAcknowledgement: one(15),
    applicationAcknowledgement: one(16),
    country: one(17),
    charset: one(18).split('~')[0]!.trim(),
  };
}

function headerLine(text: string): string {
  const end = text.search(/[\r\n]/);
  return end < 0 ? text : text.slice(0, end);
}

/** Echoed text cannot break out of its field: no control characters, no endless length. */
function clean(field: string): string {
  const short = field.length > ECHOED ? field.slice(0, ECHOED) : field;
  return /[\x00-\x1f\x7f]/.test(short) ? short.replace(/[\x00-\x1f\x7f]/g, '') : short;
}
