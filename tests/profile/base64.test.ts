import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isBase64 } from '../../src/profile/primitives.ts';

const letters = [...'ABCDabcd0123+/=-_ \n\téÿĀŁűꙁ'];
const text = fc.oneof(
  fc.string({ unit: fc.constantFrom(...letters), maxLength: 16 }),
  fc.string({ unit: fc.constantFrom(...letters.slice(0, 15)), maxLength: 16 }),
  fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('base64')),
);

test('base64 is what the grammar says, white space aside', () => {
  fc.assert(
    fc.property(text, (value) => {
      const plain = value.replace(/\s+/g, '');
      expect(isBase64(value)).toBe(plain.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(plain));
    }),
    { numRuns: 3000 },
  );
});

test.each([65_532, 65_536, 65_540, 131_072])('%d letters, whole and with one wrong anywhere', (length) => {
  const value = 'QUJD'.repeat(length / 4);
  expect(isBase64(value)).toBe(true);
  expect(isBase64(`${value.slice(0, -2)}==`)).toBe(true);
  for (const at of [0, 1, 65_535, 65_536, length - 1]) {
    for (const wrong of ['*', '-', 'Ł', '=']) {
      if (at >= length || (wrong === '=' && at === length - 1)) continue;
      expect(isBase64(`${value.slice(0, at)}${wrong}${value.slice(at + 1)}`)).toBe(false);
    }
  }
});
