/** Fields into repetitions, components and sub-components, and the walk over every value of a message. */

import { type Fault, fault } from '../../errors.ts';
import { hl7Date } from '../dates.ts';
import type { Chosen } from './decisive.ts';
import { datatypesOf, placeOfOccurrence } from './dictionary.ts';
import { type Escaped, unescapeText } from './escape.ts';
import { emptySegment, placeAt, type Where } from './place.ts';
import { ready } from './ready.ts';
import { limits, type RawSegment } from './split.ts';
import type { Component, Repetition, Segment } from './tree.ts';

/** How a message is to be read, and what was found on the way. */
export interface Reading extends Escaped {
  faults: Fault[];
  /** Fields to be read of a segment; all when absent. */
  fieldsOf?: (segment: string) => readonly Chosen[];
}

/** Property names made once: joining text and number again for every value takes a fifth of the reading. */
const names = (letter: string, most: number): string[] => Array.from({ length: most + 1 }, (_, i) => `${letter}${i}`);
const FIELDS = names('f', limits.fieldsPerSegment);
const COMPONENTS = names('c', 200);
const SUBCOMPONENTS = names('s', 50);
const fieldName = (number: number) => FIELDS[number] as `f${number}`;
const componentName = (number: number) => (COMPONENTS[number] ?? `c${number}`) as `c${number}`;
const subcomponentName = (number: number) => (SUBCOMPONENTS[number] ?? `s${number}`) as `s${number}`;

/** A segment as maps see it. */
export function segmentOf(raw: RawSegment, occurrence: number, reading: Reading): Segment {
  const name = raw.fields[0]!;
  const place = placeOfOccurrence(name, occurrence);
  const segment = emptySegment(name, place);
  if (raw.fields.length >= limits.fieldsPerSegment) {
    reading.faults.push(
      fault('hl7-too-complex', { place, params: { limit: limits.fieldsPerSegment, what: 'fields' } }),
    );
  }
  // MSH-1 and MSH-2 hold the separators themselves.
  const literal = name === 'MSH' || name === 'FHS' || name === 'BHS' ? 2 : 0;
  const last = Math.min(raw.fields.length, limits.fieldsPerSegment) - 1;
  const where: Where = { segment: place, field: 0, repetition: 0 };
  const types = datatypesOf(name);
  const chosen = reading.fieldsOf?.(name);
  const count = chosen ? chosen.length : last;
  for (let i = 0; i < count; i++) {
    const one = chosen?.[i];
    const number = one ? one.number : i + 1;
    const text = raw.fields[number];
    if (text === undefined || number > last) continue;
    if (text === '' && !raw.cuts?.some((cut) => cut.field === number)) continue;
    if (one?.dateOnly && hl7Date(text)) continue;
    where.field = number;
    const list = number <= literal ? [{ c1: { s1: text }, text }] : repetitions(text, where, reading);
    const type = one ? one.type : types[number];
    if (type) {
      for (where.repetition = 0; where.repetition < list.length; where.repetition++) {
        ready(type, list[where.repetition]!, where, reading.faults);
      }
      where.repetition = 0;
    }
    segment[fieldName(number)] = list;
  }
  return segment;
}

function repetitions(text: string, where: Where, reading: Reading): Repetition[] {
  const { repetition: tilde, subcomponent, escape: mark } = reading.separators;
  // Asked once a field: most have neither, and asking for each of their components takes a quarter of the time.
  const marks = {
    nested: subcomponent !== '' && text.includes(subcomponent),
    escaped: mark !== '' && text.includes(mark),
  };
  if (tilde === '' || !text.includes(tilde)) {
    return exhausted(reading, where) ? [] : [repetitionOf(text, marks, reading)];
  }
  const list: Repetition[] = [];
  for (const one of text.split(tilde, mostParts(reading))) {
    if (exhausted(reading, where)) break;
    list.push(repetitionOf(one, marks, reading));
  }
  return list;
}

/** What stands somewhere in a field. */
interface Marks {
  /** Sub-components. */
  nested: boolean;
  /** Escape sequences. */
  escaped: boolean;
}

/** True when no more values are read; said once. */
function exhausted(reading: Reading, where: Where): boolean {
  if (reading.budget > 0) {
    reading.budget--;
    return false;
  }
  if (Number.isFinite(reading.budget)) {
    const params = { limit: limits.values, what: 'values' };
    reading.faults.push(fault('hl7-too-complex', { place: placeAt(where), params }));
    reading.budget = Number.NEGATIVE_INFINITY;
  }
  return true;
}

function repetitionOf(text: string, marks: Marks, reading: Reading): Repetition {
  const { component: caret } = reading.separators;
  const repetition: Repetition = {};
  if (!text.includes(caret)) {
    if (text === '') return repetition;
    repetition.c1 = componentOf(text, marks, reading);
    if (repetition.c1.s1 !== undefined) repetition.text = repetition.c1.s1;
    return repetition;
  }
  const most = mostParts(reading);
  let at = 0;
  for (let number = 1; at <= text.length && number <= most && reading.budget > 0; number++) {
    const found = text.indexOf(caret, at);
    const end = found < 0 ? text.length : found;
    if (end > at) repetition[componentName(number)] = componentOf(text.slice(at, end), marks, reading);
    at = end + caret.length;
  }
  return repetition;
}

function componentOf(text: string, { nested, escaped }: Marks, reading: Reading): Component {
  const mark = reading.separators.subcomponent;
  if (!nested || !text.includes(mark)) {
    reading.budget--;
    return { s1: escaped ? unescapeText(text, reading) : text };
  }
  const component: Component = {};
  const subcomponents = text.split(mark, mostParts(reading));
  for (let j = 0; j < subcomponents.length && reading.budget > 0; j++) {
    const written = subcomponents[j]!;
    reading.budget--;
    if (written !== '') component[subcomponentName(j + 1)] = escaped ? unescapeText(written, reading) : written;
  }
  return component;
}

/** Never more parts than values may still be read. */
function mostParts({ budget }: Reading): number {
  return Math.max(1, Math.min(budget, limits.values) + 1);
}

/** Text of a field that has no structure (ST, TX, FT), whatever separators stand unescaped inside. */
export function wholeText(raw: RawSegment, number: number, reading: Reading): string {
  const { repetition: tilde } = reading.separators;
  const text = raw.fields[number] ?? '';
  const parts = tilde === '' ? [text] : text.split(tilde, limits.fieldsPerSegment);
  return parts.map((one) => unescapeText(one, reading)).join('\n');
}
