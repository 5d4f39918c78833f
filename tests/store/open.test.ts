import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { CapabilityStatement, OperationOutcome, SearchParameter } from '@medplum/fhirtypes';
import { codeOf, type Fixture, openFixture } from './fixture.ts';

let fixture: Fixture;
beforeEach(() => {
  fixture = openFixture();
});
afterEach(() => fixture.close());

describe('opening again', () => {
  test('keeps everything', async () => {
    await fixture.put({ resourceType: 'Patient', id: 'p', gender: 'female' });
    await fixture.reopen();
    expect(await fixture.ids('Patient?gender=female')).toEqual(['p']);
    expect(fixture.store.reindexed).toBe(0);
  });

  test('with another search parameter indexes what is there', async () => {
    await fixture.put({ resourceType: 'Patient', id: 'p', maritalStatus: { coding: [{ code: 'M' }] } });
    await fixture.put({
      resourceType: 'DocumentReference',
      id: 'd',
      status: 'current',
      content: [{ attachment: { title: 'x' } }],
      contained: [{ resourceType: 'Patient', id: 'c', maritalStatus: { coding: [{ code: 'S' }] } }],
      subject: { reference: '#c' },
    });
    expect(codeOf(await fixture.get('Patient?marital=M', { prefer: 'handling=strict' }))).toBe(
      'search-parameter-unknown',
    );
    const marital: SearchParameter = {
      resourceType: 'SearchParameter',
      url: 'http://p.example/marital',
      name: 'Marital',
      status: 'active',
      description: 'x',
      code: 'marital',
      base: ['Patient'],
      type: 'token',
      expression: 'Patient.maritalStatus',
    };
    await fixture.reopen({ searchParameters: [marital] });
    expect(fixture.store.reindexed).toBe(1);
    expect(await fixture.ids('Patient?marital=M')).toEqual(['p']);
    expect(await fixture.ids('DocumentReference?patient.marital=S')).toEqual(['d']);
    await fixture.put({ resourceType: 'Patient', id: 'p', maritalStatus: { coding: [{ code: 'D' }] } });
    expect(await fixture.ids('Patient?marital=M')).toEqual([]);
  });

  test('an expression beyond the compiled ones is evaluated by FHIRPath', async () => {
    const adult: SearchParameter = {
      resourceType: 'SearchParameter',
      url: 'http://p.example/two-names',
      name: 'TwoNames',
      status: 'active',
      description: 'x',
      code: 'two-names',
      base: ['Patient'],
      type: 'token',
      expression: 'Patient.name.count() > 1',
    };
    await fixture.reopen({ searchParameters: [adult] });
    await fixture.put({ resourceType: 'Patient', id: 'two', name: [{ family: 'A' }, { family: 'B' }] });
    await fixture.put({ resourceType: 'Patient', id: 'one', name: [{ family: 'A' }] });
    expect(await fixture.ids('Patient?two-names=true')).toEqual(['two']);
  });
});

describe('durability', () => {
  test('what was confirmed is in the file before the answer', async () => {
    await fixture.put({ resourceType: 'Patient', id: 'p' });
    const other = new DatabaseSync(fixture.file, { readOnly: true });
    expect(other.prepare('SELECT count(*) AS n FROM resource').get()).toEqual({ n: 1 });
    other.close();
  });

  test('a writer that cannot commit answers 503 to the whole group and loses nothing else', async () => {
    await fixture.put({ resourceType: 'Patient', id: 'before' });
    const other = new DatabaseSync(fixture.file, { timeout: 0 });
    other.exec('BEGIN IMMEDIATE');
    const refused = fixture.send('PUT', 'Patient/during', { resourceType: 'Patient', id: 'during' });
    const answer = await refused;
    expect([answer.status, codeOf(answer)]).toEqual([503, 'store-not-durable']);
    other.exec('ROLLBACK');
    other.close();
    await fixture.put({ resourceType: 'Patient', id: 'after' });
    expect(await fixture.ids('Patient')).toEqual(['before', 'after']);
  });
});

