/** Documents and texts carried in ED values (OBX-5). */

import type { Part } from '../../conversion.ts';
import { type Fault, fault, warning } from '../../errors.ts';
import { decodeBase64 } from './base64.ts';
import type { Charset } from './charset.ts';
import { repetitionPlace, segmentPlace } from './place.ts';
import type { Cut, RawSegment } from './split.ts';
import type { Payload, Segment } from './tree.ts';
import { type Reading, wholeText } from './values.ts';

/** MIME types by ED.2 and ED.3 (tables 0191 and 0291), upper case; ED.3 alone decides when it is known. */
const bySubtype: Record<string, string> = {
  XML: 'text/xml',
  'X-HL7-CDA-LEVEL-ONE': 'text/xml',
  PDF: 'application/pdf',
  HTML: 'text/html',
  RTF: 'application/rtf',
  JPEG: 'image/jpeg',
  JPG: 'image/jpeg',
  PNG: 'image/png',
  TIFF: 'image/tiff',
  GIF: 'image/gif',
  PLAIN: 'text/plain',
  'OCTET-STREAM': 'application/octet-stream',
};

/** Decodes every payload of an OBX; documents go to `parts`, plain texts stay in the tree. */
export function payloads(segment: Segment, raw: RawSegment, parts: Part[], reading: Reading): void {
  const found: Payload[] = [];
  for (const cut of raw.cuts ?? []) {
    found.push(payload(segment, cut, decoded(segment, cut, reading.faults), parts, reading.charset));
  }
  if (found.length === 0) {
    const plain = plainPayload(segment, raw, parts, reading);
    if (plain) found.push(plain);
  }
  if (found[0]) segment.payload = found[0];
}

function decoded(segment: Segment, cut: Cut, faults: Fault[]): Uint8Array {
  const place = placeOf(segment, cut.repetition);
  const encoding = segment.f5?.[cut.repetition]?.c4?.s1?.trim() ?? 'Base64';
  if (/^hex$/i.test(encoding)) {
    const text = Buffer.from(cut.encoded).toString('latin1').trim();
    if (!/^(?:[0-9a-f]{2})*$/i.test(text))
      faults.push(fault('payload-encoding', { place, params: { encoding: 'Hex' } }));
    return Buffer.from(text, 'hex');
  }
  const result = decodeBase64(cut.encoded);
  if (result.illegalAt !== undefined) faults.push(fault('payload-encoding', { place, params: { encoding: 'Base64' } }));
  else if (result.unpadded || result.truncated) faults.push(warning('payload-unpadded', { place }));
  return result.bytes;
}

function payload(segment: Segment, cut: Cut, bytes: Uint8Array, parts: Part[], charset: Charset): Payload {
  const place = placeOf(segment, cut.repetition);
  const value = segment.f5?.[cut.repetition];
  const subtype = value?.c3?.s1?.trim().toUpperCase() ?? '';
  const contentType = contentTypeOf(value?.c2?.s1?.trim().toUpperCase() ?? '', subtype, bytes);
  const form: Payload = { place, contentType, size: bytes.length };
  if (contentType === 'text/plain' && isText(segment, subtype)) form.text = textOf(bytes, charset);
  else {
    form.part = parts.length;
    parts.push({ place, contentType, bytes });
  }
  return form;
}

const placeOf = (segment: Segment, repetition: number): string =>
  repetitionPlace(`${segmentPlace(segment)}-5`, repetition);

function contentTypeOf(type: string, subtype: string, bytes: Uint8Array): string {
  if (Object.hasOwn(bySubtype, subtype)) return bySubtype[subtype]!;
  if (type.includes('/') && /^[A-Z0-9.+/-]{3,80}$/.test(type)) return type.toLowerCase();
  const head = Buffer.from(bytes.subarray(0, 64)).toString('latin1').trimStart();
  if (head.startsWith('%PDF-')) return 'application/pdf';
  if (/^(\xef\xbb\xbf)?\s*</.test(head)) return 'text/xml';
  return type === '' || type === 'TEXT' || type === 'TX' || type === 'FT' ? 'text/plain' : 'application/octet-stream';
}

/** A mail text (CORPSMAIL_PS, CORPSMAIL_PATIENT, the body in the LPS profile): ED.3 is empty or PLAIN, and no document. */
function isText(segment: Segment, subtype: string): boolean {
  return subtype === '' || subtype === 'PLAIN' || (segment.f3?.[0]?.c1?.s1 ?? '').startsWith('CORPSMAIL');
}

/** Encoded texts are UTF-8 in practice; when they are not, they are in the message's own set. */
function textOf(bytes: Uint8Array, charset: Charset): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const utf8 = buffer.toString('utf8');
  return utf8.includes('\ufffd') ? charset.decode(bytes) : utf8;
}

/** ED with encoding `A`: the data stand in the field as escaped text. */
function plainPayload(segment: Segment, raw: RawSegment, parts: Part[], reading: Reading): Payload | undefined {
  const value = segment.f5?.[0];
  if (segment.f2?.[0]?.c1?.s1?.trim() !== 'ED' || !/^a$/i.test(value?.c4?.s1?.trim() ?? '')) return undefined;
  const { separators } = reading;
  const caret = separators.component;
  const data = (raw.fields[5] ?? '').split(caret).slice(4).join(caret);
  if (data === '') return undefined;
  const text = wholeText({ fields: ['', data], end: '' }, 1, reading);
  const bytes = Buffer.from(text, 'utf8');
  return payload(segment, { field: 5, repetition: 0, at: 0, encoded: bytes }, bytes, parts, reading.charset);
}
