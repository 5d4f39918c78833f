import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { answers, interval, type Prefix } from '../../src/store/dates.ts';
import { type Fixture, openFixture } from './fixture.ts';

const PREFIXES: Prefix[] = ['eq', 'ne', 'gt', 'lt', 'ge', 'le', 'sa', 'eb', 'ap'];

describe('a date as an interval', () => {
  test.each([
    ['2026', '2025-12-31T23:00:00.000Z', '2026-12-31T22:59:59.999Z'],
    ['2026-03', '2026-02-28T23:00:00.000Z', '2026-03-31T21:59:59.999Z'],
    ['2026-03-29', '2026-03-28T23:00:00.000Z', '2026-03-29T21:59:59.999Z'],
    ['2026-10-25', '2026-10-24T22:00:00.000Z', '2026-10-25T22:59:59.999Z'],
    ['2024-02-29', '2024-02-28T23:00:00.000Z', '2024-02-29T22:59:59.999Z'],
    ['2026-12', '2026-11-30T23:00:00.000Z', '2026-12-31T22:59:59.999Z'],
    ['2026-03-12T11:17Z', '2026-03-12T11:17:00.000Z', '2026-03-12T11:17:59.999Z'],
    ['2026-03-12T11:17:05+01:00', '2026-03-12T10:17:05.000Z', '2026-03-12T10:17:05.999Z'],
    ['2026-03-12T11:17:05.1Z', '2026-03-12T11:17:05.100Z', '2026-03-12T11:17:05.199Z'],
    ['2026-03-12T11:17:05.123456Z', '2026-03-12T11:17:05.123Z', '2026-03-12T11:17:05.123Z'],
    ['2026-03-12T11:17:05', '2026-03-12T10:17:05.000Z', '2026-03-12T10:17:05.999Z'],
  ])('%s', (value, low, high) => {
    const found = interval(value)!;
    expect([new Date(found.low).toISOString(), new Date(found.high).toISOString()]).toEqual([low, high]);
  });

  test.each([
    ['2026-02-30'],
    ['2026-13'],
    ['26'],
    ['2026-01-01T25:00Z'],
    ['2026-1-1'],
    ['yesterday'],
    [''],
    ['2026-01-01T10'],
  ])('%p is none', (value) => {
    expect(interval(value)).toBeUndefined();
  });
});

const day = fc
  .date({ min: new Date('2024-01-01'), max: new Date('2027-12-31'), noInvalidDate: true })
  .map((date) => date.toISOString());
/** A FHIR date of any precision. */
const fhirDate = fc.tuple(day, fc.constantFrom(4, 7, 10, 17, 20, 24)).map(([text, length]) => {
  if (length <= 10) return text.slice(0, length);
  if (length === 24) return text;
  return `${text.slice(0, length === 17 ? 16 : 19)}Z`;
});
const period = fc
  .tuple(fc.option(fhirDate, { nil: undefined }), fc.option(fhirDate, { nil: undefined }))
  .filter(([start, end]) => Boolean(start ?? end) && !(start && end && interval(start)!.low > interval(end)!.high))
  .map(([start, end]) => ({ ...(start ? { start } : {}), ...(end ? { end } : {}) }));

describe('a search by date', () => {
  let fixture: Fixture;
  beforeAll(() => {
    fixture = openFixture();
  });
  afterAll(() => fixture.close());

  test('finds what the meaning of its prefix says, for dates and periods of any precision', async () => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(fhirDate, period), { minLength: 1, maxLength: 8 }),
        fc.array(fhirDate, { minLength: 1, maxLength: 3 }),
        async (held, asked) => {
          const tag = `run${run++}`;
          const ids = held.map((_, index) => `${tag}-${index}`);
          await Promise.all(
            held.map((value, index) =>
              fixture.put({
                resourceType: 'Observation',
                id: ids[index],
                meta: { tag: [{ code: tag }] },
                status: 'final',
                code: { text: 'x' },
                ...(typeof value === 'string' ? { effectiveDateTime: value } : { effectivePeriod: value }),
              }),
            ),
          );
          for (const prefix of PREFIXES.filter((one) => one !== 'ap')) {
            for (const date of asked) {
              const wanted = interval(date)!;
              const expected = ids.filter((_, index) => answers(prefix, wanted, asInterval(held[index]!)));
              expect(await fixture.ids(`Observation?_tag=${tag}&date=${prefix}${encodeURIComponent(date)}`)).toEqual(
                expected,
              );
            }
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  test('what is equal is neither before nor after, and everything is one of before, equal, after or overlapping', () => {
    fc.assert(
      fc.property(fhirDate, fhirDate, (one, other) => {
        const [wanted, has] = [interval(one)!, interval(other)!];
        const say = (prefix: Prefix) => answers(prefix, wanted, has);
        expect(say('ne')).toBe(!say('eq'));
        expect(say('ge')).toBe(say('gt') || say('eq'));
        expect(say('le')).toBe(say('lt') || say('eq'));
        expect(say('sa') && (say('eb') || say('ap'))).toBe(false);
        expect(say('sa') || say('eb') || say('ap')).toBe(true);
        expect(answers('eq', wanted, wanted)).toBe(true);
      }),
    );
  });
});

function asInterval(value: string | { start?: string; end?: string }) {
  if (typeof value === 'string') return interval(value)!;
  return {
    low: value.start ? interval(value.start)!.low : -8.64e15,
    high: value.end ? interval(value.end)!.high : 8.64e15,
  };
}
