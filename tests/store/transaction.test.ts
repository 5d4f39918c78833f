import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Bundle, BundleEntry, DocumentReference, OperationOutcome, Patient } from '@medplum/fhirtypes';
import { type Body, codeOf, type Fixture, openFixture } from './fixture.ts';

const INS = 'urn:oid:1.2.250.1.213.1.4.8';
const uuid = (digit: number) => `urn:uuid:0000000${digit}-0000-4000-8000-000000000000`;

let fixture: Fixture;
beforeAll(() => {
  fixture = openFixture();
});
afterAll(() => fixture.close());

const bundle = (entry: unknown[], type = 'transaction') => ({ resourceType: 'Bundle', type, entry });
const patient = (value: string): Body => ({ resourceType: 'Patient', identifier: [{ system: INS, value }] });
const post = (fullUrl: string, resource: Body, ifNoneExist?: string) => ({
  fullUrl,
  resource,
  request: { method: 'POST', url: resource.resourceType, ...(ifNoneExist ? { ifNoneExist } : {}) },
});
const put = (url: string, resource: Body, fullUrl?: string) => ({ fullUrl, resource, request: { method: 'PUT', url } });
const document = (rest: Body): Body => ({
  resourceType: 'DocumentReference',
  status: 'current',
  content: [{ attachment: { title: 'x' } }],
  ...rest,
});
const statuses = (body: unknown) => (body as Bundle).entry!.map((entry) => entry.response!.status!.slice(0, 3));

