import { warning } from '../../errors.ts';
import { hl7Date, parisDateTime } from '../../formats/dates.ts';
import { type Run, report } from '../run.ts';
import { fail } from '../scope.ts';
import { isEmpty, number, single, text } from '../values.ts';
import type { MapFunction } from './function.ts';

const ISO =
  /^(\d{4})(?:-(\d{2})(?:-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(\.\d{1,9})?)?\s?(Z|[+-]\d{2}:?\d{2})?)?)?)?$/;

/**
 * `dateTime(x)`: a FHIR dateTime of an ISO or HL7 text, precision and offset kept; without a zone the time is that of
 * Europe/Paris. What is no date is reported and gives nothing.
 */
const dateTime: MapFunction = { args: [1, 1], call: (run, value) => readDate(run, value) };

/** `date(x)`: the same, cut to the day as it was written (its own offset, not that of the reader). */
const date: MapFunction = { args: [1, 1], call: (run, value) => readDate(run, value)?.slice(0, 10) };

/** `instant(x)`: the same where a full moment is wanted; nothing, and a report, when the time of day is missing. */
const instant: MapFunction = {
  args: [1, 1],
  call: (run, value) => {
    const found = readDate(run, value);
    if (found === undefined || found.includes('T')) return found;
    report(run, warning('date-imprecise'));
    return undefined;
  },
};

/** `time(x)`: `hh:mm:ss` of a dateTime or of `8:30`, `08h30`. */
const time: MapFunction = {
  args: [1, 1],
  call: (_run, value) => {
    const words = text(value) ?? '';
    const part = words.includes('T') ? words.slice(words.indexOf('T') + 1) : words;
    const match = part.length < 40 ? /^(\d{1,2})[:hH](\d{2})(?::(\d{2}))?/.exec(part) : null;
    return match && +match[1]! < 24 && +match[2]! < 60
      ? `${match[1]!.padStart(2, '0')}:${match[2]}:${match[3] ?? '00'}`
      : undefined;
  },
};

/**
 * `dateFrom(x, 'dd/MM/yyyy HH:mm')`: reads a date written another way; letters `yyyy MM dd HH mm ss`, all else must be
 * there as it is. Europe/Paris.
 */
const dateFrom: MapFunction = {
  args: [2, 2],
  call: (run, value, pattern) => {
    const words = text(value)?.trim();
    if (words === undefined) return undefined;
    const found = byPattern(words, text(pattern) ?? '');
    if (!found) report(run, warning('date-unreadable'));
    return found;
  },
};

const unitMs: Record<string, number> = { s: 1000, ms: 1 };
/** The year 2100: what is beyond is milliseconds taken for seconds. */
const latestMs = 4_102_444_800_000;

/**
 * `epoch(x, 's' | 'ms')`: the dateTime, in Europe/Paris, of seconds (or milliseconds) since 1970 as devices count them;
 * milliseconds are kept. What is no such number, or beyond the year 2100, is reported and gives nothing.
 */
const epoch: MapFunction = {
  args: [1, 2],
  call: (run, value, unit) => {
    if (isEmpty(single(value))) return undefined;
    const factor = unitMs[text(unit) ?? 's'] ?? fail(`epoch() does not know ${text(unit)}`);
    const ms = Math.round((number(value) ?? Number.NaN) * factor);
    if (ms >= 0 && ms < latestMs) return parisMoment(ms);
    report(run, warning('date-unreadable'));
    return undefined;
  },
};

function parisMoment(ms: number): string {
  const seconds = parisDateTime(new Date(ms));
  const rest = ms % 1000;
  return rest === 0 ? seconds : `${seconds.slice(0, 19)}.${String(rest).padStart(3, '0')}${seconds.slice(19)}`;
}

/** `addDays(x, days)`: the day that many days later (calendar days, whatever the clock does); a time of day is kept. */
const addDays: MapFunction = { args: [2, 2], call: (run, value, days) => plusDays(run, value, number(days)) };

/** `now()`: when the message was received, Europe/Paris; the same at each replay. */
const now: MapFunction = { args: [0, 0], call: (run) => parisDateTime(run.session.context.receivedAt) };

