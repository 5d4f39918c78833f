import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { type Finding, loadProfiles } from '../../src/profile/index.ts';

const { examiner } = loadProfiles([join(import.meta.dirname, '../../profiles')]);

type Json = Record<string, unknown>;

const patient = (rest: Json = {}): Json => ({ resourceType: 'Patient', ...rest });
const observation = (rest: Json = {}): Json => ({
  resourceType: 'Observation',
  status: 'final',
  code: { text: 'Température' },
  ...rest,
});
const errors = (resource: unknown): Finding[] => examiner.judge(resource).filter((one) => one.severity === 'error');
const broken = (resource: unknown): string[] => errors(resource).map((one) => `${one.path} ${one.rule}`);
const core = 'http://hl7.org/fhir/StructureDefinition/';

describe('JSON and formats', () => {
  const cases: [string, Json, string[]][] = [
    ['an empty patient is a patient', patient(), []],
    ['an unknown property', patient({ prenom: 'x' }), ['Patient unknown-property']],
    ['an object where a list belongs', patient({ name: { family: 'x' } }), ['Patient.name shape']],
    ['a list where an object belongs', patient({ maritalStatus: [] }), ['Patient.maritalStatus shape']],
    ['an empty list', patient({ name: [] }), ['Patient.name empty']],
    ['an empty object', patient({ name: [{}] }), ['Patient.name[0] empty']],
    ['an empty text', patient({ name: [{ family: '' }] }), ['Patient.name[0].family empty']],
    ['a number as text', patient({ active: 'true' }), ['Patient.active shape']],
    ['31 February', patient({ birthDate: '2020-02-31' }), ['Patient.birthDate format']],
    ['29 February of a leap year', patient({ birthDate: '2020-02-29' }), []],
    [
      'a time without zone',
      patient({ deceasedDateTime: '2020-02-01T10:00:00' }),
      ['Patient.deceased.ofType(dateTime) format'],
    ],
    ['a leap second', patient({ deceasedDateTime: '2016-12-31T23:59:60Z' }), []],
    ['two types of a choice', patient({ deceasedBoolean: true, deceasedDateTime: '2020' }), ['Patient choice']],
    ['a type the choice lacks', patient({ deceasedString: 'oui' }), ['Patient unknown-property']],
    ['an id with a space', patient({ id: 'a b' }), ['Patient.id id']],
    [
      'an id used twice',
      patient({
        name: [
          { id: 'a', family: 'x' },
          { id: 'a', family: 'y' },
        ],
      }),
      ['Patient.name[1].id id-duplicate'],
    ],
    [
      'null beside an extension',
      patient({
        name: [
          { given: [null], _given: [{ extension: [{ url: `${core}data-absent-reason`, valueCode: 'unknown' }] }] },
        ],
      }),
      [],
    ],
    ['null beside nothing', patient({ name: [{ given: [null] }] }), ['Patient.name[0].given[0] empty']],
    [
      'a required code replaced by a reason',
      patient({ _gender: { extension: [{ url: `${core}data-absent-reason`, valueCode: 'unknown' }] } }),
      ['Patient.gender binding'],
    ],
    [
      'a UUID in capitals',
      patient({ identifier: [{ system: 'urn:uuid:3F1C8A52-0D52-4A5C-9B1A-6D2F6F3C0B02', value: '1' }] }),
      ['Patient.identifier[0].system format'],
    ],
    [
      'base64 of the wrong length',
      patient({ photo: [{ contentType: 'image/png', data: 'AAA' }] }),
      ['Patient.photo[0].data format'],
    ],
    ['an integer out of range', observation({ valueInteger: 2 ** 31 }), ['Observation.value.ofType(integer) format']],
  ];
  test.each(cases)('%s', (_name, resource, expected) => {
    expect(broken(resource)).toEqual(expected);
  });

  test.each([
    [undefined],
    [null],
    [42],
    ['Patient'],
    [[]],
    [{}],
    [{ resourceType: 'Malade' }],
    [{ resourceType: 'toString' }],
  ])('%j is no resource', (resource) => {
    expect(broken(resource)).toContainEqual(expect.stringContaining(' resource'));
  });

  test('finds everything at once, with place, sentences and definition', () => {
    const found = errors(
      observation({ status: 'bogus', subject: { reference: 'Medication/1' }, valueQuantity: { value: '37' } }),
    );
    expect(found.map((one) => [one.path, one.rule])).toEqual([
      ['Observation.status', 'binding'],
      ['Observation.subject', 'target'],
      ['Observation.value.ofType(Quantity).value', 'shape'],
    ]);
    expect(found[0]).toMatchObject({
      profile: `${core}Observation`,
      message: { en: expect.stringContaining('observation-status'), fr: expect.stringContaining('observation-status') },
    });
  });

  test('says nothing of the content it refuses', () => {
    const secret = 'DURAND-279035121518989';
    const found = examiner.judge(
      patient({
        [secret]: 1,
        birthDate: secret,
        gender: secret,
        id: secret.repeat(9),
        name: [{ family: 4 }],
        identifier: [{ system: secret, use: secret }],
      }),
    );
    expect(found.length).toBeGreaterThan(4);
    expect(found.map((one) => one.message.en).join(' ')).not.toContain('279035121518989');
  });
});