describe('a transaction', () => {
  test('resolves what its entries say of each other, and answers in their order', async () => {
    const answer = await fixture.send(
      'POST',
      '',
      bundle([
        post(
          uuid(1),
          document({
            subject: { reference: uuid(2) },
            content: [{ attachment: { url: uuid(3) } }],
            masterIdentifier: { system: 'urn:ietf:rfc:3986', value: uuid(2) },
            text: {
              status: 'generated',
              div: `<div xmlns="http://www.w3.org/1999/xhtml"><a href="${uuid(2)}">x</a></div>`,
            },
          }),
        ),
        post(uuid(2), patient('t1')),
        put('Binary/b1', { resourceType: 'Binary', id: 'b1', contentType: 'text/plain', data: 'SGVsbG8=' }, uuid(3)),
        { request: { method: 'GET', url: `Patient?identifier=${INS}|t1` } },
      ]),
    );
    expect([answer.status, statuses(answer.body)]).toEqual([200, ['201', '201', '201', '200']]);
    const [made, about, , found] = (answer.body as Bundle).entry as BundleEntry[];
    const reference = about!.response!.location!.replace(/\/_history.*/, '');
    expect((found!.resource as Bundle).entry![0]!.resource!.id).toBe(reference.split('/')[1]);
    const stored = (await fixture.get(made!.response!.location!)).body as DocumentReference;
    expect(stored.subject!.reference).toBe(reference);
    expect(stored.content[0]!.attachment.url).toBe('Binary/b1');
    expect(stored.masterIdentifier!.value).toBe(uuid(2));
    expect(stored.text!.div).toContain(`href="${reference}"`);
  });

  test('is all or nothing: one entry that fails undoes the others and is named', async () => {
    const answer = await fixture.send(
      'POST',
      '',
      bundle([
        post(uuid(1), patient('undone')),
        { request: { method: 'DELETE', url: 'Patient/keep' } },
        put('Patient/keep', { ...patient('keep'), id: 'keep', gender: 'female' }),
        post(uuid(2), { resourceType: 'Observation', status: 'final' }),
      ]),
    );
    expect([answer.status, codeOf(answer)]).toEqual([422, 'resource-invalid']);
    expect((answer.body as OperationOutcome).issue[0]!.expression).toEqual([
      'Bundle.entry[3].resource.ofType(Observation.code)',
    ]);
    expect(await fixture.ids(`Patient?identifier=${INS}|undone`)).toEqual([]);
    expect((await fixture.get('Patient/keep')).status).toBe(404);
    expect((await fixture.search(`Observation?_summary=count`)).total).toBe(0);
  });

  test('others that share the commit are untouched by one that fails', async () => {
    const good = (index: number) => fixture.send('POST', '', bundle([post(uuid(1), patient(`good${index}`))]));
    const bad = (index: number) =>
      fixture.send(
        'POST',
        '',
        bundle([post(uuid(1), patient(`bad${index}`)), post(uuid(2), { resourceType: 'Nothing' })]),
      );
    const answers = await Promise.all(Array.from({ length: 40 }, (_, index) => (index % 2 ? good(index) : bad(index))));
    expect(answers.map((answer) => answer.status)).toEqual(
      Array.from({ length: 40 }, (_, index) => (index % 2 ? 200 : 404)),
    );
    expect(await fixture.ids('Patient?identifier=bad0,bad2,bad38')).toEqual([]);
    expect(await fixture.ids('Patient?identifier=good1,good3,good39')).toHaveLength(3);
  });

  test('sent again creates nothing new', async () => {
    const entries = [
      post(uuid(1), patient('again'), `identifier=${INS}|again`),
      post(
        uuid(2),
        document({ subject: { reference: uuid(1) }, identifier: [{ system: 'urn:x', value: 'd' }] }),
        'identifier=urn:x|d',
      ),
      put('Provenance/0b1d', {
        resourceType: 'Provenance',
        id: '0b1d',
        target: [{ reference: uuid(2) }],
        recorded: '2026-01-01T00:00:00Z',
        agent: [{ who: { display: 'x' } }],
      }),
      put(`Organization?identifier=urn:y|o`, {
        resourceType: 'Organization',
        identifier: [{ system: 'urn:y', value: 'o' }],
        name: 'Un',
      }),
    ];
    const first = await fixture.send('POST', '', bundle(entries));
    const second = await fixture.send('POST', '', bundle(entries));
    expect([statuses(first.body), statuses(second.body)]).toEqual([Array(4).fill('201'), Array(4).fill('200')]);
    const locations = (body: unknown) => (body as Bundle).entry!.map((entry) => entry.response!.location);
    expect(locations(second.body)).toEqual(locations(first.body));
  });

  test('two entries with the same If-None-Exist are one resource', async () => {
    const answer = await fixture.send(
      'POST',
      '',
      bundle([
        post(uuid(1), patient('pair'), `identifier=${INS}|pair`),
        post(uuid(2), patient('pair'), `identifier=${INS}|pair`),
        post(uuid(3), document({ subject: { reference: uuid(2) } })),
      ]),
    );
    expect(statuses(answer.body)).toEqual(['201', '200', '201']);
    const [id, ...others] = await fixture.ids(`Patient?identifier=${INS}|pair`);
    expect(others).toEqual([]);
    expect(await fixture.ids(`DocumentReference?subject=Patient/${id}`)).toHaveLength(1);
  });

  test('conditional references find what is on the server; none is 404, several 412', async () => {
    await fixture.put({ ...patient('known'), id: 'known' });
    await fixture.put({ ...patient('double'), id: 'double1' });
    await fixture.put({ ...patient('double'), id: 'double2' });
    const refer = (value: string) =>
      fixture.send(
        'POST',
        '',
        bundle([post(uuid(1), document({ subject: { reference: `Patient?identifier=${INS}|${value}` } }))]),
        { prefer: 'return=representation' },
      );
    const good = await refer('known');
    expect((good.body as Bundle).entry![0]!.resource).toMatchObject({ subject: { reference: 'Patient/known' } });
    expect([await refer('nobody'), await refer('double')].map((answer) => [answer.status, codeOf(answer)])).toEqual([
      [404, 'match-none'],
      [412, 'match-several'],
    ]);
  });

  test('literal references to entries that are created follow them, also relative to their fullUrl', async () => {
    const answer = await fixture.send(
      'POST',
      '',
      bundle([
        post('urn:uuid:x', {
          resourceType: 'CareTeam',
          subject: { reference: 'Patient/local' },
          managingOrganization: [{ reference: 'http://elsewhere.example/fhir/Organization/o' }],
        }),
        post(uuid(1), { ...patient('literal'), id: 'local' }),
        post('http://elsewhere.example/fhir/Organization/o', { resourceType: 'Organization', name: 'Un' }),
      ]),
      { prefer: 'return=representation' },
    );
    const [team, about, organization] = (answer.body as Bundle).entry!.map((entry) => entry.resource!);
    expect(team).toMatchObject({
      subject: { reference: `Patient/${about!.id}` },
      managingOrganization: [{ reference: `Organization/${organization!.id}` }],
    });
  });

  test('a POST may name the id of its resource behind the type; the server chooses another', async () => {
    const resource = { ...patient('own-id'), id: 'own-id' };
    const answer = await fixture.send(
      'POST',
      '',
      bundle([{ resource, request: { method: 'POST', url: 'Patient/own-id' } }]),
    );
    expect(statuses(answer.body)).toEqual(['201']);
    expect((await fixture.get('Patient/own-id')).status).toBe(404);
    const other = await fixture.send(
      'POST',
      '',
      bundle([{ resource, request: { method: 'POST', url: 'Patient/else' } }]),
    );
    expect([other.status, codeOf(other)]).toEqual([400, 'fhir-request-invalid']);
  });

  test('deletes first, then creates, so that an identifier can change hands', async () => {
    await fixture.put({ ...patient('hands'), id: 'old' });
    const answer = await fixture.send(
      'POST',
      '',
      bundle([
        post(uuid(1), patient('hands'), `identifier=${INS}|hands`),
        { request: { method: 'DELETE', url: 'Patient/old' } },
      ]),
    );
    expect(statuses(answer.body)).toEqual(['201', '204']);
  });

  test('patches, by JSON Patch in a Binary and by FHIRPath Patch, also under a condition', async () => {
    await fixture.put({ ...patient('patched'), id: 'patched' });
    await fixture.put(document({ id: 'older', identifier: [{ system: 'urn:x', value: 'older' }] }));
    const json = Buffer.from(JSON.stringify([{ op: 'add', path: '/gender', value: 'male' }])).toString('base64');
    const part = [
      { name: 'type', valueCode: 'replace' },
      { name: 'path', valueString: 'DocumentReference.status' },
      { name: 'value', valueCode: 'superseded' },
    ];
    const answer = await fixture.send(
      'POST',
      '',
      bundle([
        {
          resource: { resourceType: 'Binary', contentType: 'application/json-patch+json', data: json },
          request: { method: 'PATCH', url: 'Patient/patched' },
        },
        {
          resource: { resourceType: 'Parameters', parameter: [{ name: 'operation', part }] },
          request: { method: 'PATCH', url: 'DocumentReference?identifier=urn:x|older' },
        },
      ]),
    );
    expect(statuses(answer.body)).toEqual(['200', '200']);
    expect((await fixture.get('Patient/patched')).body).toMatchObject({ gender: 'male' });
    expect((await fixture.get('DocumentReference/older')).body).toMatchObject({ status: 'superseded' });
  });

  test.each([
    ['an entry without request', [{ resource: patient('x') }], 400, 'fhir-request-invalid'],
    ['an entry that is null', [null], 400, 'fhir-request-invalid'],
    ['a type R4 does not have', [put('Nothing/1', patient('x'))], 404, 'type-unknown'],
    ['a resource of another type', [put('Observation/1', patient('x'))], 400, 'fhir-request-invalid'],
    [
      'the same resource twice',
      [put('Patient/z', { ...patient('x'), id: 'z' }), put('Patient/z', { ...patient('y'), id: 'z' })],
      400,
      'transaction-repeats',
    ],
    [
      'the same condition twice, before there is a match',
      [
        put(`Patient?identifier=${INS}|rep`, patient('rep')),
        put(`Patient?identifier=${encodeURIComponent(INS)}%7Crep`, patient('rep')),
      ],
      400,
      'transaction-repeats',
    ],
    ['a condition nobody knows', [post(uuid(1), patient('x'), 'bogus=1')], 400, 'search-parameter-unknown'],
    [
      'a stale version',
      [
        {
          ...put('Patient/q', { ...patient('x'), id: 'q' }),
          request: { method: 'PUT', url: 'Patient/q', ifMatch: 'W/"4"' },
        },
      ],
      412,
      'version-conflict',
    ],
  ])('refuses %s and names the entry', async (_, entry, status, code) => {
    const answer = await fixture.send('POST', '', bundle(entry));
    expect([answer.status, codeOf(answer)]).toEqual([status, code]);
    expect((answer.body as OperationOutcome).issue[0]!.expression![0]).toMatch(/^Bundle\.entry\[\d\]/);
  });

  test('5,001 entries are too many', async () => {
    const answer = await fixture.send('POST', '', bundle(Array(5001).fill(post(uuid(1), patient('x')))));
    expect([answer.status, codeOf(answer)]).toEqual([413, 'transaction-too-large']);
  });
});

