/**
 * The fields that an acknowledgement depends on: those `inspect` and the patient's claims look at, and those a reader has
 * something to say about (dates, how long an identifier is valid, results).
 */
import { type Datatype, datatypesOf, typedSegments } from './dictionary.ts';

/** What inspection, claims, groups and metadata ask for by number; a field asked for there and not listed here is always empty. */
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

/** A field to be read. */
export interface Chosen {
  number: number;
  /** Its FHIR-ready form, where somebody asks for it or it may be wrong. */
  type: Datatype | undefined;
  /** Nobody asks for it: a date that is one need not be read. */
  dateOnly: boolean;
}

const forms = new Set<Datatype>(['CX', 'EI', 'TS', 'XAD', 'XPN']);

const fields = new Map<string, readonly Chosen[]>();
for (const segment of typedSegments) {
  const types = datatypesOf(segment);
  const looked = new Set(asked[segment]?.split(' ').map(Number));
  const dated = types.flatMap((type, number) => (type === 'TS' || type === 'CX' ? [number] : []));
  const numbers = [...new Set([...looked, ...dated])].sort((a, b) => a - b);
  fields.set(
    segment,
    numbers.map((number) => {
      const type = types[number];
      return {
        number,
        type: type && forms.has(type) ? type : undefined,
        dateOnly: type === 'TS' && !looked.has(number),
      };
    }),
  );
}
const NONE: readonly Chosen[] = [];

/** These fields of a segment, in order. */
export function decisiveFields(segment: string): readonly Chosen[] {
  return fields.get(segment) ?? NONE;
}
