/**
 * The fields that an acknowledgement depends on: those `inspect` and the patient's claims look at, and those a reader has
 * something to say about (dates, how long an identifier is valid, results).
 */
import { datatypesOf, typedSegments } from './dictionary.ts';

/** What inspection, claims, groups and metadata ask for by number. */
const asked: Record<string, string> = {
  MSH: '1 2 3 4 5 6 7 9 10 11 12 21',
  PID: '3 5 7 8 11 18',
  PV1: '2 19',
  MRG: '1 4',
  ORC: '1',
  OBR: '4',
  OBX: '2 3 5 11',
  TXA: '2 12 13 17',
  NTE: '4',
};

const fields = new Map<string, readonly number[]>();
for (const segment of typedSegments) {
  const dated = [...datatypesOf(segment)].flatMap((type, number) => (type === 'TS' || type === 'CX' ? [number] : []));
  const numbers = new Set([...(asked[segment]?.split(' ').map(Number) ?? []), ...dated]);
  fields.set(
    segment,
    [...numbers].sort((a, b) => a - b),
  );
}
const NONE: readonly number[] = [];

/** Numbers of these fields in a segment, in order. */
export function decisiveFields(segment: string): readonly number[] {
  return fields.get(segment) ?? NONE;
}
