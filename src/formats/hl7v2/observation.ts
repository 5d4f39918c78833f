/** OBX: the value by its type, its unit and reference range. https://www.hl7.eu/HL7v2x/v251/std251/ch07.html#Heading89 */
import type { Quantity, Range } from '@medplum/fhirtypes';
import { warning } from '../../errors.ts';
import { hl7Date } from '../dates.ts';
import { codedOf } from './coded.ts';
import { segmentPlace } from './place.ts';
import { NULL, say } from './ready.ts';
import type { RawSegment } from './split.ts';
import type { Repetition, Segment } from './tree.ts';
import { type Reading, wholeText } from './values.ts';

const UCUM = 'http://unitsofmeasure.org';
const NUMBER = /^[+-]?\d{1,15}(?:[.,]\d{1,15})?(?:[eE][+-]?\d{1,3})?$/;
const COMPARATORS = new Set(['<', '<=', '>', '>=']);

/** Adds value[x] and the reference range to an OBX. ED values are payloads and are added by the reader. */
export function observationValue(segment: Segment, raw: RawSegment, reading: Reading): void {
  const value = segment.f5?.[0];
  if (!value) return;
  const unit = unitOf(segment.f6?.[0]);
  const type = say(segment.f2?.[0]?.c1)?.toUpperCase() ?? '';
  switch (type) {
    case 'NM':
      numeric(segment, value, unit, reading);
      break;
    case 'SN':
      structured(segment, value, unit, reading);
      break;
    case 'CE':
    case 'CWE':
    case 'CNE':
    case 'IS':
    case 'ID':
      segment.valueCoded = codedOf(value);
      break;
    case 'TS':
    case 'DT':
    case 'DTM':
      dated(segment, value, reading);
      break;
    case 'TM':
      timed(segment, value);
      break;
    case 'ED':
    case 'RP':
      return;
    default: {
      const text = wholeText(raw, 5, reading);
      if (text !== NULL) segment.valueString = text;
    }
  }
  addRange(segment, unit);
}

function addRange(segment: Segment, unit: Omit<Quantity, 'value'>): void {
  const text = say(segment.f7?.[0]?.c1);
  if (text) segment.referenceRange = referenceRange(text, unit);
}

function numeric(segment: Segment, value: Repetition, unit: Omit<Quantity, 'value'>, reading: Reading): void {
  const written = say(value.c1);
  if (written === undefined) return;
  const quantity = quantityOf(written, unit);
  if (quantity) segment.valueQuantity = quantity;
  else {
    segment.valueString = written;
    reading.faults.push(warning('hl7-number-invalid', { place: `${segmentPlace(segment)}-5` }));
  }
}

/** SN: comparator, number, separator, number: `<^5`, `1^:^128`, `2^-^4`. */
function structured(segment: Segment, value: Repetition, unit: Omit<Quantity, 'value'>, reading: Reading): void {
  const [comparator, first, separator, second] = [say(value.c1), say(value.c2), say(value.c3), say(value.c4)];
  const low = first === undefined ? undefined : quantityOf(first, unit);
  const high = second === undefined ? undefined : quantityOf(second, unit);
  if (low && high && (separator === ':' || separator === '/'))
    segment.valueRatio = { numerator: low, denominator: high };
  else if (low && high && separator === '-') segment.valueRange = { low, high };
  else if (low && !separator) {
    const sign = COMPARATORS.has(comparator ?? '') ? { comparator: comparator as '<' } : {};
    segment.valueQuantity = { ...low, ...sign };
  } else {
    segment.valueString = [comparator, first, separator, second].filter((one) => one !== undefined).join(' ');
    if (!low) reading.faults.push(warning('hl7-number-invalid', { place: `${segmentPlace(segment)}-5` }));
  }
}

function dated(segment: Segment, value: Repetition, reading: Reading): void {
  const written = say(value.c1);
  if (written === undefined) return;
  const read = hl7Date(written);
  if (read) segment.valueDateTime = read.value;
  else {
    segment.valueString = written;
    reading.faults.push(warning('hl7-date-invalid', { place: `${segmentPlace(segment)}-5` }));
  }
}

function timed(segment: Segment, value: Repetition): void {
  const written = say(value.c1);
  const match = /^([01]\d|2[0-3])([0-5]\d)([0-5]\d)?/.exec(written ?? '');
  if (match) segment.valueTime = `${match[1]}:${match[2]}:${match[3] ?? '00'}`;
  else if (written !== undefined) segment.valueString = written;
}

/** French senders write decimals with a comma as well; `<5` in an NM keeps its comparator. */
function quantityOf(written: string, unit: Omit<Quantity, 'value'>): Quantity | undefined {
  const match = /^(<=|>=|<|>)?\s*(\S+)$/.exec(written);
  if (!match || !NUMBER.test(match[2]!)) return undefined;
  const sign = match[1] ? { comparator: match[1] as '<' } : {};
  return { value: Number(match[2]!.replace(',', '.')), ...sign, ...unit };
}

/** OBX-6; the UCUM system is only named when the sender named it. */
function unitOf(value: Repetition | undefined): Omit<Quantity, 'value'> {
  const coded = value?.coded;
  const unit = coded?.display ?? coded?.code ?? coded?.text;
  if (!unit) return {};
  return coded?.code && coded.system === UCUM ? { unit, system: UCUM, code: coded.code } : { unit };
}

function referenceRange(text: string, unit: Omit<Quantity, 'value'>): NonNullable<Segment['referenceRange']> {
  const range: Range = {};
  const between = /^([\d.,]+)\s*(?:-|à|–)\s*([\d.,]+)$/.exec(text);
  const open = /^(<=?|>=?|≤|≥)\s*([\d.,]+)$/.exec(text);
  if (between) {
    const [low, high] = [quantityOf(between[1]!, unit), quantityOf(between[2]!, unit)];
    if (low && high) Object.assign(range, { low, high });
  } else if (open) {
    const bound = quantityOf(open[2]!, unit);
    if (bound) range[open[1]!.startsWith('<') || open[1] === '≤' ? 'high' : 'low'] = bound;
  }
  return { text, ...range };
}
