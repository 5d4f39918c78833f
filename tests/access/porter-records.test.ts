import { expect, test } from '@jest/globals';
import type { Resource } from '@medplum/fhirtypes';
import { recordsOf } from '../../src/access/porter-records.ts';
import type { FhirEndpoint, Find } from '../../src/adapter.ts';

const ids = Array.from({ length: 120 }, (_one, at) => `p${at}`);
const finds: Find[] = [
  { type: 'Patient', parameter: '_id', values: ids },
  { type: 'Consent', parameter: 'patient', values: [] },
  { type: 'CareTeam', parameter: 'patient', values: ids.map((id) => `Patient/${id}`) },
];
const named = (found: Resource[][]) => found.map((some) => some.map(({ resourceType, id }) => `${resourceType}/${id}`));
const expected = [ids.map((id) => `Patient/${id}`), [], ids.map((id) => `CareTeam/of-${id}`)];
const answer = ({ type, values }: Find) =>
  values.map((value) => ({ resourceType: type, id: value.replace('Patient/', 'of-') }) as Resource);

test('the facts of many patients are asked for some at a time, each in its place', async () => {
  const asked: number[] = [];
  const fhir: FhirEndpoint = {
    send: async () => ({ status: 500, headers: {} }),
    find: () => [],
    findAll(some) {
      asked.push(Math.max(...some.map(({ values }) => values.length)));
      return some.map(answer);
    },
  };
  expect(named(await recordsOf(fhir).findAll(finds))).toEqual(expected);
  expect(asked).toEqual([50, 50, 20]);
});

test('of a server elsewhere by searches', async () => {
  const fhir: FhirEndpoint = {
    async send({ path }) {
      const [type = '', query] = path.split('?');
      const [[parameter = '', values = ''] = []] = new URLSearchParams(query);
      const entry = answer({ type, parameter, values: values.split(',') }).map((resource) => ({ resource }));
      return { status: 200, headers: {}, body: { resourceType: 'Bundle', type: 'searchset', entry } };
    },
  };
  expect(named(await recordsOf(fhir).findAll(finds))).toEqual(expected);
});

test('nothing is decided by an answer that was cut off', async () => {
  let pages = 0;
  const entry = Array.from({ length: 1000 }, (_one, at) => ({
    resource: { resourceType: 'DocumentReference', id: `${at}` },
  }));
  const link = [{ relation: 'next', url: 'DocumentReference?page=next' }];
  const fhir: FhirEndpoint = {
    async send() {
      pages++;
      return { status: 200, headers: {}, body: { resourceType: 'Bundle', type: 'searchset', entry, link } };
    },
  };
  const records = recordsOf(fhir);
  const documents = { type: 'DocumentReference', parameter: 'patient', values: ['Patient/a'] };
  await expect(records.findAll([documents])).rejects.toMatchObject({ faults: [{ code: 'search-too-costly' }] });
  expect(pages).toBe(21);
  // Whoever says how much is enough gets that much.
  expect(await records.find('DocumentReference', 'patient', ['Patient/a'], '', 1500)).toHaveLength(1500);
});
