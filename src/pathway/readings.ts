import type { CodeableConcept, Coding, Observation, Quantity } from '@medplum/fhirtypes';
import { internationalSystem } from '../formats/systems.ts';
import { isOneOf } from './rules.ts';

/** One value of an Observation or of one of its components. */
export interface Reading {
  codes: Coding[];
  quantity?: { value: number; unit: string };
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

/** The readings with one of the codes, in one unit where a unit is asked for. */
export function readingsWith(readings: Reading[], codes: Coding[], unit?: string): Reading[] {
  return readings.filter((one) => isOneOf(one.codes, codes) && (unit === undefined || one.quantity?.unit === unit));
}

function valuesOf(observation: Observation, reference: string): Reading[] {
  if (isAboutAnother(observation)) return [];
  const effective = observation.effectiveDateTime ?? observation.effectivePeriod?.end ?? observation.effectiveInstant;
  const at = Date.parse(effective ?? '');
  if (!effective || Number.isNaN(at)) return [];
  const one = (part: Valued): Reading => ({
    codes: (part.code?.coding ?? []).map((coding) => ({ ...coding, system: internationalSystem(coding.system) })),
    quantity: quantityOf(part.valueQuantity),
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

function quantityOf(quantity: Quantity | undefined): Reading['quantity'] {
  if (quantity?.value === undefined || quantity.comparator) return undefined;
  return { value: quantity.value, unit: quantity.code ?? quantity.unit ?? '' };
}
