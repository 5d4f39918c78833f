import { attribute, child, ownText, type XmlElement } from '../xml/index.ts';
import { readConcept, readText } from './concepts.ts';
import type { Reading } from './context.ts';
import { readMedia } from './media.ts';
import { readAmount, readNumber, readQuantity, readRange } from './quantities.ts';
import { readTime } from './times.ts';
import type { CdaNode } from './tree.ts';

type ReadValue = (element: XmlElement, reading: Reading) => CdaNode | undefined;

const named = (name: string, value: unknown): CdaNode | undefined =>
  value === undefined ? undefined : { [name]: value };

const concept: ReadValue = (element, reading) => named('valueCodeableConcept', readConcept(element, reading));
const text: ReadValue = (element, reading) => named('valueString', readText(element, reading));
const time: ReadValue = (element, reading) => {
  const read = readTime(element, reading);
  if (!read) return undefined;
  if (read.value) return { valueDateTime: read.value };
  if (!read.start && !read.end) return read.timing ? { valueTiming: read.timing } : undefined;
  const { start, end } = read;
  return { valuePeriod: { ...(start ? { start } : {}), ...(end ? { end } : {}) } };
};

/** By `xsi:type`, without its prefix; the results carry the names of FHIR's choice. */
const byType: Record<string, ReadValue> = Object.assign(Object.create(null), {
  CD: concept,
  CE: concept,
  CV: concept,
  CO: concept,
  CS: concept,
  ST: text,
  SC: text,
  ED: (element, reading) =>
    attribute(element, 'representation') === 'B64' || element.lifted
      ? named('media', readMedia(element, reading))
      : text(element, reading),
  PQ: (element, reading) => named('valueQuantity', readQuantity(element, reading)),
  IVL_PQ: interval,
  RTO: ratio,
  RTO_PQ_PQ: ratio,
  INT: (element, reading) => number(element, reading, 'INT'),
  REAL: (element, reading) => number(element, reading, 'REAL'),
  MO: money,
  BL: (element) => named('valueBoolean', flag(attribute(element, 'value'))),
  TS: time,
  IVL_TS: time,
  PIVL_TS: time,
  EIVL_TS: time,
  SXPR_TS: time,
} satisfies Record<string, ReadValue>);

/**
 * A `value` as an object with one property named like FHIR's choice (`valueQuantity`, `valueCodeableConcept`, …), or
 * `media` for a payload, `nullFlavor` when it only says why there is none.
 */
export function readValue(element: XmlElement, reading: Reading): CdaNode | undefined {
  const nullFlavor = attribute(element, 'nullFlavor');
  if (nullFlavor !== undefined && element.children.every((one) => typeof one === 'string')) return { nullFlavor };
  const written = attribute(element, 'xsi:type');
  const type = written?.slice(written.indexOf(':') + 1);
  if (type !== undefined && type in byType) return byType[type]!(element, reading);
  if (attribute(element, 'mediaType') !== undefined) return named('media', readMedia(element, reading));
  if (attribute(element, 'code') !== undefined) return concept(element, reading);
  if (child(element, 'low') || child(element, 'high')) return byType.IVL_PQ!(element, reading);
  if (attribute(element, 'value') !== undefined) return byType.PQ!(element, reading);
  return text(element, reading);
}

/**
 * A result known on one side only (« > 0,5 ») is a quantity with a comparator; elsewhere, in reference ranges, it stays a
 * range. Ends are inclusive unless they say otherwise.
 */
function interval(element: XmlElement, reading: Reading): CdaNode | undefined {
  const range = readRange(element, reading);
  if (!range) return byType.PQ!(element, reading);
  const side = range.low ? 'low' : 'high';
  if (element.parent?.name !== 'observation' || (range.low && range.high)) return { valueRange: range };
  const inclusive = flag(attribute(child(element, side)!, 'inclusive')) !== false;
  const comparator = side === 'low' ? (inclusive ? '>=' : '>') : inclusive ? '<=' : '<';
  return { valueQuantity: { ...range[side], comparator } };
}

function ratio(element: XmlElement, reading: Reading): CdaNode | undefined {
  const amount = readAmount(element, reading);
  return named('valueRatio', amount?.ratio) ?? named('valueQuantity', amount?.quantity);
}

/** Integers FHIR can hold (32 bits) stay integers, other numbers become quantities without unit. */
function number(element: XmlElement, reading: Reading, type: 'INT' | 'REAL'): CdaNode | undefined {
  const written = attribute(element, 'value') ?? ownText(element);
  if (!written.trim()) return undefined;
  const value = readNumber(written);
  if (value === undefined) return reading.wrongValue(element, type);
  const integer = type === 'INT' && Number.isInteger(value) && Math.abs(value) <= 2_147_483_647;
  return integer ? { valueInteger: value } : { valueQuantity: { value } };
}

/** MO: an amount with its currency (ISO 4217), as a Quantity holds it. */
function money(element: XmlElement, reading: Reading): CdaNode | undefined {
  const quantity = readQuantity(element, reading);
  const currency = attribute(element, 'currency');
  if (!quantity || !currency) return named('valueQuantity', quantity);
  return { valueQuantity: { ...quantity, unit: currency, system: 'urn:iso:std:iso:4217', code: currency } };
}

/** BL; `1` and `0` are XML Schema's other spelling. */
export function flag(written: string | undefined): boolean | undefined {
  if (written === 'true' || written === '1') return true;
  return written === 'false' || written === '0' ? false : undefined;
}
