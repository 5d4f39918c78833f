import { describe, expect, test } from '@jest/globals';
import { placeMatcher } from '../../src/mapping/account.ts';
import { compare, explain } from '../../src/mapping/index.ts';
import { convert, table } from './convert.ts';

const rules = `group t(source src, source message : Message, target bundle : Bundle) {
  src.patient as p -> bundle.entry as e, e.subject = true, e.resource = create('Patient') as patient then {
    p.ids as i where type = 'main' -> patient.identifier = identifier('urn:s', i.value) "id";
    p.name as n -> patient.name = n "name";
  } "patient";
  src.measures as m where m.kind = 'spo2' -> bundle.entry as e, e.resource = create('Observation') as o, o.status = 'final', o.subject = subject(),
    o.code = translate(m.kind, 'kind', 'CodeableConcept'), o.valueQuantity = quantity(m.value, '%') "measure";
  src.raw as raw -> bundle.entry as e, e.kept = raw, e.resource = create('Basic') as basic, basic.extension = extension('urn:raw', 'string', 'see source') "raw";
}`;
const tree = {
  patient: {
    ids: [
      { type: 'main', value: '7' },
      { type: 'other', value: '8' },
    ],
    name: { family: 'MOREL', given: ['Ana'], pet: 'Rex' },
  },
  measures: [
    { kind: 'spo2', value: 91 },
    { kind: 'mood', value: 3 },
  ],
  raw: { deep: ['a', { b: 'c' }] },
  sent: '2021-03-10',
};
const files = {
  'codes-kind.json': table('urn:v', 'http://loinc.org', { spo2: ['59408-5'] }),
  'ignore-t.json': JSON.stringify([
    { place: '/sent', reason: 'Time of the envelope' },
    { place: '/measures/1/**', reason: 'Moods are not readings' },
  ]),
};

describe('the account', () => {
  const conversion = convert(rules, tree, { files, context: { account: true } });
  const account = conversion.account!;
  const [patient, observation] = conversion.drafts.map(({ fullUrl }) => fullUrl);

  test('every value is in exactly one list', () => {
    const places = [...account.mapped, ...account.kept, ...account.ignored, ...account.fallen]
      .map(({ place }) => place)
      .sort();
    expect(places).toEqual([
      '/measures/0/kind',
      '/measures/0/value',
      '/measures/1/kind',
      '/measures/1/value',
      '/patient/ids/0/type',
      '/patient/ids/0/value',
      '/patient/ids/1/type',
      '/patient/ids/1/value',
      '/patient/name/family',
      '/patient/name/given/0',
      '/patient/name/pet',
      '/raw/deep/0',
      '/raw/deep/1/b',
      '/sent',
    ]);
  });

  test('mapped says to which element, kept in which draft, ignored by which rule', () => {
    expect(account.mapped).toContainEqual({ place: '/measures/0/value', target: `${observation}#valueQuantity` });
    expect(account.mapped).toContainEqual({ place: '/patient/ids/0/type', target: `${patient}#identifier[0]` });
    expect(account.mapped).toContainEqual({ place: '/measures/0/kind', target: `${observation}#code` });
    expect(account.kept.map(({ place }) => place)).toEqual(['/raw/deep/0', '/raw/deep/1/b']);
    expect(account.ignored).toContainEqual({ place: '/sent', rule: 'ignore-t.json', reason: 'Time of the envelope' });
  });

  test('what falls is a warning', () => {
    expect(account.fallen).toEqual([
      { place: '/patient/ids/1/type', value: 'other' },
      { place: '/patient/ids/1/value', value: '8' },
      { place: '/patient/name/pet', value: 'Rex' },
    ]);
    expect(conversion.faults.filter(({ code }) => code === 'value-fallen')).toHaveLength(3);
    expect(JSON.stringify(conversion.faults)).not.toContain('Rex');
  });

  test('nothing is worked out unless asked', () => {
    expect(convert(rules, tree, { files }).account).toBeUndefined();
  });
});

