import { describe, expect, test } from '@jest/globals';
import type { Bundle, BundleEntry, Resource } from '@medplum/fhirtypes';
import { ownId } from '../../src/pipeline/own-ids.ts';
import { withFullUrls } from '../../src/pipeline/own-names.ts';

const interaction = { method: 'POST' as const, path: '', headers: {} };
const create = (resource: object, fullUrl?: string): BundleEntry => ({
  ...(fullUrl ? { fullUrl } : {}),
  resource: resource as Resource,
  request: { method: 'POST', url: (resource as Resource).resourceType },
});
const patient = { resourceType: 'Patient', id: 'p' };
const about = { resourceType: 'Observation', subject: { reference: 'Patient/p' } };

/** A server that has these. */
const having = (...there: string[]) => ({
  fhir: {
    send: async ({ path }: { path: string }) =>
      there.includes(path) ? { status: 200, headers: {}, body: { id: 'p' } } : { status: 404, headers: {} },
  },
});

async function entriesOf(type: Bundle['type'], entry: BundleEntry[], ...there: string[]): Promise<BundleEntry[]> {
  const resource = { resourceType: 'Bundle', type, entry } as Bundle;
  const { resource: told } = await withFullUrls({ interaction, resource }, 'm', having(...there));
  return (told as Bundle).entry!;
}

const subjectOf = ({ resource }: BundleEntry | Record<string, never>) =>
  (resource as { subject?: { reference?: string } }).subject?.reference;

describe('a name that is only the Bundle’s own', () => {
  test('becomes the fullUrl of its entry, given one where it has none', async () => {
    const [, named] = await entriesOf('transaction', [create(patient, 'urn:uuid:1'), create(about)]);
    expect(subjectOf(named!)).toBe('urn:uuid:1');
    const [first, second] = await entriesOf('transaction', [create(patient), create(about)]);
    expect(first?.fullUrl).toBe(`urn:uuid:${ownId('m', 0)}`);
    expect(subjectOf(second!)).toBe(first?.fullUrl);
  });

  test('is found however deep it stands; bytes and what was sent stay as they are', async () => {
    const bytes = new Uint8Array([1, 2]);
    const deep = { ...about, subject: undefined, extension: [{ valueReference: { reference: 'Patient/p' } }], bytes };
    const sent = [create(patient, 'urn:uuid:1'), create(deep)];
    const before = JSON.stringify(sent);
    const [, named] = await entriesOf('transaction', sent);
    expect(JSON.stringify(named)).toContain('"reference":"urn:uuid:1"');
    expect((named!.resource as unknown as { bytes: Uint8Array }).bytes).toBe(bytes);
    expect(JSON.stringify(sent)).toBe(before);
  });
});

describe('left as it was sent', () => {
  const pair = [create(patient, 'urn:uuid:1'), create(about)];

  test('a name that is a resource of the server', async () => {
    expect(await entriesOf('transaction', pair, 'Patient/p')).toEqual(pair);
  });

  test('in a batch, where entries know nothing of each other', async () => {
    expect(await entriesOf('batch', pair)).toEqual(pair);
  });

  test('the address of an update', async () => {
    const update = { resource: patient as Resource, request: { method: 'PUT' as const, url: 'Patient/p' } };
    expect(await entriesOf('transaction', [update, create(about)])).toEqual([update, create(about)]);
  });
});
