import type { Extension, HumanName, Patient } from '@medplum/fhirtypes';

const CORE = 'https://hl7.fr/ig/fhir/core/StructureDefinition/';
/** FR Core: all given names of the birth certificate, in one text. */
export const BIRTH_LIST = `${CORE}fr-core-patient-birth-list-given-name`;
/** Place of birth; its INSEE code is in `INSEE_CODE`. */
export const BIRTH_PLACE = 'http://hl7.org/fhir/StructureDefinition/patient-birthPlace';
/** FR Core: INSEE code (code officiel géographique) of an address. */
export const INSEE_CODE = `${CORE}fr-core-address-insee-code`;

/**
 * The strict traits of the national identity rules (RNIV), normalised for comparison: upper case letters and digits
 * without accents, hyphens or apostrophes. A trait nobody said, or said to be unknown, is absent.
 */
export interface Traits {
  birthName?: string;
  /** The first birth given name. */
  given?: string;
  /** All birth given names known, the first included. */
  givenNames: string[];
  /** FHIR date: a year, a month or a day. */
  birthDate?: string;
  sex?: 'male' | 'female';
  /** INSEE code of the commune or country of birth. */
  birthPlace?: string;
  /** Used name and given name; no strict traits, but they explain a changed birth name. */
  usedName?: string;
  usedGiven?: string;
}

/** One of the strict traits of the RNIV. */
export type Trait = 'birthName' | 'given' | 'birthDate' | 'sex' | 'birthPlace';
/** All strict traits, in the order in which they are told. */
export const strictTraits: Trait[] = ['birthName', 'given', 'birthDate', 'sex', 'birthPlace'];

/**
 * How one trait of two claims compares:
 * - `agree`: the same after normalisation
 * - `close`: compatible though not the same (year against day of birth, another of the birth given names, a used name)
 * - `differ`: cannot both be true
 * - `unknown`: at least one side does not say
 */
export type Agreement = 'agree' | 'close' | 'differ' | 'unknown';
/** How two claims compare, trait by trait. */
export type Comparison = Record<Trait, Agreement> & {
  /** Birth name and given name stand in each other's place on one side. */
  swapped: boolean;
};

/** What registration desks write when a given name is not known yet. */
const PLACEHOLDERS = new Set([
  'INCONNU',
  'INCONNUE',
  'SANSPRENOM',
  'NONRENSEIGNE',
  'NOUVEAUNE',
  'BEBE',
  'BB',
  'X',
  'XX',
  'XXX',
]);
const UNKNOWN_PLACE = '99999';

/** Letters and digits only, upper case, without accents; ligatures spelt out, accents off first: `ǽ` is one too. */
export function normalise(text: string): string {
  return text
    .slice(0, 400)
    .normalize('NFD')
    .replace(/œ/gi, 'oe')
    .replace(/æ/gi, 'ae')
    .replace(/ß/gi, 'ss')
    .replace(/[^\p{L}\p{N}]/gu, '')
    .toUpperCase();
}

/** The traits a Patient claims, by the use of its names (fr-core-patient-ins: official is the birth name, usual the used). */
export function traitsOf(patient: Patient): Traits {
  const names = patient.name ?? [];
  const official = names.find((name) => name.use === 'official') ?? names.find((name) => name.use === 'maiden');
  const usual = names.find((name) => name.use === 'usual');
  const birth = official ?? names.find((name) => !name.use);
  const givenNames = givenOf(birth);
  return {
    birthName: known(birth?.family),
    given: givenNames[0],
    givenNames,
    birthDate: patient.birthDate && /^\d{4}/.test(patient.birthDate) ? patient.birthDate.slice(0, 10) : undefined,
    sex: patient.gender === 'male' || patient.gender === 'female' ? patient.gender : undefined,
    birthPlace: birthPlaceOf(patient),
    usedName: known(usual?.family),
    usedGiven: knownGiven(usual?.given?.[0]),
  };
}

/** The first birth given name, then those of the list, each once. */
function givenOf(name: HumanName | undefined): string[] {
  const list = extensionOf(name?.extension, BIRTH_LIST)?.valueString ?? '';
  const first = name?.given?.length ? name.given : list.split(/\s+/).slice(0, 1);
  const all = [...first, ...list.split(/\s+/)].map((given) => knownGiven(given)).filter((given) => given !== undefined);
  return [...new Set(all)].slice(0, 20);
}

function known(text: string | undefined): string | undefined {
  const plain = normalise(text ?? '');
  return plain && !PLACEHOLDERS.has(plain) ? plain : undefined;
}

