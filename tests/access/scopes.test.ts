import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatScope, meet, narrow, parseScope, parseScopes, type Scope } from '../../src/access/scopes.ts';

describe('a scope is read', () => {
  test.each([
    ['system/Observation.rs', 'system/Observation.rs'],
    ['system/*.cruds', 'system/*.cruds'],
    ['user/*.read', 'user/*.rs'],
    ['patient/Observation.write', 'patient/Observation.cud'],
    ['system/*.*', 'system/*.cruds'],
    ['system/Observation.rs?category=vital-signs', 'system/Observation.rs?category=vital-signs'],
    ['system/Observation.rs?code=x&category=y', 'system/Observation.rs?category=y&code=x'],
  ])('%s', (text, canonical) => {
    expect(formatScope(parseScope(text) as Scope)).toBe(canonical);
  });

  test.each([
    'openid',
    'launch/patient',
    'system/Observation',
    'system/Observation.sr',
    'system/Observation.rr',
    'system/Observation.x',
    'system/observation.rs',
    'other/Observation.rs',
    'system/Observation.rs?',
    'system/Observation.rs?category',
    'system/Observation.rs?=x',
    'system/../.rs',
    'SYSTEM/*.rs',
    '',
  ])('%s grants nothing', (text) => {
    expect(parseScope(text)).toBeUndefined();
  });

  test('a list keeps what it understands', () => {
    expect(parseScopes('openid system/Patient.r  launch user/*.read').map(formatScope)).toEqual([
      'system/Patient.r',
      'user/*.rs',
    ]);
  });

  test('an endless list is not read', () => {
    expect(parseScopes('system/Patient.r '.repeat(1000))).toEqual([]);
  });

  test('no text makes it throw', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(() => parseScopes(text)).not.toThrow();
      }),
    );
  });
});

const scopes: fc.Arbitrary<Scope> = fc.record({
  context: fc.constantFrom('patient', 'user', 'system'),
  type: fc.constantFrom('*', 'Patient', 'Observation'),
  permissions: fc.subarray([...'cruds'], { minLength: 1 }).map((letters) => letters.join('')),
  query: fc.constantFrom<Scope['query'][]>(
    [],
    [['category', 'vital-signs']],
    [['category', 'laboratory']],
    [['code', 'a|b']],
  ),
});

/** Everything a scope allows, spelled out. */
function allowed(scope: Scope): Set<string> {
  const types = scope.type === '*' ? ['Patient', 'Observation'] : [scope.type];
  const constraint = JSON.stringify(scope.query);
  return new Set(
    types.flatMap((type) => [...scope.permissions].map((one) => `${scope.context} ${type} ${one} ${constraint}`)),
  );
}

describe('narrowing', () => {
  test('what is written is read back', () => {
    fc.assert(fc.property(scopes, (scope) => expect(parseScope(formatScope(scope))).toEqual(scope)));
  });

  test('gives no more than either side, and keeps every constraint of both', () => {
    fc.assert(
      fc.property(scopes, scopes, (a, b) => {
        const both = meet(a, b);
        if (!both) return;
        expect(both.query).toEqual(expect.arrayContaining([...a.query, ...b.query]));
        const free = (scope: Scope) => allowed({ ...scope, query: [] });
        for (const one of free(both)) {
          expect(free(a).has(one)).toBe(true);
          expect(free(b).has(one)).toBe(true);
        }
      }),
    );
  });

  test('asking for everything gets what the client has, asking for more gets nothing more', () => {
    const has = parseScopes('system/Observation.rs?category=vital-signs system/Patient.r');
    expect(narrow(parseScopes('system/*.cruds'), has).map(formatScope)).toEqual([
      'system/Observation.rs?category=vital-signs',
      'system/Patient.r',
    ]);
    expect(narrow(parseScopes('system/Task.c user/Patient.r system/Patient.cud'), has)).toEqual([]);
  });
});
