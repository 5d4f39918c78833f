import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { Observation, Patient, Resource } from '@medplum/fhirtypes';
import { read } from '../../src/formats/fhir/index.ts';
import { buildMappings } from '../../src/mapping/index.ts';
import { context } from './convert.ts';

const { translator } = buildMappings({ 'routes.json': '[{"name":"fhir","format":"fhir","map":"fhir"}]' });
const LOINC = 'http://loinc.org';
const TEST_INS = 'urn:oid:1.2.250.1.213.1.4.10';

function take(tree: unknown, more: object = {}) {
  return translator!.convert({ format: 'fhir', tree, faults: [], parts: [] }, { ...context, ...more });
}

function bundle(resources: object[], type = 'collection') {
  return { resourceType: 'Bundle', type, entry: resources.map((resource) => ({ resource })) };
}

function reading(code: string, value: object | undefined, more: object = {}) {
  return {
    resourceType: 'Observation',
    status: 'final',
    code: { coding: [{ system: LOINC, code }] },
    subject: { identifier: { system: TEST_INS, value: '1' } },
    effectiveDateTime: '2021-03-10T09:00:00+01:00',
    ...(value ? { valueQuantity: value } : {}),
    ...more,
  };
}

const codes = (faults: { code: string; severity: string }[]) =>
  faults.filter(({ severity }) => severity === 'error').map(({ code }) => code);

describe('readings', () => {
  test.each([
    ['complete', reading('8867-4', { value: 72, code: '/min' }), []],
    [
      'without a date',
      reading('8867-4', { value: 72, code: '/min' }, { effectiveDateTime: undefined }),
      ['measure-incomplete'],
    ],
    ['without a value', reading('8867-4', undefined), ['measure-incomplete']],
    ['with a reason for no value', reading('8867-4', undefined, { dataAbsentReason: { text: 'device' } }), []],
    [
      'ten minutes ahead',
      reading('8867-4', { value: 72, code: '/min' }, { effectiveDateTime: '2021-03-10T10:10:00+01:00' }),
      [],
    ],
    [
      'eleven minutes ahead',
      reading('8867-4', { value: 72, code: '/min' }, { effectiveDateTime: '2021-03-10T10:11:00+01:00' }),
      ['date-in-future'],
    ],
    ['today', reading('8867-4', { value: 72, code: '/min' }, { effectiveDateTime: '2021-03-10' }), []],
    [
      'of the day after tomorrow',
      reading('8867-4', { value: 72, code: '/min' }, { effectiveDateTime: '2021-03-12' }),
      ['date-in-future'],
    ],
    ['of a body-mass index', reading('39156-5', { value: 22, code: 'kg/m2' }), ['measure-not-created']],
    ['impossible', reading('8310-5', { value: 370, code: 'Cel' }), ['value-impossible']],
    ['in another unit', reading('29463-7', { value: 11, code: '[stone_av]' }), ['unit-unknown']],
    ['withdrawn', reading('39156-5', undefined, { status: 'entered-in-error' }), []],
    ['no vital sign', reading('1988-5', undefined, { effectiveDateTime: undefined }), []],
  ])('%s', (_name, observation, expected) => {
    expect(codes(take(observation).faults)).toEqual(expected);
  });

  test('both codes of oxygen saturation; listed conversions with the original kept', () => {
    const [spo2] = take(
      reading('59408-5', { value: 0.91, unit: 'ratio', code: '1', system: 'http://unitsofmeasure.org' }),
    ).drafts;
    expect(spo2!.resource).toMatchObject({
      code: { coding: [{ code: '59408-5' }, { system: LOINC, code: '2708-6' }] },
      valueQuantity: {
        value: 91,
        unit: '%',
        code: '%',
        extension: [{ valueQuantity: { value: 0.91, unit: 'ratio', code: '1' } }],
      },
    });
  });

  test('components are checked too', () => {
    const component = [
      { code: { coding: [{ system: LOINC, code: '8480-6' }] }, valueQuantity: { value: 1200, code: 'mm[Hg]' } },
    ];
    expect(take(reading('85354-9', undefined, { component })).faults).toMatchObject([
      { code: 'value-impossible', place: '/component/0/valueQuantity' },
    ]);
  });

  test('a document may tell a body-mass index', () => {
    const composition = {
      resourceType: 'Composition',
      status: 'final',
      subject: { identifier: { system: TEST_INS, value: '1' } },
    };
    expect(
      codes(take(bundle([composition, reading('39156-5', { value: 22, code: 'kg/m2' })], 'document')).faults),
    ).toEqual([]);
  });
});

