import { expect, test } from '@jest/globals';
import type { Observation, Quantity } from '@medplum/fhirtypes';
import { admit } from '../../src/pathway/admit.ts';
import { hitsOf } from '../../src/pathway/evaluate.ts';
import { readingsOf } from '../../src/pathway/readings.ts';
import { rules } from './programme.ts';

const UCUM = 'http://unitsofmeasure.org';
const observation = (code: string, valueQuantity: Quantity): Observation => ({
  resourceType: 'Observation',
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code }] },
  effectiveDateTime: '2026-11-10T08:00:00+01:00',
  valueQuantity,
});
const found = (resource: Observation) =>
  hitsOf(readingsOf([{ resource, reference: 'Observation/1' }]), [], rules).map(({ rule }) => rule.id);
const said = (resource: Observation) => {
  const draft = {
    key: 'a',
    fullUrl: 'Observation/1',
    resource,
    write: 'create',
    identity: { system: 's', value: 'v' },
  };
  const conversion = { drafts: [draft], intents: [], faults: [], unmapped: [], traces: [], maps: {} };
  return admit(conversion as never, rules, new Date('2026-11-10T09:00:00Z')).map((one) => one.code);
};

/** What comes by the FHIR API is kept as it was sent: rules must read units as people write them. */
test.each<[string, Quantity, string[]]>([
  ['59408-5', { value: 91, unit: '%', system: UCUM, code: '%' }, ['spo2-low', 'spo2-watch']],
  ['59408-5', { value: 91, unit: 'percent' }, ['spo2-low', 'spo2-watch']],
  ['59408-5', { value: 0.91, unit: '1', system: UCUM, code: '1' }, ['spo2-low', 'spo2-watch']],
  ['59408-5', { value: 91, unit: '% SpO2', system: UCUM, code: '%{SpO2}' }, ['spo2-low', 'spo2-watch']],
  ['59408-5', { value: 97, unit: '%' }, []],
  ['8310-5', { value: 104.2, unit: '°F' }, found(observation('8310-5', { value: 40.1, unit: 'Cel', code: 'Cel' }))],
  ['9279-1', { value: 32, unit: 'breaths/min' }, found(observation('9279-1', { value: 32, unit: '/min' }))],
  ['9279-1', { value: 32, code: '{breaths}/min' }, found(observation('9279-1', { value: 32, unit: '/min' }))],
  // A sensor that can only say on which side of its range the value is.
  ['59408-5', { value: 70, comparator: '<', unit: '%' }, ['spo2-very-low', 'spo2-low', 'spo2-watch']],
  ['59408-5', { value: 92, comparator: '<', unit: '%' }, ['spo2-low', 'spo2-watch']],
  ['59408-5', { value: 92, comparator: '<=', unit: '%' }, ['spo2-watch']],
  ['59408-5', { value: 96, comparator: '<', unit: '%' }, []],
  ['59408-5', { value: 80, comparator: '>', unit: '%' }, []],
])('%s %j: %j', (code, quantity, expected) => {
  expect(found(observation(code, quantity)).sort()).toEqual([...expected].sort());
});

test('rules of the table speak at all', () => {
  expect(found(observation('8310-5', { value: 40.1, unit: 'Cel', code: 'Cel' }))).not.toEqual([]);
  expect(found(observation('9279-1', { value: 32, unit: '/min' }))).not.toEqual([]);
});

test.each<[string, Quantity, string[]]>([
  ['59408-5', { value: 91, unit: 'kPa' }, ['reading-unit-unknown']],
  ['59408-5', { value: 91 }, ['reading-unit-unknown']],
  ['59408-5', { value: 910, unit: 'percent' }, ['reading-implausible']],
  ['8310-5', { value: 104, unit: '°F' }, []],
])('%s %j is told as %j', (code, quantity, expected) => {
  expect(said(observation(code, quantity))).toEqual(expected);
});