/** As `known`, the words of a compound name kept apart by one space. */
function knownGiven(text: string | undefined): string | undefined {
  if (!known(text)) return undefined;
  return (text ?? '')
    .split(/[\s\-‐‑]+/)
    .map(normalise)
    .filter(Boolean)
    .join(' ');
}

function birthPlaceOf(patient: Patient): string | undefined {
  const address = extensionOf(patient.extension, BIRTH_PLACE)?.valueAddress;
  const coded = extensionOf(address?.extension, INSEE_CODE)?.valueCoding?.code;
  const code = normalise(coded ?? '');
  return code && code !== UNKNOWN_PLACE ? code : undefined;
}

function extensionOf(list: Extension[] | undefined, url: string): Extension | undefined {
  return list?.find((extension) => extension.url === url);
}

/** Compares two claims trait by trait. */
export function compare(a: Traits, b: Traits): Comparison {
  const swapped = areSwapped(a, b);
  return {
    birthName: swapped ? 'close' : compareBirthName(a, b),
    given: swapped ? 'close' : compareGiven(a, b),
    birthDate: compareBirthDate(a, b),
    sex: !a.sex || !b.sex ? 'unknown' : a.sex === b.sex ? 'agree' : 'differ',
    birthPlace: compareBirthPlace(a.birthPlace, b.birthPlace),
    swapped,
  };
}

/** The names of the traits that compare so, in the order of the strict traits. */
export function traitsThat(comparison: Comparison, ...agreements: Agreement[]): Trait[] {
  return strictTraits.filter((trait) => agreements.includes(comparison[trait]));
}

function areSwapped(a: Traits, b: Traits): boolean {
  if (!a.birthName || !a.given || !b.birthName || !b.given) return false;
  return a.birthName !== b.birthName && a.birthName === joined([b.given]) && joined([a.given]) === b.birthName;
}

/** A birth name that is the other side's used name is a name taken or given back, not another person's. */
function compareBirthName(a: Traits, b: Traits): Agreement {
  const left = a.birthName ?? a.usedName;
  const right = b.birthName ?? b.usedName;
  if (!left || !right) return 'unknown';
  if (a.birthName && a.birthName === b.birthName) return 'agree';
  return left === right || a.usedName === right || b.usedName === left ? 'close' : 'differ';
}

function compareGiven(a: Traits, b: Traits): Agreement {
  const left = a.given ?? a.usedGiven;
  const right = b.given ?? b.usedGiven;
  if (!left || !right) return 'unknown';
  if (joined([left]) === joined([right])) return 'agree';
  const ofA = [...a.givenNames, a.usedGiven].filter((name) => name !== undefined);
  const ofB = [...b.givenNames, b.usedGiven].filter((name) => name !== undefined);
  return isAmong(left, ofB) || isAmong(right, ofA) ? 'close' : 'differ';
}

/** A compound name is written with and without its hyphen, or cut: `MARIE` and `LOUISE` are among `MARIE LOUISE`. */
function isAmong(name: string, list: string[]): boolean {
  const words = list.flatMap((one) => one.split(' '));
  return joined(words).startsWith(joined([name])) || name.split(' ').every((word) => words.includes(word));
}

function joined(words: string[]): string {
  return words.join('').replaceAll(' ', '');
}

/** Dates agree as far as both say; INSEE writes 1 January or 31 December for people born abroad on an unknown day. */
function compareBirthDate(a: Traits, b: Traits): Agreement {
  const [left, right] = [a.birthDate, b.birthDate];
  if (!left || !right) return 'unknown';
  if (left === right) return 'agree';
  if (left.startsWith(right) || right.startsWith(left)) return 'close';
  const abroad = a.birthPlace?.startsWith('99') || b.birthPlace?.startsWith('99');
  const assumed = /-(?:01-01|12-31)$/.test(left) || /-(?:01-01|12-31)$/.test(right);
  return abroad && assumed && left.slice(0, 4) === right.slice(0, 4) ? 'close' : 'differ';
}

/** Communes of Corsica changed from 20… to 2A… and 2B… in 1976 and keep their last three digits. */
function compareBirthPlace(left: string | undefined, right: string | undefined): Agreement {
  if (!left || !right) return 'unknown';
  if (left === right) return 'agree';
  const corsican = /^2[0AB]\d{3}$/;
  const moved = corsican.test(left) && corsican.test(right) && (left[1] === '0' || right[1] === '0');
  return moved && left.slice(2) === right.slice(2) ? 'close' : 'differ';
}
