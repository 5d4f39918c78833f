/** Tree → bytes, and messages made here. */
import { type Charset, type CharsetName, charset } from './charset.ts';
import { escapeText, type Separators, STANDARD } from './escape.ts';
import { treeOf } from './read.ts';
import type { RawSegment } from './split.ts';
import { limits } from './split.ts';
import type { Hl7v2Tree } from './tree.ts';

/**
 * The very bytes a tree was read from: separators, escapes, empty trailing fields, line ends, byte-order mark, payloads and
 * all. A message that was UTF-16 is written as UTF-16.
 */
export function write(tree: Hl7v2Tree): Uint8Array {
  const { raw } = tree;
  const utf16 = raw.charset.used === 'utf-16le' || raw.charset.used === 'utf-16be';
  const text = charset(utf16 ? 'utf-8' : (raw.charset.used as CharsetName));
  const pieces: Uint8Array[] = [raw.lead];
  for (const segment of raw.segments) pieces.push(...segmentBytes(segment, raw.separators, text));
  pieces.push(raw.rest);
  const bytes = Buffer.concat(pieces);
  return utf16 ? charset(raw.charset.used as CharsetName).encode(bytes.toString('utf8')) : bytes;
}

function segmentBytes(segment: RawSegment, separators: Separators, text: Charset): Uint8Array[] {
  const bar = separators.field;
  const fields = isHeader(segment) ? [segment.fields[0]!, ...segment.fields.slice(2)] : segment.fields;
  const line = fields.join(bar) + segment.end;
  if (!segment.cuts) return [text.encode(line)];
  const before = segment.fields.slice(0, segment.cuts[0]!.field).reduce((sum, one) => sum + one.length + bar.length, 0);
  const pieces: Uint8Array[] = [];
  let at = 0;
  for (const cut of segment.cuts) {
    pieces.push(text.encode(line.slice(at, before + cut.at)), cut.encoded);
    at = before + cut.at;
  }
  pieces.push(text.encode(line.slice(at)));
  return pieces;
}

const isHeader = (segment: RawSegment): boolean => /^(MSH|FHS|BHS)$/.test(segment.fields[0]!);

/** A component to be written: text is escaped, a list is sub-components, bytes are written as Base64. */
export type WrittenComponent = string | string[] | Uint8Array | undefined;
/** A field to be written: text, a list of components, or several of either. */
export type Written = string | undefined | WrittenComponent[] | { repetitions: (string | WrittenComponent[])[] };

/** Makes a message: each segment is its name and its fields from 1 (for MSH from MSH-3). */
export function compose(segments: [name: string, ...fields: Written[]][], set: CharsetName = 'utf-8'): Hl7v2Tree {
  const raws = segments.map(([name, ...fields]) => {
    const texts = fields.map(fieldText);
    while (texts.length > 0 && texts.at(-1) === '') texts.pop();
    return { fields: name === 'MSH' ? ['MSH', '|', '^~\\&', ...texts] : [name, ...texts], end: '\r' };
  });
  const nothing = new Uint8Array(0);
  const raw = { separators: STANDARD, charset: { used: set }, lead: nothing, rest: nothing, segments: raws };
  return treeOf(raw, [], { separators: STANDARD, charset: charset(set), faults: [], budget: limits.values });
}

function fieldText(field: Written): string {
  if (field === undefined) return '';
  if (typeof field === 'string') return escapeText(field);
  if (!Array.isArray(field)) return field.repetitions.map(fieldText).join(STANDARD.repetition);
  const components = field.map(componentText);
  while (components.length > 0 && components.at(-1) === '') components.pop();
  return components.join(STANDARD.component);
}

function componentText(component: WrittenComponent): string {
  if (component === undefined) return '';
  if (typeof component === 'string') return escapeText(component);
  if (component instanceof Uint8Array) return Buffer.from(component).toString('base64');
  return component.map((one) => escapeText(one)).join(STANDARD.subcomponent);
}
