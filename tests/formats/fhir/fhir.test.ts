import { describe, expect, test } from '@jest/globals';
import type { Patient, Resource } from '@medplum/fhirtypes';
import fc from 'fast-check';
import { XmlDocument } from 'libxml2-wasm';
import { sentence } from '../../../src/errors.ts';
import { elementsOf, isResourceType } from '../../../src/formats/fhir/elements.ts';
import { read, readJson, readXml, writeXml } from '../../../src/formats/fhir/index.ts';
import { anyOf } from './arbitrary.ts';

const utf8 = (text: string) => new TextEncoder().encode(text);
const json = (value: unknown) => utf8(JSON.stringify(value));

const patient = {
  resourceType: 'Patient',
  id: 'p1',
  text: { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml"><b>Élodie</b> &amp; co<br/></div>' },
  contained: [{ resourceType: 'Organization', id: 'o', name: 'Hôpital « des Lilas »' }],
  extension: [{ url: 'http://example.org/e', extension: [{ url: 'x', valueBoolean: false }] }],
  active: true,
  name: [{ family: 'DURAND', given: ['Élodie', 'Zoé'], _given: [null, { id: 'g2' }] } as never],
  birthDate: '1990-05-01',
  _birthDate: { extension: [{ url: 'http://example.org/time', valueDateTime: '1990-05-01T10:00:00+02:00' }] },
  multipleBirthInteger: 2,
} as Patient;

describe('FHIR XML', () => {
  test('a patient there and back', () => {
    const xml = writeXml(patient);
    expect(readXml(xml)).toMatchObject({ faults: [] });
    expect(readXml(xml).tree).toEqual(patient);
    XmlDocument.fromBuffer(xml).dispose();
  });

  test('a Bundle with resources inside', () => {
    const bundle: Resource = {
      resourceType: 'Bundle',
      type: 'collection',
      entry: [{ fullUrl: 'urn:uuid:1', resource: patient }],
    };
    expect(readXml(writeXml(bundle)).tree).toEqual(bundle);
  });

  test('property: any resource of any type comes back through XML', () => {
    const types = Object.keys(elementTypes()).filter((type) => isResourceType(type));
    fc.assert(
      fc.property(
        fc.constantFrom(...types).chain((type) => anyOf(type, 3).map((one) => ({ resourceType: type, ...one }))),
        (resource) => {
          const xml = writeXml(resource as unknown as Resource);
          const back = readXml(xml);
          expect(back.faults).toEqual([]);
          expect(back.tree).toEqual(resource);
          XmlDocument.fromBuffer(xml).dispose();
        },
      ),
      { numRuns: 500 },
    );
  });

  test('a broken narrative becomes text', () => {
    const broken = { ...patient, text: { status: 'generated', div: '<div><p>a & b<script>' } } as Patient;
    const back = readXml(writeXml(broken)).tree as Patient;
    expect(back.text?.div).toContain('a &amp; b');
    expect(back.text?.div).not.toContain('script');
  });

  test('lists of one stay lists, numbers are numbers, unknown elements are faults', () => {
    const { tree, faults } = readXml(
      utf8(
        '<Observation xmlns="http://hl7.org/fhir"><category><text value="a"/></category><status value="final"/><nonsense/>' +
          '<valueQuantity><value value="36.70"/></valueQuantity></Observation>',
      ),
    );
    expect(tree).toEqual({
      resourceType: 'Observation',
      category: [{ text: 'a' }],
      status: 'final',
      valueQuantity: { value: 36.7 },
    });
    expect(faults).toMatchObject([{ code: 'fhir-element', place: '/Observation/nonsense' }]);
  });

  test.each([
    [
      'doctype',
      '<!DOCTYPE Patient [<!ENTITY x SYSTEM "file:///etc/passwd">]><Patient xmlns="http://hl7.org/fhir"/>',
      'xml-doctype',
    ],
    ['not FHIR', '<Patient xmlns="urn:other"/>', 'fhir-resource-type'],
    ['unknown type', '<Patience xmlns="http://hl7.org/fhir"/>', 'fhir-resource-type'],
    ['truncated', '<Patient xmlns="http://hl7.org/fhir"><active', 'xml-malformed'],
    ['deep', `<Patient xmlns="http://hl7.org/fhir">${'<extension url="a">'.repeat(500)}`, 'xml-limit'],
    [
      'bad number',
      '<Patient xmlns="http://hl7.org/fhir"><multipleBirthInteger value="two"/></Patient>',
      'fhir-element',
    ],
    [
      'element twice',
      '<Patient xmlns="http://hl7.org/fhir"><active value="true"/><active value="false"/></Patient>',
      'fhir-element',
    ],
  ])('faults on %s', (_, text, code) => expect(readXml(utf8(text)).faults[0]?.code).toBe(code));

  test('writing something else is an error of the caller', () => {
    expect(() => writeXml({ resourceType: 'Nothing' } as never)).toThrow(TypeError);
  });
});

describe('FHIR JSON', () => {
  test('reads what it is given, byte order mark and all', () => {
    expect(readJson(json(patient)).tree).toEqual(patient);
    expect(readJson(utf8(`\ufeff${JSON.stringify(patient)}`)).tree).toEqual(patient);
  });
  test.each([
    ['syntax', '{"resourceType":"Patient",', 'fhir-syntax'],
    ['not an object', '[1]', 'fhir-resource-type'],
    ['null', 'null', 'fhir-resource-type'],
    ['unknown type', '{"resourceType":"toString"}', 'fhir-resource-type'],
    ['deep', `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`, 'fhir-limit'],
    ['prototype', '{"resourceType":"Patient","__proto__":{"admin":true}}', 'fhir-element'],
    ['prototype, escaped', '{"resourceType":"Patient","\\u005f_proto__":{"admin":true}}', 'fhir-element'],
    ['constructor', '{"resourceType":"Patient","x":{"constructor":{"prototype":{}}}}', 'fhir-element'],
  ])('faults on %s', (_, text, code) => expect(readJson(utf8(text)).faults[0]?.code).toBe(code));
  test('a syntax error says where and nothing of the content', () => {
    const fault = readJson(utf8('{"resourceType":"Patient",\n"name":"DURAND",}')).faults[0]!;
    expect(JSON.stringify(fault)).not.toContain('DURAND');
    expect(sentence(fault, 'en')).toContain('(line 2, column 17)');
    expect(sentence(fault, 'fr')).toContain('(ligne 2, colonne 17)');
  });
  test('bytes that are not UTF-8', () => {
    expect(readJson(Buffer.from('{"resourceType":"Pati\xe9nt"}', 'latin1')).faults[0]?.code).toBe('charset-invalid');
  });
  test('braces in strings do not count as depth', () => {
    const value = { resourceType: 'Basic', id: '{'.repeat(200), language: `\\"${'['.repeat(200)}` };
    expect(readJson(json(value)).tree).toEqual(value);
  });
});

test('read takes either form', () => {
  expect(read(json(patient)).tree).toEqual(patient);
  expect(read(writeXml(patient)).tree).toEqual(patient);
});

function elementTypes(): Record<string, true> {
  const names = [
    'Patient',
    'Observation',
    'Bundle',
    'Composition',
    'DocumentReference',
    'CarePlan',
    'Parameters',
    'Questionnaire',
  ];
  const more = [
    'MedicationRequest',
    'ValueSet',
    'StructureMap',
    'PlanDefinition',
    'Encounter',
    'DiagnosticReport',
    'Timing',
  ];
  return Object.fromEntries([...names, ...more].filter((name) => elementsOf(name)).map((name) => [name, true]));
}
