import type { Extension, HumanName, Identifier, Patient, Reference } from '@medplum/fhirtypes';
import { identifierKey, insOf, isInsSystem } from './ins.ts';
import { isAtLeast, patientReliability, RELIABILITY, reconcileReliability } from './reliability.ts';
import { BIRTH_PLACE, compare, normalise, traitsOf } from './traits.ts';

/** When the demographics of a record were true at their source; newer ones win, older ones only fill gaps. */
export const AS_OF = 'http://passerelle.example/fhir/StructureDefinition/demographics-as-of';

/**
 * What is known about a person once a claim has been linked: identifiers of both; names, sex, birth date and place as the
 * newer of the two says unless the older was better checked; contact points, addresses and the rest by kind.
 * @param asOf when the claim was true at its source (FHIR dateTime or instant).
 * @param contested `system|value` of identifiers that belong to somebody else.
 * @returns a new Patient; deep-equal to `known` when the claim brings nothing.
 */
export function reconcile(known: Patient, claim: Patient, asOf: string, contested: string[] = []): Patient {
  const newer = isNewer(asOf, known);
  const strict = newer && isAtLeast(patientReliability(claim), patientReliability(known)) && !swaps(known, claim);
  const [first, second] = newer ? [claim, known] : [known, claim];
  const merged: Patient = {
    ...second,
    ...withoutEmpty(first),
    ...identityOf(known, claim, strict),
    id: known.id,
    meta: reconcileMeta(known, claim),
    text: known.text,
    active: known.active ?? true,
    identifier: reconcileIdentifiers(known, claim, contested),
    name: reconcileNames(known, claim, strict, newer),
    telecom: byKind(first.telecom, second.telecom, (one) => `${one.system}|${one.use ?? ''}`),
    address: byKind(first.address, second.address, (one) => `${one.use ?? ''}|${one.type ?? ''}`),
    generalPractitioner: reconcileReferences(known, claim, newer, 'generalPractitioner'),
    managingOrganization: reconcileReferences(known, claim, newer, 'managingOrganization')?.[0],
    extension: reconcileExtensions(known, claim, strict, newer),
    link: known.link,
  };
  const plain = withoutEmpty(merged) as Patient;
  return newer && !same(plain, known) ? stamped(plain, asOf) : plain;
}

/** The record a first claim makes: statuses with their version, numbers in their canonical form, the time it was true. */
export function firstRecord(claim: Patient, asOf: string, contested: string[] = []): Patient {
  const identifier = reconcileIdentifiers({ resourceType: 'Patient' }, claim, contested);
  const extension = reconcileExtensions({ resourceType: 'Patient' }, claim, true, true);
  return stamped(withoutEmpty({ ...claim, active: true, identifier, extension }) as Patient, asOf);
}

/** Whether two resources say the same, whatever the order of their properties. */
export function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  const keys = Object.keys(left).filter((key) => left[key] !== undefined);
  if (keys.length !== Object.keys(right).filter((key) => right[key] !== undefined).length) return false;
  return keys.every((key) => same(left[key], right[key]));
}

function isNewer(asOf: string, known: Patient): boolean {
  const before = known.extension?.find((extension) => extension.url === AS_OF)?.valueDateTime;
  return !before || !(Date.parse(asOf) < Date.parse(before));
}

function stamped(patient: Patient, asOf: string): Patient {
  const rest = (patient.extension ?? []).filter((extension) => extension.url !== AS_OF);
  return { ...patient, extension: [...rest, { url: AS_OF, valueDateTime: asOf }] };
}

/** Sex and birth date; a year never replaces a day. */
function identityOf(known: Patient, claim: Patient, strict: boolean): Pick<Patient, 'gender' | 'birthDate'> {
  const unsure = !claim.gender || claim.gender === 'unknown';
  const vaguer = !claim.birthDate || (known.birthDate?.startsWith(claim.birthDate) ?? false);
  return {
    gender: (strict && !unsure) || !known.gender ? (claim.gender ?? known.gender) : known.gender,
    birthDate: (strict && !vaguer) || !known.birthDate ? (claim.birthDate ?? known.birthDate) : known.birthDate,
  };
}

function swaps(known: Patient, claim: Patient): boolean {
  return compare(traitsOf(known), traitsOf(claim)).swapped;
}

/** The union by system and value. What a newer claim says of an identifier it shares (its type, its period) is taken over. */
function reconcileIdentifiers(known: Patient, claim: Patient, contested: string[]): Identifier[] {
  const all = new Map<string, Identifier>();
  for (const identifier of known.identifier ?? []) all.set(identifierKey(identifier), identifier);
  for (const identifier of claim.identifier ?? []) {
    const key = identifierKey(identifier);
    if (!identifier.value || contested.includes(key)) continue;
    const before = all.get(key);
    const value = isInsSystem(identifier.system) ? key.slice(key.indexOf('|') + 1) : identifier.value;
    const use = before?.use === 'old' ? before.use : (identifier.use ?? before?.use);
    all.set(key, withoutEmpty({ ...before, ...identifier, value, use }) as Identifier);
  }
  return retireReplaced([...all.values()], claim);
}

