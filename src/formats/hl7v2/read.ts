/** Bytes → tree. */
import type { Decoded, Part } from '../../conversion.ts';
import { type Fault, fault, isError, warning } from '../../errors.ts';
import { type Charset, charset, charsetNamed } from './charset.ts';
import { decisiveFields } from './decisive.ts';
import { nameAt } from './dictionary.ts';
import type { Separators } from './escape.ts';
import { groups } from './groups.ts';
import { headerOf } from './header.ts';
import { observationValue } from './observation.ts';
import { payloads } from './payload.ts';
import { placesOf } from './place.ts';
import { type Line, limits, lines, payloadRanges, type RawSegment, rawSegment } from './split.ts';
import { tied } from './tied.ts';
import type { Hl7v2Tree, Raw, Segment } from './tree.ts';
import { type Reading, segmentOf } from './values.ts';

const NOTHING = new Uint8Array(0);
const USUAL: Separators = { field: '|', component: '^', repetition: '~', escape: '\\', subcomponent: '&' };

/**
 * Reads one message of any v2 version. Segments may end with CR, LF or CRLF; a byte-order mark or MLLP framing around it is
 * kept aside. Payloads of OBX-5 are cut out of the bytes before text is decoded and are found, decoded, in `parts`.
 *
 * Never throws for content: a message that cannot be read has an empty tree and says why in `faults`.
 */
export function read(bytes: Uint8Array): Decoded<Hl7v2Tree> {
  return readFields(bytes);
}

/**
 * As {@link read}, with the same faults, but of the fields only those that decide the acknowledgement: half the time or less.
 * The tree serves `inspect`, `claims` and what names a message; it cannot be written or mapped.
 */
export function readForInspection(bytes: Uint8Array): Decoded<Hl7v2Tree> {
  return readFields(bytes, decisiveFields);
}

function readFields(bytes: Uint8Array, decisive?: Reading['fieldsOf']): Decoded<Hl7v2Tree> {
  const faults: Fault[] = [];
  const parts: Part[] = [];
  const source = plainBytes(bytes, faults);
  const start = messageStart(source.buffer);
  if (start < 0) return empty(bytes, [...faults, fault('hl7-not-a-message', { place: 'MSH' })]);
  const separators = separatorsOf(source.buffer, start, charset('utf-8'));
  if (!separators) return empty(bytes, [...faults, fault('hl7-not-a-message', { place: 'MSH-2' })]);
  const split = splitLines(source.buffer, start, faults);
  const announced = announcedCharset(source.buffer, split.lines[0]!, separators.field);
  const chosen = chooseCharset(source, source.buffer.subarray(start, split.end), announced, faults);
  const reading: Reading = {
    separators: chosen.name === 'utf-8' ? separators : (separatorsOf(source.buffer, start, chosen) ?? separators),
    charset: chosen,
    faults,
    budget: limits.values,
  };
  const ranges = split.lines.map((line) => payloadRanges(source.buffer, line, reading.separators, chosen));
  if (decisive && !mayExhaust(split.lines, ranges)) reading.fieldsOf = decisive;
  const segments = split.lines.map(
    (line, i) => unread(source.buffer, line, reading) ?? rawSegment(source.buffer, line, ranges[i]!, reading),
  );
  const raw: Raw = {
    separators: reading.separators,
    charset: {
      ...(announced ? { announced } : {}),
      used: source.utf16 ?? chosen.name,
      unknown: faults.some((one) => one.code === 'hl7-charset-unknown'),
    },
    lead: source.buffer.subarray(0, start),
    rest: source.buffer.subarray(split.end),
    segments,
  };
  const tree = treeOf(raw, parts, reading);
  if (Number.isFinite(reading.budget) && reading.budget <= 0) {
    faults.push(fault('hl7-too-complex', { params: { limit: limits.values, what: 'values' } }));
  }
  return { format: 'hl7v2', tree, faults: bounded(faults), parts, places: placesOf(tree), tied };
}

