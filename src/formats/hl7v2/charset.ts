/**
 * Character sets of MSH-18 (HL7 table 0211, https://www.hl7.eu/HL7v2x/v251/std251/ch02a.html), by the names that French
 * senders write. Every codec here is exact in both directions: `encode(decode(bytes))` is `bytes` whenever `valid(bytes)`.
 */
import { isAscii, isUtf8 } from 'node:buffer';

/** Character sets a message may be in (table 0211 and what senders use for it). */
export type CharsetName = 'ascii' | 'utf-8' | 'utf-16le' | 'utf-16be' | 'iso-8859-1' | 'iso-8859-15' | 'windows-1252';

/** Reads and writes the texts of one character set. */
export interface Charset {
  name: CharsetName;
  /** The text of bytes [from, to). */
  decode(bytes: Uint8Array, from?: number, to?: number): string;
  /** Characters the set lacks are written as `?`. */
  encode(text: string): Uint8Array;
  /** True when the bytes can be read in this set without loss. */
  valid(bytes: Uint8Array): boolean;
}

const aliases: Record<string, CharsetName> = {
  'UNICODE UTF-8': 'utf-8',
  'UTF-8': 'utf-8',
  UTF8: 'utf-8',
  'UNICODE UTF8': 'utf-8',
  UNICODE: 'utf-8',
  'ISO IR192': 'utf-8',
  'UNICODE UTF-16': 'utf-16le',
  'UTF-16': 'utf-16le',
  'UTF-16LE': 'utf-16le',
  'UTF-16BE': 'utf-16be',
  'UNICODE UTF-16LE': 'utf-16le',
  'UNICODE UTF-16BE': 'utf-16be',
  ASCII: 'ascii',
  'US-ASCII': 'ascii',
  'ISO IR6': 'ascii',
  '8859/1': 'iso-8859-1',
  '8859-1': 'iso-8859-1',
  'ISO-8859-1': 'iso-8859-1',
  'ISO 8859-1': 'iso-8859-1',
  'ISO8859-1': 'iso-8859-1',
  'ISO-8859/1': 'iso-8859-1',
  'ISO IR100': 'iso-8859-1',
  LATIN1: 'iso-8859-1',
  '8859/15': 'iso-8859-15',
  '8859-15': 'iso-8859-15',
  'ISO-8859-15': 'iso-8859-15',
  'ISO 8859-15': 'iso-8859-15',
  'ISO8859-15': 'iso-8859-15',
  'ISO-8859/15': 'iso-8859-15',
  LATIN9: 'iso-8859-15',
  'WINDOWS-1252': 'windows-1252',
  CP1252: 'windows-1252',
};

/** The set behind a name of MSH-18; undefined when the name is not one of the table. */
export function charsetNamed(name: string): CharsetName | undefined {
  const key = Object.hasOwn(aliases, name) ? name : name.trim().replace(/\s+/g, ' ').toUpperCase();
  return Object.hasOwn(aliases, key) ? aliases[key] : undefined;
}

/** The character set of that name. */
export function charset(name: CharsetName): Charset {
  return charsets[name];
}

const buffer = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const strictUtf16le = new TextDecoder('utf-16le', { fatal: true, ignoreBOM: true });

/** Code points of the bytes 0x80–0x9F in windows-1252, https://encoding.spec.whatwg.org/index-windows-1252.txt */
const WINDOWS_1252 = [
  0x20ac, 0x81, 0x201a, 0x192, 0x201e, 0x2026, 0x2020, 0x2021, 0x2c6, 0x2030, 0x160, 0x2039, 0x152, 0x8d, 0x17d, 0x8f,
  0x90, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x2dc, 0x2122, 0x161, 0x203a, 0x153, 0x9d, 0x17e, 0x178,
];
/** Where ISO 8859-15 differs from 8859-1. */
const LATIN_9: [number, number][] = [
  [0xa4, 0x20ac],
  [0xa6, 0x160],
  [0xa8, 0x161],
  [0xb4, 0x17d],
  [0xb8, 0x17e],
  [0xbc, 0x152],
  [0xbd, 0x153],
  [0xbe, 0x178],
];

const charsets: Record<CharsetName, Charset> = {
  ascii: {
    name: 'ascii',
    decode: (bytes, from, to) => buffer(bytes).toString('latin1', from, to),
    encode: (text) => singleByte(text, (code) => (code < 0x80 ? code : undefined)),
    valid: isAscii,
  },
  'utf-8': {
    name: 'utf-8',
    decode: (bytes, from, to) => buffer(bytes).toString('utf8', from, to),
    encode: (text) => Buffer.from(text, 'utf8'),
    valid: isUtf8,
  },
  'utf-16le': {
    name: 'utf-16le',
    decode: (bytes, from, to) => buffer(bytes).toString('utf16le', from, to),
    encode: (text) => Buffer.from(text, 'utf16le'),
    valid: isUtf16le,
  },
  'utf-16be': {
    name: 'utf-16be',
    decode: (bytes, from, to) => swapped(bytes).toString('utf16le', from, to),
    encode: (text) => Buffer.from(text, 'utf16le').swap16(),
    valid: (bytes) => bytes.length % 2 === 0 && isUtf16le(swapped(bytes)),
  },
  'iso-8859-1': {
    name: 'iso-8859-1',
    decode: (bytes, from, to) => buffer(bytes).toString('latin1', from, to),
    encode: (text) => singleByte(text, (code) => (code < 0x100 ? code : undefined)),
    valid: hasNoControls,
  },
  'iso-8859-15': mapped('iso-8859-15', new Map(LATIN_9), hasNoControls),
  'windows-1252': mapped('windows-1252', new Map(WINDOWS_1252.map((code, i) => [0x80 + i, code])), () => true),
};

function isUtf16le(bytes: Uint8Array): boolean {
  if (bytes.length % 2 !== 0) return false;
  try {
    strictUtf16le.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

function swapped(bytes: Uint8Array): Buffer {
  const even = bytes.length - (bytes.length % 2);
  return Buffer.from(bytes.subarray(0, even)).swap16();
}

/** The C1 controls are never text: where they stand, the set announced is not the set written. */
function hasNoControls(bytes: Uint8Array): boolean {
  if (isAscii(bytes)) return true;
  return bytes.every((byte) => byte < 0x80 || byte > 0x9f);
}

function singleByte(text: string, byteOf: (code: number) => number | undefined): Uint8Array {
  const bytes = Buffer.allocUnsafe(text.length);
  let length = 0;
  for (const character of text) bytes[length++] = byteOf(character.codePointAt(0)!) ?? 0x3f;
  return bytes.subarray(0, length);
}

function mapped(name: CharsetName, codeOf: Map<number, number>, valid: Charset['valid']): Charset {
  const byteOf = new Map([...codeOf].map(([byte, code]) => [code, byte]));
  const special = new RegExp(`[${[...codeOf.keys()].map((byte) => `\\x${byte.toString(16)}`).join('')}]`, 'g');
  return {
    name,
    decode: (bytes, from, to) =>
      buffer(bytes)
        .toString('latin1', from, to)
        .replace(special, (character) => String.fromCharCode(codeOf.get(character.charCodeAt(0))!)),
    encode: (text) =>
      singleByte(text, (code) => byteOf.get(code) ?? (code < 0x100 && !codeOf.has(code) ? code : undefined)),
    valid,
  };
}
