import { describe, expect, test } from '@jest/globals';
import type { Repetition } from '../../../src/formats/hl7v2/index.ts';
import { claims, read, retiredClaims } from '../../../src/formats/hl7v2/index.ts';
import { professionalIdentifiers, structureIdentifiers } from '../../../src/formats/national.ts';
import { message } from './messages.ts';

/** The first repetition of a field, `PID` field 3. */
function value(segment: string, field: number, written: string): Repetition {
  const { tree } = read(message(`${segment}${'|'.repeat(field)}${written}`));
  return (tree as unknown as Record<string, Record<string, Repetition[]>[]>)[segment]![0]![`f${field}`]![0]!;
}

const LOCAL = 'http://passerelle.example/fhir/NamingSystem/local/';

describe('identifiers', () => {
  test.each([
    ['an OID', '7^^^CH-A&1.2.250.1.999.7&ISO^PI', 'urn:oid:1.2.250.1.999.7'],
    ['an OID with blanks', '7^^^CH-A&1.2.250.1. 999.7&ISO^PI', 'urn:oid:1.2.250.1.999.7'],
    ['an OID as the name', '7^^^1.2.250.1.213.1.4.10', 'urn:oid:1.2.250.1.213.1.4.10'],
    ['name and number', '7^^^CH-A&990000017&N^PI', `${LOCAL}CH-A.990000017`],
    ['a name', '7^^^CH A', `${LOCAL}CH%20A`],
    ['nobody', '7', undefined],
  ])('CX assigned by %s', (_, written, system) => {
    expect(value('PID', 3, written).identifier).toEqual({ ...(system ? { system } : {}), value: '7' });
  });

  test('a period as far as it can be read', () => {
    expect(value('PID', 3, '7^^^A^PI^^20210101^20211231').identifier?.period).toEqual({
      start: '2021-01-01',
      end: '2021-12-31',
    });
    const { faults } = read(message('PID|||7^^^A^PI^^hier'));
    expect(faults).toMatchObject([{ severity: 'warning', code: 'hl7-date-invalid', place: 'PID-3.7' }]);
  });

  test('an explicit null is no value', () => {
    expect(value('PID', 3, '""^^^CH-A').identifier).toBeUndefined();
    expect(value('PID', 5, '""^""').name).toBeUndefined();
    expect(value('PID', 11, '""^^VILLE').address).toEqual({ city: 'VILLE' });
  });

  test.each([
    ['1.2.250.1.999.7.2.101', 'urn:ietf:rfc:3986', 'urn:oid:1.2.250.1.999.7.2.101'],
    ['1.2.250.1.999.7.2.101^CH-A', 'urn:ietf:rfc:3986', 'urn:oid:1.2.250.1.999.7.2.101'],
    ['1.2.250.1.999.7.2.CR1^CH-A', 'urn:oid:1.2.250.1.999.7.2', 'CR1'],
    ['CR1^^1.2.250.1.999.7.2^ISO', 'urn:oid:1.2.250.1.999.7.2', 'CR1'],
    ['CR1^CH-A', `${LOCAL}CH-A`, 'CR1'],
  ])('EI %s', (written, system, id) => {
    expect(value('TXA', 12, written).identifier).toEqual({ system, value: id });
  });
});

describe('people and structures', () => {
  const IDNPS = 'urn:oid:1.2.250.1.71.4.2.1';
  const IDNST = 'urn:oid:1.2.250.1.71.4.2.2';
  const numbers = (list: { system?: string; value?: string }[]): string[] =>
    list.map((one) => `${one.system}|${one.value}`);

  test('one professional, whichever of the numbers is written', () => {
    const both = [`${IDNPS}|899900000017`, 'https://rpps.esante.gouv.fr|99900000017'];
    expect(numbers(professionalIdentifiers(IDNPS, '899900000017', 'IDNPS'))).toEqual(both);
    expect(numbers(professionalIdentifiers(IDNPS, '99900000017', 'RPPS'))).toEqual(both);
    expect(numbers(professionalIdentifiers('https://rpps.esante.gouv.fr', '99900000017'))).toEqual(both);
    expect(numbers(professionalIdentifiers(IDNPS, '0991234567'))).toEqual([`${IDNPS}|0991234567`]);
    expect(numbers(professionalIdentifiers('urn:oid:1.2.3', '99900000017'))).toEqual(['urn:oid:1.2.3|99900000017']);
    expect(professionalIdentifiers(IDNPS, '  ')).toEqual([]);
  });

  test('one structure, whichever of the numbers is written', () => {
    const both = [`${IDNST}|1990000017`, 'https://finess.esante.gouv.fr|990000017'];
    expect(numbers(structureIdentifiers(IDNST, '1990000017', 'FINEG'))).toEqual(both);
    expect(numbers(structureIdentifiers(IDNST, '990000017   ', 'FINEG'))).toEqual(both);
    expect(numbers(structureIdentifiers('https://finess.esante.gouv.fr', '990000017'))).toEqual(both);
    expect(numbers(structureIdentifiers(IDNST, '399000001700011', 'IDNST'))).toEqual([
      `${IDNST}|399000001700011`,
      'https://sirene.fr|99000001700011',
    ]);
    expect(numbers(structureIdentifiers(`${LOCAL}CH-A`, '4101', 'UF'))).toEqual([`${LOCAL}CH-A|4101`]);
  });

  test('XCN and XON', () => {
    const who = value('PV1', 7, '899900000017^NOM^Prénom^^^DR^^^ASIP-SANTE- PS&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS')
      .person!;
    expect(who.name).toEqual({ family: 'NOM', given: ['Prénom'], prefix: ['DR'] });
    expect(numbers(who.identifier)[0]).toBe(`${IDNPS}|899900000017`);
    expect(value('ZBE', 7, 'Cardio^^^^^CH-A&99&N^UF^^^4101').organization).toEqual({
      identifier: [{ system: `${LOCAL}CH-A.99`, value: '4101' }],
      name: 'Cardio',
    });
    expect(value('PV1', 7, '^^^^^^^^X').person).toBeUndefined();
  });
});