describe('the patient', () => {
  test('is made from a logical reference when there is none', () => {
    const conversion = take(reading('8867-4', { value: 72, code: '/min' }));
    const patient = conversion.drafts.find(({ fullUrl }) => fullUrl === conversion.subject)!;
    expect(patient.resource).toEqual({ resourceType: 'Patient', identifier: [{ system: TEST_INS, value: '1' }] });
    expect((conversion.drafts[0]!.resource as Observation).subject).toEqual({
      identifier: { system: TEST_INS, value: '1' },
      reference: patient.fullUrl,
    });
  });

  test('is found by fullUrl, literal id, absolute address, identifier or condition', () => {
    const patient = { resourceType: 'Patient', id: 'p', identifier: [{ system: TEST_INS, value: '1' }] };
    const about = (subject: object) => ({ resourceType: 'Flag', status: 'active', subject });
    const tree = {
      resourceType: 'Bundle',
      type: 'transaction',
      entry: [
        { fullUrl: 'urn:uuid:1', resource: patient, request: { method: 'POST', url: 'Patient' } },
        ...[
          { reference: 'urn:uuid:1' },
          { reference: 'Patient/p' },
          { reference: 'Patient/p/_history/2' },
          { reference: 'https://elsewhere.example/fhir/Patient/p' },
          { identifier: { system: TEST_INS, value: '1' } },
          { reference: `Patient?identifier=${encodeURIComponent(`${TEST_INS}|1`)}` },
        ].map((subject) => ({ resource: about(subject) })),
      ],
    };
    const { drafts, subject, faults } = take(tree);
    expect(faults).toEqual([]);
    expect(subject).toBe(drafts[0]!.fullUrl);
    for (const draft of drafts.slice(1)) expect(draft.resource).toMatchObject({ subject: { reference: subject } });
  });

  test('contained with a number becomes a draft of its own', () => {
    const contained = [
      { resourceType: 'Patient', id: 'x', identifier: [{ system: 'urn:ipp', value: '7' }], birthDate: '1950' },
    ];
    const { drafts, subject } = take({
      resourceType: 'Flag',
      status: 'active',
      contained,
      subject: { reference: '#x' },
    });
    expect(drafts[1]).toMatchObject({
      fullUrl: subject,
      resource: { birthDate: '1950', identifier: [{ value: '7' }] },
    });
  });

  test('several in one message are refused', () => {
    const about = (value: string) => ({
      resourceType: 'Flag',
      status: 'active',
      subject: { identifier: { system: TEST_INS, value } },
    });
    expect(codes(take(bundle([about('1'), about('2')])).faults)).toEqual(['several-patients']);
    expect(
      codes(
        take(
          bundle([
            { resourceType: 'Patient', id: 'a', active: true },
            { resourceType: 'Patient', id: 'b', active: true },
          ]),
        ).faults,
      ),
    ).toEqual(['several-patients']);
  });

  test('a reference that leads out of the message stays and is said', () => {
    const conversion = take({ resourceType: 'Flag', status: 'active', subject: { reference: 'Patient/99' } });
    expect(conversion.subject).toBeUndefined();
    expect(conversion.faults).toMatchObject([
      { code: 'reference-outside', severity: 'warning', place: '/subject/reference' },
    ]);
    expect(conversion.drafts[0]!.resource).toMatchObject({ subject: { reference: 'Patient/99' } });
  });
});

