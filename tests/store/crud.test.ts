import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Bundle, Patient } from '@medplum/fhirtypes';
import { codeOf, type Fixture, openFixture } from './fixture.ts';

let fixture: Fixture;
beforeAll(() => {
  fixture = openFixture();
});
afterAll(() => fixture.close());

const patient = (family: string, id?: string) => ({
  resourceType: 'Patient',
  ...(id ? { id } : {}),
  name: [{ family, given: ['Léa'] }],
});

describe('create and read', () => {
  test('answers 201 with Location, ETag and Last-Modified, and the same content is read', async () => {
    const created = await fixture.send('POST', 'Patient', patient('Exemple'));
    const { id, meta } = created.body as Patient;
    expect(created.status).toBe(201);
    expect(created.headers).toMatchObject({ etag: 'W/"1"', location: `Patient/${id}/_history/1` });
    expect(Date.parse(created.headers['last-modified']!)).toBe(
      Math.floor(Date.parse(meta!.lastUpdated!) / 1000) * 1000,
    );
    const read = await fixture.get(`Patient/${id}`);
    expect(read).toMatchObject({ status: 200, body: created.body, headers: { etag: 'W/"1"' } });
  });

  test('an id of the client in a POST is not taken', async () => {
    const created = await fixture.send('POST', 'Patient', patient('Exemple', 'wanted'));
    expect((created.body as Patient).id).not.toBe('wanted');
  });

  test('what the caller passed is left as it was', async () => {
    const body = Object.freeze(patient('Exemple'));
    await fixture.send('POST', 'Patient', body);
    expect(body).toEqual(patient('Exemple'));
  });

  test('Prefer chooses what comes back', async () => {
    const minimal = await fixture.send('POST', 'Patient', patient('A'), { prefer: 'return=minimal' });
    expect([minimal.status, minimal.body]).toEqual([201, undefined]);
    const outcome = await fixture.send('POST', 'Patient', patient('A'), { prefer: 'return=OperationOutcome' });
    expect((outcome.body as { resourceType: string }).resourceType).toBe('OperationOutcome');
  });

  test('If-None-Match and If-Modified-Since answer 304 while nothing changed', async () => {
    await fixture.put(patient('Exemple', 'cached'));
    expect((await fixture.get('Patient/cached', { 'if-none-match': 'W/"1"' })).status).toBe(304);
    const since = new Date(Date.now() + 1000).toUTCString();
    expect((await fixture.get('Patient/cached', { 'if-modified-since': since })).status).toBe(304);
    await fixture.put(patient('Autre', 'cached'));
    expect((await fixture.get('Patient/cached', { 'if-none-match': 'W/"1"' })).status).toBe(200);
  });

  test('_summary and _elements shape what is read and say so', async () => {
    await fixture.put({
      ...patient('Exemple', 'shaped'),
      text: { status: 'generated', div: '<div>x</div>' },
      gender: 'female',
    });
    const summary = (await fixture.get('Patient/shaped?_summary=true')).body as Patient;
    expect(summary).toMatchObject({ gender: 'female', meta: { tag: [{ code: 'SUBSETTED' }] } });
    expect(summary.text).toBeUndefined();
    const elements = (await fixture.get('Patient/shaped?_elements=gender')).body as Patient;
    expect(Object.keys(elements).sort()).toEqual(['gender', 'id', 'meta', 'resourceType']);
  });
});

