/** Fields into repetitions, components and sub-components, and the walk over every value of a message. */

import { type Fault, fault } from '../../errors.ts';
import type { Charset } from './charset.ts';
import { datatypesOf, placeOfOccurrence } from './dictionary.ts';
import { type Separators, unescapeText } from './escape.ts';
import { remember, repetitionPlace } from './place.ts';
import { ready } from './ready.ts';
import { limits, type RawSegment } from './split.ts';
import type { Component, Repetition, Segment } from './tree.ts';

/** How a message is to be read, and what was found on the way. */
export interface Reading {
  separators: Separators;
  charset: Charset;
  faults: Fault[];
  /** Values that may still be read, see `limits.values`. */
  budget: number;
}

/** A segment as maps see it. */
export function segmentOf(raw: RawSegment, occurrence: number, reading: Reading): Segment {
  const name = raw.fields[0]!;
  const place = placeOfOccurrence(name, occurrence);
  const segment: Segment = {};
  remember(segment, { name, place });
  const types = datatypesOf(name);
  if (raw.fields.length >= limits.fieldsPerSegment) {
    reading.faults.push(
      fault('hl7-too-complex', { place, params: { limit: limits.fieldsPerSegment, what: 'fields' } }),
    );
  }
  for (let number = 1; number < Math.min(raw.fields.length, limits.fieldsPerSegment); number++) {
    const text = raw.fields[number]!;
    const cut = raw.cuts?.some((one) => one.field === number);
    if (text === '' && !cut) continue;
    const fieldPlace = `${place}-${number}`;
    // MSH-1 and MSH-2 hold the separators themselves.
    const literal = number <= 2 && (name === 'MSH' || name === 'FHS' || name === 'BHS');
    const list = literal ? [{ c1: { s1: text }, text }] : repetitions(text, fieldPlace, reading);
    const type = types[number];
    if (type) for (const [i, one] of list.entries()) ready(type, one, repetitionPlace(fieldPlace, i), reading.faults);
    segment[`f${number}`] = list;
  }
  return segment;
}

function repetitions(text: string, place: string, reading: Reading): Repetition[] {
  const list: Repetition[] = [];
  for (const one of parts(text, reading.separators.repetition)) {
    if (exhausted(reading, place)) break;
    list.push(repetitionOf(one, reading));
  }
  return list;
}

/** True when no more values are read; said once. */
function exhausted(reading: Reading, place: string): boolean {
  if (reading.budget > 0) {
    reading.budget--;
    return false;
  }
  if (Number.isFinite(reading.budget)) {
    reading.faults.push(fault('hl7-too-complex', { place, params: { limit: limits.values, what: 'values' } }));
    reading.budget = Number.NEGATIVE_INFINITY;
  }
  return true;
}

function repetitionOf(text: string, reading: Reading): Repetition {
  const { separators, charset } = reading;
  const repetition: Repetition = {};
  const components = parts(text, separators.component);
  for (let i = 0; i < components.length; i++) {
    const written = components[i]!;
    if (written === '') continue;
    const component: Component = {};
    if (separators.subcomponent !== '' && written.includes(separators.subcomponent)) {
      const subcomponents = written.split(separators.subcomponent);
      reading.budget -= subcomponents.length;
      for (let j = 0; j < subcomponents.length && reading.budget > 0; j++) {
        if (subcomponents[j] !== '') component[`s${j + 1}`] = unescapeText(subcomponents[j]!, separators, charset);
      }
    } else {
      component.s1 = unescapeText(written, separators, charset);
      reading.budget--;
    }
    repetition[`c${i + 1}`] = component;
    if (reading.budget <= 0) break;
  }
  if (components.length === 1 && repetition.c1?.s1 !== undefined) repetition.text = repetition.c1.s1;
  return repetition;
}

function parts(text: string, separator: string): string[] {
  return separator === '' ? [text] : text.split(separator);
}

/** Text of a field that has no structure (ST, TX, FT), whatever separators stand unescaped inside. */
export function wholeText(raw: RawSegment, number: number, reading: Pick<Reading, 'separators' | 'charset'>): string {
  const { separators, charset } = reading;
  const text = raw.fields[number] ?? '';
  return parts(text, separators.repetition)
    .map((one) => unescapeText(one, separators, charset))
    .join('\n');
}
