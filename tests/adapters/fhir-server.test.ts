import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import type { Delivery, DeliveryOutcome, DoorContext, FhirEndpoint, FhirResponse } from '../../src/adapter.ts';
import { door } from '../../src/adapters/fhir-server/index.ts';
import { type Fixture, openFixture } from '../store/fixture.ts';

let fixture: Fixture;
beforeAll(() => {
  fixture = openFixture();
});
afterAll(() => fixture.close());

function through(fhir: FhirEndpoint) {
  const unused = async (): Promise<never> => {
    throw new Error('this door takes nothing in');
  };
  const context: DoorContext = {
    name: 'fhir',
    config: {},
    log: pino({ level: 'silent' }),
    accept: unused,
    outcome: unused,
    receipt: unused,
    original: async () => undefined,
    fhir,
  };
  return door.create(context);
}

function delivery(payload: unknown, rest: Partial<Delivery> = {}): Delivery {
  return {
    id: 'd',
    messageId: 'm',
    destination: 'fhir',
    kind: 'bundle',
    payload,
    attempt: 1,
    ambiguous: false,
    ...rest,
  };
}

const post = (resource: object, ifNoneExist?: string) => ({
  resource,
  request: { method: 'POST', url: (resource as { resourceType: string }).resourceType, ifNoneExist },
});
const transaction = (...entry: object[]) => ({ resourceType: 'Bundle', type: 'transaction', entry });

describe('into the embedded server', () => {
  test('is delivered with the references in the order of the bundle; again, with the same', async () => {
    const { deliver } = through(fixture.store.endpoint);
    const bundle = transaction(post({ resourceType: 'Patient', identifier: [{ value: 'd1' }] }, 'identifier=d1'), {
      resource: {
        resourceType: 'Provenance',
        id: 'x',
        target: [{ display: 'x' }],
        recorded: '2026-01-01T00:00:00Z',
        agent: [{ who: { display: 'x' } }],
      },
      request: { method: 'PUT', url: 'Provenance/x' },
    });
    const first = await deliver!(delivery(bundle));
    expect(first).toEqual({ outcome: 'delivered', references: [expect.stringMatching(/^Patient\//), 'Provenance/x'] });
    expect(await deliver!(delivery(bundle, { attempt: 2, ambiguous: true }))).toEqual(first);
  });

  test('what it refuses is permanent, its words are private', async () => {
    const { deliver } = through(fixture.store.endpoint);
    const outcome = (await deliver!(
      delivery(transaction(post({ resourceType: 'Patient', gender: 4 }))),
    )) as DeliveryOutcome & { outcome: 'permanent' };
    expect(outcome).toMatchObject({
      outcome: 'permanent',
      faults: [{ code: 'fhir-refused', params: { status: 422 } }],
    });
    expect(outcome.faults[0]!.detail).toContain('Patient.gender');
  });

  test('several that match need a person', async () => {
    for (const id of ['s1', 's2']) await fixture.put({ resourceType: 'Patient', id, identifier: [{ value: 'twice' }] });
    const outcome = await through(fixture.store.endpoint).deliver!(
      delivery(transaction(post({ resourceType: 'Patient', identifier: [{ value: 'twice' }] }, 'identifier=twice'))),
    );
    expect(outcome).toMatchObject({ outcome: 'permanent', faults: [{ params: { status: 412 } }] });
  });

  test('can be checked', async () => {
    expect(await through(fixture.store.endpoint).check!()).toEqual([]);
  });
});

describe('what other servers answer', () => {
  const answering = (response: Partial<FhirResponse>) =>
    through({ send: async () => ({ status: 200, headers: {}, ...response }) });
  const issue = (code: string, diagnostics?: string) => ({
    resourceType: 'OperationOutcome',
    issue: [{ severity: 'error', code, diagnostics }],
  });

  test.each([
    [{ status: 503, body: issue('transient') }, 'transient', 'fhir-unreachable', undefined],
    [{ status: 503, headers: { 'retry-after': '7' } }, 'transient', 'fhir-busy', 7],
    [{ status: 429, headers: { 'retry-after': '99999' } }, 'transient', 'fhir-busy', 3600],
    [{ status: 429, headers: { 'retry-after': 'soon' } }, 'transient', 'fhir-busy', undefined],
    [{ status: 502 }, 'transient', 'fhir-busy', undefined],
    [{ status: 409 }, 'transient', 'fhir-busy', 0.05],
    [{ status: 412, body: issue('conflict') }, 'transient', 'fhir-busy', 0.05],
    [{ status: 412, body: issue('multiple-matches') }, 'permanent', 'fhir-refused', undefined],
    [
      { status: 412, body: issue('processing', 'HAPI-0958: there are multiple resources that match') },
      'permanent',
      'fhir-refused',
      undefined,
    ],
    [{ status: 504 }, 'ambiguous', 'fhir-timeout', undefined],
    [{ status: 500 }, 'ambiguous', 'fhir-timeout', undefined],
    [{ status: 401 }, 'transient', 'fhir-unreachable', undefined],
    [{ status: 400, body: issue('invalid') }, 'permanent', 'fhir-refused', undefined],
    [{ status: 422 }, 'permanent', 'fhir-refused', undefined],
    [{ status: 302 }, 'permanent', 'fhir-refused', undefined],
  ])('%j', async (response, outcome, code, retryAfterSeconds) => {
    const result = (await answering(response as Partial<FhirResponse>).deliver!(
      delivery(transaction()),
    )) as DeliveryOutcome & { faults: { code: string }[]; retryAfterSeconds?: number };
    expect([result.outcome, result.faults[0]!.code, result.retryAfterSeconds]).toEqual([
      outcome,
      code,
      retryAfterSeconds,
    ]);
  });

  test('a race that goes on is no longer run at once', async () => {
    const result = await answering({ status: 409 }).deliver!(delivery(transaction(), { attempt: 6 }));
    expect(result).toMatchObject({ outcome: 'transient' });
    expect(result).not.toHaveProperty('retryAfterSeconds');
  });

  test('a server that is away is found by the check', async () => {
    expect(await answering({ status: 503 }).check!()).toMatchObject([{ code: 'fhir-unreachable' }]);
  });
});
