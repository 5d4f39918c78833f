import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { hl7Date, hl7Timestamp, parisDateTime, parisDay, parisInstant } from '../../src/formats/dates.ts';

const two = (n: number) => String(n).padStart(2, '0');

describe('hl7Date', () => {
  test.each([
    ['2020', '2020', 'year'],
    ['202003', '2020-03', 'month'],
    ['20200312', '2020-03-12', 'day'],
    ['20200312+0100', '2020-03-12', 'day'],
    ['2020031211+0100', '2020-03-12T11:00:00+01:00', 'hour'],
    ['202003121117+0100', '2020-03-12T11:17:00+01:00', 'minute'],
    ['20200312111705+0100', '2020-03-12T11:17:05+01:00', 'second'],
    ['20200312111705.1234+0000', '2020-03-12T11:17:05.1234+00:00', 'fraction'],
    ['20200312111705-0330', '2020-03-12T11:17:05-03:30', 'second'],
    ['20200312111705', '2020-03-12T11:17:05+01:00', 'second'],
    ['20200712111705', '2020-07-12T11:17:05+02:00', 'second'],
    ['20240229', '2024-02-29', 'day'],
  ])('%s is %s', (source, value, precision) => {
    expect(hl7Date(source)).toMatchObject({ value, precision });
  });

  test.each(['', '20', '202013', '20200230', '20230229', '2020031224', '202003121160', '20200312111760', '0000'])(
    'refuses %s',
    (source) => expect(hl7Date(source)).toBeUndefined(),
  );
  test.each(['20200312111705+2000', '20200312111705+0160', '2020-03-12', '20200312 ', `2020${'0'.repeat(5000)}`])(
    'refuses %s (form)',
    (source) => expect(hl7Date(source)).toBeUndefined(),
  );

  test('the two nights of the clock change', () => {
    expect(hl7Date('20210328015959')).toMatchObject({ value: '2021-03-28T01:59:59+01:00', offset: 'paris' });
    expect(hl7Date('20210328023000')).toMatchObject({ value: '2021-03-28T02:30:00+01:00', offset: 'paris-doubtful' });
    expect(hl7Date('20210328030000')).toMatchObject({ value: '2021-03-28T03:00:00+02:00', offset: 'paris' });
    expect(hl7Date('20211031015959')).toMatchObject({ value: '2021-10-31T01:59:59+02:00', offset: 'paris' });
    expect(hl7Date('20211031023000')).toMatchObject({ value: '2021-10-31T02:30:00+02:00', offset: 'paris-doubtful' });
    expect(hl7Date('20211031030000')).toMatchObject({ value: '2021-10-31T03:00:00+01:00', offset: 'paris' });
  });

  test('property: a local time without zone is what the clock in Paris showed at that instant', () => {
    const clock = new Intl.DateTimeFormat('sv-SE', {
      timeZone: 'Europe/Paris',
      dateStyle: 'short',
      timeStyle: 'medium',
    });
    fc.assert(
      fc.property(
        fc.date({ min: new Date('1950-01-01'), max: new Date('2060-01-01'), noInvalidDate: true }),
        (instant) => {
          const shown = clock.format(instant);
          const read = hl7Date(shown.replace(/[- :]/g, ''));
          expect(read?.value.slice(0, 19)).toBe(shown.replace(' ', 'T'));
          expect(clock.format(new Date(read!.value))).toBe(shown);
        },
      ),
    );
  });

  test('property: every minute of both nights keeps its digits and names an existing instant', () => {
    const night = fc.record({
      year: fc.integer({ min: 1997, max: 2030 }),
      month: fc.constantFrom(3, 10),
      hour: fc.integer({ min: 0, max: 4 }),
      minute: fc.integer({ min: 0, max: 59 }),
    });
    fc.assert(
      fc.property(night, ({ year, month, hour, minute }) => {
        const sunday = 31 - new Date(Date.UTC(year, month - 1, 31)).getUTCDay();
        const read = hl7Date(`${year}${two(month)}${two(sunday)}${two(hour)}${two(minute)}`)!;
        expect(read.value.slice(0, 16)).toBe(`${year}-${two(month)}-${two(sunday)}T${two(hour)}:${two(minute)}`);
        const summer = month === 3 ? hour >= 3 : hour < 3;
        expect(read.value.slice(19)).toBe(summer ? '+02:00' : '+01:00');
        expect(read.offset).toBe(hour === 2 ? 'paris-doubtful' : 'paris');
      }),
    );
  });

  test('property: never throws', () => {
    fc.assert(fc.property(fc.string(), (text) => void hl7Date(text)));
  });
});

describe('Paris', () => {
  test('day and dateTime of an instant', () => {
    expect(parisDateTime(new Date('2020-07-01T12:00:00Z'))).toBe('2020-07-01T14:00:00+02:00');
    expect(parisDay(new Date('2020-12-31T23:30:00Z'))).toBe('2021-01-01');
  });
  test('instant of a local time', () => {
    expect(parisInstant('2021-03-28', '09:00')?.toISOString()).toBe('2021-03-28T07:00:00.000Z');
    expect(parisInstant('2021-13-28')).toBeUndefined();
  });
});

describe('hl7Timestamp', () => {
  test.each(['2020', '202003', '20200312', '20200312111705+0100', '20200312111705.1234-0330'])(
    '%s comes back',
    (ts) => {
      expect(hl7Timestamp(hl7Date(ts)!.value)).toBe(ts);
    },
  );
  test('Z and nonsense', () => {
    expect(hl7Timestamp('2020-03-12T11:17:05Z')).toBe('20200312111705+0000');
    expect(hl7Timestamp('yesterday')).toBeUndefined();
  });
});
