import type { Timing } from '@medplum/fhirtypes';
import { hl7Date } from '../dates.ts';
import { attribute, child, elements, type XmlElement } from '../xml/index.ts';
import type { Reading } from './context.ts';
import { type Amount, readQuantity } from './quantities.ts';

/**
 * A time of an act: a point (`value`), an interval (`start`, `end`), a repetition (`timing`), or several of them
 * (`comp`). Values are FHIR dates and dateTimes.
 */
export interface CdaTime {
  value?: string;
  start?: string;
  end?: string;
  width?: Amount['quantity'];
  timing?: Timing;
  comp?: CdaTime[];
  nullFlavor?: string;
}

/** TS → FHIR date or dateTime; undefined (and a fault when it is not a date) otherwise. */
export function readInstant(element: XmlElement, reading: Reading): string | undefined {
  const value = attribute(element, 'value')?.trim();
  if (!value) return undefined;
  return hl7Date(value)?.value ?? reading.wrongValue(element, 'TS');
}

/** TS, IVL_TS, PIVL_TS, EIVL_TS, SXPR_TS → CdaTime. */
export function readTime(element: XmlElement, reading: Reading): CdaTime | undefined {
  const time: CdaTime = {};
  const value = readInstant(element, reading);
  if (value) time.value = value;
  if (element.children.length > 0) readParts(element, time, reading);
  const nullFlavor = attribute(element, 'nullFlavor');
  if (nullFlavor) time.nullFlavor = nullFlavor;
  for (const _ in time) return time;
  return undefined;
}

function readParts(element: XmlElement, time: CdaTime, reading: Reading): void {
  for (const part of element.children) {
    if (typeof part === 'string') continue;
    if (part.name === 'low') time.start = readInstant(part, reading);
    else if (part.name === 'high') time.end = readInstant(part, reading);
    else if (part.name === 'center') time.value ??= readInstant(part, reading);
    else if (part.name === 'width') time.width = readQuantity(part, reading);
  }
  if (time.start === undefined) delete time.start;
  if (time.end === undefined) delete time.end;
  const timing = readTiming(element, reading);
  if (timing) time.timing = timing;
  const parts = elements(element, 'comp').flatMap((part) => readTime(part, reading) ?? []);
  if (parts.length) time.comp = parts;
}

/** HL7 units of time FHIR's Timing takes, https://hl7.org/fhir/R4/valueset-units-of-time.html */
const units: Record<string, 's' | 'min' | 'h' | 'd' | 'wk' | 'mo' | 'a'> = {
  s: 's',
  min: 'min',
  h: 'h',
  d: 'd',
  wk: 'wk',
  mo: 'mo',
  a: 'a',
};

/** Events of EIVL are those of FHIR's Timing, https://hl7.org/fhir/R4/valueset-event-timing.html */
const EVENTS = /^(HS|WAKE|C|CM|CD|CV|AC|ACM|ACD|ACV|PC|PCM|PCD|PCV)$/;

function readTiming(element: XmlElement, reading: Reading): Timing | undefined {
  const period = child(element, 'period');
  const quantity = period && readQuantity(period, reading);
  const event = child(element, 'event');
  const code = event && attribute(event, 'code');
  if (!quantity && !code) return undefined;
  const repeat: NonNullable<Timing['repeat']> = {};
  const unit = quantity?.unit ? units[quantity.unit] : undefined;
  if (quantity?.value !== undefined && quantity.value > 0 && unit) {
    repeat.frequency = 1;
    repeat.period = quantity.value;
    repeat.periodUnit = unit;
  }
  if (code && EVENTS.test(code)) repeat.when = [code as 'HS'];
  const text = [
    quantity && !unit ? `${quantity.value ?? ''} ${quantity.unit ?? ''}`.trim() : undefined,
    code && !repeat.when ? code : undefined,
  ].filter(Boolean);
  return {
    ...(Object.keys(repeat).length ? { repeat } : {}),
    ...(text.length ? { code: { text: text.join(', ') } } : {}),
  };
}
