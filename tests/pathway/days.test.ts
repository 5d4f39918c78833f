import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parisDay } from '../../src/formats/dates.ts';
import { daysBetween, hoursOf, isWeekend, ordinal } from '../../src/pathway/days.ts';
import { addDays, dateOfDay, dayNumber, dayOf, openDay, phases } from '../../src/pathway/index.ts';

const day = fc.integer({ min: -20_000, max: 40_000 }).map((days) => addDays('1970-01-01', days));
/** Days around both changes of the clock, 2020 to 2030. */
const nearChange = fc
  .tuple(fc.integer({ min: 2020, max: 2030 }), fc.constantFrom('03-31', '10-31'), fc.integer({ min: -12, max: 5 }))
  .map(([year, end, days]) => addDays(`${year}-${end}`, days));
const jNumber = fc.integer({ min: -30, max: 60 }).filter((one) => one !== 0);
const calendar = { weekends: 'after' as const, closedDays: [], opens: '08:00', closes: '20:00' };

describe('days of the illness', () => {
  test('J1 is the first day, the eve is J-1', () => {
    expect([-2, -1, 0, 1, 3].map((days) => dayNumber('2020-11-03', addDays('2020-11-03', days)))).toEqual([
      -2, -1, 1, 2, 4,
    ]);
    expect(() => dateOfDay('2020-11-03', 0)).toThrow(RangeError);
  });

  test('number and date are each other’s inverse, also over both changes of the clock', () => {
    fc.assert(
      fc.property(fc.oneof(day, nearChange), jNumber, (j1, number) => {
        expect(dayNumber(j1, dateOfDay(j1, number))).toBe(number);
      }),
    );
  });

  test('every hour of a local day belongs to that day, also when it has 23 or 25 hours', () => {
    fc.assert(
      fc.property(nearChange, fc.integer({ min: 0, max: 95 }), (date, quarter) => {
        const start = new Date(hoursOf(date, { ...calendar, opens: '00:00' }).start).getTime();
        const end = new Date(hoursOf(addDays(date, 1), { ...calendar, opens: '00:00' }).start).getTime();
        const instant = new Date(start + ((end - start) * quarter) / 96);
        expect(dayOf(instant.toISOString())).toBe(date);
        expect(parisDay(instant)).toBe(date);
      }),
    );
  });

  test('a call’s hours are the same by the clock on both sides of a change', () => {
    expect(hoursOf('2021-03-27', calendar)).toEqual({
      start: '2021-03-27T08:00:00+01:00',
      end: '2021-03-27T20:00:00+01:00',
    });
    expect(hoursOf('2021-03-28', calendar)).toEqual({
      start: '2021-03-28T08:00:00+02:00',
      end: '2021-03-28T20:00:00+02:00',
    });
    expect(hoursOf('2021-10-31', calendar)).toEqual({
      start: '2021-10-31T08:00:00+01:00',
      end: '2021-10-31T20:00:00+01:00',
    });
  });

  test('a day is read from dates and instants as Paris sees them, and from nothing vaguer', () => {
    expect(dayOf('2020-11-10T23:30:00Z')).toBe('2020-11-11');
    expect(dayOf('2020-07-10T22:30:00Z')).toBe('2020-07-11');
    expect([dayOf('2020-11'), dayOf('2020'), dayOf('2020-02-30'), dayOf(''), dayOf(undefined)]).toEqual(
      Array(5).fill(undefined),
    );
  });
});

describe('weekends and closed days', () => {
  test('Saturday and Sunday by the calendar, before 1970 too', () => {
    expect(['2020-11-07', '2020-11-08', '2020-11-09', '1969-12-27'].map(isWeekend)).toEqual([true, true, false, true]);
  });

  test('kept, moved before or moved after; closed days count as weekends', () => {
    const move = (date: string, weekends: 'keep' | 'before' | 'after', closedDays: string[] = []) =>
      openDay(date, { ...calendar, weekends, closedDays });
    expect(move('2020-11-07', 'keep')).toBe('2020-11-07');
    expect(move('2020-11-07', 'before')).toBe('2020-11-06');
    expect(move('2020-11-07', 'after')).toBe('2020-11-09');
    expect(move('2020-11-11', 'after', ['2020-11-11'])).toBe('2020-11-12');
    expect(move('2020-11-08', 'before', ['2020-11-06'])).toBe('2020-11-05');
  });

  test('an open day stays, a moved one is open and near', () => {
    fc.assert(
      fc.property(day, fc.constantFrom('before' as const, 'after' as const), (date, weekends) => {
        const moved = openDay(date, { ...calendar, weekends });
        expect(isWeekend(moved)).toBe(false);
        expect(Math.abs(daysBetween(date, moved))).toBeLessThanOrEqual(2);
        if (!isWeekend(date)) expect(moved).toBe(date);
      }),
    );
  });
});

describe('phases', () => {
  const on = (number: number) => phases('2020-11-03', dateOfDay('2020-11-03', number))!;

  test('boundaries are exact', () => {
    const taken = (number: number) =>
      `${on(number).label} ${on(number).phase ?? '-'} ${on(number).critical ? '!' : ''}`.trim();
    expect([-3, -2, 1, 5, 6, 7, 9, 10, 12, 13].map(taken)).toEqual([
      'J-3 -',
      'J-2 viral',
      'J1 viral',
      'J5 viral',
      'J6 viral !',
      'J7 transitional !',
      'J9 transitional !',
      'J10 inflammatory !',
      'J12 inflammatory !',
      'J13 inflammatory',
    ]);
  });

  test('what it may be overlaps: viral to J10, transitional J6 to J12, inflammatory from J10', () => {
    const may = (number: number) => on(number).possible.join('+');
    expect([5, 6, 10, 11, 12, 13].map(may)).toEqual([
      'viral',
      'viral+transitional',
      'viral+transitional+inflammatory',
      'transitional+inflammatory',
      'transitional+inflammatory',
      'inflammatory',
    ]);
  });

  test('one day more is one J more, over the end of summer time and of the year', () => {
    fc.assert(
      fc.property(fc.oneof(day, nearChange), jNumber, (j1, number) => {
        const date = dateOfDay(j1, number);
        const next = phases(j1, addDays(date, 1))!;
        expect(next.day).toBe(number === -1 ? 1 : number + 1);
        expect(ordinal(date)).toBeDefined();
      }),
    );
  });

  test('the evening in UTC is the next day in Paris', () => {
    expect(phases('2020-11-03', '2020-11-08T22:59:00Z')?.label).toBe('J6');
    expect(phases('2020-11-03', '2020-11-08T23:00:00Z')?.label).toBe('J7');
    expect(phases('2020-11-03', new Date('2020-11-08T23:00:00Z'))?.label).toBe('J7');
  });

  test('no J1 or only a month of it: nothing is computed', () => {
    expect([phases(undefined, '2020-11-03'), phases('2020-11', '2020-11-03'), phases('2020-11-03', 'x')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});
