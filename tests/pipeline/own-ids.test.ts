import { describe, expect, test } from '@jest/globals';
import type { Bundle, BundleEntry, Resource } from '@medplum/fhirtypes';
import type { Interaction } from '../../src/message.ts';
import { ownId, withOwnIds } from '../../src/pipeline/own-ids.ts';

const post = (path: string, ifNoneExist?: string): Interaction => ({ method: 'POST', path, headers: { ifNoneExist } });
const observation = { resourceType: 'Observation', id: 'theirs', status: 'final', code: {} } as Resource;
const entry = (resource: Resource, more: object = {}): BundleEntry => ({
  resource,
  request: { method: 'POST', url: resource.resourceType, ...more },
});
const urls = (bundle: Resource | undefined) => (bundle as Bundle).entry!.map((one) => one.request!.url);

describe('a create becomes an update of an id made from message and place', () => {
  test('alone, the same again for the same message', () => {
    const once = withOwnIds({ interaction: post('Observation'), resource: observation }, 'm1');
    expect(once.interaction).toMatchObject({ method: 'PUT', path: `Observation/${ownId('m1')}` });
    expect(once.resource?.id).toBe(ownId('m1'));
    expect(withOwnIds({ interaction: post('Observation'), resource: observation }, 'm1')).toEqual(once);
    expect(withOwnIds({ interaction: post('Observation'), resource: observation }, 'm2')).not.toEqual(once);
  });

  test('in a Bundle, each entry by its place', () => {
    const bundle = { resourceType: 'Bundle', type: 'batch', entry: [entry(observation), entry(observation)] } as Bundle;
    const { interaction, resource } = withOwnIds({ interaction: post(''), resource: bundle }, 'm');
    expect(interaction).toEqual(post(''));
    expect(urls(resource)).toEqual([0, 1].map((index) => `Observation/${ownId('m', index)}`));
  });
});

describe('left as it was sent', () => {
  test.each<[string, Interaction, Resource | undefined]>([
    ['a create with a condition', post('Observation', 'identifier=a|1'), observation],
    ['an update', { method: 'PUT', path: 'Observation/theirs', headers: {} }, observation],
    ['a resource of another type than its address', post('Patient'), observation],
    ['a deletion', { method: 'DELETE', path: 'Observation/theirs', headers: {} }, undefined],
  ])('%s', (_what, interaction, resource) => {
    expect(withOwnIds({ interaction, resource }, 'm')).toEqual({ interaction, resource });
  });

  test('entries with a condition, and updates', () => {
    const patient = { resourceType: 'Patient', id: 'p' } as Resource;
    const update = { resource: patient, request: { method: 'PUT', url: 'Patient/q' } } as BundleEntry;
    const entries = [entry(observation), entry(observation, { ifNoneExist: 'identifier=a|1' }), update];
    const bundle = { resourceType: 'Bundle', type: 'transaction', entry: entries } as Bundle;
    const { resource } = withOwnIds({ interaction: post(''), resource: bundle }, 'm');
    expect(urls(resource)).toEqual([`Observation/${ownId('m', 0)}`, 'Observation', 'Patient/q']);
  });
});
