import type { CodeableConcept, Coding, Observation, Quantity } from '@medplum/fhirtypes';
import { internationalSystem } from '../formats/systems.ts';
import { convertUnit } from '../formats/units.ts';
import { isOneOf } from './rules.ts';

/** A number in a UCUM unit. */
export interface Amount {
  value: number;
  unit: string;
}

/** One value of an Observation or of one of its components. */
export interface Reading {
  codes: Coding[];
  quantity?: Amount;
  /** Instead of a quantity: only that the value is on this side of it (a sensor's "< 70"). */
  bound?: Amount & { comparator: NonNullable<Quantity['comparator']> };
  /** Codes of a coded value; a boolean is `present`. */
  values: Coding[];
  present?: boolean;
  /** Milliseconds since 1970 of the effective time. */
  at: number;
  effective: string;
  /** Reference to the Observation: `urn:uuid:…` of a draft or `Observation/id`. */
  reference: string;
}

const DISREGARDED = new Set(['cancelled', 'entered-in-error', 'unknown', 'registered']);

/** The values of observations with a time, oldest first; those that were cancelled or are in error are left out. */
export function readingsOf(observations: { resource: Observation; reference: string }[]): Reading[] {
  return observations
    .filter(({ resource }) => !DISREGARDED.has(resource.status))
    .flatMap(({ resource, reference }) => valuesOf(resource, reference))
    .sort((a, b) => a.at - b.at);
}

/** The readings with one of the codes; where a unit is asked for, those with a quantity that can be said in it, in it. */
export function readingsWith(readings: Reading[], codes: Coding[], unit?: string): Reading[] {
  const own = readings.filter((one) => isOneOf(one.codes, codes));
  if (unit === undefined) return own;
  return own.flatMap((one) => {
    if (one.quantity?.unit === unit) return [one];
    const quantity = one.quantity && inUnit(one.quantity, unit);
    return quantity ? [{ ...one, quantity }] : [];
  });
}

/** The readings with one of the codes that are only a bound, in the unit. */
export function boundsWith(readings: Reading[], codes: Coding[], unit: string) {
  return readings.flatMap((one) => {
    const bound = one.bound && isOneOf(one.codes, codes) ? inUnit(one.bound, unit) : undefined;
    return bound ? [{ ...one, bound }] : [];
  });
}

/** The same amount in another unit; undefined when no conversion is known. */
export function inUnit<A extends Amount>(amount: A, unit: string): A | undefined {
  const value = convertUnit(amount.value, amount.unit, unit);
  return value === undefined ? undefined : { ...amount, value, unit };
}

function valuesOf(observation: Observation, reference: string): Reading[] {
  if (isAboutAnother(observation)) return [];
  const effective = observation.effectiveDateTime ?? observation.effectivePeriod?.end ?? observation.effectiveInstant;
  const at = Date.parse(effective ?? '');
  if (!effective || Number.isNaN(at)) return [];
  const one = (part: Valued): Reading => ({
    codes: (part.code?.coding ?? []).map((coding) => ({ ...coding, system: internationalSystem(coding.system) })),
    ...amountOf(part.valueQuantity),
    values: part.valueCodeableConcept?.coding ?? [],
    present: part.valueBoolean,
    at,
    effective,
    reference,
  });
  return [one(observation), ...(observation.component ?? []).map(one)];
}

/** A mother's or a child's value in the patient's record, as R4 says it: the record's subject, and a relative in focus. */
function isAboutAnother({ focus }: Observation): boolean {
  return !!focus?.some(({ type, reference }) => type === 'RelatedPerson' || reference?.startsWith('RelatedPerson/'));
}

interface Valued {
  code?: CodeableConcept;
  valueQuantity?: Quantity;
  valueCodeableConcept?: CodeableConcept;
  valueBoolean?: boolean;
}

function amountOf({ value, comparator, code, unit = '' }: Quantity = {}): Pick<Reading, 'quantity' | 'bound'> {
  if (value === undefined) return {};
  const amount = { value, unit: code ?? unit };
  return comparator ? { bound: { ...amount, comparator } } : { quantity: amount };
}