/** Text with more values than are read must be read in full to say so; each takes a byte and counts three times at most. */
function mayExhaust(all: Line[], payloads: [number, number][][]): boolean {
  let bytes = 0;
  for (const { start, end } of all) bytes += end - start;
  for (const ranges of payloads) for (const [from, to] of ranges) bytes -= to - from;
  return bytes > limits.values / 4;
}

/** The mere name of a segment of which no field is asked; undefined when it is to be read, or too long not to be looked at. */
function unread(buffer: Buffer, { start, end }: Line, { fieldsOf }: Reading): RawSegment | undefined {
  if (!fieldsOf || end - start >= limits.fieldsPerSegment) return undefined;
  const name = nameAt(buffer, start) ?? buffer.toString('latin1', start, Math.min(start + 3, end));
  return fieldsOf(name).length === 0 ? { fields: [name], end: '' } : undefined;
}

/** A message that is wrong everywhere says so a number of times, errors first. */
function bounded(faults: Fault[]): Fault[] {
  if (faults.length <= limits.faults) return faults;
  const errors = faults.filter(isError);
  return [...errors, ...faults.filter((one) => one.severity !== 'error')].slice(0, limits.faults);
}

/** The tree over raw segments; also used for messages made here. */
export function treeOf(raw: Raw, parts: Part[], reading: Reading): Hl7v2Tree {
  // The header comes first in it, and is known when its segment was read.
  const tree: Record<string, unknown> = { message: undefined };
  const inOrder: Segment[] = [];
  for (const one of raw.segments) {
    const name = one.fields[0]!;
    let list = tree[name] as Segment[] | undefined;
    if (!list) {
      list = [];
      tree[name] = list;
    }
    const segment = segmentOf(one, list.length + 1, reading);
    if (name === 'OBX') {
      payloads(segment, one, parts, reading);
      observationValue(segment, one, reading);
    }
    list.push(segment);
    inOrder.push(segment);
  }
  const header = headerOf((tree.MSH as Segment[] | undefined)?.[0]);
  tree.message = header;
  const { patient, order, document, metadata, participation } = groups(inOrder, header);
  tree.patient = patient;
  tree.order = order;
  tree.document = document;
  tree.metadata = metadata;
  tree.participation = participation;
  return Object.defineProperty(tree, 'raw', { value: raw }) as unknown as Hl7v2Tree;
}

function empty(bytes: Uint8Array, faults: Fault[]): Decoded<Hl7v2Tree> {
  const raw: Raw = {
    separators: USUAL,
    charset: { used: 'utf-8' },
    lead: NOTHING,
    rest: bytes,
    segments: [],
  };
  const reading = { separators: raw.separators, charset: charset('utf-8'), faults, budget: 0 };
  return { format: 'hl7v2', tree: treeOf(raw, [], reading), faults, parts: [] };
}

interface Source {
  buffer: Buffer;
  /** The bytes were UTF-16 and have been turned into UTF-8. */
  utf16?: 'utf-16le' | 'utf-16be';
}

/** UTF-16 is recognised by its mark or its zero bytes and read as UTF-8, so that all that follows is bytes of one kind. */
function plainBytes(bytes: Uint8Array, faults: Fault[]): Source {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [a, b] = [buffer[0], buffer[1]];
  const little = (a === 0xff && b === 0xfe) || (a === 0x4d && b === 0);
  const big = (a === 0xfe && b === 0xff) || (a === 0 && b === 0x4d);
  if (!little && !big) return { buffer };
  const name = little ? 'utf-16le' : 'utf-16be';
  const codec = charset(name);
  if (!codec.valid(buffer)) {
    faults.push(fault('hl7-charset-invalid', { place: 'MSH-18', params: { announced: 'UNICODE UTF-16' } }));
  }
  return { buffer: Buffer.from(codec.decode(buffer), 'utf8'), utf16: name };
}