describe('the CapabilityStatement', () => {
  test('tells the truth: each parameter it names is answered', async () => {
    const statement = (await fixture.get('metadata')).body as CapabilityStatement;
    const [rest] = statement.rest!;
    expect(rest!.resource).toHaveLength(146);
    const samples: Record<string, string> = {
      token: 'x',
      string: 'x',
      reference: 'Patient/x',
      date: '2026',
      number: '1',
      quantity: '1',
      uri: 'http://x.example',
    };
    const failures: string[] = [];
    for (const { type, searchParam = [] } of rest!.resource!.filter((one) =>
      /^(Patient|Observation|Task|List|Encounter|CarePlan|DocumentReference|Goal|Group)$/.test(one.type!),
    )) {
      for (const { name, type: kind } of searchParam) {
        const path = kind === 'composite' ? undefined : `${type}?${name}=${encodeURIComponent(samples[kind!]!)}`;
        const answer = path ? await fixture.get(path, { prefer: 'handling=strict' }) : undefined;
        if (answer && answer.status !== 200) failures.push(`${path}: ${answer.status}`);
        const sorted =
          kind === 'composite' || name === '_id'
            ? undefined
            : await fixture.get(`${type}?_sort=${name}`, { prefer: 'handling=strict' });
        if (sorted && sorted.status !== 200) failures.push(`${type}?_sort=${name}: ${sorted.status}`);
      }
    }
    expect(failures).toEqual([]);
  });

  test('says what the house adds', async () => {
    await fixture.reopen({
      describe: () => ({
        url: 'https://p.example/fhir/R4',
        version: '1.2.3',
        profiles: [{ type: 'Patient', url: 'urn:profile' }],
      }),
    });
    const statement = fixture.store.capabilities();
    expect(statement).toMatchObject({
      software: { version: '1.2.3' },
      implementation: { url: 'https://p.example/fhir/R4' },
    });
    expect(statement.rest![0]!.resource!.find((one) => one.type === 'Patient')!.supportedProfile).toEqual([
      'urn:profile',
    ]);
  });
});

describe('$validate', () => {
  test('asks the examiner and stores nothing', async () => {
    const asked: unknown[] = [];
    await fixture.reopen({
      validate: (resource, profiles) => {
        asked.push([resource.resourceType, profiles]);
        return [{ severity: 'error', path: 'Patient.name', rule: 'fr-1', message: { en: 'no name' } }];
      },
    });
    const patient = { resourceType: 'Patient', id: 'v' };
    const parameters = {
      resourceType: 'Parameters',
      parameter: [
        { name: 'resource', resource: patient },
        { name: 'profile', valueUri: 'urn:a' },
      ],
    };
    const answers = [
      await fixture.send('POST', 'Patient/$validate', patient),
      await fixture.send('POST', 'Patient/v/$validate?profile=urn:b', patient),
      await fixture.send('POST', 'Patient/$validate', parameters),
    ];
    expect(asked).toEqual([
      ['Patient', undefined],
      ['Patient', ['urn:b']],
      ['Patient', ['urn:a']],
    ]);
    for (const answer of answers) {
      expect(answer.status).toBe(200);
      expect((answer.body as OperationOutcome).issue[0]).toMatchObject({
        severity: 'error',
        expression: ['Patient.name'],
        diagnostics: 'fr-1',
      });
    }
    expect((await fixture.get('Patient/v')).status).toBe(404);
  });

  test('without an examiner looks at the structure', async () => {
    const good = await fixture.send('POST', 'Patient/$validate', { resourceType: 'Patient' });
    expect(codeOf(good)).toBe('resource-valid');
    const bad = await fixture.send('POST', 'Patient/$validate', { resourceType: 'Patient', gender: 4 });
    expect([bad.status, codeOf(bad)]).toEqual([200, 'resource-invalid']);
  });
});
