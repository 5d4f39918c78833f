import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Bundle } from '@medplum/fhirtypes';
import { pino } from 'pino';
import type { Delivery, DeliveryOutcome, DoorContext, FhirEndpoint, FhirResponse } from '../../src/adapter.ts';
import { door } from '../../src/adapters/fhir-server/index.ts';
import { type Fixture, openFixture } from '../store/fixture.ts';

let fixture: Fixture;
beforeAll(() => {
  fixture = openFixture();
});
afterAll(() => fixture.close());

function through(fhir: FhirEndpoint, resources = 0) {
  const unused = async (): Promise<never> => {
    throw new Error('this door takes nothing in');
  };
  const context: DoorContext<{ connections: number; resources: number }> = {
    name: 'fhir',
    config: { connections: 1, resources },
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

describe('what waits for one server goes together', () => {
  /** A server that counts what it is sent. */
  const counted = () => {
    const bundles: Bundle[] = [];
    const endpoint: FhirEndpoint = {
      send: (request) => {
        bundles.push(request.body as Bundle);
        return fixture.store.endpoint.send(request);
      },
    };
    return { bundles, deliver: through(endpoint, 50).deliver! };
  };
  const device = (value: string, fullUrl: string) => ({
    fullUrl,
    ...post({ resourceType: 'Device', identifier: [{ system: 'urn:d', value }] }, `identifier=urn:d|${value}`),
  });
  const reading = (value: string, deviceUrl: string, rest: object = {}) => ({
    fullUrl: `urn:uuid:o-${value}`,
    ...post(
      {
        resourceType: 'Observation',
        status: 'final',
        identifier: [{ system: 'urn:o', value }],
        code: { text: 'x' },
        device: { reference: deviceUrl },
        ...rest,
      },
      `identifier=urn:o|${value}`,
    ),
  });
  const message = (of: string, value: string, rest: object = {}) =>
    transaction(device(of, `urn:uuid:d-${value}`), reading(value, `urn:uuid:d-${value}`, rest));

  test('in one transaction, with what they share written once, and each hears of its own', async () => {
    const { bundles, deliver } = counted();
    const sent = ['a', 'b', 'c', 'd'].map((value) => deliver(delivery(message('shared', value))));
    const outcomes = (await Promise.all(sent)) as Extract<DeliveryOutcome, { outcome: 'delivered' }>[];
    expect(bundles.map((one) => one.entry!.length)).toEqual([5]);
    expect(new Set(outcomes.map((one) => one.references![0])).size).toBe(1);
    for (const [at, { references }] of outcomes.entries()) {
      const { body } = await fixture.get(references![1]!);
      expect(body).toMatchObject({
        identifier: [{ value: ['a', 'b', 'c', 'd'][at] }],
        device: { reference: references![0] },
      });
    }
  });

  test('one that is refused does not hold up the others', async () => {
    const { deliver } = counted();
    const sent = Array.from({ length: 9 }, (_, at) =>
      deliver(delivery(message('e', `e${at}`, at === 6 ? { status: 4 } : {}))),
    );
    const outcomes = await Promise.all(sent);
    expect(outcomes.map((one) => one.outcome)).toEqual(
      Array.from({ length: 9 }, (_, at) => (at === 6 ? 'permanent' : 'delivered')),
    );
    expect(await fixture.ids('Device?identifier=urn:d|e')).toHaveLength(1);
  });

  test('what touches the same goes one after the other, in order', async () => {
    const { bundles, deliver } = counted();
    const put = (name: string) =>
      transaction({
        resource: { resourceType: 'Organization', identifier: [{ system: 'urn:g', value: '1' }], name },
        request: { method: 'PUT', url: 'Organization?identifier=urn:g|1' },
      });
    await Promise.all(['one', 'two', 'three'].map((name) => deliver(delivery(put(name)))));
    expect(bundles).toHaveLength(3);
    const found = await fixture.search('Organization?identifier=urn:g|1');
    expect(found.entry).toMatchObject([{ resource: { name: 'three', meta: { versionId: '3' } } }]);
  });

  test('an identifier met under two conditions is not written twice', async () => {
    const { bundles, deliver } = counted();
    const person = (first: string, second: string) =>
      transaction(
        post(
          { resourceType: 'Practitioner', identifier: [first, second].map((value) => ({ system: 'urn:p', value })) },
          `identifier=urn:p|${first}`,
        ),
      );
    await Promise.all([deliver(delivery(person('1', '2'))), deliver(delivery(person('2', '1')))]);
    expect(bundles).toHaveLength(2);
    expect(await fixture.ids('Practitioner?identifier=urn:p|1')).toHaveLength(1);
  });

  test('is not larger than it may be, and large documents go by themselves', async () => {
    const { bundles, deliver } = counted();
    const binary = (id: string) =>
      transaction({
        resource: { resourceType: 'Binary', id, contentType: 'text/plain', data: 'AAAA'.repeat(300_000) },
        request: { method: 'PUT', url: `Binary/${id}` },
      });
    const many = Array.from({ length: 60 }, (_, at) => deliver(delivery(message(`f${at}`, `f${at}`))));
    const outcomes = await Promise.all([
      ...many,
      deliver(delivery(binary('big-1'))),
      deliver(delivery(binary('big-2'))),
    ]);
    expect(outcomes.every((one) => one.outcome === 'delivered')).toBe(true);
    expect(bundles.map((one) => one.entry!.length)).toEqual([50, 50, 20, 1, 1]);
  });

  test('a server that is away is away for all of them', async () => {
    let asked = 0;
    const away: FhirEndpoint = {
      send: async () => {
        asked++;
        return { status: 503, headers: { 'retry-after': '3' } };
      },
    };
    const { deliver } = through(away, 50);
    const outcomes = await Promise.all(['g', 'h', 'i'].map((value) => deliver!(delivery(message(value, value)))));
    expect(asked).toBe(1);
    for (const one of outcomes) expect(one).toMatchObject({ outcome: 'transient', retryAfterSeconds: 3 });
  });

  test('an answer nobody can use is told to each of them', async () => {
    const odd: FhirEndpoint = {
      send: async () => {
        throw new Error('it says it is JSON and is not');
      },
    };
    const { deliver } = through(odd, 50);
    const ends = await Promise.allSettled(['j', 'k'].map((value) => deliver!(delivery(message(value, value)))));
    expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });
});
