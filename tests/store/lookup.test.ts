import { afterAll, expect, test } from '@jest/globals';
import { PasserelleError } from '../../src/errors.ts';
import { Connection, readColumns } from '../../src/store/database.ts';
import { Indexer } from '../../src/store/indexer.ts';
import { Lookup } from '../../src/store/lookup.ts';
import { Parameters } from '../../src/store/parameters.ts';
import { Shelf } from '../../src/store/shelf.ts';
import { openFixture } from './fixture.ts';

const fixture = openFixture();
afterAll(() => fixture.close());
const find = (type: string, code: string, ...values: string[]) =>
  fixture.store.endpoint.find!(type, code, values)
    .map((one) => one.id)
    .sort();

const put = (resource: { resourceType: string; id: string }) =>
  fixture.send('PUT', `${resource.resourceType}/${resource.id}`, resource);
const team = (id: string, patient: string, status = 'active') => ({
  resourceType: 'CareTeam',
  id,
  status,
  subject: { reference: `Patient/${patient}` },
});

test('what the index says, as of the last commit', async () => {
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

test('what is found together is of the last commit, each in its place, also when the one before failed', async () => {
  const findAll = (...finds: [type: string, parameter: string, values: string[]][]) =>
    fixture.store.endpoint.findAll!(finds.map(([type, parameter, values]) => ({ type, parameter, values }))).map(
      (found) => found.map(({ id }) => id),
    );
  const both = () => findAll(['Patient', '_id', ['c']], ['CareTeam', 'patient', []], ['Patient', '_id', ['d', 'e']]);
  expect(both()).toEqual([[], [], []]);
  expect(() => findAll(['Patient', '_id', ['c']], ['CareTeam', 'date', ['x']])).toThrow();
  await fixture.send('PUT', 'Patient/c', { resourceType: 'Patient', id: 'c' });
  expect(both()).toEqual([['c'], [], []]);
  await fixture.send('PUT', 'Patient/d', { resourceType: 'Patient', id: 'd' });
  expect(find('Patient', '_id', 'd')).toEqual(['d']);
  await fixture.send('DELETE', 'Patient/c');
  expect(both()).toEqual([[], [], ['d']]);
  await put(team('v', 'd'));
  expect(findAll(['CareTeam', 'patient', ['Patient/d']], ['Patient', '_id', ['d']])).toEqual([['v'], ['d']]);
  expect(findAll()).toEqual([]);
});

test('more than one answer may have is refused, unless a limit says that it does not matter', async () => {
  for (const id of ['f', 'g', 'h']) await put({ resourceType: 'Patient', id });
  const connection = new Connection(fixture.file, { readOnly: true });
  const parameters = new Parameters([]);
  readColumns(connection, parameters);
  const shelf = new Shelf(connection, new Indexer(connection, parameters, (url) => url));
  const lookup = new Lookup(shelf, parameters, 2);
  try {
    expect(lookup.find('Patient', '_id', ['f', 'g'])).toHaveLength(2);
    expect(lookup.find('Patient', '_id', ['f', 'g', 'h'], 1)).toHaveLength(1);
    expect(() => lookup.find('Patient', '_id', ['f', 'g', 'h'])).toThrow(PasserelleError);
    const apart = ['f', 'g', 'h'].map((id) => ({ type: 'Patient', parameter: '_id', values: [id] }));
    expect(() => lookup.findAll(apart)).toThrow(PasserelleError);
  } finally {
    connection.close();
  }
});
