import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Bundle } from '@medplum/fhirtypes';
import type { FhirEndpoint } from '../../src/adapter.ts';
import { type Ability, Learnt } from '../../src/store/abilities.ts';
import { idempotent } from '../../src/store/idempotent.ts';
import { openRemote } from '../../src/store/remote.ts';
import { Hapi, whyNoHapi } from './server.ts';

const missing = whyNoHapi();
if (missing) console.warn(`HAPI tests are skipped: ${missing}`);
const suite = missing ? describe.skip : describe;

const forms: [string, Ability[] | undefined][] = [
  ['as its CapabilityStatement says', undefined],
  ['with conditions alone', ['conditionalCreate', 'conditionalUpdate']],
  ['with ids of ours alone', ['updateCreate']],
  ['with conditional create alone', ['conditionalCreate']],
];

/** What a message is made of: there once, there as it is now, and a resource that has no identifier. */
function transaction(name: string, version: string): Bundle {
  const identifier = [{ system: 'urn:example:forms', value: name }];
  const query = `identifier=urn:example:forms%7C${encodeURIComponent(name)}`;
  const id = `00000000-0000-8000-8000-${Buffer.from(name).toString('hex').padEnd(12, '0').slice(-12)}`;
  return {
    resourceType: 'Bundle',
    type: 'transaction',
    entry: [
      {
        fullUrl: 'urn:uuid:5a6ad65e-0c8b-4c64-9d2c-3d2c6c0a0001',
        resource: { resourceType: 'Device', identifier, lotNumber: version },
        request: { method: 'POST', url: 'Device', ifNoneExist: query },
      },
      {
        fullUrl: 'urn:uuid:5a6ad65e-0c8b-4c64-9d2c-3d2c6c0a0002',
        resource: { resourceType: 'Organization', identifier, name: version },
        request: { method: 'PUT', url: `Organization?${query}` },
      },
      {
        fullUrl: `urn:uuid:${id}`,
        resource: {
          resourceType: 'Provenance',
          id,
          target: [{ reference: 'urn:uuid:5a6ad65e-0c8b-4c64-9d2c-3d2c6c0a0001' }],
          recorded: '2026-03-10T09:00:00Z',
          agent: [{ who: { display: version } }],
        },
        request: { method: 'PUT', url: `Provenance/${id}` },
      },
    ],
  };
}

suite('a real HAPI FHIR server, written to in each form', () => {
  const hapi = new Hapi();
  let remote: ReturnType<typeof openRemote>;

  beforeAll(async () => {
    await hapi.start();
    remote = openRemote({ base: hapi.base, headers: {}, timeoutSeconds: 60, connections: 2 });
  }, 600_000);

  afterAll(async () => {
    remote?.close();
    await hapi.remove();
  }, 60_000);

  test('says that it can do all', async () => {
    const abilities = await new Learnt(remote.endpoint).abilities();
    if (typeof abilities !== 'function') throw new Error(`status ${abilities.status}`);
    for (const type of ['Patient', 'Binary', 'Provenance']) expect(abilities(type).size).toBe(3);
  });

  test.each(forms)('%s: there once, as it was last', async (name, abilities) => {
    const server = idempotent(remote.endpoint, abilities);
    const first = await write(server, transaction(name, 'first'));
    const second = await write(server, transaction(name, 'second'));
    expect(second).toEqual(first);
    const [device, organization, provenance] = await Promise.all(first.map((path) => read(server, path)));
    expect([device.lotNumber, organization.name, provenance.agent[0].who.display]).toEqual([
      'first',
      'second',
      'second',
    ]);
    expect(provenance.target).toEqual([{ reference: first[0] }]);
  });
});

async function write(server: FhirEndpoint, body: Bundle): Promise<string[]> {
  const answer = await server.send({ method: 'POST', path: '', body });
  expect([answer.status, answer.status < 300 ? '' : JSON.stringify(answer.body)]).toEqual([200, '']);
  return (answer.body as Bundle).entry!.map(({ response }) => response!.location!.replace(/\/_history.*/, ''));
}

async function read(server: FhirEndpoint, path: string): Promise<any> {
  return (await server.send({ method: 'GET', path })).body;
}
