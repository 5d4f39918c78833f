import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeBase64 } from '../../../src/formats/hl7v2/base64.ts';
import { read, write } from '../../../src/formats/hl7v2/index.ts';
import { message } from './messages.ts';

const XML = '<?xml version="1.0"?><ClinicalDocument xmlns="urn:hl7-org:v3"/>';
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const obx = (five: string, type = 'ED', three = '11488-4^CR^LN') => `OBX|1|${type}|${three}||${five}||||||F`;
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');

describe('base64', () => {
  test('any bytes, padded or not, with blanks or escapes anywhere, come back', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.boolean(),
        fc.array(fc.tuple(fc.nat(400), fc.constantFrom(' ', '\r\n', '\\.br\\', '\t', '\\X0D\\')), { maxLength: 5 }),
        (bytes, padded, blanks) => {
          let encoded = Buffer.from(bytes).toString('base64');
          if (!padded) encoded = encoded.replace(/=+$/, '');
          // From the end to the beginning, so that no blank stands inside another.
          for (const [at, blank] of [...blanks].sort((x, y) => y[0] - x[0])) {
            const cut = Math.min(at, bytes.length);
            encoded = encoded.slice(0, cut) + blank + encoded.slice(cut);
          }
          const result = decodeBase64(Buffer.from(encoded));
          expect(result.illegalAt).toBeUndefined();
          expect(Buffer.from(result.bytes)).toEqual(Buffer.from(bytes));
        },
      ),
      { numRuns: 500 },
    );
  });

  test('more than one piece', () => {
    const bytes = Buffer.from(Array.from({ length: 200_001 }, (_, i) => i % 251));
    const clean = Buffer.from(bytes.toString('base64'));
    expect(Buffer.from(decodeBase64(clean).bytes).equals(bytes)).toBe(true);
    const wrapped = Buffer.from(bytes.toString('base64').replace(/.{76}/g, '$&\r\n'));
    expect(Buffer.from(decodeBase64(wrapped).bytes).equals(bytes)).toBe(true);
  });

  test('what is no base64 is named with its offset; a lone last character is a cut end', () => {
    expect(decodeBase64(Buffer.from('QUJD*UJD'))).toMatchObject({ illegalAt: 4 });
    expect(text(decodeBase64(Buffer.from('QUJD*UJD')).bytes)).toBe('ABC');
    expect(decodeBase64(Buffer.from('QUJDR'))).toMatchObject({ truncated: true });
    expect(text(decodeBase64(Buffer.from('QUJDR')).bytes)).toBe('ABC');
    expect(decodeBase64(Buffer.from('QQ=='))).toMatchObject({ unpadded: false });
    expect(decodeBase64(Buffer.from('QQ'))).toMatchObject({ unpadded: true });
  });
});

describe('OBX-5', () => {
  test.each([
    ['^text^XML^Base64^', 'text/xml'],
    ['^TEXT^xml^BASE64^', 'text/xml'],
    ['^^^Base64^', 'text/xml'],
    ['^application^pdf^Base64^', 'application/pdf'],
    ['^application/xml^^Base64^', 'application/xml'],
  ])('%s is %s', (head, contentType) => {
    const { parts, tree, faults } = read(message(obx(head + base64(XML))));
    expect(parts).toMatchObject([{ place: 'OBX[1]-5', contentType }]);
    expect(text(parts[0]!.bytes)).toBe(XML);
    expect(tree.document[0]).toMatchObject({ event: 'new', payload: { place: 'OBX[1]-5', part: 0, size: XML.length } });
    expect(tree.OBX[0]!.f11?.[0]?.text).toBe('F');
    expect(faults.filter((one) => one.severity === 'error')).toEqual([]);
  });

  test('bytes come back as they were, whatever the payload looked like', () => {
    for (const data of [
      base64(XML),
      base64(XML).replace(/=+$/, ''),
      base64(XML).replace(/.{20}/g, '$&\r\n'),
      '',
      '***',
    ]) {
      const bytes = message(
        'PID|1||5^^^CH-A||É^B',
        obx(`^text^XML^Base64^${data}`),
        obx(`^text^XML^Base64^${data}~^text^XML^Base64^${data}`),
      );
      expect(Buffer.from(write(read(bytes).tree)).equals(bytes)).toBe(true);
    }
  });

  test('lines of base64 inside the field', () => {
    const { parts, faults } = read(message(obx(`^text^XML^Base64^${base64(XML).replace(/.{30}/g, '$&\r\n')}`)));
    expect(text(parts[0]!.bytes)).toBe(XML);
    expect(faults.map((one) => one.code)).toEqual(['hl7-line-joined']);
  });

  test('several repetitions are several parts', () => {
    const { parts } = read(message(obx(`^text^XML^Base64^${base64(XML)}~^text^XML^Base64^${base64('<a/>')}`)));
    expect(parts.map((one) => [one.place, text(one.bytes)])).toEqual([
      ['OBX[1]-5', XML],
      ['OBX[1]-5[2]', '<a/>'],
    ]);
  });

  test('hexadecimal and plain encodings', () => {
    expect(text(read(message(obx(`^text^XML^Hex^${Buffer.from(XML).toString('hex')}`))).parts[0]!.bytes)).toBe(XML);
    const plain = XML.replaceAll('^', '\\S\\').replaceAll('&', '\\T\\');
    expect(text(read(message(obx(`^text^XML^A^${plain}`))).parts[0]!.bytes)).toBe(XML);
  });

  test('what cannot be decoded is an error at its place', () => {
    const { faults, parts } = read(message(obx('^text^XML^Base64^PGE+*!')));
    expect(faults).toMatchObject([{ severity: 'error', code: 'payload-encoding', place: 'OBX[1]-5' }]);
    expect(parts).toHaveLength(1);
  });

  test('mail texts stay in the tree, in the metadata', () => {
    const { tree, parts } = read(
      message(
        obx(`^text^^Base64^${base64('Cher confrère')}`, 'ED', 'CORPSMAIL_PS^Corps^MetaDMPMSS'),
        obx('Y^^x', 'CWE', 'DESTDMP^x^MetaDMPMSS'),
      ),
    );
    expect(parts).toEqual([]);
    expect(tree.metadata).toEqual({ CORPSMAIL_PS: 'Cher confrère', DESTDMP: true });
    expect(tree.order).toEqual([]);
  });

  test('a flag that hides, said twice, hides', () => {
    const flag = (answer: string): string => obx(`${answer}^^x`, 'CWE', 'INVISIBLE_PATIENT^x^MetaDMPMSS');
    expect(read(message(flag('Y'), flag('N'))).tree.metadata).toEqual({ INVISIBLE_PATIENT: true });
  });
});
