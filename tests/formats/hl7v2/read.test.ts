import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { read, write } from '../../../src/formats/hl7v2/index.ts';
import { message, segments } from './messages.ts';

const codes = (faults: { code: string; severity: string }[]): string[] =>
  faults.map((one) => `${one.severity} ${one.code}`);

describe('structure', () => {
  test('fields, repetitions, components and sub-components by their numbers', () => {
    const { tree, faults } = read(
      message('PID|1||77^^^CH-A&1.2.250.1.999.7&ISO^PI~88^^^&&^PT||NOM^PRENOM^A B^^^^L~AUTRE^^^^^^D'),
    );
    expect(faults).toEqual([]);
    const pid = tree.PID[0]!;
    expect(pid.f1?.[0]?.text).toBe('1');
    expect(pid.f2).toBeUndefined();
    expect(pid.f3?.[0]?.c4).toEqual({ s1: 'CH-A', s2: '1.2.250.1.999.7', s3: 'ISO' });
    expect(pid.f3?.[1]).toMatchObject({ c1: { s1: '88' }, c5: { s1: 'PT' } });
    expect(pid.f5?.map((one) => one.c7?.s1)).toEqual(['L', 'D']);
  });

  test('MSH in words, whatever the case of its codes', () => {
    const { tree } = read(message());
    expect(tree.message).toEqual({
      type: 'ADT',
      event: 'A08',
      structure: 'ADT_A01',
      controlId: 'MSG-1',
      processingId: 'P',
      version: '2.5',
      application: 'GAM',
      facility: 'CH-ALPHA',
      receivingApplication: 'PASSERELLE',
      receivingFacility: 'CH-BETA',
      dateTime: '2024-01-15T10:30:00+01:00',
      profile: '2.11^IHE_FRANCE-2.11-PAM',
    });
  });

  test.each([
    ['CR', '\r'],
    ['LF', '\n'],
    ['CRLF', '\r\n'],
  ])('segments end with %s', (_, end) => {
    const bytes = message('PID|1||5^^^CH-A||A^B', 'PV1|1|I', { end });
    const { tree, faults } = read(bytes);
    expect([tree.PID.length, tree.PV1.length, faults.length]).toEqual([1, 1, 0]);
    expect(Buffer.from(write(tree))).toEqual(Buffer.from(bytes));
  });

  test('a byte-order mark, MLLP framing and blank lines around a message are kept aside', () => {
    const inner = message('PID|1||5^^^CH-A||A^B');
    for (const [before, after] of [
      ['\xef\xbb\xbf', ''],
      ['\x0b', '\x1c\r'],
      ['\r\n\r\n', '\r\n\r\n'],
    ]) {
      const bytes = Buffer.concat([Buffer.from(before!, 'latin1'), inner, Buffer.from(after!, 'latin1')]);
      const { tree, faults } = read(bytes);
      expect(faults).toEqual([]);
      expect(tree.PID[0]!.f5?.[0]?.name?.family).toBe('A');
      expect(Buffer.from(write(tree))).toEqual(bytes);
    }
  });

  test('separators are those of MSH-1 and MSH-2, also of more than one byte', () => {
    const custom = read(Buffer.from('MSH$*!?%$APP$FAC$R$F$20240115$$ADT*A08$1$P$2.5\rPID$1$$7*%*X*CH?S?A%1%N!8$$D\r'));
    expect(custom.tree.raw.separators).toMatchObject({
      field: '$',
      component: '*',
      repetition: '!',
      escape: '?',
      subcomponent: '%',
    });
    expect(custom.tree.PID[0]!.f3?.[0]?.c4).toEqual({ s1: 'CH*A', s2: '1', s3: 'N' });
    expect(custom.tree.PID[0]!.f3?.[1]?.c1?.s1).toBe('8');
    const tilde = read(
      Buffer.from('MSH|^˜\\&|APP|FAC|R|F|20240115||ADT^A08|1|P|2.5||||||UNICODE UTF-8\rPID|1||7^^^A˜8^^^B\r'),
    );
    expect(tilde.tree.PID[0]!.f3?.map((one) => one.c1?.s1)).toEqual(['7', '8']);
  });

  test('a line that is no segment belongs to the one before', () => {
    const { tree, faults } = read(message('NTE|1||first line\nsecond | line\nthird', 'PV1|1|I', { end: '\r' }));
    expect(tree.NTE[0]!.f3?.[0]?.text).toBe('first line\nsecond ');
    expect(tree.PV1.length).toBe(1);
    expect(codes(faults)).toEqual(['warning hl7-line-joined']);
  });

  test.each(['', 'PID|1', 'MSH', 'MSHA^~\\&A', 'MSH|^^^^|A', 'hello', '<ClinicalDocument/>'])(
    '%j is no message',
    (text) => {
      const { tree, faults } = read(Buffer.from(text));
      expect(codes(faults)).toEqual(['error hl7-not-a-message']);
      expect(tree.message.type).toBe('');
      expect(Buffer.from(write(tree)).toString()).toBe(text);
    },
  );

  test('names of segments and properties of objects never meet', () => {
    const { tree } = read(message('ZZZ|__proto__^constructor', 'CON|1'));
    expect(tree.ZZZ[0]!.f1?.[0]?.c1?.s1).toBe('__proto__');
    expect(Object.getPrototypeOf(tree)).toBe(Object.prototype);
  });

  test('hostile counts are bounded and said', () => {
    const many = read(message(`PID|${'|'.repeat(100_000)}`));
    expect(codes(many.faults)).toEqual(['error hl7-too-complex']);
    const repeated = read(message(`PID|1||${'a~'.repeat(400_000)}`));
    expect(codes(repeated.faults)).toContain('error hl7-too-complex');
    for (const fill of ['a&', 'a^', '\\', '\\X41\\']) {
      const filled = message(`NTE|1||${fill.repeat(1_000_000)}`);
      expect(codes(read(filled).faults)).toEqual(['error hl7-too-complex']);
      expect(Buffer.from(write(read(filled).tree)).equals(filled)).toBe(true);
    }
    const long = message(...Array.from({ length: 30_000 }, (_, i) => `NTE|${i}`));
    const lines = read(long);
    expect(codes(lines.faults)).toContain('error hl7-too-complex');
    expect(Buffer.from(write(lines.tree)).equals(Buffer.from(long))).toBe(true);
  });
});

