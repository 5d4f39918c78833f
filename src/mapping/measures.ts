import type { CodeableConcept, Coding, Observation, Quantity } from '@medplum/fhirtypes';
import { type Fault, fault } from '../errors.ts';
import { internationalSystem } from '../formats/systems.ts';
import { convertUnit, unitCode } from '../formats/units.ts';

const LOINC = 'http://loinc.org';
const UCUM = 'http://unitsofmeasure.org';
const ORIGINAL = 'http://passerelle.example/fhir/StructureDefinition/original-quantity';
const BMI = '39156-5';
/** The clock of a device may be a little ahead. */
const TOLERATED_MINUTES = 10;

/** What a living person can have, and the unit it is written in (mesures de santé 3.1, and oxygen therapy). */
interface Measure {
  unit: string;
  low: number;
  high: number;
  /** The unit may be missing: scores and counts. */
  bare?: boolean;
  /** Factors from units that can be converted for this substance only, by UCUM code. */
  from?: Record<string, number>;
}

/** Grams of glucose in a mole, divided by ten: what 1 mmol/L is in mg/dL. */
const GLUCOSE = 18.0156;

const MEASURES: Record<string, Measure> = {
  '2708-6': { unit: '%', low: 0, high: 100 },
  '59408-5': { unit: '%', low: 0, high: 100 },
  '20564-1': { unit: '%', low: 0, high: 100 },
  '8310-5': { unit: 'Cel', low: 20, high: 46 },
  '8867-4': { unit: '/min', low: 0, high: 400 },
  '9279-1': { unit: '/min', low: 0, high: 150 },
  '8480-6': { unit: 'mm[Hg]', low: 0, high: 400 },
  '8462-4': { unit: 'mm[Hg]', low: 0, high: 300 },
  '29463-7': { unit: 'kg', low: 0.1, high: 700 },
  '8302-2': { unit: 'cm', low: 10, high: 280 },
  '8306-3': { unit: 'cm', low: 10, high: 280 },
  '8280-0': { unit: 'cm', low: 10, high: 400 },
  '8287-5': { unit: 'cm', low: 10, high: 100 },
  '9843-4': { unit: 'cm', low: 10, high: 100 },
  '72514-3': { unit: '1', low: 0, high: 10, bare: true },
  '41950-7': { unit: '1/(24.h)', low: 0, high: 500_000, bare: true },
  '3151-8': { unit: 'L/min', low: 0, high: 100 },
  '3150-6': { unit: '%', low: 0, high: 100 },
  // The French profile knows mg/dL only (JDV_J163); meters and laboratories also say g/L and mmol/L.
  '2339-0': { unit: 'mg/dL', low: 5, high: 3000, from: { 'mmol/L': GLUCOSE } },
  '15074-8': {
    unit: 'mmol/L',
    low: 0.3,
    high: 170,
    from: { 'mg/dL': 1 / GLUCOSE, 'g/L': 100 / GLUCOSE, 'mg/L': 0.1 / GLUCOSE },
  },
};
const BLOOD_PRESSURE = '85354-9';
/** Codes that go together: FHIR's vital-signs profiles ask for one, the French ones for the other. */
const PAIRS = [
  ['2708-6', '59408-5'],
  ['8287-5', '9843-4'],
];
const WITHDRAWN = new Set(['entered-in-error', 'cancelled']);

/** Where and when a reading came in. */
export interface Reception {
  /** Place of the Observation in the message. */
  place: string;
  receivedAt: Date;
  /** True for the feed of measures, which may not create what is computed. */
  feed: boolean;
}

/**
 * Checks a reading by the rules of the French measures feed and completes it: date and value there, not in the future, a
 * possible number in the profile's unit (listed conversions only, the original kept), both codes where two profiles ask for one each.
 * Changes the observation in place; observations that are no readings pass untouched.
 */
export function checkMeasure(observation: Observation, reception: Reception): Fault[] {
  if (WITHDRAWN.has(observation.status)) return [];
  for (const { code } of [observation, ...(observation.component ?? [])]) completeLoinc(code);
  const codes = loincCodes(observation.code);
  if (codes.includes(BMI) && reception.feed) {
    return [fault('measure-not-created', { place: `${reception.place}/code`, params: { code: BMI } })];
  }
  const known = codes.some((code) => Object.hasOwn(MEASURES, code) || code === BLOOD_PRESSURE);
  const faults = checkDate(observation, reception);
  if (!known && !isVitalSign(observation)) return faults;
  faults.push(...checkComplete(observation, reception));
  faults.push(...checkValue(observation.code, observation.valueQuantity, `${reception.place}/valueQuantity`));
  for (const [index, component] of (observation.component ?? []).entries()) {
    const place = `${reception.place}/component/${index}/valueQuantity`;
    faults.push(...checkValue(component.code, component.valueQuantity, place));
  }
  for (const pair of PAIRS) if (codes.some((code) => pair.includes(code))) completePair(observation.code, pair);
  return faults;
}

