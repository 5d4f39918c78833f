import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Caller } from '../../src/access/caller.ts';
import { guarded } from '../../src/access/porter-reads.ts';
import { loadAccessRules } from '../../src/access/porter-rules.ts';
import { refusalOf } from '../../src/access/porter-writes.ts';
import { parseScopes } from '../../src/access/scopes.ts';
import type { FhirEndpoint } from '../../src/adapter.ts';
import { openFixture } from '../store/fixture.ts';

/**
 * What is hidden and what is not there are told apart by no step: both are refused after equally many reads of each kind. Time itself is not
 * asserted; what takes it is.
 */
const rules = loadAccessRules(fileURLToPath(new URL('../../mappings', import.meta.url)));
const fixture = openFixture();
afterAll(() => fixture.close());

const of = (patient: string) => ({ reference: `Patient/${patient}` });
const ref = (reference: string) => ({ reference });
const RPPS = 'https://rpps.esante.gouv.fr';

beforeAll(async () => {
  const stored = [
    { resourceType: 'Practitioner', id: 'p', identifier: [{ system: RPPS, value: '1' }] },
    { resourceType: 'Organization', id: 'unit', name: 'x' },
    {
      resourceType: 'PractitionerRole',
      id: 'r',
      practitioner: ref('Practitioner/p'),
      organization: ref('Organization/elsewhere'),
    },
    { resourceType: 'Patient', id: 'plain' },
    { resourceType: 'Patient', id: 'rich' },
    {
      resourceType: 'Encounter',
      id: 'stay',
      status: 'in-progress',
      class: { code: 'IMP' },
      subject: of('rich'),
      serviceProvider: ref('Organization/unit'),
    },
    { resourceType: 'Binary', id: 'bin', contentType: 'text/plain', data: 'AAAA' },
    ...['plain', 'rich'].map((patient) => ({
      resourceType: 'DocumentReference',
      id: `doc-${patient}`,
      status: 'current',
      subject: of(patient),
      securityLabel: patient === 'rich' ? [{ coding: [{ code: 'INVISIBLE_PATIENT' }] }] : undefined,
      content: [{ attachment: { url: 'Binary/bin' } }],
    })),
    ...['plain', 'rich', 'nobody'].map((patient) => ({
      resourceType: 'Observation',
      id: `obs-${patient}`,
      status: 'final',
      code: { text: 'x' },
      subject: patient === 'nobody' ? { display: 'x' } : of(patient),
    })),
  ];
  for (const one of stored) await fixture.put(JSON.parse(JSON.stringify(one)));
});

const callers: [string, Partial<Caller>][] = [
  ['a professional outside', { practitioner: '1', scopes: parseScopes('user/*.cruds') }],
  ['a professional nobody knows', { practitioner: '2', scopes: parseScopes('user/*.cruds') }],
  ['another patient', { patient: 'plain', scopes: parseScopes('patient/*.rs') }],
  ['a tool', { programmes: ['x|y'], scopes: parseScopes('system/*.rs') }],
];
const caller = (more: Partial<Caller>): Caller => ({
  clientId: 'software',
  subject: 'software',
  issuer: 'test',
  expiresAt: Number.MAX_SAFE_INTEGER,
  scopes: [],
  sees: () => true,
  ...more,
});

/** The server with a note of what is asked of it, without ids. `beside`: by look-ups, as embedded, else by searches. */
function noting(beside: boolean) {
  const notes: string[] = [];
  const { endpoint } = fixture.store;
  const fhir: FhirEndpoint = {
    send(request) {
      notes.push(`${request.method} ${request.path.split(/[/?]/)[0]}`);
      return endpoint.send(request);
    },
    ...(beside
      ? {
          find(type, parameter, values, limit) {
            if (values.length > 0) notes.push('find');
            return endpoint.find!(type, parameter, values, limit);
          },
          findAll(finds) {
            notes.push(...finds.filter(({ values }) => values.length > 0).map(() => 'found together'));
            return endpoint.findAll!(finds);
          },
        }
      : {}),
  };
  // Which type an optional read asks for differs; how many there are must not.
  return { fhir, steps: () => notes.map((one) => (beside ? one : one.split(' ')[0])) };
}

describe.each([
  ['embedded', true],
  ['elsewhere', false],
])('%s', (_where, beside) => {
  test.each(callers)('%s', async (_name, more) => {
    const paths = (id: string) => [
      `Observation/obs-${id}`,
      `Observation/obs-${id}/_history`,
      `Observation?_id=obs-${id}`,
      `DocumentReference/doc-${id}`,
    ];
    const hidden = ['rich', 'nobody', ...(more.patient ? [] : ['plain'])];
    for (const [index, missing] of paths('none').entries()) {
      const expected = await stepsOf(beside, more, missing);
      for (const id of hidden) {
        const path = paths(id)[index] as string;
        expect([path, await stepsOf(beside, more, path)]).toEqual([path, expected]);
      }
    }
    expect(await stepsOf(beside, more, 'Patient/rich')).toEqual(await stepsOf(beside, more, 'Patient/none'));
    expect(await stepsOf(beside, more, 'Binary/bin')).toEqual(await stepsOf(beside, more, 'Binary/none'));
    expect(await stepsOfWrite(beside, more, 'rich')).toEqual(await stepsOfWrite(beside, more, 'none'));
  });
});

async function stepsOf(beside: boolean, more: Partial<Caller>, path: string) {
  const { fhir, steps } = noting(beside);
  const { status, body } = await guarded(rules, caller(more), fhir).send({ method: 'GET', path });
  expect([path, status, (body as { total?: number }).total ?? 0]).toEqual([path, path.includes('?') ? 200 : 404, 0]);
  return steps();
}

async function stepsOfWrite(beside: boolean, more: Partial<Caller>, id: string) {
  const { fhir, steps } = noting(beside);
  const write = { method: 'DELETE', steps: ['Observation', `obs-${id}`], conditional: false };
  expect((await refusalOf(rules, caller(more), fhir, write))?.code).toBe('access-not-here');
  return steps();
}