describe('escape sequences', () => {
  const text = (raw: string): string | undefined => read(message(`NTE|1||${raw}`)).tree.NTE[0]!.f3?.[0]?.text;

  test.each([
    ['a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f', 'a|b^c&d~e\\f'],
    ['\\XC3A9\\t\\X41\\', 'étA'],
    ['one\\.br\\two\\.sp2\\three', 'one\ntwo\n\nthree'],
    ['\\H\\bold\\N\\ \\.in+4\\text\\.sk3\\end', 'bold text   end'],
    ['C:\\temp', 'C:\\temp'],
    ['a\\Q\\b \\X4\\ \\XZZ\\', 'a\\Q\\b \\X4\\ \\XZZ\\'],
    ['\\.br', '\\.br'],
    ['100\\E\\\\E\\', '100\\\\'],
  ])('%s', (raw, expected) => {
    expect(text(raw)).toBe(expected);
  });
});

describe('round trip', () => {
  const piece = fc.string({ maxLength: 12, unit: fc.constantFrom(...'aZé€0 ^~\\&|.XEFSTR"$') });
  const line = fc.tuple(fc.constantFrom('PID', 'OBX', 'NTE', 'ZZ1', 'PV1'), fc.array(piece, { maxLength: 8 }));

  test('whatever fields hold, the same bytes come back', () => {
    fc.assert(
      fc.property(fc.array(line, { maxLength: 8 }), fc.constantFrom('\r', '\n', '\r\n'), (lines, end) => {
        const bytes = message(...lines.map(([name, fields]) => [name, ...fields].join('|')), { end });
        expect(Buffer.from(write(read(bytes).tree)).equals(Buffer.from(bytes))).toBe(true);
      }),
    );
  });

  test('marks of UTF-16 without a message behind them come back', () => {
    for (const bytes of [Buffer.of(0xfe, 0xff), Buffer.of(0xff, 0xfe, 0x4d), Buffer.of(0xfe, 0xff, 0, 0x4d, 0, 0x53)])
      expect(Buffer.from(write(read(bytes).tree)).equals(bytes)).toBe(true);
  });

  test('any bytes at all are read without an error being thrown, and come back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (noise, withHeader) => {
        const bytes = withHeader ? Buffer.concat([message(), Buffer.from(noise)]) : Buffer.from(noise);
        expect(Buffer.from(write(read(bytes).tree)).equals(bytes)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

test('places name segment, field, repetition, component and sub-component', () => {
  const decoded = read(
    message('PID|1||5^^^CH-A~6^^^CH-B&1.2.3&ISO||A^B', 'OBX|1|NM|1-8^X^LN||5|mg', 'OBX|2|NM|1-8^X^LN||6|mg'),
  );
  const at = (...path: (string | number)[]): string => decoded.places!(path, {});
  expect(at('PID', 0, 'f3', 1, 'c4', 's2')).toBe('PID-3[2].4.2');
  expect(at('patient', 0, 'PID', 0, 'f3', 0, 'identifier', 'value')).toBe('PID-3.1');
  expect(at('PID', 0, 'f5', 0, 'name', 'given', 0)).toBe('PID-5.2');
  expect(at('OBX', 1, 'valueQuantity', 'value')).toBe('OBX[2]-5');
  expect(at('order', 0, 'observation', 1, 'OBX', 0, 'f3', 0, 'coded', 'code')).toBe('OBX[2]-3.1');
  expect(at('message', 'controlId')).toBe('MSH-10');
  expect(segments(decoded.tree)).toEqual(['MSH', 'PID', 'OBX', 'OBX']);
});
