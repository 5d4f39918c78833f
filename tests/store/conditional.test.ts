import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Patient } from '@medplum/fhirtypes';
import { codeOf, type Fixture, openFixture } from './fixture.ts';

const INS = 'urn:oid:1.2.250.1.213.1.4.8';
const patient = (value: string, rest: object = {}) => ({
  resourceType: 'Patient',
  identifier: [{ system: INS, value }],
  ...rest,
});
const criteria = (value: string) => `identifier=${INS}|${value}`;

let fixture: Fixture;
beforeAll(() => {
  fixture = openFixture();
});
afterAll(() => fixture.close());

describe('conditional create', () => {
  test('64 senders at once make exactly one patient', async () => {
    const headers = { 'if-none-exist': criteria('race') };
    const answers = await Promise.all(
      Array.from({ length: 64 }, () => fixture.send('POST', 'Patient', patient('race'), headers)),
    );
    expect(answers.filter((answer) => answer.status === 201)).toHaveLength(1);
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(63);
    expect(new Set(answers.map((answer) => (answer.body as Patient).id)).size).toBe(1);
    expect(await fixture.ids(`Patient?${criteria('race')}`)).toHaveLength(1);
  });

  test('64 transactions at once, each creating the same patient and its own observation, make one patient', async () => {
    const bundle = (index: number) => ({
      resourceType: 'Bundle',
      type: 'transaction',
      entry: [
        {
          fullUrl: 'urn:uuid:a',
          resource: patient('race2'),
          request: { method: 'POST', url: 'Patient', ifNoneExist: criteria('race2') },
        },
        {
          resource: {
            resourceType: 'Observation',
            status: 'final',
            code: { text: `n${index}` },
            subject: { reference: 'urn:uuid:a' },
          },
          request: { method: 'POST', url: 'Observation' },
        },
      ],
    });
    const answers = await Promise.all(
      Array.from({ length: 64 }, (_, index) => fixture.send('POST', '', bundle(index))),
    );
    expect(answers.every((answer) => answer.status === 200)).toBe(true);
    const [id, ...others] = await fixture.ids(`Patient?${criteria('race2')}`);
    expect(others).toEqual([]);
    expect(await fixture.ids(`Observation?subject=Patient/${id}&_count=100`)).toHaveLength(64);
  });

  test('criteria nobody knows are refused instead of matching everything', async () => {
    const answer = await fixture.send('POST', 'Patient', patient('x'), { 'if-none-exist': 'bogus=1' });
    expect([answer.status, codeOf(answer)]).toEqual([400, 'search-parameter-unknown']);
  });
});

describe('conditional update, delete and patch', () => {
  test('update creates, then updates the one found', async () => {
    const first = await fixture.send('PUT', `Patient?${criteria('cu')}`, patient('cu', { gender: 'female' }));
    const second = await fixture.send('PUT', `Patient?${criteria('cu')}`, patient('cu', { gender: 'male' }));
    expect([first.status, second.status, second.headers.etag]).toEqual([201, 200, 'W/"2"']);
    expect((second.body as Patient).id).toBe((first.body as Patient).id);
  });

  test('update with an id creates under it, and refuses another one', async () => {
    const made = await fixture.send('PUT', `Patient?${criteria('cid')}`, patient('cid', { id: 'chosen' }));
    expect(made.headers.location).toBe('Patient/chosen/_history/1');
    const other = await fixture.send('PUT', `Patient?${criteria('cid')}`, patient('cid', { id: 'else' }));
    expect([other.status, codeOf(other)]).toEqual([400, 'fhir-request-invalid']);
  });

  test('several matches answer 412 and nothing changes', async () => {
    await fixture.put(patient('twice', { id: 'twice1' }));
    await fixture.put(patient('twice', { id: 'twice2' }));
    const patch = [{ op: 'add', path: '/gender', value: 'male' }];
    const answers = await Promise.all([
      fixture.send('POST', 'Patient', patient('twice'), { 'if-none-exist': criteria('twice') }),
      fixture.send('PUT', `Patient?${criteria('twice')}`, patient('twice')),
      fixture.send('PATCH', `Patient?${criteria('twice')}`, patch),
      fixture.send('DELETE', `Patient?${criteria('twice')}`),
    ]);
    for (const answer of answers) expect([answer.status, codeOf(answer)]).toEqual([412, 'match-several']);
    expect(await fixture.ids(`Patient?${criteria('twice')}`)).toEqual(['twice1', 'twice2']);
  });

  test('delete takes the one found away, and nothing when there is none', async () => {
    await fixture.put(patient('away', { id: 'away' }));
    expect((await fixture.send('DELETE', `Patient?${criteria('away')}`)).status).toBe(204);
    expect((await fixture.send('DELETE', `Patient?${criteria('away')}`)).status).toBe(204);
    expect((await fixture.get('Patient/away')).status).toBe(410);
  });

  test('patch changes the one found; none is 404', async () => {
    await fixture.put(patient('patched', { id: 'patched' }));
    const patch = [{ op: 'add', path: '/gender', value: 'female' }];
    const done = await fixture.send('PATCH', `Patient?${criteria('patched')}`, patch);
    expect(done).toMatchObject({ status: 200, headers: { etag: 'W/"2"' }, body: { gender: 'female' } });
    const none = await fixture.send('PATCH', `Patient?${criteria('nobody')}`, patch);
    expect([none.status, codeOf(none)]).toEqual([404, 'match-none']);
  });
});
