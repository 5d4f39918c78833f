import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decide } from '../../src/access/decide.ts';
import { demandsOf, demandsOfBundle, isOpen, safeSteps } from '../../src/access/demands.ts';
import { parseScopes } from '../../src/access/scopes.ts';

/** The first scope a caller lacks for a request; undefined when it is let through. */
function lacking(scope: string, method: string, url: string, patient?: string): string | undefined {
  const [path = '', query = ''] = url.split('?');
  for (const demand of demandsOf(method, path, new URLSearchParams(query)) ?? []) {
    const decision = decide({ scopes: parseScopes(scope), patient }, demand);
    if (!decision.granted) return decision.scope;
  }
  return undefined;
}

describe('what a path asks for', () => {
  test.each([
    ['GET', '/fhir/R4/Patient/1', 'Patient.r'],
    ['HEAD', '/fhir/R4/Patient/1', 'Patient.r'],
    ['GET', '/fhir/R4/Patient/1/_history', 'Patient.r'],
    ['GET', '/fhir/R4/Patient/1/_history/2', 'Patient.r'],
    ['GET', '/fhir/R4/Patient?name=x', 'Patient.s'],
    ['POST', '/fhir/R4/Patient/_search', 'Patient.s'],
    ['GET', '/fhir/R4/Patient/_history', 'Patient.s'],
    ['GET', '/fhir/R4/Patient/1/Observation', 'Observation.s'],
    ['POST', '/fhir/R4/Task', 'Task.c'],
    ['PUT', '/fhir/R4/Task/1', 'Task.u'],
    ['PUT', '/fhir/R4/Task?identifier=a|b', 'Task.u'],
    ['PATCH', '/fhir/R4/Task/1', 'Task.u'],
    ['DELETE', '/fhir/R4/Task/1', 'Task.d'],
    ['DELETE', '/fhir/R4/Task?identifier=a', 'Task.d'],
    ['GET', '/fhir/R4/Patient/1/$everything', 'Patient.r'],
    ['POST', '/fhir/R4/Patient/$match', 'Patient.s'],
    ['GET', '/fhir/R4/Binary/1', 'Binary.r'],
    ['POST', '/in/hl7v2', 'Bundle.c'],
    ['POST', '/in/cda', 'DocumentReference.c'],
    ['POST', '/in/telemonitoring/covidom', 'Observation.c'],
    ['GET', '/messages', 'AuditEvent.s'],
  ])('%s %s: system/%s is enough, and nothing less', (method, url, scope) => {
    const [type, permission] = scope.split('.') as [string, string];
    expect(lacking(`system/${scope}`, method, url)).toBeUndefined();
    expect(lacking(`user/*.${permission}`, method, url)).toBeUndefined();
    const others = [...'cruds'].filter((one) => one !== permission).join('');
    expect(lacking(`system/*.${others}`, method, url)).toBeDefined();
    expect(lacking('system/Immunization.cruds', method, url)).toBeDefined();
    expect(lacking(`patient/${type}.cruds`, method, url)).toBeDefined();
    expect(lacking('', method, url)).toBeDefined();
  });

  test.each([
    ['GET', '/fhir/R4'],
    ['GET', '/fhir/R4/_history'],
    ['POST', '/fhir/R4/$reindex'],
    ['POST', '/fhir/R4/Patient/$merge'],
    ['DELETE', '/fhir/R4/Patient/1/_history'],
    ['PUT', '/in/cda'],
    ['POST', '/messages'],
    ['GET', '/nowhere'],
    ['POST', '/in/telemonitoring/a/b'],
  ])('%s %s, which nobody planned, is not opened by any one type', (method, url) => {
    expect(lacking('system/Patient.cruds system/Observation.cruds system/Bundle.cruds', method, url)).toBeDefined();
    expect(lacking('system/*.cruds', method, url)).toBe(undefined);
  });

  test('types that come along with a search need a scope of their own', () => {
    const plan = '/fhir/R4/CarePlan?patient.identifier=a|b&_include=CarePlan:subject&_revinclude=Task:based-on';
    expect(lacking('user/CarePlan.rs', 'GET', plan)).toBe('user/Task.s');
    expect(lacking('user/CarePlan.rs user/Task.rs', 'GET', plan)).toBeUndefined();
    expect(lacking('system/CarePlan.rs', 'GET', '/fhir/R4/CarePlan?_include=CarePlan:subject:Patient')).toBe(
      'system/Patient.s',
    );
    expect(lacking('system/Patient.rs', 'GET', '/fhir/R4/Patient?_has:Observation:patient:code=1')).toBe(
      'system/Observation.s',
    );
    expect(lacking('system/Patient.rs', 'GET', '/fhir/R4?_type=Patient,Task')).toBe('system/Task.s');
    expect(lacking('system/Task.rs', 'GET', '/fhir/R4/Task?_revinclude:iterate=Provenance:target')).toBe(
      'system/Provenance.s',
    );
  });

  test('only discovery, health and the token endpoint are open', () => {
    expect(['/health', '/ready', '/metrics', '/fhir/R4/metadata', '/oauth2/token'].every(isOpen)).toBe(true);
    expect(
      ['/', '/health/', '/fhir/R4/Metadata', '/fhir/R4/metadata/x', '/oauth2/tokens', '/messages'].some(isOpen),
    ).toBe(false);
  });
});

describe('what a Bundle asks for', () => {
  const scopesOf = (bundle: object) =>
    demandsOfBundle(bundle).map((demand) => demand.anyOf.map((need) => `${need.type}.${need.permission}`).join('|'));

  test('a transaction asks entry by entry', () => {
    const entry = [
      { request: { method: 'POST', url: 'Patient' }, resource: { resourceType: 'Patient' } },
      { request: { method: 'PUT', url: 'Observation?identifier=a' }, resource: { resourceType: 'Observation' } },
      { request: { method: 'DELETE', url: '/Task/1' } },
      { request: { method: 'GET', url: 'Flag?_revinclude=Task:focus' } },
    ];
    expect(scopesOf({ type: 'transaction', entry })).toEqual([
      'Patient.c',
      'Observation.u',
      'Task.d',
      'Flag.s',
      'Task.s',
    ]);
  });

  test('a document asks for its Bundle', () => {
    expect(scopesOf({ type: 'document', entry: [{}] })).toEqual(['Bundle.c']);
  });

  test.each([
    null,
    {},
    { request: {} },
    { request: { method: 'POST', url: '../Patient' } },
    { request: { method: 1, url: [] } },
    { request: { method: 'POST', url: 'Observation' }, resource: { resourceType: 'Patient' } },
    { request: { method: 'PUT', url: 'Observation/1' } },
  ])('an entry that says nothing clear asks for everything: %j', (entry) => {
    expect(scopesOf({ type: 'batch', entry: [entry] })).toEqual(['*.c', '*.r', '*.u', '*.d', '*.s']);
  });

  test('nothing makes it throw', () => {
    fc.assert(fc.property(fc.anything(), (entry) => void demandsOfBundle({ type: 'batch', entry: [entry as object] })));
  });
});

describe('a path that could be read in two ways', () => {
  test.each(['/a/../b', '/a/%2e%2e/b', '/a%2fb', '/a/%', '/a/%5cb', '/a/%00', '/a%3fb', '/a/%252e', '/./a'])(
    '%s is refused',
    (path) => {
      expect(safeSteps(path)).toBeUndefined();
    },
  );

  test('ordinary ones are not', () => {
    expect(safeSteps('/fhir/R4/Patient/a-1.2')).toEqual(['fhir', 'R4', 'Patient', 'a-1.2']);
  });
});