test('functions that take some of an object leave the rest unaccounted', () => {
  const tree = {
    c: { code: 'x', system: 'urn:s', nullFlavor: 'OTH', translations: [{ code: 'y', extra: 1 }] },
    q: { value: 1, unit: 'mg', approximate: true },
    i: { system: 'urn:i', value: '1', assigner: 'A' },
  };
  const rules = `group t(source src, target bundle : Bundle) {
  src -> bundle.entry as e, e.resource = create('Observation') as o, o.status = 'final', o.code = cc(src.c), o.valueQuantity = quantity(src.q), o.identifier = identifier(src.i), o.method = src.c "all";
}`;
  const { account } = convert(rules, tree, { context: { account: true } });
  expect(account!.fallen.map(({ place }) => place)).toEqual([
    '/c/nullFlavor',
    '/c/translations/0/extra',
    '/q/approximate',
    '/i/assigner',
  ]);
});

test.each([
  ['PID-31', 'PID-31', true],
  ['PID-31', 'PID-31.1.2', true],
  ['PID-3', 'PID-31', false],
  ['PID-3.4', 'PID-3[2].4.2', true],
  ['PID-3[2]', 'PID-3[2].1', true],
  ['PID-3[2]', 'PID-3[3].1', false],
  ['OBX-*', 'OBX[2]-17', true],
  ['**/id', '/a/b/0/id', true],
  ['/a/*/c', '/a/b/c/d', true],
  ['/a/c', '/a/0/c', true],
  ['/a/*', '/a', false],
])('pattern %s and place %s: %s', (pattern, place, expected) => {
  expect(placeMatcher(pattern)(place)).toBe(expected);
});

describe('explain', () => {
  const conversion = convert(rules, tree, { files });
  const [patient, observation] = conversion.drafts.map(({ fullUrl }) => fullUrl);

  test('an element, with the translation of its code', () => {
    const [found] = explain(conversion, observation!, 'code');
    expect(found).toMatchObject({
      place: '/measures/0/kind',
      map: 't',
      rule: 'measure',
      version: conversion.maps.t,
      translation: { to: 'http://loinc.org|59408-5' },
    });
    expect(found!.sentence.en).toBe(
      `code comes from /measures/0/kind, written by rule measure of t.map (version ${conversion.maps.t}); table kind translated urn:v|spo2 to http://loinc.org|59408-5.`,
    );
  });

  test('a part of what was written as a whole, a list without its index, everything', () => {
    expect(explain(conversion, observation!, 'valueQuantity.value')).toMatchObject([
      { path: 'valueQuantity', place: '/measures/0/value' },
    ]);
    expect(explain(conversion, patient!, 'name')).toMatchObject([{ path: 'name[0]', place: '/patient/name' }]);
    expect(explain(conversion, patient!, 'name[0].family')).toMatchObject([{ path: 'name[0]' }]);
    expect(explain(conversion, patient!, 'name.family')).toMatchObject([{ path: 'name[0]' }]);
    expect(explain(conversion, patient!).map(({ path }) => path)).toEqual(['identifier[0]', 'name[0]']);
    expect(explain(conversion, 'urn:uuid:none', 'name')).toEqual([]);
  });
});

test('a preview lists what a changed map would change', () => {
  const changed = rules
    .replace("o.status = 'final'", "o.status = 'preliminary'")
    .replace("where m.kind = 'spo2'", 'where m.kind.exists()');
  const differences = compare(convert(rules, tree, { files }), convert(changed, tree, { files }));
  expect(differences).toMatchObject([
    { key: '/measures/0/Observation', change: 'changed', path: 'status', before: 'final', after: 'preliminary' },
    { key: '/measures/1/Observation', change: 'added', path: '' },
  ]);
  expect(compare(convert(rules, tree, { files }), convert(rules, tree, { files }))).toEqual([]);
});
