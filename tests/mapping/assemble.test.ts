import { describe, expect, test } from '@jest/globals';
import type { Bundle, Patient, Provenance } from '@medplum/fhirtypes';
import type { Conversion, Draft } from '../../src/conversion.ts';
import { assemble } from '../../src/mapping/index.ts';

const message = {
  id: '019a0000-0000-7000-8000-000000000002',
  sender: 'client:x',
  receivedAt: Date.parse('2021-03-10T09:00:00Z'),
};
const SOURCE = `urn:passerelle:message:${message.id}`;

function draft(resource: object, more: Partial<Draft> = {}): Draft {
  const fullUrl = `urn:uuid:00000000-0000-8000-8000-${String(++count).padStart(12, '0')}`;
  return {
    key: String(count),
    fullUrl,
    resource,
    write: 'create',
    identity: { system: 'urn:s', value: `${count}` },
    ...more,
  } as Draft;
}
let count = 0;

function conversion(drafts: Draft[]): Conversion {
  return { drafts, intents: [], faults: [], unmapped: [], traces: [], maps: { cda: 'v1' } };
}

const requests = (bundle: Bundle) =>
  bundle.entry!.map(({ request }) =>
    `${request!.method} ${request!.url} ${request!.ifNoneExist ?? ''}${request!.ifMatch ?? ''}`.trim(),
  );

describe('assemble', () => {
  test('creates once, updates by identity, writes Binary and Provenance to ids of its own', () => {
    const patient = draft(
      { resourceType: 'Patient' },
      { write: 'update', identity: { system: 'urn:s', value: 'a|b&c' } },
    );
    const binary = draft({ resourceType: 'Binary', contentType: 'text/plain' });
    const document = draft({
      resourceType: 'DocumentReference',
      subject: { reference: patient.fullUrl },
      content: [{ attachment: { url: binary.fullUrl } }],
    });
    const bundle = assemble(conversion([patient, binary, document]), { message });
    const id = binary.fullUrl.slice('urn:uuid:'.length);
    expect(requests(bundle)).toEqual([
      'PUT Patient?identifier=urn%3As%7Ca%7Cb%26c',
      `PUT Binary/${id}`,
      `POST DocumentReference identifier=urn%3As%7C${document.identity.value}`,
      expect.stringMatching(/^PUT Provenance\/[0-9a-f-]{36}$/),
    ]);
    expect(bundle.entry![2]!.resource).toMatchObject({
      subject: { reference: patient.fullUrl },
      content: [{ attachment: { url: `Binary/${id}` } }],
    });
    expect(bundle.entry!.every(({ resource }) => resource!.meta?.source === SOURCE)).toBe(true);
    expect(document.resource).not.toHaveProperty('meta');
  });

  test('the Provenance names targets, sender, message and versions; the same at a replay', () => {
    const one = draft({ resourceType: 'Basic' });
    const [first, second] = [1, 2].map(() => assemble(conversion([one]), { message }));
    expect(first).toEqual(second);
    const provenance = first!.entry!.at(-1)!.resource as Provenance;
    expect(provenance).toMatchObject({
      target: [{ reference: one.fullUrl }],
      recorded: '2021-03-10T09:00:00.000Z',
      extension: [{ valueString: 'cda|v1' }],
      entity: [{ role: 'source', what: { identifier: { value: SOURCE } } }],
    });
    expect(provenance.agent[0]!.who.display).toBe('client:x');
    expect(assemble(conversion([]), { message }).entry).toEqual([]);
  });

  test('a known patient: references point to it, its record is written under its version or not at all', () => {
    const subject = draft({ resourceType: 'Patient' }, { write: 'update' });
    const note = draft({ resourceType: 'Observation', subject: { reference: subject.fullUrl } });
    const identity = { reference: 'Patient/7', fullUrl: subject.fullUrl };
    const without = assemble(conversion([subject, note]), { message, identity });
    expect(requests(without)).toHaveLength(2);
    expect(without.entry![0]!.resource).toMatchObject({ subject: { reference: 'Patient/7' } });
    const current = { reference: 'Patient/7', version: '3' };
    const patient = { ...subject, resource: { resourceType: 'Patient', active: true }, current } as Draft<Patient>;
    const withRecord = assemble(conversion([subject, note]), { message, identity: { ...identity, patient } });
    expect(requests(withRecord)[0]).toBe('PUT Patient/7 W/"3"');
    expect(withRecord.entry![0]!.resource).toMatchObject({ id: '7', active: true });
  });

  test('questions for a person and changes of known resources come along', () => {
    const task = draft({ resourceType: 'Task' });
    const changed = draft(
      { resourceType: 'DocumentReference', id: '5', status: 'superseded' },
      { current: { reference: 'DocumentReference/5', version: '1' } },
    );
    const bundle = assemble(conversion([]), { message, identity: { drafts: [task] }, changes: { drafts: [changed] } });
    expect(requests(bundle).slice(0, 2)).toEqual([
      `POST Task identifier=urn%3As%7C${task.identity.value}`,
      'PUT DocumentReference/5 W/"1"',
    ]);
    expect((bundle.entry![2]!.resource as Provenance).target).toEqual([
      { reference: task.fullUrl },
      { reference: 'DocumentReference/5' },
    ]);
  });
});
