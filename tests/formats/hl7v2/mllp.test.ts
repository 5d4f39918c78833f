import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Frame, frame, frameDecoder } from '../../../src/formats/hl7v2/mllp.ts';

const VT = '\x0b';
const END = '\x1c\r';

/** All frames of a stream that arrives in pieces of these sizes, over and over. */
function decode(stream: Uint8Array, cuts: number[], maxBytes = 10_000): Frame[] {
  const decoder = frameDecoder({ maxBytes });
  const frames: Frame[] = [];
  let at = 0;
  for (let i = 0; at < stream.length; i++) {
    const next = at + cuts[i % cuts.length]!;
    frames.push(...decoder.push(stream.subarray(at, next)));
    at = next;
  }
  return frames;
}

const told = (frames: Frame[]): string[] =>
  frames.map((one) => `${one.kind} ${Buffer.from(one.bytes).toString('latin1')}`);
const cuts = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 20 });
/** Text without the marks; a message may hold FS, VT and CR by themselves. */
const text = fc.string({ maxLength: 60, unit: fc.constantFrom(...'MSH|^~\\&aé0\r\n ') }).map((one) => `MSH|${one}`);

describe('frames', () => {
  test('however the stream is cut, what was framed comes out', () => {
    fc.assert(
      fc.property(fc.array(text, { maxLength: 8 }), cuts, (messages, sizes) => {
        const stream = Buffer.concat(messages.map((one) => Buffer.from(frame(Buffer.from(one)))));
        const frames = decode(stream, sizes);
        expect(frames.map((one) => one.kind)).toEqual(messages.map(() => 'message'));
        expect(frames.map((one) => Buffer.from(one.bytes).toString())).toEqual(messages);
      }),
    );
  });

  test('the frames of a stream do not depend on how it is cut', () => {
    const piece = fc.oneof(
      text,
      fc.constantFrom(VT, END, '\x1c', '\r', '\n', 'noise', 'MSH|a', `${VT}MSH|b`, `${VT}x`),
    );
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 12 }),
        cuts,
        fc.integer({ min: 5, max: 80 }),
        (pieces, sizes, maxBytes) => {
          const stream = Buffer.from(pieces.join(''), 'latin1');
          const [whole, cut] = [decode(stream, [stream.length || 1], maxBytes), decode(stream, sizes, maxBytes)];
          expect(cut.map((one) => [one.kind, one.size])).toEqual(whole.map((one) => [one.kind, one.size]));
          expect(told(cut).filter((one) => one.startsWith('message'))).toEqual(
            told(whole).filter((one) => one.startsWith('message')),
          );
        },
      ),
      { numRuns: 500 },
    );
  });

  test('after any noise the next framed message comes out', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), cuts, (noise, sizes) => {
        const stream = Buffer.concat([Buffer.from(noise), Buffer.from(frame(Buffer.from('MSH|^~\\&|last')))]);
        expect(told(decode(stream, sizes)).at(-1)).toBe('message MSH|^~\\&|last');
      }),
      { numRuns: 500 },
    );
  });

  test('each kind', () => {
    const all = (stream: string, maxBytes?: number): string[] =>
      told(decode(Buffer.from(stream, 'latin1'), [7], maxBytes));
    expect(all(`${VT}MSH|1${END}\r\n \0${VT}MSH|2${END}`)).toEqual(['message MSH|1', 'message MSH|2']);
    expect(all(`MSH|1${END}${VT}MSH|2${END}`)).toEqual(['unframed MSH|1', 'message MSH|2']);
    expect(all(`${VT}MSH|1${VT}MSH|2${END}`)).toEqual(['truncated MSH|1', 'message MSH|2']);
    expect(all(`${VT}MSH|1 \x0b x${END}`)).toEqual(['message MSH|1 \x0b x']);
    expect(all(`${VT}MSH|1 \x1c x${END}`)).toEqual(['message MSH|1 \x1c x']);
    expect(all(`${VT}MSH|1\x1c${VT}MSH|2\x1c\n`)).toEqual(['message MSH|1', 'message MSH|2']);
    expect(all(`${VT}${END}`)).toEqual(['message ']);
    expect(all(`${VT}MSH|${'x'.repeat(50)}${END}${VT}MSH|2${END}`, 20)).toEqual([
      expect.stringMatching(/^oversized MSH\|x+$/),
      'message MSH|2',
    ]);
  });

  test('what is too long is dropped as it comes, its head is kept', () => {
    const decoder = frameDecoder({ maxBytes: 100_000 });
    decoder.push(Buffer.from(`${VT}MSH|head|`));
    for (let i = 0; i < 100; i++) decoder.push(Buffer.alloc(65_536, 0x41));
    expect(decoder.pending()).toBe(9 + 100 * 65_536);
    const [one] = decoder.push(Buffer.from(END));
    expect(one).toMatchObject({ kind: 'oversized', size: 9 + 100 * 65_536 });
    expect(one!.bytes.length).toBeLessThanOrEqual(8192);
    expect(Buffer.from(one!.bytes).toString()).toMatch(/^MSH\|head\|A+$/);
  });

  test('an end without its CR is complete when nothing follows', () => {
    const decoder = frameDecoder({ maxBytes: 100 });
    expect(decoder.push(Buffer.from(`${VT}MSH|1\x1c`))).toEqual([]);
    expect(told(decoder.flush())).toEqual(['message MSH|1']);
    expect(decoder.flush()).toEqual([]);
    expect(decoder.pending()).toBe(0);
  });
});
