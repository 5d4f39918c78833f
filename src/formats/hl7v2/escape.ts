/** Escape sequences of HL7 v2 text, https://www.hl7.eu/HL7v2x/v251/std251/ch02.html#Heading24 */
import type { Charset } from './charset.ts';

/** The five characters of MSH-1 and MSH-2 (six with the truncation mark of v2.7), as written. */
export interface Separators {
  field: string;
  component: string;
  repetition: string;
  escape: string;
  subcomponent: string;
  truncation?: string;
}

/** The separators everybody recommends (2.5.4), where a text is made and no message says others. */
export const STANDARD: Separators = { field: '|', component: '^', repetition: '~', escape: '\\', subcomponent: '&' };

/** How the text of one message is to be read. */
export interface Escaped {
  separators: Separators;
  charset: Charset;
  /** Values and escape sequences that may still be read: hostile text holds millions of them. */
  budget: number;
}

/**
 * Text as a person reads it: `\F\ \S\ \T\ \R\ \E\ \P\` become the separators, `\Xhh…\` the bytes in the message's set,
 * formatting commands (`\.br\`, `\.sp3\`, `\.in+4\`) line breaks or blanks, highlighting goes. A sequence nobody defined
 * stays as it stands.
 */
export function unescapeText(raw: string, reading: Escaped): string {
  const { separators, charset } = reading;
  const mark = separators.escape;
  if (mark === '' || !raw.includes(mark)) return raw;
  let text = '';
  let at = 0;
  for (;;) {
    const open = raw.indexOf(mark, at);
    const close = open < 0 ? -1 : raw.indexOf(mark, open + mark.length);
    if (close < 0 || reading.budget-- <= 0) return text + raw.slice(at);
    const meaning = meaningOf(raw.slice(open + mark.length, close), separators, charset);
    text += raw.slice(at, open);
    if (meaning === undefined) {
      text += mark;
      at = open + mark.length;
    } else {
      text += meaning;
      at = close + mark.length;
    }
  }
}

function meaningOf(sequence: string, separators: Separators, charset: Charset): string | undefined {
  switch (sequence) {
    case 'F':
      return separators.field;
    case 'S':
      return separators.component;
    case 'T':
      return separators.subcomponent;
    case 'R':
      return separators.repetition;
    case 'E':
      return separators.escape;
    case 'P':
      return separators.truncation ?? '#';
    case 'H':
    case 'N':
      return '';
  }
  if (sequence.startsWith('.')) return formatting(sequence);
  if (sequence.startsWith('X')) return hexadecimal(sequence.slice(1), charset);
  return undefined;
}

/** Commands of formatted text (FT): a break, a number of breaks or of blanks, or a change of layout that text cannot show. */
function formatting(command: string): string | undefined {
  const match = /^\.(br|sp|sk|in|ti|fi|nf|ce)([+-]?\d{0,3})$/i.exec(command);
  if (!match) return undefined;
  const count = Math.max(1, Number(match[2] || 1));
  switch (match[1]!.toLowerCase()) {
    case 'br':
    case 'ce':
      return '\n';
    case 'sp':
      return '\n'.repeat(count);
    case 'sk':
      return ' '.repeat(count);
    default:
      return '';
  }
}

function hexadecimal(digits: string, charset: Charset): string | undefined {
  if (digits.length === 0 || digits.length % 2 !== 0 || !/^[0-9a-f]+$/i.test(digits)) return undefined;
  const bytes = Buffer.from(digits, 'hex');
  return charset.valid(bytes) ? charset.decode(bytes) : bytes.toString('latin1');
}

/** Text made safe to stand in a component: separators as escapes, line breaks as `\.br\`. */
export function escapeText(text: string, separators: Separators = STANDARD): string {
  const { field, component, repetition, escape: mark, subcomponent } = separators;
  let safe = '';
  for (const character of text) {
    if (character === mark) safe += `${mark}E${mark}`;
    else if (character === field) safe += `${mark}F${mark}`;
    else if (character === component) safe += `${mark}S${mark}`;
    else if (character === subcomponent) safe += `${mark}T${mark}`;
    else if (character === repetition) safe += `${mark}R${mark}`;
    else if (character === '\n') safe += `${mark}.br${mark}`;
    else if (character === '\r') continue;
    else safe += character < ' ' && character !== '\t' ? '' : character;
  }
  return safe;
}
