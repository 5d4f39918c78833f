import type { Identifier, Patient } from '@medplum/fhirtypes';

/**
 * The national health identity (INS), "Référentiel INS" of the Agence du numérique en santé. A matricule means something
 * only together with the OID of its authority; test and demonstration numbers live in OIDs of their own.
 */
export const insSystems = {
  'urn:oid:1.2.250.1.213.1.4.8': 'INS-NIR',
  'urn:oid:1.2.250.1.213.1.4.9': 'INS-NIA',
  'urn:oid:1.2.250.1.213.1.4.10': 'INS-NIR-TEST',
  'urn:oid:1.2.250.1.213.1.4.11': 'INS-NIR-DEMO',
} as const;

/** System of an INS as FR Core writes it: `urn:oid:` and the OID of its kind. */
export type InsSystem = keyof typeof insSystems;

/** The calculated INS of before 2020: derived from traits, not unique, never a reason to link. */
export const INS_C = 'urn:oid:1.2.250.1.213.1.4.2';

/** An INS (identité nationale de santé) that a claim or a record bears. */
export interface Ins {
  system: InsSystem;
  /** 15 characters, upper case, no spaces. */
  value: string;
  /** False for a number that has been superseded (`use` old). */
  current: boolean;
  /** Shape and key are right; only then it serves as an INS. */
  valid: boolean;
}

const SHAPE = /^[1-8]\d{4}(?:\d{2}|2[AB])\d{8}$/;

/**
 * The control key of a NIR: 97 minus the first thirteen characters modulo 97, the Corsican departments 2A and 2B counting
 * as 19 and 18.
 * @returns two digits, or undefined when the thirteen characters are not those of a NIR.
 */
export function nirKey(first13: string): string | undefined {
  if (!SHAPE.test(`${first13}00`)) return undefined;
  const digits = first13.replace('2A', '19').replace('2B', '18');
  return String(97 - (Number(digits) % 97)).padStart(2, '0');
}

/** Whether a matricule has the shape and the key of an INS. */
export function isValidMatricule(value: string): boolean {
  const matricule = canonicalMatricule(value);
  return SHAPE.test(matricule) && nirKey(matricule.slice(0, 13)) === matricule.slice(13);
}

/** Upper case without spaces or dots, as forms and cards print the number in groups. */
export function canonicalMatricule(value: string): string {
  return value.replace(/[\s.]/g, '').toUpperCase();
}

/** Every INS a Patient carries, valid or not. */
export function insOf(patient: Patient): Ins[] {
  return (patient.identifier ?? []).flatMap((identifier) => {
    if (!isInsSystem(identifier.system) || !identifier.value) return [];
    const value = canonicalMatricule(identifier.value);
    return [{ system: identifier.system, value, current: identifier.use !== 'old', valid: isValidMatricule(value) }];
  });
}

/** The INS that count now: valid, not superseded. */
export function currentIns(patient: Patient): Ins[] {
  return insOf(patient).filter((ins) => ins.valid && ins.current);
}

/** True for the systems of `insSystems`; not for the calculated INS. */
export function isInsSystem(system: string | undefined): system is InsSystem {
  return system !== undefined && Object.hasOwn(insSystems, system);
}

/**
 * Identifiers that are unique within their system: those of hospitals, laboratories and tools, and an INS whose key is
 * wrong, which still names a record of its sender. Calculated INS and numbers without a system are not among them.
 */
export function localIdentifiers(patient: Patient): Required<Pick<Identifier, 'system' | 'value'>>[] {
  return (patient.identifier ?? []).flatMap(({ system, value }) => {
    if (!system || !value?.trim() || system === INS_C) return [];
    if (isInsSystem(system) && isValidMatricule(value)) return [];
    return [{ system, value: isInsSystem(system) ? canonicalMatricule(value) : value.trim() }];
  });
}

/** `system|value`: one text for one identifier, equal only when both parts are. */
export function identifierKey(identifier: { system?: string; value?: string }): string {
  const value = identifier.value?.trim() ?? '';
  return `${identifier.system ?? ''}|${isInsSystem(identifier.system) ? canonicalMatricule(value) : value}`;
}

/**
 * What messages of one person have in common, strongest first: the current INS, else local identifiers. Lanes of work and
 * locks are named by it.
 */
export function identityKeys(patient: Patient): string[] {
  return [...currentIns(patient), ...localIdentifiers(patient)].map(identifierKey);
}

/** The first of {@link identityKeys}, without making the others: every message asks for it before it is acknowledged. */
export function strongestKey(patient: Patient): string | undefined {
  const [first = localIdentifiers(patient)[0]] = currentIns(patient);
  return first && identifierKey(first);
}
