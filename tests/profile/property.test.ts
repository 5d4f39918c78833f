import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { loadProfiles } from '../../src/profile/index.ts';
import { profileCases } from './cases.ts';
import { mutants } from './mutate.ts';

const { examiner } = loadProfiles([join(import.meta.dirname, '../../profiles')]);
const good = profileCases().map((one) => one.good);

const names = [
  'resourceType',
  'id',
  'meta',
  'contained',
  'extension',
  'url',
  'text',
  'div',
  'status',
  'code',
  'coding',
  'system',
  'value',
  'valueQuantity',
  'valueString',
  'subject',
  'reference',
  'identifier',
  'entry',
  'resource',
  'fullUrl',
  'item',
  'answer',
  'linkId',
  'period',
  'start',
  'end',
  'category',
  'name',
  '_name',
  '_birthDate',
  '__proto__',
  'constructor',
  'toString',
];
const types = [
  'Patient',
  'Observation',
  'Bundle',
  'Questionnaire',
  'QuestionnaireResponse',
  'Parameters',
  'ValueSet',
  'Task',
];

/** JSON that looks enough like FHIR to get past the first checks. */
const almostFhir = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(
      ...types,
      'http://loinc.org',
      'http://unitsofmeasure.org',
      '2708-6',
      'final',
      '#',
      '#a',
      'Patient/1',
      '2020-02-30',
    ),
    fc.jsonValue({ maxDepth: 2 }),
    fc.array(tie('value'), { maxLength: 4 }),
    tie('object'),
  ),
  object: fc.dictionary(fc.constantFrom(...names), tie('value'), { maxKeys: 8 }),
})).object;

describe('the examiner', () => {
  test('never throws on arbitrary JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(Array.isArray(examiner.judge(value))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test('never throws on what looks like FHIR, and stays within its limits', () => {
    const profiles = [...examiner.profiles];
    fc.assert(
      fc.property(
        almostFhir,
        fc.constantFrom(...types),
        fc.constantFrom(...profiles),
        (object, resourceType, profile) => {
          const findings = examiner.judge({ ...(object as object), resourceType }, { profiles: [profile] });
          expect(findings.length).toBeLessThanOrEqual(301);
          expect(findings.every((one) => one.path !== '' && one.message.en !== '' && one.message.fr !== '')).toBe(true);
        },
      ),
      { numRuns: 1500 },
    );
  });

  test('gives the same findings twice, and never changes what it judges', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        for (const { resource } of mutants(seed, good, 5)) {
          const before = JSON.stringify(resource);
          const first = examiner.judge(resource);
          expect(examiner.judge(resource)).toEqual(first);
          expect(JSON.stringify(resource)).toBe(before);
        }
      }),
      { numRuns: 60 },
    );
  });

  test.each<[string, unknown]>([
    ['deep nesting of an element', deep(2000)],
    [
      'deep nesting of an unknown property',
      { resourceType: 'Patient', x: deep(20_000), contained: [{ resourceType: 'Device', id: 'd' }] },
    ],
    [
      'a hundred thousand names',
      { resourceType: 'Patient', name: Array.from({ length: 100_000 }, () => ({ famille: 1 })) },
    ],
    ['a bundle of ten thousand references', manyReferences(10_000)],
    [
      'a questionnaire of many items',
      {
        resourceType: 'Questionnaire',
        status: 'draft',
        item: Array.from({ length: 5000 }, (_, at) => ({ linkId: `${at}`, type: 'string' })),
      },
    ],
    ['a name for a greedy expression', { resourceType: 'ValueSet', status: 'draft', name: `A${'a'.repeat(100_000)}!` }],
    [
      'a narrative of open tags',
      {
        resourceType: 'Patient',
        text: { status: 'generated', div: `<div xmlns="http://www.w3.org/1999/xhtml">${'<b '.repeat(50_000)}` },
      },
    ],
    [
      'a unit of open brackets',
      {
        resourceType: 'Observation',
        status: 'final',
        code: { text: 'x' },
        valueQuantity: { value: 1, system: 'http://unitsofmeasure.org', code: '('.repeat(100) },
      },
    ],
  ])('survives %s', (_name, resource) => {
    expect(Array.isArray(examiner.judge(resource))).toBe(true);
  });
});

function deep(levels: number): unknown {
  let value: unknown = { url: 'http://hopital.example/e', valueString: 'x' };
  for (let level = 0; level < levels; level++) {
    value = { url: 'http://hopital.example/e', extension: [value] };
  }
  return { resourceType: 'Patient', extension: [value] };
}

function manyReferences(count: number): unknown {
  const entry = Array.from({ length: count }, (_, at) => ({
    fullUrl: `urn:uuid:00000000-0000-4000-8000-${String(at).padStart(12, '0')}`,
    resource: {
      resourceType: 'Basic',
      code: { text: 'x' },
      subject: { reference: `urn:uuid:00000000-0000-4000-8000-${String(at + 1).padStart(12, '0')}` },
    },
    request: { method: 'POST', url: 'Basic' },
  }));
  return { resourceType: 'Bundle', type: 'transaction', entry };
}
