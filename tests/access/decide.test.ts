import { describe, expect, test } from '@jest/globals';
import type { Resource } from '@medplum/fhirtypes';
import { asSearch, decide, matches, seesResource } from '../../src/access/decide.ts';
import type { Demand } from '../../src/access/demands.ts';
import { parseScopes } from '../../src/access/scopes.ts';

const search = (type: string): Demand => ({ anyOf: [{ type, permission: 's' }], on: 'search' });
const holder = (list: string, patient?: string) => ({ scopes: parseScopes(list), patient });

const vital = {
  resourceType: 'Observation',
  id: 'o1',
  status: 'final',
  category: [
    { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'vital-signs' }] },
  ],
  code: { coding: [{ system: 'http://loinc.org', code: '59408-5' }] },
  subject: { reference: 'Patient/p1' },
} satisfies Resource;

describe('scopes with constraints', () => {
  test('one constraint goes into the search', () => {
    const decision = decide(holder('system/Observation.rs?category=vital-signs'), search('Observation'));
    expect(decision).toEqual({ granted: true, within: [[['category', 'vital-signs']]] });
    expect(asSearch([[['category', 'vital-signs']]], new URLSearchParams())).toEqual([['category', 'vital-signs']]);
  });

  test('several values of one parameter become one search', () => {
    const within: [string, string][][] = [[['category', 'vital-signs']], [['category', 'laboratory']]];
    expect(asSearch(within, new URLSearchParams())).toEqual([['category', 'vital-signs,laboratory']]);
    expect(asSearch(within, new URLSearchParams('category=laboratory'))).toEqual([]);
  });

  test('constraints that no one search can say are left to the caller', () => {
    const within: [string, string][][] = [[['category', 'vital-signs']], [['code', '1']]];
    expect(asSearch(within, new URLSearchParams())).toBeUndefined();
    expect(asSearch(within, new URLSearchParams('code=1'))).toEqual([]);
  });

  test('a wider scope beside it takes the constraint away', () => {
    expect(decide(holder('system/Observation.rs?category=vital-signs system/*.s'), search('Observation'))).toEqual({
      granted: true,
    });
  });

  test.each([
    [[['category', 'vital-signs']], true],
    [[['category', 'http://terminology.hl7.org/CodeSystem/observation-category|vital-signs']], true],
    [[['category', 'http://terminology.hl7.org/CodeSystem/observation-category|']], true],
    [[['category', 'http://elsewhere.example|vital-signs']], false],
    [[['category', 'laboratory,vital-signs']], true],
    [[['category', 'laboratory']], false],
    [
      [
        ['status', 'final'],
        ['code', 'http://loinc.org|59408-5'],
      ],
      true,
    ],
    [
      [
        ['status', 'final'],
        ['code', '2708-6'],
      ],
      false,
    ],
    [[['patient', 'p1']], true],
    [[['patient', 'p2']], false],
    [[['performer', 'anyone']], false],
  ] as [[string, string][], boolean][])('%j matches: %s', (constraint, expected) => {
    expect(matches(vital, constraint)).toBe(expected);
  });
});

describe('scopes of one patient', () => {
  const mine = holder('patient/*.rs', 'p1');

  test('reach the patient’s own resources and nobody else’s', () => {
    expect(decide(mine, search('Observation'))).toEqual({ granted: true, within: [[['patient', 'p1']]] });
    expect(decide(mine, search('Patient'))).toEqual({ granted: true, within: [[['_id', 'p1']]] });
    expect(seesResource(mine, vital)).toBe(true);
    expect(seesResource(mine, { ...vital, subject: { reference: 'Patient/p2' } })).toBe(false);
    expect(seesResource(mine, { resourceType: 'Patient', id: 'p2' })).toBe(false);
  });

  test('reach what is about no patient, for reading only', () => {
    expect(seesResource(mine, { resourceType: 'Practitioner' })).toBe(true);
    const write: Demand = { anyOf: [{ type: 'Practitioner', permission: 'u' }], on: 'update' };
    expect(decide(holder('patient/*.cruds', 'p1'), write).granted).toBe(false);
    expect(seesResource(mine, { resourceType: 'Binary', contentType: 'text/plain' })).toBe(false);
  });

  test('reach nothing without a patient in context', () => {
    expect(decide(holder('patient/*.cruds'), search('Observation')).granted).toBe(false);
  });
});

test('no scope, no access', () => {
  for (const type of ['Patient', 'Observation', '*']) expect(decide(holder(''), search(type)).granted).toBe(false);
});
