import { expect, test } from '@jest/globals';
import { type Mapped, Prepared } from '../../src/pipeline/prepared.ts';

const rooms = { translator: {}, pathway: {} } as never;
const mapped = (): Mapped => ({
  unwrapped: { parts: [], faults: [] },
  conversion: { drafts: [], intents: [], faults: [], unmapped: [], traces: [], maps: {} },
});

test('a conversion is given away once, and only to who has the same maps and rules', () => {
  const prepared = new Prepared();
  const one = mapped();
  prepared.keep('a', one, 100, rooms);
  expect(prepared.take('a', rooms)).toBe(one);
  expect(prepared.take('a', rooms)).toBeUndefined();
  prepared.keep('b', one, 100, rooms);
  expect(prepared.take('b', { translator: {}, pathway: {} } as never)).toBeUndefined();
  expect(prepared.take('b', rooms)).toBeUndefined();
});

test('what is kept is bounded, in number and in bytes', () => {
  const prepared = new Prepared();
  for (let at = 0; at < 1000; at++) prepared.keep(`n${at}`, mapped(), 1000, rooms);
  const kept = Array.from({ length: 1000 }, (_, at) => prepared.take(`n${at}`, rooms)).filter(Boolean);
  expect(kept.length).toBeGreaterThan(10);
  expect(kept.length).toBeLessThan(500);

  prepared.keep('large', mapped(), 100_000_000, rooms);
  expect(prepared.take('large', rooms)).toBeUndefined();
  prepared.keep('after', mapped(), 1000, rooms);
  expect(prepared.take('after', rooms)).toBeDefined();
});