test('a long transaction lets reads have their turn, and stays all or nothing', async () => {
  await fixture.put({ ...patient('meanwhile'), id: 'meanwhile' });
  const entries = Array.from({ length: 2000 }, (_, index) => post(`urn:uuid:l${index}`, patient(`long${index}`)));
  let done = false;
  const writing = fixture.send('POST', '', bundle(entries)).then((answer) => {
    done = true;
    return answer;
  });
  let reads = 0;
  while (!done) {
    // All of it is there before the answer: that one waits for the disk.
    const seen = await fixture.ids('Patient?identifier=long0,long1999,meanwhile');
    expect([1, 3]).toContain(seen.length);
    if (seen.length === 1) reads += 1;
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect((await writing).status).toBe(200);
  expect(reads).toBeGreaterThan(3);
  expect(await fixture.ids('Patient?identifier=long0,long1999')).toHaveLength(2);
});

describe('a batch', () => {
  test('carries out each entry by itself', async () => {
    await fixture.put({ ...patient('batch'), id: 'batch' });
    const answer = await fixture.send(
      'POST',
      '',
      bundle(
        [
          { request: { method: 'GET', url: 'Patient/batch' } },
          post(uuid(1), patient('batch2')),
          post(uuid(2), { resourceType: 'Observation' }),
          { request: { method: 'GET', url: 'Patient/nobody' } },
          { request: { method: 'DELETE', url: 'Patient/batch' } },
          {},
        ],
        'batch',
      ),
    );
    expect(statuses(answer.body)).toEqual(['200', '201', '422', '404', '204', '400']);
    const [read] = (answer.body as Bundle).entry!;
    expect((read!.resource as Patient).id).toBe('batch');
    expect(await fixture.ids(`Patient?identifier=${INS}|batch2`)).toHaveLength(1);
  });

  test('other Bundles are not carried out', async () => {
    const answer = await fixture.send('POST', '', bundle([], 'collection'));
    expect([answer.status, codeOf(answer)]).toEqual([400, 'fhir-request-invalid']);
  });
});
