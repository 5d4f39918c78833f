import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Bundle } from '@medplum/fhirtypes';
import type { FhirEndpoint, FhirRequest } from '../../src/adapter.ts';
import { gathering } from '../../src/store/gather.ts';
import { type Fixture, openFixture } from './fixture.ts';

let fixture: Fixture;
let asked: FhirRequest[] = [];
let fails: (request: FhirRequest) => boolean = () => false;
const behind: FhirEndpoint = {
  async send(request) {
    asked.push(request);
    return fails(request) ? { status: 500, headers: {} } : fixture.store.endpoint.send(request);
  },
};
const { send } = gathering(behind);
const search = (...tokens: string[]): FhirRequest => ({
  method: 'GET',
  path: `Patient?identifier=${tokens.map(encodeURIComponent).join(',')}&_count=50`,
});
const idsOf = (body: unknown) => ((body as Bundle).entry ?? []).map(({ resource }) => resource!.id);

beforeAll(async () => {
  fixture = openFixture();
  for (let at = 0; at < 80; at++) {
    const identifier = [
      { system: 'urn:s', value: `N${at}` },
      { system: 'urn:both', value: String(at % 40) },
    ];
    await fixture.put({ resourceType: 'Patient', id: `p${at}`, identifier });
  }
});
afterAll(() => fixture.close());

test('searches by identifier of one turn become few, and each is answered as it would have been alone', async () => {
  asked = [];
  const wanted = Array.from({ length: 70 }, (_, at) => search(`urn:s|N${at}`, `urn:both|${at % 7}`, 'urn:s|nobody'));
  const answers = await Promise.all(wanted.map(send));
  expect(asked).toHaveLength(3);
  for (const [at, { status, body }] of answers.entries()) {
    const alone = await fixture.store.endpoint.send(wanted[at]!);
    expect([status, idsOf(body).sort()]).toEqual([200, idsOf(alone.body).sort()]);
  }
});

test('batches of reads become one', async () => {
  asked = [];
  const batch = (id: string): FhirRequest => ({
    method: 'POST',
    path: '',
    body: {
      resourceType: 'Bundle',
      type: 'batch',
      entry: [`Patient/${id}`, `Observation?patient=${id}`].map((url) => ({ request: { method: 'GET', url } })),
    },
  });
  const answers = await Promise.all(['p1', 'p2', 'nobody'].map((id) => send(batch(id))));
  expect(asked).toHaveLength(1);
  expect(answers.map(({ body }) => (body as Bundle).entry!.map((one) => one.response!.status))).toEqual([
    ['200', '200'],
    ['200', '200'],
    ['404', '200'],
  ]);
  expect(answers[1]!.body).toMatchObject({ entry: [{ resource: { id: 'p2' } }, {}] });
});

test('what fails together is asked one by one, so that only who must hears of it', async () => {
  fails = ({ path }) => path.includes('N3%') || path.includes('N3&') || path.split(',').length > 1;
  const answers = await Promise.all([3, 4, 5].map((at) => send(search(`urn:s|N${at}`))));
  fails = () => false;
  expect(answers.map(({ status }) => status)).toEqual([500, 200, 200]);
});

test('what is alone, and everything else, passes as it is', async () => {
  asked = [];
  await send(search('urn:s|N1'));
  await send({ method: 'GET', path: 'Patient/p1' });
  await send({ method: 'POST', path: 'Patient', body: { resourceType: 'Patient' } });
  expect(asked.map(({ path }) => path)).toEqual([search('urn:s|N1').path, 'Patient/p1', 'Patient']);
});
