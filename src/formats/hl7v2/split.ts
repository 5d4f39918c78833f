/** Bytes → segments, payloads and text, before any text is decoded. */
import type { Charset } from './charset.ts';
import { isSegmentName, nameAt } from './dictionary.ts';
import type { Escaped, Separators } from './escape.ts';

const CR = 0x0d;
const LF = 0x0a;

/** Where one segment stands in the bytes: its line [start, end) and its terminator [end, next). */
export interface Line {
  start: number;
  end: number;
  next: number;
}

/** A payload cut out of a segment: the encoded bytes, and where they stood in its text. */
export interface Cut {
  field: number;
  /** Repetition from 0. */
  repetition: number;
  /** Offset in the field's text as written. */
  at: number;
  /** The bytes as written (a view, not a copy). */
  encoded: Uint8Array;
}

/** One segment as written: `fields[n]` is field n (0 the name), escapes untouched, payloads missing at their cuts. */
export interface RawSegment {
  fields: string[];
  end: string;
  cuts?: Cut[];
}

/** Limits against hostile input; far above anything a real message holds. */
export const limits = {
  segments: 20_000,
  fieldsPerSegment: 2_000,
  values: 300_000,
  /** Lines that are no segment, joined to the one before: base64 in lines of 76 up to 150 MB. */
  joinedLines: 2_000_000,
  faults: 200,
};

/**
 * Segments end with CR, LF or CRLF (the standard says CR, files have all three). A line that does not begin like a segment
 * belongs to the one before: text with raw line breaks, base64 in lines of 76.
 */
export function* lines(
  bytes: Buffer,
  from: number,
  to: number,
  fieldSeparator: number,
): Generator<Line & { joined: boolean }> {
  let start = from;
  let joined = false;
  let left = limits.joinedLines;
  let search = from;
  let cr = -2;
  let lf = -2;
  while (start < to) {
    if (cr !== -1 && cr < search) cr = bytes.indexOf(CR, search);
    if (lf !== -1 && lf < search) lf = bytes.indexOf(LF, search);
    const end = Math.min(cr < 0 || cr >= to ? to : cr, lf < 0 || lf >= to ? to : lf);
    let next = Math.min(end + 1, to);
    if (end < to && bytes[end] === CR && bytes[end + 1] === LF && next < to) next++;
    while (next < to && (bytes[next] === CR || bytes[next] === LF)) next++;
    if (next < to && !startsSegment(bytes, next, to, fieldSeparator)) {
      joined = true;
      search = --left > 0 ? next : to;
      continue;
    }
    yield { start, end, next, joined };
    start = next;
    search = next;
    joined = false;
  }
}

function startsSegment(bytes: Buffer, at: number, to: number, fieldSeparator: number): boolean {
  const [a, b, c] = [bytes[at]!, bytes[at + 1] ?? 0, bytes[at + 2] ?? 0];
  if (!isLetter(a) || !isLetterOrDigit(b) || !isLetterOrDigit(c)) return false;
  const after = at + 3 >= to ? CR : bytes[at + 3];
  if (after === fieldSeparator) return true;
  return (after === CR || after === LF) && isSegmentName(bytes.toString('latin1', at, at + 3));
}

const isLetter = (byte: number): boolean => byte >= 0x41 && byte <= 0x5a;
const isLetterOrDigit = (byte: number): boolean => isLetter(byte) || (byte >= 0x30 && byte <= 0x39);

/**
 * Finds the encoded data of an encapsulated value (OBX-2 ED, OBX-5.5, encoding Base64 or Hex) in a segment's bytes, one
 * range for each repetition. https://www.hl7.eu/HL7v2x/v251/std251/ch02a.html (ED)
 */
