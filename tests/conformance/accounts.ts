import type { Account } from '../../src/conversion.ts';

/**
 * What only says how a message is built, not what it says: kinds fixed by the element, templates, the text form of what the
 * entries say, the numbers and datatypes of segments.
 */
const STRUCTURE =
  /\/(?:templateId|typeId|realmCode|signatureCode)(?:\/|$)|@(?:classCode|moodCode|determinerCode|contextControlCode|contextConductionInd|inversionInd|typeCode|nullFlavor)$|xsi:type/;
const NARRATIVE = /\/text(?:\/|$)|\/section\/(?:title|code|id)(?:\/|$)/;
const SEGMENT = /^(?:PID|PV1|ROL|TXA|PRT|OBX|ZBE|ZFA|ZFD)\b/;
const SEGMENT_FORM = /^(?:PID|PV1|TXA|OBX(?:\[\d+\])?)-1$|^OBX(?:\[\d+\])?-2$/;

/** True for a value that says something clinical or administrative: header and entries of a CDA, the segments named above. */
export function isMeaningful(place: string): boolean {
  if (!place.includes('ClinicalDocument')) return SEGMENT.test(place) && !SEGMENT_FORM.test(place);
  const path = place.replace(/\[\d+\]/g, '');
  return !STRUCTURE.test(path) && !NARRATIVE.test(path);
}

/** How the values of one file were used. */
export interface Share {
  all: number;
  fallen: number;
  meaningful: number;
  mapped: number;
  kept: number;
  ignored: number;
}

/** Counts the four lists of an account; of the last four only what is meaningful. */
export function shareOf({ mapped, kept, ignored, fallen }: Account): Share {
  const meaningful = (list: { place: string }[]) => list.filter(({ place }) => isMeaningful(place)).length;
  return {
    all: mapped.length + kept.length + ignored.length + fallen.length,
    fallen: fallen.length,
    meaningful: meaningful([...mapped, ...kept, ...ignored, ...fallen]),
    mapped: meaningful(mapped),
    kept: meaningful(kept),
    ignored: meaningful(ignored),
  };
}

/** A table for people, one row a file. */
export function shareTable(rows: [string, Share][]): string {
  const lines = rows.map(
    ([name, { all, fallen, meaningful, mapped, kept, ignored }]) =>
      `${name.padEnd(72)}${[all, fallen, meaningful, mapped, kept, ignored].map((one) => String(one).padStart(7)).join('')}  ${((100 * mapped) / meaningful).toFixed(1)} %`,
  );
  const head = `${'file'.padEnd(72)}${['all', 'fallen', 'meant', 'mapped', 'kept', 'ignored'].map((one) => one.padStart(7)).join('')}`;
  return [head, ...lines].join('\n');
}
