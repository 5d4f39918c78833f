import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Binary } from '@medplum/fhirtypes';
import { loadSearchParameters } from '../../src/store/index.ts';
import { type Fixture, openFixture } from './fixture.ts';

const PROFILES = new URL('../../profiles', import.meta.url).pathname;
const ARCHIVED = 'https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-ext-is-archived';
const MHD = 'https://profiles.ihe.net/ITI/MHD/StructureDefinition/';

let fixture: Fixture;
beforeAll(async () => {
  fixture = openFixture({ searchParameters: loadSearchParameters(PROFILES) });
  await fixture.put({
    resourceType: 'Patient',
    id: 'p',
    identifier: [{ system: 'urn:ins', value: '1' }],
    extension: [
      {
        url: 'http://hl7.org/fhir/StructureDefinition/patient-birthPlace',
        valueAddress: { city: 'Saint-Étienne', postalCode: '42218' },
      },
    ],
  });
  await fixture.put({
    resourceType: 'Practitioner',
    id: 'doc',
    identifier: [{ system: 'urn:rpps', value: '8100' }],
    name: [{ family: 'Lefèvre', given: ['Zoé'] }],
  });
  const document = (id: string, rest: object) =>
    fixture.put({
      resourceType: 'DocumentReference',
      id,
      status: 'current',
      subject: { reference: 'Patient/p' },
      content: [{ attachment: { title: 'x', creation: '2026-01-05' } }],
      ...rest,
    });
  await document('contained', {
    contained: [
      {
        resourceType: 'PractitionerRole',
        id: 'role',
        identifier: [{ system: 'urn:role', value: 'r1' }],
        practitioner: { reference: '#who' },
      },
      {
        resourceType: 'Practitioner',
        id: 'who',
        identifier: [{ system: 'urn:rpps', value: '9200' }],
        name: [{ family: 'Moreau' }],
      },
    ],
    author: [{ reference: '#role' }],
    extension: [{ url: ARCHIVED, valueBoolean: true }],
    context: { period: { start: '2026-01-01T10:00:00+01:00', end: '2026-01-03' } },
  });
  await document('literal', {
    author: [{ reference: 'Practitioner/doc' }],
    relatesTo: [{ code: 'replaces', target: { reference: 'DocumentReference/contained' } }],
  });
  await fixture.put({
    resourceType: 'List',
    id: 'set',
    status: 'current',
    mode: 'working',
    code: { coding: [{ system: 'https://profiles.ihe.net/ITI/MHD/CodeSystem/MHDlistTypes', code: 'submissionset' }] },
    contained: [
      { resourceType: 'Organization', id: 'org', name: 'CH' },
      { resourceType: 'PractitionerRole', id: 'r', practitioner: { reference: 'Practitioner/doc' } },
    ],
    source: { reference: '#r', extension: [{ url: `${MHD}ihe-authorOrg`, valueReference: { reference: '#org' } }] },
    extension: [
      { url: `${MHD}ihe-designationType`, valueCodeableConcept: { coding: [{ code: 'SA05' }] } },
      { url: `${MHD}ihe-sourceId`, valueIdentifier: { system: 'urn:oid:1.2', value: 'SRC-01' } },
    ],
    subject: { reference: 'Patient/p' },
  });
  await fixture.put({
    resourceType: 'CareTeam',
    id: 'team',
    subject: { reference: 'Patient/p' },
    period: { start: '2026-01-01', end: '2026-06-01' },
    managingOrganization: [{ reference: 'Organization/o' }],
    participant: [{ period: { start: '2026-02-01', end: '2026-03-01' } }],
  });
});
afterAll(() => fixture.close());