describe('what is taken', () => {
  test('ids and versions of the sender go, its source stays as an extension', () => {
    const meta = { versionId: '3', lastUpdated: '2021-01-01T00:00:00Z', source: 'urn:oid:1.2', profile: ['urn:p'] };
    expect(take({ resourceType: 'Organization', id: 'o', meta, name: 'X' }).drafts[0]!.resource).toEqual({
      resourceType: 'Organization',
      meta: {
        profile: ['urn:p'],
        extension: [
          { url: 'http://passerelle.example/fhir/StructureDefinition/original-source', valueUri: 'urn:oid:1.2' },
        ],
      },
      name: 'X',
      identifier: [{ system: 'http://passerelle.example/fhir/NamingSystem/place', value: expect.any(String) }],
    });
  });

  test('requests decide about writing and identity', () => {
    const entry = (resource: object, request: object) => ({ resource, request });
    const { drafts } = take({
      resourceType: 'Bundle',
      type: 'transaction',
      entry: [
        entry(
          { resourceType: 'Device', type: { text: 'a' } },
          { method: 'POST', url: 'Device', ifNoneExist: 'identifier=urn:d|1' },
        ),
        entry({ resourceType: 'Goal', description: { text: 'b' } }, { method: 'PUT', url: 'Goal?identifier=urn:g|2' }),
        entry({ resourceType: 'Task', description: 'c' }, { method: 'PUT', url: 'Task/7' }),
      ],
    });
    expect(drafts).toMatchObject([
      {
        write: 'create',
        identity: { system: 'urn:d', value: '1' },
        resource: { identifier: [{ system: 'urn:d', value: '1' }] },
      },
      { write: 'update', identity: { system: 'urn:g', value: '2' } },
      { write: 'update', identity: { system: 'http://passerelle.example/fhir/NamingSystem/sent-id' } },
    ]);
  });

  test.each([
    [{ resourceType: 'Bundle', type: 'history' }, 'resource-unacceptable'],
    [{ resourceType: 'Parameters' }, 'resource-unacceptable'],
    [{ resourceType: 'Subscription', status: 'active' }, 'resource-unacceptable'],
    [{ resourceType: 'Nonsense' }, 'resource-unacceptable'],
    [
      { resourceType: 'Bundle', type: 'batch', entry: [{ request: { method: 'GET', url: 'Patient' } }] },
      'resource-unacceptable',
    ],
    [{ resourceType: 'Bundle', type: 'batch', entry: [{}] }, 'resource-unacceptable'],
    [bundle(Array.from({ length: 5001 }, () => ({ resourceType: 'Flag' }))), 'too-many-resources'],
  ])('not %#', (tree, code) => {
    expect(codes(take(tree).faults)).toEqual([code]);
  });

  test('the account is complete', () => {
    const tree = bundle([
      {
        resourceType: 'Patient',
        id: 'p',
        meta: { versionId: '1', profile: ['urn:p'] },
        identifier: [{ system: TEST_INS, value: '1' }],
        birthDate: '1950',
      },
    ]);
    const { account } = take(tree, { account: true });
    expect(account!.fallen).toEqual([]);
    expect(account!.ignored.map(({ place }) => place).sort()).toEqual([
      '/entry/0/resource/id',
      '/entry/0/resource/meta/versionId',
      '/resourceType',
      '/type',
    ]);
  });
});

const CORPUS = join(import.meta.dirname, '..', '..', '..', 'shared', 'corpus');
const FOLDERS = ['mesures', 'telesurveillance', 'pdsm', 'pdsm4dmp', 'cercle-de-soins', 'cahier-de-liaison'];
const present = existsSync(CORPUS);
if (!present) console.warn('corpus not present: the French FHIR examples are skipped');

(present ? describe : describe.skip)('official French examples', () => {
  const REFUSED = new Set(['Bundle-a9c10f8a-882d-4000-a280-7150e0aeb478.json', 'pdsm_patch_superseded.json']);
  for (const folder of FOLDERS) {
    for (const file of present ? readdirSync(join(CORPUS, folder)).filter((name) => name.endsWith('.json')) : []) {
      const resource = JSON.parse(readFileSync(join(CORPUS, folder, file), 'utf8')) as Resource & {
        url?: string;
        type?: string;
      };
      if (resource.url !== undefined) continue;
      test(`${folder}/${file}`, () => {
        const conversion = translator!.convert(read(readFileSync(join(CORPUS, folder, file))), {
          ...context,
          receivedAt: new Date('2026-11-20'),
        });
        if (REFUSED.has(file)) expect(codes(conversion.faults)).toEqual(['resource-unacceptable']);
        else {
          expect(codes(conversion.faults)).toEqual([]);
          expect(conversion.drafts.length).toBeGreaterThan(0);
          const patients = conversion.drafts.filter(({ resource: one }) => one.resourceType === 'Patient') as {
            resource: Patient;
          }[];
          expect(conversion.subject !== undefined).toBe(patients.length > 0);
        }
      });
    }
  }
});
