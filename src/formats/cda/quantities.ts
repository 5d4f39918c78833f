import type { Quantity, Range, Ratio } from '@medplum/fhirtypes';
import { attribute, child, type XmlElement } from '../xml/index.ts';
import type { Reading } from './context.ts';

const UCUM = 'http://unitsofmeasure.org';
/** Packages are counted in units of presentation of the EDQM Standard Terms, written as numbers. */
const EDQM = 'http://standardterms.edqm.eu';

/** A quantity in one of the forms an amount takes; FHIR names. */
export interface Amount {
  quantity?: Quantity;
  range?: Range;
  ratio?: Ratio;
}

const NUMBER = /^[+-]?\d{1,30}(?:[.,]\d{1,30})?(?:[eE][+-]?\d{1,3})?$/;

/** A decimal as HL7 writes it; the decimal comma some French senders use is understood. */
export function readNumber(text: string | undefined): number | undefined {
  const trimmed = text?.trim();
  if (!trimmed || !NUMBER.test(trimmed)) return undefined;
  return Number(trimmed.replace(',', '.'));
}

/** PQ → Quantity in UCUM, as the datatype says; a unit of `1` or none is a bare number. */
export function readQuantity(element: XmlElement, reading: Reading): Quantity | undefined {
  const written = attribute(element, 'value');
  if (written === undefined || written === '') return undefined;
  const value = readNumber(written);
  if (value === undefined) return reading.wrongValue(element, 'PQ');
  const unit = attribute(element, 'unit')?.trim();
  if (!unit || unit === '1') return { value };
  if (/^\d{5,10}$/.test(unit)) return { value, unit, system: EDQM, code: unit };
  return isUcum(unit) ? { value, unit, system: UCUM, code: unit } : { value, unit };
}

/** UCUM codes have no blanks and only printable ASCII (https://ucum.org/ucum, section 2.1); °C or « comprimé » has not. */
function isUcum(unit: string): boolean {
  return unit.length <= 64 && /^[!-~]+$/.test(unit);
}

/** PQ, IVL_PQ, RTO, INT → Amount; an interval whose ends are equal is the quantity itself. */
export function readAmount(element: XmlElement, reading: Reading): Amount | undefined {
  const numerator = child(element, 'numerator');
  const denominator = child(element, 'denominator');
  if (numerator || denominator) {
    const above = numerator && readQuantity(numerator, reading);
    const below = denominator && readQuantity(denominator, reading);
    return above && below ? { ratio: { numerator: above, denominator: below } } : above && { quantity: above };
  }
  const range = readRange(element, reading);
  if (range) return sameEnds(range) ? { quantity: range.low! } : { range };
  const quantity = readQuantity(element, reading);
  return quantity && { quantity };
}

/** IVL_PQ → Range. */
export function readRange(element: XmlElement, reading: Reading): Range | undefined {
  const low = child(element, 'low');
  const high = child(element, 'high');
  const from = low && readQuantity(low, reading);
  const to = high && readQuantity(high, reading);
  if (!from && !to) return undefined;
  return { ...(from ? { low: from } : {}), ...(to ? { high: to } : {}) };
}

function sameEnds(range: Range): boolean {
  return range.low?.value !== undefined && range.low.value === range.high?.value && range.low.unit === range.high?.unit;
}
