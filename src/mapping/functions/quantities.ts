import { warning } from '../../errors.ts';
import { convertUnit, unitCode } from '../../formats/units.ts';
import { type Run, report, usedOnly } from '../run.ts';
import { number, object, text } from '../values.ts';
import type { MapFunction } from './function.ts';

const QUANTITY = ['value', 'comparator', 'unit', 'system', 'code'];
const UCUM = 'http://unitsofmeasure.org';

interface Quantity {
  value?: number;
  comparator?: string;
  unit?: string;
  system?: string;
  code?: string;
}

/**
 * `quantity(value, ucum, unit?)`: a Quantity in UCUM (https://ucum.org); the unit shown is the code unless given.
 * `quantity({value, unit})` takes a reader's quantity. Texts are read with point or comma and with a comparator (`<5`).
 * Nothing without a number; a text that is no number is reported.
 */
const quantity: MapFunction = {
  args: [1, 3],
  type: 'Quantity',
  call: (run, value, code, unit) => {
    const source = object(value);
    if (!source) return makeQuantity(run, value, text(code), text(unit));
    usedOnly(run, source, QUANTITY);
    const wanted = text(code) ?? text(source.code) ?? text(source.unit);
    const made = makeQuantity(run, source.value, wanted, text(unit) ?? text(source.unit));
    if (made && source.comparator) made.comparator = String(source.comparator);
    if (made && source.system && source.system !== UCUM) made.system = String(source.system);
    return made;
  },
};

/** `qty('5.5 mg')`: a Quantity from a number and a UCUM unit in one text. */
const qty: MapFunction = {
  args: [1, 1],
  type: 'Quantity',
  call: (run, value) => {
    const words = text(value)?.trim();
    if (!words) return undefined;
    const space = words.search(/\s/);
    return space < 0
      ? makeQuantity(run, words)
      : makeQuantity(run, words.slice(0, space), words.slice(space + 1).trim());
  },
};

/**
 * `inUnit(value, unit, wanted)`: the number converted to the wanted UCUM unit, only by the listed conversions (°F to °C,
 * ratio to percent, grams to kilograms, metres to centimetres, kPa to mmHg, ml/min to l/min, g/l to mg/dl); the same unit passes. An
 * unlisted unit is reported and gives nothing, because a wrong number is worse than none.
 */
const inUnit: MapFunction = {
  args: [3, 3],
  call: (run, value, unit, wanted) => {
    const amount = number(value);
    const to = text(wanted);
    if (amount === undefined || !to) return undefined;
    const converted = convertUnit(amount, text(unit) ?? to, to);
    if (converted !== undefined) return converted;
    report(run, warning('unit-unknown', { params: { wanted: to } }));
    return undefined;
  },
};

/**
 * `period(start, end?)`: a Period of dates as they are; nothing when both are missing. R4 compares both ends (per-1): where one
 * is the more exact form of the other (2021 and 2021-03-04) both are given as exact as the other.
 */
const period: MapFunction = {
  args: [1, 2],
  type: 'Period',
  call: (_run, start, end) => {
    const from = text(start);
    const to = text(end);
    const [first, last] = from && to ? asExact(from, to) : [from, to];
    return first || last ? { ...(first ? { start: first } : {}), ...(last ? { end: last } : {}) } : undefined;
  },
};

function asExact(start: string, end: string): [string, string] {
  if (start.length === end.length) return [start, end];
  const exact = [10, 7, 4].find((length) => length <= Math.min(start.length, end.length)) ?? 4;
  const ambiguous = start.slice(0, exact) === end.slice(0, exact);
  return ambiguous && Math.min(start.length, end.length) <= 10
    ? [start.slice(0, exact), end.slice(0, exact)]
    : [start, end];
}

/** `range(low, high, ucum?)`: a Range of quantities; nothing when both are missing. */
const range: MapFunction = {
  args: [2, 3],
  type: 'Range',
  call: (run, low, high, code) => {
    const from = makeQuantity(run, low, text(code));
    const to = makeQuantity(run, high, text(code));
    return from || to ? { ...(from ? { low: from } : {}), ...(to ? { high: to } : {}) } : undefined;
  },
};

/** `ratio(numerator, denominator)`: a Ratio of two quantities; nothing unless both are there. */
const ratio: MapFunction = {
  args: [2, 2],
  type: 'Ratio',
  call: (_run, numerator, denominator) =>
    object(numerator) && object(denominator)
      ? { numerator: { ...object(numerator) }, denominator: { ...object(denominator) } }
      : undefined,
};

/** Functions of the mapping language that make measured values; units are UCUM. */
export const quantityFunctions: Record<string, MapFunction> = { quantity, qty, inUnit, period, range, ratio };

const COMPARATORS = ['<=', '>=', '<', '>'];

function makeQuantity(run: Run, value: unknown, code?: string, unit?: string): Quantity | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  const words = typeof value === 'string' ? value.trim() : value;
  const comparator = typeof words === 'string' ? COMPARATORS.find((sign) => words.startsWith(sign)) : undefined;
  const amount = number(comparator ? (words as string).slice(comparator.length) : words);
  if (amount === undefined) {
    report(run, warning('number-unreadable'));
    return undefined;
  }
  const made: Quantity = { value: amount };
  if (comparator) made.comparator = comparator;
  if (code) {
    made.unit = unit ?? code;
    made.system = UCUM;
    made.code = unitCode(code);
  } else if (unit) made.unit = unit;
  return made;
}