describe('update', () => {
  test('creates under the id of the client, then counts versions', async () => {
    expect((await fixture.send('PUT', 'Patient/p1', patient('Un', 'p1'))).status).toBe(201);
    const second = await fixture.send('PUT', 'Patient/p1', patient('Deux', 'p1'));
    expect(second).toMatchObject({ status: 200, headers: { etag: 'W/"2"' } });
  });

  test('the same content makes no new version, whatever the order of its elements', async () => {
    await fixture.put({
      resourceType: 'Patient',
      id: 'same',
      gender: 'female',
      name: [{ family: 'Un', given: ['A', 'B'] }],
    });
    const again = await fixture.send('PUT', 'Patient/same', {
      name: [{ given: ['A', 'B'], family: 'Un' }],
      id: 'same',
      meta: { versionId: '7', lastUpdated: '2001-01-01T00:00:00Z', source: 'urn:passerelle:message:x' },
      gender: 'female',
      resourceType: 'Patient',
    });
    expect(again).toMatchObject({ status: 200, headers: { etag: 'W/"1"' } });
    const other = await fixture.send('PUT', 'Patient/same', { ...patient('Un', 'same'), gender: 'male' });
    expect(other.headers.etag).toBe('W/"2"');
  });

  test('If-Match guards against a lost update', async () => {
    await fixture.put(patient('Un', 'guarded'));
    const stale = await fixture.send('PUT', 'Patient/guarded', patient('Deux', 'guarded'), { 'if-match': 'W/"9"' });
    expect([stale.status, codeOf(stale)]).toEqual([412, 'version-conflict']);
    const right = await fixture.send('PUT', 'Patient/guarded', patient('Deux', 'guarded'), { 'if-match': 'W/"1"' });
    expect(right.status).toBe(200);
    const absent = await fixture.send('PUT', 'Patient/nobody', patient('Deux', 'nobody'), { 'if-match': 'W/"1"' });
    expect(absent.status).toBe(412);
  });

  test('If-None-Match: * only creates', async () => {
    await fixture.put(patient('Un', 'once'));
    const again = await fixture.send('PUT', 'Patient/once', patient('Deux', 'once'), { 'if-none-match': '*' });
    expect([again.status, codeOf(again)]).toEqual([412, 'resource-exists']);
  });

  test.each([
    ['another id', 'Patient/p1', patient('Un', 'p2'), 400, 'fhir-request-invalid'],
    ['another type', 'Patient/p1', { resourceType: 'Observation', id: 'p1' }, 400, 'fhir-request-invalid'],
    ['an impossible id', 'Patient/p_1', patient('Un', 'p_1'), 400, 'fhir-request-invalid'],
    ['no body', 'Patient/p1', undefined, 400, 'fhir-request-invalid'],
    ['an unknown element', 'Patient/p1', { ...patient('Un', 'p1'), nom: 'x' }, 422, 'resource-invalid'],
    ['an array for one value', 'Patient/p1', { ...patient('Un', 'p1'), gender: ['x'] }, 422, 'resource-invalid'],
    ['one value for an array', 'Patient/p1', { resourceType: 'Patient', id: 'p1', name: {} }, 422, 'resource-invalid'],
    [
      'a missing element',
      'Observation/o1',
      { resourceType: 'Observation', id: 'o1', status: 'final' },
      422,
      'resource-invalid',
    ],
  ])('refuses %s', async (_, path, body, status, code) => {
    const answer = await fixture.send('PUT', path, body);
    expect([answer.status, codeOf(answer)]).toEqual([status, code]);
  });
});

describe('delete and history', () => {
  test('a deleted resource answers 410, its versions stay, and it can come back', async () => {
    await fixture.put(patient('Un', 'gone'));
    await fixture.put(patient('Deux', 'gone'));
    expect((await fixture.send('DELETE', 'Patient/gone')).status).toBe(204);
    const read = await fixture.get('Patient/gone');
    expect([read.status, codeOf(read)]).toEqual([410, 'resource-deleted']);
    expect((await fixture.get('Patient/gone/_history/1')).body).toMatchObject({ name: [{ family: 'Un' }] });
    expect((await fixture.get('Patient/gone/_history/3')).status).toBe(410);
    expect((await fixture.send('DELETE', 'Patient/gone')).status).toBe(204);
    const back = await fixture.send('PUT', 'Patient/gone', patient('Trois', 'gone'));
    expect(back).toMatchObject({ status: 201, headers: { etag: 'W/"4"' } });
    const history = (await fixture.get('Patient/gone/_history')).body as Bundle;
    expect(history.total).toBe(4);
    expect(history.entry!.map((entry) => entry.request!.method)).toEqual(['PUT', 'DELETE', 'PUT', 'PUT']);
    expect(await fixture.ids('Patient?_id=gone&family=deux')).toEqual([]);
    expect(await fixture.ids('Patient?_id=gone&family=trois')).toEqual(['gone']);
  });

  test('histories of a type and of the server page without repeating', async () => {
    for (const family of ['A', 'B', 'C', 'D', 'E'])
      await fixture.put({ ...patient(family, 'h1'), resourceType: 'Person' });
    const seen: string[] = [];
    let path: string | undefined = 'Person/_history?_count=2';
    while (path) {
      const page = (await fixture.get(path)).body as Bundle;
      seen.push(...page.entry!.map((entry) => entry.resource!.meta!.versionId!));
      path = page.link!.find((link) => link.relation === 'next')?.url;
    }
    expect(seen).toEqual(['5', '4', '3', '2', '1']);
    const server = (await fixture.get('_history?_count=1')).body as Bundle;
    expect(server.entry![0]!.fullUrl).toBe('Person/h1');
  });

  test.each([
    ['GET', 'Patient/never', 404, 'resource-unknown'],
    ['GET', 'Patient/p1/_history/99', 404, 'resource-unknown'],
    ['GET', 'Nonsense/1', 404, 'type-unknown'],
    ['GET', 'Nonsense?_id=1', 404, 'type-unknown'],
    ['DELETE', 'Patient/never', 404, 'resource-unknown'],
    ['PUT', 'metadata', 405, 'interaction-unsupported'],
    ['POST', 'Patient/p1', 405, 'interaction-unsupported'],
    ['DELETE', 'Patient', 400, 'fhir-request-invalid'],
    ['POST', 'Patient/p1/$merge', 501, 'operation-unsupported'],
    ['POST', '$graphql', 501, 'operation-unsupported'],
    ['GET', 'Observation/$stats', 501, 'operation-unsupported'],
    ['GET', `Patient?name=${'x'.repeat(20_000)}`, 414, 'url-too-long'],
  ] as const)('%s %.30s answers %i with an OperationOutcome', async (method, path, status, code) => {
    const answer = await fixture.send(method, path);
    expect([answer.status, codeOf(answer)]).toEqual([status, code]);
  });
});