test.each([
  ['DocumentReference?patient.identifier=urn:ins|1&status=current', ['contained', 'literal']],
  ['DocumentReference?author.identifier=urn:rpps|8100', ['literal']],
  ['DocumentReference?author.identifier=urn:role|r1', ['contained']],
  ['DocumentReference?author.family=lefevre', ['literal']],
  ['DocumentReference?author.family=moreau', ['contained']],
  ['DocumentReference?author:PractitionerRole.practitioner.identifier=9200', ['contained']],
  ['DocumentReference?author:Practitioner.family=moreau', []],
  ['DocumentReference?isArchived=true', ['contained']],
  ['DocumentReference?period-start=2026-01-01&period-end=2026-01-03', ['contained']],
  ['DocumentReference?period-start=gt2026-01-01', []],
  ['DocumentReference?creation=2026-01', ['contained', 'literal']],
  ['DocumentReference?relatesTo=DocumentReference/contained', ['literal']],
  ['DocumentReference?relationship=replaces$DocumentReference/contained', ['literal']],
  ['DocumentReference?relationship=appends$DocumentReference/contained', []],
  ['Practitioner?family=moreau', []],
  ['List?source.family=lefevre', ['set']],
  ['List?source:PractitionerRole.practitioner.given=zoe', ['set']],
  ['List?authorOrg.name=ch', ['set']],
  ['List?designationType=SA05&sourceId=urn:oid:1.2|SRC-01&code=submissionset', ['set']],
  ['CareTeam?start=2026-01-01&end=ge2026-06-01&participant-start=2026-02-01&participant-end=2026-03', ['team']],
  ['CareTeam?managingOrganization=Organization/o', ['team']],
  ['CareTeam?managing-organization=o', ['team']],
  ['Patient?birthplace=saint%20etienne', ['p']],
])('%s', async (path, expected) => {
  expect(await fixture.ids(path)).toEqual(expected);
});

test('contained resources follow their owner: changed and deleted with it', async () => {
  const document = (family: string) => ({
    resourceType: 'DocumentReference',
    id: 'moving',
    status: 'superseded',
    content: [{ attachment: { title: 'x' } }],
    contained: [{ resourceType: 'Practitioner', id: 'a', name: [{ family }] }],
    author: [{ reference: '#a' }],
  });
  await fixture.put(document('Avant'));
  await fixture.put(document('Apres'));
  expect(await fixture.ids('DocumentReference?author.family=avant')).toEqual([]);
  expect(await fixture.ids('DocumentReference?author.family=apres')).toEqual(['moving']);
  await fixture.send('DELETE', 'DocumentReference/moving');
  expect(await fixture.ids('DocumentReference?author.family=apres')).toEqual([]);
});

test.each([[10], [64 * 1024], [64 * 1024 + 1], [3_000_000]])(
  'a Binary of %i bytes comes back exactly, with its type',
  async (size) => {
    const bytes = randomBytes(size);
    const made = await fixture.send('POST', 'Binary', {
      resourceType: 'Binary',
      contentType: 'application/pdf',
      data: bytes.toString('base64'),
    });
    expect([made.status, made.body]).toEqual([201, undefined]);
    const id = made.headers.location!.split('/')[1];
    const raw = await fixture.get(`Binary/${id}`, { accept: 'application/pdf' });
    expect([raw.status, raw.headers['content-type'], raw.headers.etag]).toEqual([200, 'application/pdf', 'W/"1"']);
    const digest = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');
    expect(digest(raw.body as Uint8Array)).toBe(digest(bytes));
    const wrapped = (await fixture.get(`Binary/${id}`, { accept: 'application/fhir+json' })).body as Binary;
    expect(digest(Buffer.from(wrapped.data!, 'base64'))).toBe(digest(bytes));
    const again = await fixture.send('PUT', `Binary/${id}`, wrapped);
    expect([again.status, again.headers.etag]).toEqual([200, 'W/"1"']);
  },
);

test('bytes themselves can be written as a Binary', async () => {
  const made = await fixture.send('POST', 'Binary', Buffer.from('Compte rendu'), {
    'content-type': 'text/plain',
    prefer: 'return=representation',
  });
  expect(made.body).toMatchObject({ contentType: 'text/plain', data: Buffer.from('Compte rendu').toString('base64') });
});