/** `dateOp(x, 'date' | 'dateTime' | 'instant' | 'time' | 'addDays' | 'from' | 'epoch' | 'year', …)`: the functions above by name. */
const dateOp: MapFunction = {
  args: [2, 3],
  call: (run, value, operation, parameter) => {
    const name = text(operation) ?? '';
    const work = Object.hasOwn(operations, name) ? operations[name] : undefined;
    return work ? work(run, value, parameter) : fail(`dateOp() does not know ${name}`);
  },
};

type Operation = (run: Run, value: unknown, parameter: unknown) => unknown;
const operations: Record<string, Operation> = {
  date: (run, value) => date.call?.(run, value),
  dateTime: (run, value) => dateTime.call?.(run, value),
  instant: (run, value) => instant.call?.(run, value),
  time: (run, value) => time.call?.(run, value),
  addDays: (run, value, days) => addDays.call?.(run, value, days),
  from: (run, value, pattern) => dateFrom.call?.(run, value, pattern),
  epoch: (run, value, unit) => epoch.call?.(run, value, unit),
  year: (run, value) => readDate(run, value)?.slice(0, 4),
};

/** Functions of the mapping language about dates and times. */
export const dateFunctions: Record<string, MapFunction> = {
  date,
  dateTime,
  instant,
  time,
  dateFrom,
  epoch,
  addDays,
  now,
  dateOp,
};

function readDate(run: Run, value: unknown): string | undefined {
  const words = text(value)?.trim();
  if (words === undefined || words === '') return undefined;
  // Every reading of a form is dated with the form's own moment: a date is read once in a message.
  const { dates } = run.session;
  let found = dates.get(words);
  if (found === undefined) {
    found = fhirDate(words);
    if (found === undefined) report(run, warning('date-unreadable'));
    else dates.set(words, found);
  }
  return found;
}

/** A FHIR date or dateTime of an ISO 8601 or HL7 text; undefined when it is none. */
export function fhirDate(words: string): string | undefined {
  if (words.length > 40) return undefined;
  const match = ISO.exec(words);
  if (!match) return hl7Date(words)?.value;
  const [, year, month, day, hour, minute, second, fraction, zone] = match as unknown as (string | undefined)[];
  if (hour === undefined) return hl7Date([year, month, day].join(''))?.value;
  const offset = zone === undefined ? '' : zone === 'Z' ? '+0000' : zone.replace(':', '');
  const found = hl7Date(`${year}${month}${day}${hour}${minute}${second ?? '00'}${fraction ?? ''}${offset}`)?.value;
  return zone === 'Z' ? found?.replace('+00:00', 'Z') : found;
}

const FIELDS: Record<string, [string, number]> = {
  yyyy: ['year', 4],
  MM: ['month', 2],
  dd: ['day', 2],
  HH: ['hour', 2],
  mm: ['minute', 2],
  ss: ['second', 2],
};

function byPattern(words: string, pattern: string): string | undefined {
  const found: Record<string, string> = {};
  let at = 0;
  for (const piece of pattern.match(/yyyy|MM|dd|HH|mm|ss|./g) ?? []) {
    const field = FIELDS[piece];
    if (!field) {
      if (words[at] !== piece) return undefined;
      at += 1;
      continue;
    }
    const digits = words.slice(at, at + field[1]);
    if (digits.length !== field[1] || !/^\d+$/.test(digits)) return undefined;
    found[field[0]] = digits;
    at += field[1];
  }
  if (at !== words.length || !found.year) return undefined;
  const { year, month = '', day = '', hour = '', minute = '', second = '' } = found;
  return hl7Date(year + month + day + hour + minute + second)?.value;
}

function plusDays(run: Run, value: unknown, days: number | undefined): string | undefined {
  const start = readDate(run, value);
  if (start === undefined || days === undefined || start.length < 10) return undefined;
  const moved = new Date(`${start.slice(0, 10)}T00:00:00Z`);
  moved.setUTCDate(moved.getUTCDate() + Math.trunc(days));
  const day = moved.toISOString().slice(0, 10);
  if (start.length === 10) return day;
  const clock = start.slice(11, start.search(/(Z|[+-]\d{2}:\d{2})$/)).replaceAll(':', '');
  return hl7Date(day.replaceAll('-', '') + clock)?.value;
}
