import { describe, expect, test } from '@jest/globals';
import { evalFhirPath } from '@medplum/core';
import fc from 'fast-check';
import { compile } from '../../src/profile/fhirpath/compile.ts';
import { FhirPathSyntaxError } from '../../src/profile/fhirpath/parse.ts';
import { textTest } from '../../src/profile/fhirpath/regex.ts';
import { raw } from '../../src/profile/fhirpath/values.ts';
import { Trial } from '../../src/profile/trial.ts';
import { isUnit } from '../../src/profile/ucum.ts';

const observation = {
  resourceType: 'Observation',
  status: 'final',
  contained: [{ resourceType: 'Device', id: 'd' }],
  code: {
    coding: [
      { system: 'http://loinc.org', code: '2708-6' },
      { system: 'http://loinc.org', code: '59408-5' },
    ],
  },
  effectiveDateTime: '2020-11-10T08:05:40+01:00',
  valueQuantity: { value: 96, unit: '%' },
  device: { reference: '#d' },
  component: [{ valueString: 'a' }, { valueString: 'b' }],
  _issued: { extension: [{ url: 'http://hopital.example/e', valueCode: 'x' }] },
};

function evaluate(expression: string, resource: Record<string, unknown> = observation): unknown[] {
  const trial = new Trial(resource);
  const environment = { trial, context: resource, resource, root: resource, self: resource, index: 0 };
  return compile(expression)([resource], environment).map(raw);
}

describe('expressions', () => {
  test.each<[string, unknown[]]>([
    ['value.exists()', [true]],
    ['value is Quantity', [true]],
    ["(value as Quantity).value >= 90 and status = 'final'", [true]],
    ['value.ofType(string)', []],
    ['Observation.status', ['final']],
    ['code.coding.code', ['2708-6', '59408-5']],
    ["code.coding.where(code = '59408-5').exists()", [true]],
    ['code.coding.all(system.exists())', [true]],
    ['component.value', ['a', 'b']],
    ["component.select(value & '!')", ['a!', 'b!']],
    ['code.coding[1].code', ['59408-5']],
    ['code.coding.count() > 1 and code.coding.isDistinct()', [true]],
    ['missing = 1', []],
    ['missing.exists() or true', [true]],
    ['{} and true', []],
    ['{} and false', [false]],
    ['false implies {}', [true]],
    ["'final' in (status | 'x')", [true]],
    ['(1 | 2 | 3) contains 2', [true]],
    ['iif(status.exists(), 1, 2)', [1]],
    ['device.resolve().is(Device)', [true]],
    ["issued.extension('http://hopital.example/e').value", ['x']],
    ['issued.hasValue()', [false]],
    ['issued.exists()', [true]],
    ["'#' + contained.id in descendants().reference", [true]],
    ["status.matches('^f.*l$')", [true]],
    ["status.replace('i', 'I').substring(1, 2)", ['In']],
    ['2 + 3 * 4', [14]],
    ['-(2) < 1', [true]],
    ['effective <= @2021-01-01T00:00:00Z', [true]],
    ["'2020-11' <= '2020-11-05'", []],
    ['`status`', ['final']],
    ['%resource.status', ['final']],
    ['%ucum', ['http://unitsofmeasure.org']],
  ])('%s', (expression, expected) => {
    expect(evaluate(expression)).toEqual(expected);
  });

  test.each([
    'status =',
    "status.where(code = 'x'",
    'a b',
    '(1',
    "'open",
    'a..b',
    '%',
    'x.()',
    'status is',
    'status as FHIR.',
  ])('%s is no FHIRPath', (expression) => {
    expect(() => compile(expression)).toThrow(FhirPathSyntaxError);
  });

  test('agrees with another engine on simple paths', () => {
    const names = fc.constantFrom(
      'status',
      'code',
      'coding',
      'system',
      'code',
      'component',
      'missing',
      'contained',
      'id',
    );
    const path = fc.array(names, { minLength: 1, maxLength: 4 }).map((list) => list.join('.'));
    const tail = fc.constantFrom(
      '',
      '.exists()',
      '.empty()',
      '.count()',
      '.first()',
      '.distinct()',
      ".where($this = 'final').exists()",
    );
    fc.assert(
      fc.property(path, tail, (start, end) => {
        expect(evaluate(start + end)).toEqual(evalFhirPath(start + end, observation as never));
      }),
    );
  });
});

describe('regular expressions of profiles', () => {
  const piece = fc.constantFrom(
    'a',
    'b',
    '[ab]',
    '[^a]',
    '.',
    '\\d',
    '\\w',
    '(a|b)',
    '(?:ab)',
    'a*',
    'b+',
    '[ab]?',
    'a{2}',
    '(ab){1,3}',
    '(a+b)*',
    '^',
    '$',
  );
  test('match what JavaScript’s engine matches', () => {
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 6 }),
        fc.string({ unit: fc.constantFrom('a', 'b', '1'), maxLength: 12 }),
        fc.boolean(),
        (parts, text, whole) => {
          const pattern = parts.join('');
          const expected = new RegExp(whole ? `^(?:${pattern})$` : pattern, 's').test(text);
          expect({ pattern, text, found: textTest(pattern, whole)?.(text) }).toEqual({
            pattern,
            text,
            found: expected,
          });
        },
      ),
      { numRuns: 1000 },
    );
  });

  test.each(['(a+)+$', '^(a|a)*$', '(a|aa)+$', '(.*a){20}$'])('%s on a hostile text ends', (pattern) => {
    expect(textTest(pattern, false)?.(`${'a'.repeat(2000)}!`)).toBe(false);
  });

  test.each(['(?=a)', '(a)\\1', 'a\\b', '\\p{L}', '(', '[a', '*a'])('%s is left out', (pattern) => {
    expect(textTest(pattern, false)).toBeUndefined();
  });
});

describe('units', () => {
  test.each([
    '%',
    'mm[Hg]',
    'Cel',
    '/min',
    '{beats}/min',
    '1',
    'kg/m2',
    '1/(24.h)',
    '10*9/L',
    'm[IU]/L',
    'umol/L{x}',
    'min-1',
    '[pH]',
    'g%',
    "[in_i'H2O]",
  ])('%s is UCUM', (code) => {
    expect(isUnit(code)).toBe(true);
  });
  test.each(['', 'mmHg', 'percent', 'bpm', '°C', 'KG', '[kg]', 'mm[Hg', '{a', 'µg', 'kg//m', '/', 'L.', '()', 'k'])(
    '%s is not',
    (code) => {
      expect(isUnit(code)).toBe(false);
    },
  );
});