/** A number the claim brings beside the one it replaces leaves one current number in each system of the INS. */
function retireReplaced(identifiers: Identifier[], claim: Patient): Identifier[] {
  const superseded = new Set(
    insOf(claim)
      .filter((ins) => !ins.current)
      .map(identifierKey),
  );
  return identifiers.map((one) => (superseded.has(identifierKey(one)) ? { ...one, use: 'old' as const } : one));
}

/** Official names are strict traits; the used name is whatever was said last; other names are kept. */
function reconcileNames(known: Patient, claim: Patient, strict: boolean, newer: boolean): HumanName[] {
  const [before, now] = [known.name ?? [], claim.name ?? []];
  const birth = reconcileBirthNames(birthNames(before), birthNames(now), strict);
  const usual = choose(before.filter(isUsual), now.filter(isUsual), newer);
  const kept = [...before, ...now].filter((name) => name.use && !isUsual(name) && !isBirth(name));
  const former = strict && changed(birthNames(before), birthNames(now)) ? birthNames(before) : [];
  const old = former.map((name) => ({ ...name, use: 'old' as const }));
  return unique([...birth, ...usual, ...kept, ...old]);
}

/** A name without use never takes the place of an official one; a list of given names outlives a message that has none. */
function reconcileBirthNames(before: HumanName[], now: HumanName[], strict: boolean): HumanName[] {
  if (before.some(isBirth) && !now.some(isBirth)) return before;
  const chosen = choose(before, now, strict);
  const spoken = (name?: HumanName) => normalise(`${name?.family} ${name?.given?.[0]}`);
  const [old, fresh] = [before[0], chosen[0]];
  if (!old?.extension || fresh?.extension || spoken(old) !== spoken(fresh)) return chosen;
  return [{ ...fresh, extension: old.extension }, ...chosen.slice(1)];
}

function changed(before: HumanName[], now: HumanName[]): boolean {
  const family = (names: HumanName[]) => names[0]?.family;
  return Boolean(family(before) && family(now) && family(before) !== family(now));
}

function choose<T>(before: T[], now: T[], newWins: boolean): T[] {
  if (now.length === 0) return before;
  return newWins || before.length === 0 ? now : before;
}

function birthNames(names: HumanName[]): HumanName[] {
  const official = names.filter(isBirth);
  return official.length > 0 ? official : names.filter((name) => !name.use);
}

function isBirth(name: HumanName): boolean {
  return name.use === 'official' || name.use === 'maiden';
}

function isUsual(name: HumanName): boolean {
  return name.use === 'usual';
}

function reconcileExtensions(known: Patient, claim: Patient, strict: boolean, newer: boolean): Extension[] {
  const reliability = newer ? reconcileReliability(known, claim) : reconcileReliability(claim, known);
  const [first, second] = newer ? [claim, known] : [known, claim];
  const place = choose(placesOf(known), placesOf(claim), strict);
  const rest = byKind(others(first), others(second), (one) => one.url ?? '');
  return [...reliability, ...place, ...(rest ?? [])];
}

function placesOf(patient: Patient): Extension[] {
  return (patient.extension ?? []).filter((extension) => extension.url === BIRTH_PLACE);
}

function others(patient: Patient): Extension[] {
  return (patient.extension ?? []).filter((one) => one.url !== BIRTH_PLACE && one.url !== RELIABILITY);
}

/** All of the first list, and those of the second whose kind the first does not have. */
function byKind<T>(first: T[] | undefined, second: T[] | undefined, kind: (one: T) => string): T[] | undefined {
  const kinds = new Set((first ?? []).map(kind));
  return [...(first ?? []), ...(second ?? []).filter((one) => !kinds.has(kind(one)))];
}

function unique<T>(list: T[]): T[] {
  return list.filter((one, index) => list.findIndex((other) => same(one, other)) === index);
}

/**
 * References of a claim point into its message; when they carry the same identifier as a known one, they mean the same and
 * the known one stays, so that a repeated message changes nothing.
 */
function reconcileReferences(
  known: Patient,
  claim: Patient,
  newer: boolean,
  element: 'generalPractitioner' | 'managingOrganization',
): Reference<never>[] | undefined {
  const list = (patient: Patient) => [patient[element] ?? []].flat() as Reference<never>[];
  const alike = (one: Reference) => list(known).find((other) => sharesIdentifier(one, other));
  return choose(list(known), list(claim), newer).map((one) => alike(one) ?? one);
}

function sharesIdentifier(a: Reference, b: Reference): boolean {
  return Boolean(a.identifier?.value) && same(a.identifier, b.identifier);
}

/** Profiles and security labels of both; version and time of the record stay the server's. */
function reconcileMeta(known: Patient, claim: Patient): Patient['meta'] {
  const profile = unique([...(known.meta?.profile ?? []), ...(claim.meta?.profile ?? [])]);
  const security = unique([...(known.meta?.security ?? []), ...(claim.meta?.security ?? [])]);
  return withoutEmpty({ ...known.meta, profile, security });
}

function withoutEmpty<T extends object>(value: T): T {
  const kept = Object.entries(value).filter(
    ([, one]) => one !== undefined && !(Array.isArray(one) && one.length === 0),
  );
  return Object.fromEntries(kept) as T;
}