function loincCodes(concept: CodeableConcept | undefined): string[] {
  return (concept?.coding ?? []).flatMap(({ system, code }) => (system === LOINC && code ? [code] : []));
}

function isVitalSign({ category }: Observation): boolean {
  return (category ?? []).some((one) => one.coding?.some(({ code }) => code === 'vital-signs'));
}

function checkComplete(observation: Observation, { place }: Reception): Fault[] {
  const faults: Fault[] = [];
  const missing = (element: string) => fault('measure-incomplete', { place: place || '/', params: { element } });
  if (!names(observation).some((name) => name.startsWith('effective'))) faults.push(missing('effective[x]'));
  const valued = [observation, ...(observation.component ?? [])].some(
    (one) => one.dataAbsentReason !== undefined || names(one).some((name) => /^value[A-Z]/.test(name)),
  );
  if (!valued && !observation.hasMember?.length) faults.push(missing('value[x]'));
  return faults;
}

function names(value: object): string[] {
  return Object.keys(value).filter((name) => (value as Record<string, unknown>)[name] !== undefined);
}

function checkDate(observation: Observation, { place, receivedAt }: Reception): Fault[] {
  const { effectiveDateTime, effectiveInstant, effectivePeriod } = observation;
  const said = effectiveDateTime ?? effectiveInstant ?? effectivePeriod?.start;
  if (said === undefined) return [];
  // A day begins somewhere on Earth fourteen hours before it does in Greenwich.
  const tolerance = said.includes('T') ? TOLERATED_MINUTES : 14 * 60;
  const latest = receivedAt.getTime() + tolerance * 60_000;
  if (!(Date.parse(said) > latest)) return [];
  return [fault('date-in-future', { place: `${place}/effective`, params: { minutes: TOLERATED_MINUTES } })];
}

function checkValue(concept: CodeableConcept | undefined, quantity: Quantity | undefined, place: string): Fault[] {
  const code = loincCodes(concept).find((one) => Object.hasOwn(MEASURES, one));
  if (code === undefined || quantity?.value === undefined) return [];
  const measure = MEASURES[code]!;
  const { unit, low, high, bare } = measure;
  const said = quantity.code ?? quantity.unit;
  if (said === undefined && !bare) return [fault('unit-unknown', { place, params: { wanted: unit } })];
  const value = said === undefined || bare ? quantity.value : inUnitOf(measure, quantity.value, said);
  if (value === undefined) return [fault('unit-unknown', { place, params: { wanted: unit } })];
  if (value < low || value > high) return [fault('value-impossible', { place, params: { code, low, high, unit } })];
  if (said !== undefined && !bare) normalise(quantity, value, unit);
  return [];
}

function inUnitOf({ unit, from }: Measure, value: number, said: string): number | undefined {
  const factor = from?.[unitCode(said)];
  return factor === undefined ? convertUnit(value, said, unit) : Number((value * factor).toPrecision(6));
}

function normalise(quantity: Quantity, value: number, unit: string): void {
  if (quantity.code === unit && quantity.system === UCUM && quantity.value === value) return;
  if (quantity.code !== unit || quantity.value !== value) {
    quantity.extension = [...(quantity.extension ?? []), { url: ORIGINAL, valueQuantity: { ...quantity } }];
    quantity.unit = unit;
  }
  quantity.value = value;
  quantity.system = UCUM;
  quantity.code = unit;
}

/** A code of LOINC under its French canonical stands under LOINC's own as well, by which everybody searches and judges. */
function completeLoinc(concept: CodeableConcept | undefined): void {
  const coding = concept?.coding ?? [];
  for (const { system, code, display } of [...coding]) {
    if (system === LOINC || internationalSystem(system) !== LOINC) continue;
    if (!coding.some((one) => one.system === LOINC && one.code === code)) {
      coding.push({ system: LOINC, code, ...(display ? { display } : {}) });
    }
  }
}

function completePair(concept: CodeableConcept | undefined, pair: string[]): void {
  const coding: Coding[] = concept?.coding ?? [];
  for (const code of pair) {
    if (!coding.some((one) => one.system === LOINC && one.code === code)) coding.push({ system: LOINC, code });
  }
}