describe('codes and units', () => {
  const severity = (system: string, code?: string): Json => ({ severity: { coding: [{ system, code }] } });
  const condition = (rest: Json): Json => ({ resourceType: 'Condition', subject: { reference: 'Patient/1' }, ...rest });
  const clinical = 'http://terminology.hl7.org/CodeSystem/condition-clinical';

  test.each<[string, Json, string[]]>([
    ['a system nobody here can list', condition(severity('http://snomed.info/sct', '6736007')), []],
    ['a code its system lacks', condition(severity(clinical, 'sleeping')), ['Condition.severity.coding[0] code']],
    ['a system without code', condition(severity(clinical)), ['Condition.severity.coding[0] code']],
    [
      'a required code of another system',
      condition({ clinicalStatus: { coding: [{ system: 'http://hopital.example/c', code: 'active' }] } }),
      ['Condition.clinicalStatus binding'],
    ],
    ['a required code as text', condition({ clinicalStatus: { text: 'actif' } }), ['Condition.clinicalStatus binding']],
    ['a required code', condition({ clinicalStatus: { coding: [{ system: clinical, code: 'active' }] } }), []],
    ['a code with two spaces', patient({ gender: 'fe  male' }), ['Patient.gender format']],
    ['French of Switzerland', patient({ language: 'fr-CH' }), []],
    ['a language nobody speaks', patient({ language: 'xx' }), ['Patient.language code']],
    ['a currency', { resourceType: 'Invoice', status: 'issued', totalNet: { value: 1, currency: 'EUR' } }, []],
    [
      'no currency',
      { resourceType: 'Invoice', status: 'issued', totalNet: { value: 1, currency: 'EURO' } },
      ['Invoice.totalNet.currency binding'],
    ],
  ])('%s', (_name, resource, expected) => {
    expect(broken(resource)).toEqual(expected);
  });

  test('a required code beside a coding of an unknown system is a warning', () => {
    const found = examiner.judge(
      condition({
        clinicalStatus: {
          coding: [
            { system: clinical, code: 'active' },
            { system: 'http://hopital.example/c', code: 'a' },
          ],
        },
      }),
    );
    expect(found.map((one) => [one.severity, one.rule])).toEqual([['warning', 'binding-other-coding']]);
  });
});