/** Offset of `MSH` after a mark, framing or blanks; -1 when it does not come first. */
function messageStart(buffer: Buffer): number {
  let at = buffer[0] === 0xef && buffer[1] === 0xbb && buffer[2] === 0xbf ? 3 : 0;
  const furthest = at + 64;
  while (at < furthest && (buffer[at] === 0x0b || buffer[at] === 0x0d || buffer[at] === 0x0a || buffer[at] === 0x20))
    at++;
  return buffer.toString('latin1', at, at + 3) === 'MSH' ? at : -1;
}

/** MSH-1 and MSH-2. The field separator is one printable ASCII character; the others may be any character of the set. */
function separatorsOf(buffer: Buffer, start: number, set: Charset): Separators | undefined {
  if (buffer.toString('latin1', start + 3, start + 9) === '|^~\\&|') return USUAL;
  const field = buffer[start + 3];
  if (field === undefined || field <= 0x20 || field >= 0x7f || /[0-9A-Za-z]/.test(String.fromCharCode(field)))
    return undefined;
  const head = buffer.subarray(start + 4, start + 40);
  const ends = [field, 0x0d, 0x0a].map((byte) => head.indexOf(byte)).filter((at) => at >= 0);
  const [component, repetition = '', mark = '', subcomponent = '', truncation, ...more] = [
    ...set.decode(head.subarray(0, Math.min(...ends, head.length))),
  ];
  const bar = String.fromCharCode(field);
  const all = [bar, component, repetition, mark, subcomponent].filter((one) => one !== '');
  if (!component || more.length > 0 || new Set(all).size !== all.length) return undefined;
  if (all.some((one) => one !== undefined && /[0-9A-Za-z\s]/.test(one))) return undefined;
  return { field: bar, component, repetition, escape: mark, subcomponent, ...(truncation ? { truncation } : {}) };
}

function splitLines(buffer: Buffer, start: number, faults: Fault[]): { lines: Line[]; end: number } {
  let to = buffer.length;
  const framing = buffer.subarray(Math.max(start, to - 8)).indexOf(0x1c);
  if (framing >= 0) to = Math.max(start, to - 8) + framing;
  const found: Line[] = [];
  let joined = false;
  for (const line of lines(buffer, start, to, buffer[start + 3]!)) {
    if (found.length === limits.segments) {
      faults.push(fault('hl7-too-complex', { params: { limit: limits.segments, what: 'segments' } }));
      return { lines: found, end: line.start };
    }
    found.push({ start: line.start, end: line.end, next: line.next });
    joined ||= line.joined;
  }
  if (joined) faults.push(warning('hl7-line-joined'));
  return { lines: found, end: to };
}

/** MSH-18, first repetition, as written. */
function announcedCharset(buffer: Buffer, msh: Line, field: string): string | undefined {
  const fields = buffer.toString('latin1', msh.start, Math.min(msh.end, msh.start + 4096)).split(field);
  const name = fields[17]?.trim();
  return name === '' ? undefined : name;
}

function chooseCharset(source: Source, text: Buffer, announced: string | undefined, faults: Fault[]): Charset {
  const place = 'MSH-18';
  const utf8 = charset('utf-8');
  if (source.utf16) return utf8;
  const named =
    announced === undefined ? undefined : (charsetNamed(announced) ?? charsetNamed(announced.split('~')[0]!));
  const valid = (one: Charset): boolean => one.valid(text);
  const readable = (): Charset => (valid(utf8) ? utf8 : charset('windows-1252'));
  if (announced !== undefined && named === undefined) {
    faults.push(warning('hl7-charset-unknown', { place }));
    return readable();
  }
  if (named === undefined) {
    if (!valid(charset('ascii'))) {
      faults.push(warning('hl7-charset-missing', { place, params: { used: readable().name } }));
    }
    return readable();
  }
  const set = named === 'utf-16le' || named === 'utf-16be' ? utf8 : charset(named);
  if (valid(set)) return set;
  if (named === 'iso-8859-1' || named === 'iso-8859-15') {
    faults.push(warning('hl7-charset-doubtful', { place, params: { announced: announced! } }));
    return charset('windows-1252');
  }
  faults.push(fault('hl7-charset-invalid', { place, params: { announced: announced!.slice(0, 40) } }));
  return readable();
}
