import { parisDateTime, parisDay, parisInstant } from '../formats/dates.ts';
import type { Calendar } from './rules.ts';

/**
 * Days of the calendar as Europe/Paris sees them. A day is a FHIR date (`2020-11-03`); arithmetic is on whole days and
 * never passes through an instant, so the nights in which the clock changes count like all others.
 */
const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;
const DAY = 86_400_000;

/** Days since 1970-01-01; undefined when the text is not a real day. */
export function ordinal(date: string): number | undefined {
  const match = DATE.exec(date);
  if (!match) return undefined;
  const time = Date.UTC(Number(match[1]), Number(match[2]) - 1, Number(match[3]));
  return new Date(time).toISOString().slice(0, 10) === date ? time / DAY : undefined;
}

/** The day so many days later (earlier when negative). @throws RangeError when `date` is not a day. */
export function addDays(date: string, days: number): string {
  const start = ordinal(date);
  if (start === undefined) throw new RangeError('not a calendar day');
  return new Date((start + days) * DAY).toISOString().slice(0, 10);
}

/** How many days `to` is after `from`. @throws RangeError when either is not a day. */
export function daysBetween(from: string, to: string): number {
  const [start, end] = [ordinal(from), ordinal(to)];
  if (start === undefined || end === undefined) throw new RangeError('not a calendar day');
  return end - start;
}

/**
 * The number of a day in the illness: J1 is the first day of symptoms, the eve is J-1 (the doctrine knows no J0).
 */
export function dayNumber(j1: string, date: string): number {
  const after = daysBetween(j1, date);
  return after >= 0 ? after + 1 : after;
}

/** The calendar day of J`number`. @throws RangeError for J0. */
export function dateOfDay(j1: string, number: number): string {
  if (number === 0) throw new RangeError('there is no J0');
  return addDays(j1, number > 0 ? number - 1 : number);
}

/**
 * The day in Europe/Paris of a FHIR date, dateTime or instant; undefined for a year, a month or anything unreadable.
 */
export function dayOf(fhirDate: string | undefined): string | undefined {
  if (!fhirDate) return undefined;
  if (DATE.test(fhirDate)) return ordinal(fhirDate) === undefined ? undefined : fhirDate;
  const instant = new Date(fhirDate);
  return fhirDate.includes('T') && !Number.isNaN(instant.getTime()) ? parisDay(instant) : undefined;
}

/** Saturday or Sunday. */
export function isWeekend(date: string): boolean {
  const weekday = ((((ordinal(date) ?? 0) + 4) % 7) + 7) % 7;
  return weekday === 0 || weekday === 6;
}

/** The day a call is made that is due on `date`: the day itself, or the nearest open one before or after it. */
export function openDay(date: string, calendar: Calendar): string {
  if (calendar.weekends === 'keep') return date;
  const closed = new Set(calendar.closedDays);
  const step = calendar.weekends === 'before' ? -1 : 1;
  let day = date;
  for (let tries = 0; tries < 14 && (isWeekend(day) || closed.has(day)); tries++) day = addDays(day, step);
  return day;
}

/** The hours of a day in which something is to be done, as FHIR dateTimes with the offset of that day. */
export function hoursOf(date: string, calendar: Calendar, until = date): { start: string; end: string } {
  return { start: at(date, calendar.opens), end: at(until, calendar.closes) };
}

/** `minutes` after an instant, as a FHIR dateTime of Europe/Paris. */
export function minutesAfter(instant: Date, minutes: number): string {
  return parisDateTime(new Date(instant.getTime() + minutes * 60_000));
}

function at(date: string, clock: string): string {
  const instant = parisInstant(date, clock);
  if (!instant) throw new RangeError('not a calendar day');
  return parisDateTime(instant);
}
