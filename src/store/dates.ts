import { parisInstant } from '../formats/dates.ts';

/**
 * A FHIR date or dateTime as the interval it stands for, in milliseconds since 1970, both ends inside:
 * `2020-03` is the whole of March, `2020-03-12T11:17` a minute. https://hl7.org/fhir/R4/search.html#date
 */
export interface Interval {
  low: number;
  high: number;
}

/** Ends of open periods; a range of 200,000 years is enough for SQLite's integers and for JavaScript's dates. */
export const BEGINNING = -8.64e15;
/** The last millisecond a Date can hold: the end of a period that has none. */
export const END = 8.64e15;

const DATE = /^(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T(\d{2}):(\d{2})(?::(\d{2})(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})?)?)?)?$/;
const MINUTE = 60_000;
const KEPT = 20_000;
const midnights = new Map<string, number>();

/** Start of a day of the calendar in Europe/Paris: dates without a zone are local there. */
function midnight(day: string): number | undefined {
  const known = midnights.get(day);
  if (known !== undefined) return known;
  const start = parisInstant(day)?.getTime();
  if (start === undefined) return undefined;
  if (midnights.size >= KEPT) midnights.clear();
  midnights.set(day, start);
  return start;
}

const two = (value: number) => String(value).padStart(2, '0');
const four = (value: number) => String(value).padStart(4, '0');

function nextDay(year: number, month: number, day: number): string {
  return new Date(Date.UTC(2000, 0, 1) + dayNumber(year, month, day) * 86_400_000).toISOString().slice(0, 10);
}

function dayNumber(year: number, month: number, day: number): number {
  const date = new Date(Date.UTC(2000, month - 1, day));
  date.setUTCFullYear(year, month - 1, day + 1);
  return Math.round((date.getTime() - Date.UTC(2000, 0, 1)) / 86_400_000);
}

/** Reads a FHIR date, dateTime or instant. Undefined when it is none. */
export function interval(value: string): Interval | undefined {
  const match = value.length <= 40 ? DATE.exec(value) : null;
  if (!match) return undefined;
  const [, year, month, day, hour, minute, second, fraction, zone] = match as unknown as string[];
  if (hour !== undefined) {
    return clock(`${year}-${month}-${day}`, hour, minute!, second, fraction, zone);
  }
  let start: string;
  let after: string;
  if (day !== undefined) {
    start = value;
    after = nextDay(+year!, +month!, +day);
  } else if (month !== undefined) {
    start = `${year}-${month}-01`;
    after = month === '12' ? `${four(+year! + 1)}-01-01` : `${year}-${two(+month + 1)}-01`;
  } else {
    start = `${year}-01-01`;
    after = `${four(+year! + 1)}-01-01`;
  }
  const low = midnight(start);
  const high = midnight(after);
  return low === undefined || high === undefined ? undefined : { low, high: high - 1 };
}

function clock(
  day: string,
  hour: string,
  minute: string,
  second: string | undefined,
  fraction: string | undefined,
  zone: string | undefined,
): Interval | undefined {
  const local = `${hour}:${minute}:${second ?? '00'}`;
  const low = zone
    ? Date.parse(`${day}T${local}${(fraction ?? '').slice(0, 4)}${zone}`)
    : parisInstant(day, local)?.getTime();
  if (low === undefined || Number.isNaN(low)) return undefined;
  if (fraction === undefined) return { low, high: low + (second === undefined ? MINUTE : 1000) - 1 };
  const digits = Math.min(fraction.length - 1, 3);
  return { low, high: low + 10 ** (3 - digits) - 1 };
}

/** The interval of anything a date parameter can point at: date, dateTime, instant, Period, Timing. */
export function intervalOf(value: unknown): Interval | undefined {
  if (typeof value === 'string') return interval(value);
  if (value === null || typeof value !== 'object') return undefined;
  const { start, end, event, repeat } = value as Record<string, unknown>;
  if (Array.isArray(event)) return hull(event.map(intervalOf));
  if (repeat && typeof repeat === 'object') return intervalOf((repeat as Record<string, unknown>).boundsPeriod);
  const from = typeof start === 'string' ? interval(start) : undefined;
  const to = typeof end === 'string' ? interval(end) : undefined;
  return from || to ? { low: from?.low ?? BEGINNING, high: to?.high ?? END } : undefined;
}

function hull(intervals: (Interval | undefined)[]): Interval | undefined {
  const known = intervals.filter((one) => one !== undefined);
  if (known.length === 0) return undefined;
  return { low: Math.min(...known.map((one) => one.low)), high: Math.max(...known.map((one) => one.high)) };
}

/** Prefixes of dates, numbers and quantities, https://hl7.org/fhir/R4/search.html#prefix */
export type Prefix = 'eq' | 'ne' | 'gt' | 'lt' | 'ge' | 'le' | 'sa' | 'eb' | 'ap';

/** Cuts the prefix off a value; `eq` when there is none. */
export function prefixed(value: string): { prefix: Prefix; rest: string } {
  const match = /^(eq|ne|gt|lt|ge|le|sa|eb|ap)(?=[\d.+-])/.exec(value);
  return match ? { prefix: match[1] as Prefix, rest: value.slice(2) } : { prefix: 'eq', rest: value };
}

/** What `ap` widens a date by: a tenth of its distance from now. */
export function approximately(wanted: Interval, now: number): Interval {
  const slack = Math.round(Math.abs(now - wanted.low) / 10);
  return { low: wanted.low - slack, high: wanted.high + slack };
}

/**
 * Whether an interval of a resource answers `prefix` + the interval searched for. SQL in `criteria.ts` says the same; a
 * property test holds the two together.
 */
export function answers(prefix: Prefix, wanted: Interval, has: Interval): boolean {
  switch (prefix) {
    case 'eq':
      return has.low >= wanted.low && has.high <= wanted.high;
    case 'ne':
      return has.low < wanted.low || has.high > wanted.high;
    case 'gt':
      return has.high > wanted.high;
    case 'lt':
      return has.low < wanted.low;
    case 'ge':
      return has.high > wanted.high || (has.low >= wanted.low && has.high <= wanted.high);
    case 'le':
      return has.low < wanted.low || (has.low >= wanted.low && has.high <= wanted.high);
    case 'sa':
      return has.low > wanted.high;
    case 'eb':
      return has.high < wanted.low;
    case 'ap':
      return has.low <= wanted.high && has.high >= wanted.low;
  }
}
