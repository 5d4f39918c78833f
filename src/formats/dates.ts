/**
 * HL7 timestamps (v2 DT/TS/DTM, https://www.hl7.eu/HL7v2x/v251/std251/ch02a.html#Heading81; CDA TS) as FHIR date and dateTime,
 * https://hl7.org/fhir/R4/datatypes.html#dateTime, with the precision and the offset of the source.
 */

export type DatePrecision = 'year' | 'month' | 'day' | 'hour' | 'minute' | 'second' | 'fraction';

/** A date of a source in FHIR's form, and how precisely it was said. */
export interface FhirDate {
  /**
   * A FHIR date (`2020`, `2020-03`, `2020-03-12`) or dateTime (`2020-03-12T11:17:00+01:00`). FHIR wants seconds as soon as
   * there is an hour, so missing minutes and seconds are written as zero; `precision` keeps what was really said.
   */
  value: string;
  precision: DatePrecision;
  /**
   * Where the offset comes from, absent for dates: written by the `source`, or that of `paris` at this local time. It is
   * `paris-doubtful` in the two nights of the year when the local time exists twice (the first, summer time, is taken) or
   * not at all (the offset before the change is kept).
   */
  offset?: 'source' | 'paris' | 'paris-doubtful';
}

const MINUTE = 60_000;
const DAY = 1440 * MINUTE;

/**
 * Reads `YYYY[MM[DD[HH[MM[SS[.S…]]]]]][±ZZZZ]`. Without a zone the time is local time of Europe/Paris.
 * @returns undefined for anything that is not a real point of the calendar (month 13, 30 February, hour 24, offset +2000).
 */
export function hl7Date(ts: string): FhirDate | undefined {
  const digits = digitsFrom(ts, 0);
  const fraction = digits === 14 && ts[14] === '.' ? digitsFrom(ts, 15) : 0;
  const end = fraction > 0 ? 15 + fraction : digits;
  if (digits < 4 || digits > 14 || digits % 2 === 1 || fraction > 9) return undefined;
  if (end < ts.length && !isZone(ts, end)) return undefined;
  const year = two(ts, 0) * 100 + two(ts, 2);
  if (year === 0) return undefined;
  if (digits === 4) return { value: ts.slice(0, 4), precision: 'year' };
  const month = two(ts, 4);
  if (month < 1 || month > 12) return undefined;
  if (digits === 6) return { value: `${ts.slice(0, 4)}-${ts.slice(4, 6)}`, precision: 'month' };
  const day = two(ts, 6);
  if (day < 1 || day > daysIn(year, month)) return undefined;
  const date = `${ts.slice(0, 4)}-${ts.slice(4, 6)}-${ts.slice(6, 8)}`;
  if (digits === 8) return { value: date, precision: 'day' };
  const [hour, minute, second] = [two(ts, 8), digits > 10 ? two(ts, 10) : 0, digits > 12 ? two(ts, 12) : 0];
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const offset = end < ts.length ? writtenOffset(ts.slice(end)) : parisOffset(year, month, day, hour, minute);
  if (!offset) return undefined;
  const clock = `${ts.slice(8, 10)}:${digits > 10 ? ts.slice(10, 12) : '00'}:${digits > 12 ? ts.slice(12, end) : '00'}`;
  return {
    value: `${date}T${clock}${offset.text}`,
    precision: fraction > 0 ? 'fraction' : clockPrecisions[digits]!,
    offset: offset.kind,
  };
}

const clockPrecisions: Record<number, DatePrecision> = { 10: 'hour', 12: 'minute', 14: 'second' };

/** How many digits stand there; read by hand because a regular expression with its groups takes four times as long. */
function digitsFrom(text: string, from: number): number {
  let at = from;
  while (at < text.length && at - from < 16 && isDigit(text, at)) at++;
  return at - from;
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 0x30 && code <= 0x39;
}

/** The number of two digits. */
function two(text: string, at: number): number {
  return (text.charCodeAt(at) - 0x30) * 10 + text.charCodeAt(at + 1) - 0x30;
}

/** `+0100` and nothing after it. */
function isZone(text: string, at: number): boolean {
  return (text[at] === '+' || text[at] === '-') && digitsFrom(text, at + 1) === 4 && text.length === at + 5;
}