describe('references, contained resources, extensions', () => {
  const device = { resourceType: 'Device', id: 'd' };
  test.each<[string, Json, string[]]>([
    ['a contained device', observation({ contained: [device], device: { reference: '#d' } }), []],
    ['a reference to nothing', observation({ device: { reference: '#d' } }), ['Observation.device ref-1']],
    ['an orphan', observation({ contained: [device] }), ['Observation.contained[0] dom-3']],
    [
      'a contained patient as device',
      observation({ contained: [{ resourceType: 'Patient', id: 'd' }], device: { reference: '#d' } }),
      ['Observation.device target'],
    ],
    [
      'contained without id',
      observation({ contained: [{ resourceType: 'Device' }] }),
      ['Observation.contained[0] id-missing', 'Observation.contained[0] dom-3'],
    ],
    [
      'contained twice',
      observation({ contained: [device, device], device: { reference: '#d' } }),
      ['Observation.contained[1] id-duplicate'],
    ],
    [
      'contained in contained',
      observation({
        contained: [{ ...device, contained: [{ resourceType: 'Patient', id: 'p' }] }],
        device: { reference: '#d' },
      }),
      ['Observation.contained[0].contained[0] dom-3', 'Observation.contained[0] dom-2'],
    ],
    [
      'contained with a version',
      observation({ contained: [{ ...device, meta: { versionId: '1' } }], device: { reference: '#d' } }),
      ['Observation.contained[0] dom-4'],
    ],
    [
      'type and reference differ',
      patient({ managingOrganization: { reference: 'Organization/1', type: 'Patient' } }),
      ['Patient.managingOrganization reference-type'],
    ],
    [
      'an extension on the wrong element',
      observation({ extension: [{ url: `${core}patient-birthPlace`, valueAddress: { city: 'Lille' } }] }),
      ['Observation.extension[0] extension-context'],
    ],
    [
      'an extension of the wrong type',
      patient({ extension: [{ url: `${core}patient-birthPlace`, valueString: 'Lille' }] }),
      ['Patient.extension[0].value.ofType(string) type'],
    ],
    [
      'an extension as a modifier',
      patient({ modifierExtension: [{ url: `${core}patient-birthPlace`, valueAddress: { city: 'Lille' } }] }),
      ['Patient.modifierExtension[0] extension-modifier'],
    ],
    [
      'an unknown part',
      patient({ extension: [{ url: `${core}patient-nationality`, extension: [{ url: 'pays', valueString: 'FR' }] }] }),
      ['Patient.extension[0] extension-part'],
    ],
    [
      'value and extensions',
      patient({
        extension: [{ url: 'http://hopital.example/e', valueString: 'x', extension: [{ url: 'a', valueString: 'b' }] }],
      }),
      ['Patient.extension[0] ext-1'],
    ],
    ['a relative url', patient({ extension: [{ url: 'e', valueString: 'x' }] }), ['Patient.extension[0] url']],
    [
      'a unit on a question that takes none',
      {
        resourceType: 'Questionnaire',
        status: 'draft',
        item: [
          {
            linkId: '1',
            type: 'string',
            extension: [
              { url: `${core}questionnaire-unit`, valueCoding: { system: 'http://unitsofmeasure.org', code: 'kg' } },
            ],
          },
        ],
      },
      ['Questionnaire.item[0].extension[0] extension-context'],
    ],
  ])('%s', (_name, resource, expected) => {
    expect(broken(resource)).toEqual(expected);
  });

  test('an extension nobody defines is judged plainly and said so', () => {
    const found = examiner.judge(patient({ extension: [{ url: 'http://hopital.example/e', valueString: 'x' }] }));
    expect(found.map((one) => [one.severity, one.rule])).toEqual([['information', 'extension-unknown']]);
  });
});

describe('profiles claimed, asked for and implied', () => {
  const vital = { coding: [{ system: 'http://loinc.org', code: '2708-6' }] };
  test('a saturation is judged as one, claimed or not', () => {
    const found = errors(observation({ code: vital }));
    expect(found.map((one) => one.profile)).toContain(`${core}oxygensat`);
    expect(found.map((one) => one.rule)).toContain('min');
  });

  test('a profile that derives from the implied one takes its place', () => {
    const french =
      'https://interop.esante.gouv.fr/ig/fhir/mesures/StructureDefinition/mesures-fr-observation-oxygen-sat';
    const profiles = new Set(
      errors(observation({ code: vital, meta: { profile: [french] } })).map((one) => one.profile),
    );
    expect(profiles).toEqual(new Set([french]));
  });

  test.each([['http://hopital.example/p'], [`${core}vitalsigns|9.9`]])('%s is not known: a warning', (profile) => {
    const found = examiner.judge(observation({ meta: { profile: [profile] } }));
    expect(found.map((one) => [one.severity, one.rule, one.path])).toEqual([
      ['warning', 'profile-unknown', 'Observation.meta.profile[0]'],
    ]);
  });

  test('a profile for another type', () => {
    expect(broken(patient({ meta: { profile: [`${core}vitalsigns`] } }))).toEqual(['Patient profile-type']);
  });

  test('a profile asked for', () => {
    const found = examiner.judge(observation({ valueString: 'x' }), { profiles: [`${core}vitalsigns`] });
    expect(found.map((one) => one.rule)).toEqual(expect.arrayContaining(['min', 'slice']));
  });
});

