import { afterAll, expect, test } from '@jest/globals';
import { openFixture } from './fixture.ts';

const fixture = openFixture();
afterAll(() => fixture.close());
const find = (type: string, code: string, ...values: string[]) =>
  fixture.store.endpoint.find!(type, code, values)
    .map((one) => one.id)
    .sort();

test('what the index says, as of the last commit', async () => {
  const put = (resource: { resourceType: string; id: string }) =>
    fixture.send('PUT', `${resource.resourceType}/${resource.id}`, resource);
  const team = (id: string, patient: string, status = 'active') => ({
    resourceType: 'CareTeam',
    id,
    status,
    subject: { reference: `Patient/${patient}` },
  });
  await put({ resourceType: 'Patient', id: 'a', identifier: [{ system: 'urn:one', value: '1' }] } as never);
  await put({ resourceType: 'Patient', id: 'b', identifier: [{ system: 'urn:two', value: '1' }] } as never);
  await put(team('t', 'a'));
  expect(find('CareTeam', 'patient', 'Patient/a')).toEqual(['t']);
  expect(find('CareTeam', 'patient', 'Patient/b')).toEqual([]);
  expect(find('Patient', 'identifier', '1')).toEqual(['a', 'b']);
  expect(find('Patient', 'identifier', 'urn:two|1')).toEqual(['b']);
  expect(find('Patient', '_id', 'a', 'none')).toEqual(['a']);
  expect(find('Patient', '_id')).toEqual([]);

  await put(team('u', 'b'));
  await put(team('t', 'b'));
  expect(find('CareTeam', 'patient', 'Patient/a')).toEqual([]);
  expect(find('CareTeam', 'patient', 'Patient/a', 'Patient/b')).toEqual(['t', 'u']);
  expect(fixture.store.endpoint.find!('CareTeam', 'patient', ['Patient/b'], 1)).toHaveLength(1);
  await fixture.send('DELETE', 'CareTeam/t');
  expect(find('CareTeam', 'patient', 'Patient/b')).toEqual(['u']);
  expect(() => find('CareTeam', 'date', 'x')).toThrow();
});

test('finds made together see the last commit, also when the one before failed', async () => {
  const { together } = fixture.store.endpoint;
  const both = () =>
    together!.call(fixture.store.endpoint, () => [find('Patient', '_id', 'c'), find('Patient', '_id', 'd')]);
  expect(both()).toEqual([[], []]);
  expect(() => together!.call(fixture.store.endpoint, () => find('CareTeam', 'date', 'x'))).toThrow();
  await fixture.send('PUT', 'Patient/c', { resourceType: 'Patient', id: 'c' });
  expect(both()).toEqual([['c'], []]);
  await fixture.send('PUT', 'Patient/d', { resourceType: 'Patient', id: 'd' });
  expect(find('Patient', '_id', 'd')).toEqual(['d']);
  await fixture.send('DELETE', 'Patient/c');
  expect(both()).toEqual([[], ['d']]);
});