/** The local time of Europe/Paris at an instant, as a FHIR dateTime with seconds: `2020-07-01T14:00:00+02:00`. */
export function parisDateTime(instant: Date): string {
  const offset = zoneOffset(instant.getTime());
  return new Date(instant.getTime() + offset * MINUTE).toISOString().slice(0, 19) + offsetText(offset);
}

/** The day it is in Europe/Paris at an instant, as a FHIR date. */
export function parisDay(instant: Date): string {
  return parisDateTime(instant).slice(0, 10);
}

/**
 * The instant of a local date and clock time of Europe/Paris (`2021-03-28`, `09:00`); nights of the clock change as in
 * {@link hl7Date}. Undefined when the input is not a date and a time.
 */
export function parisInstant(date: string, clock = '00:00'): Date | undefined {
  const read = hl7Date(`${date}${clock}`.replace(/[-:T]/g, ''));
  return read?.offset ? new Date(read.value) : undefined;
}

/**
 * A FHIR date or dateTime as an HL7 timestamp: `20200312111700+0100`. Minutes and seconds that FHIR wrote as zero stay.
 * Undefined when the value is not a FHIR date.
 */
export function hl7Timestamp(fhirDate: string): string | undefined {
  const plain = fhirDate
    .replace(/Z$/, '+00:00')
    .replace(/^(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?(?:T(\d{2}):(\d{2}):(\d{2}))?/, (_, ...groups) =>
      groups.slice(0, 6).join(''),
    )
    .replace(/([+-]\d{2}):(\d{2})$/, '$1$2');
  return hl7Date(plain) ? plain : undefined;
}

function daysIn(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

interface Offset {
  text: string;
  kind: NonNullable<FhirDate['offset']>;
}

/** FHIR allows offsets up to 14:00, https://hl7.org/fhir/R4/datatypes.html#dateTime */
function writtenOffset(zone: string): Offset | undefined {
  const hours = zone.slice(1, 3);
  const minutes = zone.slice(3);
  if (minutes > '59' || hours > '14' || (hours === '14' && minutes !== '00')) return undefined;
  return { text: `${zone[0]}${hours}:${minutes}`, kind: 'source' };
}

/** Offset of each day that has only one; the time-zone database is asked once a day of the calendar. */
const offsetOfDay = new Map<number, Offset>();
const OFFSETS_KEPT = 20_000;

function parisOffset(year: number, month: number, day: number, hour: number, minute: number): Offset {
  const calendarDay = (year * 12 + month) * 31 + day;
  const cached = offsetOfDay.get(calendarDay);
  if (cached !== undefined) return cached;
  const midnight = utc(year, month, day);
  const before = zoneOffset(midnight - 2 * 60 * MINUTE);
  const after = zoneOffset(midnight + DAY + 2 * 60 * MINUTE);
  if (before === after) {
    if (offsetOfDay.size >= OFFSETS_KEPT) offsetOfDay.clear();
    const found: Offset = { text: offsetText(before), kind: 'paris' };
    offsetOfDay.set(calendarDay, found);
    return found;
  }
  const local = midnight + (hour * 60 + minute) * MINUTE;
  const fitting = [before, after].filter((offset) => zoneOffset(local - offset * MINUTE) === offset);
  return { text: offsetText(fitting[0] ?? before), kind: fitting.length === 1 ? 'paris' : 'paris-doubtful' };
}

function utc(year: number, month: number, day: number): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date.getTime();
}

const clockOfParis = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'Europe/Paris',
  hourCycle: 'h23',
  year: 'numeric',
  month: 'numeric',
  day: 'numeric',
  hour: 'numeric',
  minute: 'numeric',
  era: 'short',
});

/** Offset of Europe/Paris at an instant, in minutes (rounded down for the local mean time before 1911). */
function zoneOffset(instant: number): number {
  const minuteStart = Math.floor(instant / MINUTE) * MINUTE;
  const part: Record<string, number> = {};
  for (const { type, value } of clockOfParis.formatToParts(minuteStart)) part[type] = Number(value);
  const local = utc(part.year!, part.month!, part.day!) + (part.hour! * 60 + part.minute!) * MINUTE;
  return Math.round((local - minuteStart) / MINUTE);
}

function offsetText(minutes: number): string {
  const size = Math.abs(minutes);
  const hours = String(Math.floor(size / 60)).padStart(2, '0');
  return `${minutes < 0 ? '-' : '+'}${hours}:${String(size % 60).padStart(2, '0')}`;
}
