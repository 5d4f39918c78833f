import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type CharsetName, charset, charsetNamed } from '../../../src/formats/hl7v2/charset.ts';
import { read, write } from '../../../src/formats/hl7v2/index.ts';
import { message } from './messages.ts';

const found = (bytes: Uint8Array) => read(bytes).faults.map((one) => `${one.severity} ${one.code}`);
const familyOf = (bytes: Uint8Array) => read(bytes).tree.PID[0]!.f5?.[0]?.name?.family;
const named = (set: string, family: string) =>
  message(`PID|1||5^^^CH-A||${family}^ZOÉ`, { charset: set }).toString('utf8');

describe('names of MSH-18', () => {
  test.each([
    ['UNICODE UTF-8', 'utf-8'],
    ['unicode  utf-8', 'utf-8'],
    ['UTF8', 'utf-8'],
    ['8859/1', 'iso-8859-1'],
    ['8859/15', 'iso-8859-15'],
    ['ISO 8859-15', 'iso-8859-15'],
    ['ASCII', 'ascii'],
    ['UNICODE UTF-16', 'utf-16le'],
    ['KLINGON', undefined],
    ['constructor', undefined],
  ])('%s is %s', (name, expected) => {
    expect(charsetNamed(name)).toBe(expected);
  });
});

describe('reading', () => {
  test('each set gives the same letters', () => {
    for (const [set, name] of [
      ['UNICODE UTF-8', 'utf-8'],
      ['8859/15', 'iso-8859-15'],
      ['WINDOWS-1252', 'windows-1252'],
    ] as const) {
      const bytes = charset(name).encode(named(set, 'LŒUVRE-€Ž'));
      expect(familyOf(bytes)).toBe('LŒUVRE-€Ž');
      expect(found(bytes)).toEqual([]);
      expect(Buffer.from(write(read(bytes).tree)).equals(Buffer.from(bytes))).toBe(true);
    }
  });

  test('UTF-16 in both orders, with and without its mark', () => {
    for (const [name, mark] of [
      ['utf-16le', '\ufeff'],
      ['utf-16be', '\ufeff'],
      ['utf-16le', ''],
      ['utf-16be', ''],
    ] as const) {
      const bytes = charset(name).encode(mark + named('UNICODE UTF-16', 'ŒUF'));
      expect(familyOf(bytes)).toBe('ŒUF');
      expect(Buffer.from(write(read(bytes).tree)).equals(Buffer.from(bytes))).toBe(true);
    }
  });

  test('bytes that the announced set does not have are an error, and still readable', () => {
    const bytes = Buffer.from(named('UNICODE UTF-8', 'É'), 'latin1');
    expect(found(bytes)).toEqual(['error hl7-charset-invalid']);
    expect(familyOf(bytes)).toBe('É');
    expect(found(Buffer.from(named('ASCII', 'É'), 'utf8'))).toEqual(['error hl7-charset-invalid']);
    expect(Buffer.from(write(read(bytes).tree)).equals(bytes)).toBe(true);
  });

  test('characters of Windows in 8859/1 are read as such, with a warning', () => {
    const bytes = charset('windows-1252').encode(named('8859/1', 'L’ŒUF'));
    expect(familyOf(bytes)).toBe('L’ŒUF');
    expect(found(bytes)).toEqual(['warning hl7-charset-doubtful']);
  });

  test('an unknown or missing name falls back to what the bytes are', () => {
    expect(familyOf(Buffer.from(named('KLINGON', 'É'), 'utf8'))).toBe('É');
    expect(found(Buffer.from(named('KLINGON', 'É'), 'utf8'))).toEqual(['warning hl7-charset-unknown']);
    expect(familyOf(Buffer.from(named('KLINGON', 'É'), 'latin1'))).toBe('É');
    const silent = named('UNICODE UTF-8', 'É').replace('|UNICODE UTF-8', '|');
    expect(found(Buffer.from(silent, 'utf8'))).toEqual(['warning hl7-charset-missing']);
    expect(found(Buffer.from(silent.replaceAll('É', 'E'), 'utf8'))).toEqual([]);
  });
});

test('every codec gives back the bytes it read', () => {
  const names: CharsetName[] = ['ascii', 'utf-8', 'utf-16le', 'utf-16be', 'iso-8859-1', 'iso-8859-15', 'windows-1252'];
  fc.assert(
    fc.property(fc.constantFrom(...names), fc.uint8Array({ maxLength: 64 }), (name, bytes) => {
      const codec = charset(name);
      if (!codec.valid(bytes)) return;
      expect(Buffer.from(codec.encode(codec.decode(bytes)))).toEqual(Buffer.from(bytes));
    }),
    { numRuns: 1000 },
  );
});