export function payloadRanges(bytes: Buffer, line: Line, separators: Separators, charset: Charset): [number, number][] {
  if (!isObservation(bytes, line.start)) return NONE;
  const bar = charset.encode(separators.field);
  let at = line.start;
  const starts: number[] = [at];
  for (let field = 1; field <= 5; field++) {
    const found = before(bytes, bar, at, line.end);
    if (found === line.end) return [];
    at = found + bar.length;
    starts.push(at);
  }
  if (bytes.toString('latin1', starts[2]!, starts[3]! - bar.length).trim() !== 'ED') return [];
  const end = before(bytes, bar, at, line.end);
  const ranges: [number, number][] = [];
  const tilde = charset.encode(separators.repetition);
  while (at <= end) {
    const stop = tilde.length > 0 ? before(bytes, tilde, at, end) : end;
    const range = dataRange(bytes, at, stop, charset.encode(separators.component));
    if (range) ranges.push(range);
    at = stop + Math.max(1, tilde.length);
  }
  return ranges;
}

const NONE: [number, number][] = [];

/** OBX: the only segment with payloads. */
function isObservation(bytes: Buffer, at: number): boolean {
  return bytes[at] === 0x4f && bytes[at + 1] === 0x42 && bytes[at + 2] === 0x58;
}

/** The fifth component, when the fourth says that it is encoded. */
function dataRange(bytes: Buffer, from: number, to: number, caret: Uint8Array): [number, number] | undefined {
  let at = from;
  let encoding = '';
  for (let component = 1; component <= 4; component++) {
    const found = before(bytes, caret, at, to);
    if (found === to) return undefined;
    encoding = bytes.toString('latin1', at, Math.min(found, at + 16));
    at = found + caret.length;
  }
  if (!/^\s*(base64|hex)\s*$/i.test(encoding)) return undefined;
  const end = before(bytes, caret, at, to);
  return end > at ? [at, end] : undefined;
}

/** Offset of the mark in [from, to), else `to`; never looks further, or many short segments would cost their square. */
function before(bytes: Buffer, mark: Uint8Array, from: number, to: number): number {
  const found = bytes.subarray(from, to).indexOf(mark);
  return found < 0 ? to : from + found;
}

/** The text of one segment as fields, with the payloads of `ranges` left out. */
export function rawSegment(
  bytes: Buffer,
  line: Line,
  ranges: [number, number][],
  { separators, charset }: Pick<Escaped, 'separators' | 'charset'>,
): RawSegment {
  const usual = line.next === line.end + 1 && bytes[line.end] === CR;
  const end = usual ? '\r' : charset.decode(bytes, line.end, line.next);
  let text = '';
  const places: number[] = [];
  let at = line.start;
  for (const [from, to] of ranges) {
    text += charset.decode(bytes, at, from);
    places.push(text.length);
    at = to;
  }
  text += charset.decode(bytes, at, line.end);
  const fields = splitFields(text, separators.field);
  if (fields[0]!.length === 3) fields[0] = nameAt(bytes, line.start) ?? fields[0]!;
  const name = fields[0];
  if (name === 'MSH' || name === 'FHS' || name === 'BHS') fields.splice(1, 0, separators.field);
  if (ranges.length === 0) return { fields, end };
  const offset = fields.slice(0, 5).reduce((sum, field) => sum + field.length + separators.field.length, 0);
  const cuts = ranges.map(([from, to], i) => {
    const place = places[i]! - offset;
    const before =
      separators.repetition === '' ? 0 : fields[5]!.slice(0, place).split(separators.repetition).length - 1;
    return { field: 5, repetition: before, at: place, encoded: bytes.subarray(from, to) };
  });
  return { fields, end, cuts };
}

/** At most `limits.fieldsPerSegment` fields; what is beyond stays together in the last. */
function splitFields(text: string, separator: string): string[] {
  if (text.length < limits.fieldsPerSegment) return text.split(separator);
  const fields = text.split(separator, limits.fieldsPerSegment + 1);
  if (fields.length <= limits.fieldsPerSegment) return fields;
  fields.pop();
  const kept = fields.slice(0, -1).reduce((sum, field) => sum + field.length + separator.length, 0);
  fields[fields.length - 1] = text.slice(kept);
  return fields;
}
