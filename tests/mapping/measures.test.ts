import { describe, expect, test } from '@jest/globals';
import type { Observation, Quantity } from '@medplum/fhirtypes';
import { checkMeasure } from '../../src/mapping/measures.ts';
import { type Reading, readingsOf } from '../../src/pathway/readings.ts';

const UCUM = 'http://unitsofmeasure.org';
const reception = { place: '', receivedAt: new Date('2020-11-06T12:00:00Z'), feed: true };

function reading(code: string, valueQuantity: Quantity): Observation {
  return {
    resourceType: 'Observation',
    status: 'final',
    code: { coding: [{ system: 'http://loinc.org', code }] },
    effectiveDateTime: '2020-11-06T08:00:00+01:00',
    valueQuantity,
  };
}

describe('a glucose reading is in the unit it says', () => {
  test.each([
    ['2339-0', 92, 'mg/dL', 92, 'mg/dL'],
    ['2339-0', 92, 'mg/dl', 92, 'mg/dL'],
    ['2339-0', 0.92, 'g/L', 92, 'mg/dL'],
    ['2339-0', 0.92, 'g/l', 92, 'mg/dL'],
    ['2339-0', 920, 'mg/L', 92, 'mg/dL'],
    ['2339-0', 5.1, 'mmol/L', 91.8796, 'mg/dL'],
    ['15074-8', 5.1, 'mmol/L', 5.1, 'mmol/L'],
    ['15074-8', 0.92, 'g/L', 5.10669, 'mmol/L'],
    ['15074-8', 92, 'mg/dL', 5.10669, 'mmol/L'],
  ])('%s: %s %s → %s %s', (code, value, unit, expected, wanted) => {
    const observation = reading(code, { value, unit, system: UCUM, code: unit });
    expect(checkMeasure(observation, reception)).toEqual([]);
    expect(observation.valueQuantity).toMatchObject({ value: expected, unit: wanted, system: UCUM, code: wanted });
    const original = observation.valueQuantity?.extension?.[0]?.valueQuantity;
    expect(original).toEqual(unit === wanted ? undefined : { value, unit, system: UCUM, code: unit });
  });

  test.each([
    ['2339-0', 0.92, 'mg/dL', 'value-impossible'],
    ['2339-0', 92, 'g/L', 'value-impossible'],
    ['2339-0', 92, 'mmol/L', undefined],
    ['2339-0', 92, 'mmol/mol', 'unit-unknown'],
    ['2339-0', 92, 'kg', 'unit-unknown'],
    ['2339-0', 92, undefined, 'unit-unknown'],
    ['15074-8', 92, 'g/L', 'value-impossible'],
    ['8310-5', 37, 'mmol/L', 'unit-unknown'],
  ])('%s: %s %s: %s', (code, value, unit, fault) => {
    const observation = reading(code, { value, ...(unit ? { unit, system: UCUM, code: unit } : {}) });
    expect(checkMeasure(observation, reception).map((one) => one.code)).toEqual(fault ? [fault] : []);
  });
});

test('LOINC under its French canonical is LOINC: checked, brought to its unit, found by LOINC’s own', () => {
  const french = 'https://mos.esante.gouv.fr/NOS/TRE_A04-Loinc/FHIR/TRE-A04-Loinc';
  const observation = reading('8310-5', { value: 100.4, unit: '[degF]', system: UCUM, code: '[degF]' });
  observation.code = { coding: [{ system: french, code: '8310-5', display: 'Température corporelle' }] };
  expect(checkMeasure(observation, reception)).toEqual([]);
  expect(observation.valueQuantity).toMatchObject({ value: 38, code: 'Cel' });
  expect(observation.code.coding?.map(({ system, code }) => `${system}|${code}`)).toEqual([
    `${french}|8310-5`,
    'http://loinc.org|8310-5',
  ]);
  const [{ codes }] = readingsOf([
    { resource: { ...observation, code: { coding: [{ system: french, code: '59408-5' }] } }, reference: 'x' },
  ]) as [Reading];
  expect(codes).toMatchObject([{ system: 'http://loinc.org', code: '59408-5' }]);
});