describe('addresses, telecoms, places', () => {
  test.each([
    ['0400000001^PRN^PH', { system: 'phone', value: '0400000001' }],
    ['^WPN^PH^^^^^^^^^0546000000', { system: 'phone', value: '0546000000' }],
    ['^PRN^PH^^33^4^00000001', { system: 'phone', value: '+33400000001' }],
    ['^WPN^FX^^^^^^^^^0400000009', { system: 'fax', value: '0400000009' }],
    ['^NET^Internet^a@exemple.test', { system: 'email', value: 'a@exemple.test' }],
    ['^^X.400^a@medecin.mssante.fr', { system: 'email', value: 'a@medecin.mssante.fr' }],
    ['a@exemple.test^NET', { system: 'email', value: 'a@exemple.test' }],
    ['^WPN^PH', undefined],
  ])('XTN %s', (written, expected) => {
    expect(value('PID', 13, written).telecom).toEqual(expected);
  });

  test('XAD and PL', () => {
    const home = value('PID', 11, '1 rue X^Bât. B^VILLE^^69003^FRA^H^^69383');
    expect(home).toMatchObject({
      address: { line: ['1 rue X', 'Bât. B'], city: 'VILLE', postalCode: '69003', country: 'FRA' },
      insee: '69383',
    });
    expect(value('PV1', 3, 'CARDIO^12^1^CH-A&99&N^O^^B^3').location).toEqual({
      unit: 'CARDIO',
      room: '12',
      bed: '1',
      facility: 'CH-A',
      status: 'O',
      building: 'B',
      floor: '3',
      text: 'CH-A / B / 3 / CARDIO / 12 / 1',
      identifier: { system: `${LOCAL}CH-A.99`, value: 'CARDIO/12/1' },
    });
  });
});

describe('dates and codes', () => {
  test.each([
    ['1952', '1952', '1952'],
    ['19840229', '1984-02-29', '1984-02-29'],
    ['20240115103000', '2024-01-15', '2024-01-15T10:30:00+01:00'],
    ['20240715103000+0000', '2024-07-15', '2024-07-15T10:30:00+00:00'],
    ['20240230', undefined, undefined],
  ])('TS %s', (written, date, dateTime) => {
    expect(value('PID', 7, written)).toMatchObject({ ...(date ? { date, dateTime } : {}) });
    expect(read(message(`PID|||||||${written}`)).faults.length).toBe(date ? 0 : 1);
  });

  test('CWE: system by name, OID or table; the sender’s own names are local', () => {
    expect(value('OBR', 4, '718-7^Hb^LN^HGB^Hémoglobine^SIL').coded).toEqual({
      system: 'http://loinc.org',
      code: '718-7',
      display: 'Hb',
      translations: [{ system: `${LOCAL}SIL`, code: 'HGB', display: 'Hémoglobine' }],
    });
    expect(value('OBR', 4, 'A^^HL70123').coded?.system).toBe('http://terminology.hl7.org/CodeSystem/v2-0123');
    expect(value('OBR', 4, 'SYNTH^^TRE_A05').coded?.system).toContain('TRE-A05');
    expect(value('OBR', 4, '^Texte seul').coded).toEqual({ display: 'Texte seul', text: 'Texte seul' });
    expect(value('OBR', 4, '1^^X^^^^^^Texte^^^^^1.2.3').coded).toMatchObject({
      system: 'urn:oid:1.2.3',
      text: 'Texte',
    });
  });
});

test('claims about the patient, and about the record that is retired', () => {
  const { tree } = read(
    message(
      'PID|||5^^^CH-A~284026912345689^^^INS&1.2.250.1.213.1.4.10&ISO^INS||NOM^ANNE^ANNE LUCIE^^^^L~USAGE^ANNE^^^^^D||19840229|F|||^^^^^^BDL^^69123',
      'MRG|6^^^CH-A',
    ),
  );
  expect(claims(tree)).toMatchObject({
    resourceType: 'Patient',
    identifier: [{ value: '5' }, { system: 'urn:oid:1.2.250.1.213.1.4.10' }],
    name: [
      { use: 'official', family: 'NOM', extension: [{ valueString: 'ANNE LUCIE' }] },
      { use: 'usual', family: 'USAGE' },
    ],
    birthDate: '1984-02-29',
    gender: 'female',
    extension: [{ valueAddress: { extension: [{ valueCoding: { code: '69123' } }] } }],
  });
  expect(retiredClaims(tree)).toEqual({
    resourceType: 'Patient',
    identifier: [{ system: `${LOCAL}CH-A`, value: '6' }],
  });
});
