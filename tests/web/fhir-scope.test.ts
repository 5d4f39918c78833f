import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Bundle } from '@medplum/fhirtypes';
import request from 'supertest';
import type { FhirEndpoint, FhirRequest } from '../../src/adapter.ts';
import { openDoors } from '../../src/doors.ts';
import { type House, openHouse } from './house.ts';

let house: House;
/** What reached the FHIR server. */
const sent: FhirRequest[] = [];
let answered: Bundle;

const fhir: FhirEndpoint = {
  async send(asked) {
    sent.push(asked);
    return { status: 200, headers: {}, body: answered };
  },
};

beforeAll(async () => {
  const context = {
    log: undefined as never,
    fhir,
    accept: async () => ({ id: 'written', state: 'accepted', duplicate: false, faults: [] }) as never,
    outcome: async () => undefined,
    receipt: async () => undefined,
    original: async () => undefined,
  };
  const [api] = await openDoors([{ name: 'fhir-api', type: 'fhir-api' }], () => context);
  house = await openHouse(undefined, { fhir, more: api ? [api.door] : [] });
});
afterAll(() => house.close());
beforeEach(() => {
  sent.length = 0;
  answered = { resourceType: 'Bundle', type: 'searchset' };
});

const call = async (method: 'get' | 'post', url: string, scope: string, patient?: string) =>
  request(house.app)
    [method](url)
    .set('Authorization', await house.token(scope, { patient }))
    .type('application/fhir+json')
    .send(method === 'post' ? '{"resourceType":"Patient"}' : undefined);

describe('the gate and the FHIR door see the same request', () => {
  test.each(['/fhir/R4/Patient?x=/_search', '/fhir/R4/Patient?_id=1&/_search', '/fhir/R4/Patient?x=/$everything'])(
    'POST %s is a create, whatever its query looks like',
    async (url) => {
      const answer = await call('post', url, 'system/Patient.c');
      expect(answer.status).toBe(202);
      expect(answer.headers['content-location']).toBe('/messages/written');
      expect(sent).toEqual([]);
    },
  );

  test('the constraint of a scope arrives at the FHIR server', async () => {
    await call('get', '/fhir/R4/Observation?code=1', 'system/Observation.rs?category=vital-signs');
    expect(sent.map((one) => one.path)).toEqual(['Observation?code=1&category=vital-signs']);
  });

  test.each(['/fhir/R4/Patient/%2e%2e/Observation', '/fhir/R4/Patient/1%2f..%2f..', '/fhir/R4/%2e%2e/x'])(
    '%s goes nowhere',
    async (url) => {
      expect((await call('get', url, 'system/*.cruds')).status).toBe(400);
      expect(sent).toEqual([]);
    },
  );
});

describe('what a search brings along', () => {
  const plan = {
    resourceType: 'CarePlan',
    id: 'c',
    status: 'active',
    intent: 'plan',
    subject: { reference: 'Patient/p' },
  } as const;
  const patient = { resourceType: 'Patient', id: 'p' } as const;
  const bundle = (): Bundle => ({
    resourceType: 'Bundle',
    type: 'searchset',
    entry: [
      { resource: plan, search: { mode: 'match' } },
      { resource: patient, search: { mode: 'include' } },
    ],
  });
  const typesOf = (body: Bundle) => (body.entry ?? []).map((one) => one.resource?.resourceType);

  test('is shown as far as scopes reach', async () => {
    answered = bundle();
    const url = '/fhir/R4/CarePlan?_include=CarePlan:subject';
    expect(typesOf((await call('get', url, 'system/CarePlan.rs')).body)).toEqual(['CarePlan']);
    expect(typesOf((await call('get', url, 'system/CarePlan.rs system/Patient.s')).body)).toEqual([
      'CarePlan',
      'Patient',
    ]);
    expect(typesOf((await call('get', url, 'patient/*.rs', 'p')).body)).toEqual(['CarePlan', 'Patient']);
    expect(typesOf((await call('get', url, 'patient/*.rs', 'q')).body)).not.toContain('Patient');
  });

  test('in a batch too', async () => {
    answered = { resourceType: 'Bundle', type: 'batch-response', entry: [{ resource: bundle() }] };
    const { body } = await call('get', '/fhir/R4/CarePlan', 'system/CarePlan.rs');
    expect(typesOf(body.entry[0].resource)).toEqual(['CarePlan']);
  });

  test('and of everything about a patient only the types that may be seen', async () => {
    answered = { resourceType: 'Bundle', type: 'searchset', entry: [{ resource: patient }, { resource: plan }] };
    const { body } = await call('get', '/fhir/R4/Patient/p/$everything', 'system/Patient.r');
    expect(typesOf(body)).toEqual(['Patient']);
  });
});