describe('bundles', () => {
  const uuid = (at: number) => `urn:uuid:3f1c8a52-0d52-4a5c-9b1a-6d2f6f3c0b0${at}`;
  const bundle = (type: string, ...entry: Json[]): Json => ({ resourceType: 'Bundle', type, entry });
  const post = (at: number, resource: Json): Json => ({
    fullUrl: uuid(at),
    resource,
    request: { method: 'POST', url: String(resource.resourceType) },
  });

  test.each<[string, Json, string[]]>([
    [
      'a transaction',
      bundle('transaction', post(1, patient()), post(2, observation({ subject: { reference: uuid(1) } }))),
      [],
    ],
    ['an entry without request', bundle('transaction', { fullUrl: uuid(1), resource: patient() }), ['Bundle bdl-3']],
    ['the same fullUrl twice', bundle('transaction', post(1, patient()), post(1, patient())), ['Bundle bdl-7']],
    [
      'a relative fullUrl',
      bundle('collection', { fullUrl: 'Patient/1', resource: patient() }),
      ['Bundle.entry[0].fullUrl bundle-full-url'],
    ],
    [
      'a fullUrl of another id',
      bundle('collection', { fullUrl: 'http://fhir.example/Patient/2', resource: patient({ id: '1' }) }),
      ['Bundle.entry[0].fullUrl bundle-full-url'],
    ],
    ['no fullUrl in a collection', bundle('collection', { resource: patient() }), ['Bundle.entry[0] bundle-full-url']],
    [
      'a device as encounter',
      bundle(
        'transaction',
        post(1, { resourceType: 'Device' }),
        post(2, observation({ encounter: { reference: uuid(1) } })),
      ),
      ['Bundle.entry[1].resource.encounter target'],
    ],
    [
      'a search reference in a collection',
      bundle('collection', {
        fullUrl: uuid(2),
        resource: observation({ subject: { reference: 'Patient?identifier=1' } }),
      }),
      ['Bundle.entry[0].resource.subject reference-format'],
    ],
    [
      'an error inside an entry',
      bundle('transaction', post(1, patient({ gender: 'autre' }))),
      ['Bundle.entry[0].resource.gender binding'],
    ],
    [
      'a document without Composition',
      {
        ...bundle('document', { fullUrl: uuid(1), resource: patient() }),
        identifier: { system: 'http://hopital.example/d', value: '1' },
        timestamp: '2020-11-20T10:00:00Z',
      },
      ['Bundle bdl-11'],
    ],
  ])('%s', (_name, resource, expected) => {
    expect(broken(resource)).toEqual(expected);
  });

  test('a reference to an entry that is not there is a warning', () => {
    const found = examiner.judge(bundle('transaction', post(2, observation({ subject: { reference: uuid(1) } }))));
    expect(found.map((one) => [one.severity, one.rule])).toEqual([['warning', 'reference-bundle']]);
  });

  test('what the Composition cannot reach', () => {
    const composition = {
      resourceType: 'Composition',
      status: 'final',
      type: { text: 'x' },
      date: '2020',
      title: 'x',
      author: [{ reference: uuid(2) }],
    };
    const document = {
      ...bundle(
        'document',
        { fullUrl: uuid(1), resource: composition },
        { fullUrl: uuid(2), resource: { resourceType: 'Practitioner', active: true } },
        { fullUrl: uuid(3), resource: { resourceType: 'Device' } },
      ),
      identifier: { system: 'http://hopital.example/d', value: '1' },
      timestamp: '2020-11-20T10:00:00Z',
    };
    expect(broken(document)).toEqual(['Bundle.entry[2] bundle-reach']);
  });
});

describe('narrative', () => {
  const div = (content: string): Json => patient({ text: { status: 'generated', div: content } });
  const x = ' xmlns="http://www.w3.org/1999/xhtml"';
  test.each<[string, string, string[]]>([
    ['a paragraph', `<div${x}><p class="a">x &amp; y &#233;</p><br/></div>`, []],
    ['a script', `<div${x}><script>x</script></div>`, ['txt-1']],
    ['a handler', `<div${x}><p onclick="x">x</p></div>`, ['txt-1']],
    ['a javascript link', `<div${x}><a href=" JavaScript:x">x</a></div>`, ['txt-1']],
    ['no namespace', '<div>x</div>', ['txt-1']],
    ['not closed', `<div${x}><p>x</div>`, ['txt-1']],
    ['something after it', `<div${x}>x</div><p/>`, ['txt-1']],
    ['an HTML entity', `<div${x}>&nbsp;x</div>`, ['txt-1']],
    ['nothing', `<div${x}> </div>`, ['txt-2']],
    ['a comment', `<div${x}><!-- a --> b</div>`, []],
  ])('%s', (_name, content, expected) => {
    expect(errors(div(content)).map((one) => one.rule)).toEqual(expected);
  });
});
