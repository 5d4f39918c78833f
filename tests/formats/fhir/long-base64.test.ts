import { expect, test } from '@jest/globals';
import { LongBase64 } from '../../../src/formats/fhir/long-base64.ts';

const bytes = (length: number) => new Uint8Array(length).map((_, at) => at % 251);

test('is written as the base64 of its bytes, whatever their number', () => {
  for (const length of [70_000, 70_001, 70_002]) {
    const text = Buffer.from(bytes(length)).toString('base64');
    const data = new LongBase64(bytes(length));
    expect(JSON.parse(JSON.stringify({ data }))).toEqual({ data: text });
    expect(`${data}`).toBe(text);
    expect(data).toHaveLength(text.length);
  }
});

test('gives its bytes away, and can then not be taken for an empty document', () => {
  const data = new LongBase64(bytes(70_000));
  const given = data.give();
  structuredClone(given, { transfer: [given.buffer] });
  expect(() => JSON.stringify({ data })).toThrow('given away');
  expect(() => data.bytes).toThrow('given away');
});

test('gives a copy of bytes that others use', () => {
  const whole = bytes(140_000);
  const inside = new LongBase64(whole.subarray(10, 70_010));
  const shared = new LongBase64(whole, true);
  for (const data of [inside, shared]) {
    const given = data.give();
    structuredClone(given, { transfer: [given.buffer] });
  }
  expect(whole).toEqual(bytes(140_000));
  expect(inside.toString()).toBe(Buffer.from(bytes(140_000).subarray(10, 70_010)).toString('base64'));
});
