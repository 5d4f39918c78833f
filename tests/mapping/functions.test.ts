import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { Observation, Patient } from '@medplum/fhirtypes';
import { mapFunctions } from '../../src/mapping/functions/index.ts';
import { isSafeXhtml } from '../../src/mapping/functions/xhtml.ts';
import { convert, inGroup, make, table } from './convert.ts';

const files = {
  'codes-kind.json': table('urn:vendor', 'http://loinc.org', { spo2: ['2708-6', '59408-5'], none: [] }),
  'codes-sex.json': table(
    'urn:vendor',
    'http://hl7.org/fhir/administrative-gender',
    { F: ['female'] },
    { unmapped: { mode: 'fixed', code: 'unknown' } },
  ),
  'codes-free.json': table(undefined, 'urn:target', { a: ['b'] }, { unmapped: { mode: 'provided' } }),
};

function value(expression: string, tree: unknown = {}): unknown {
  const conversion = convert(
    inGroup('Basic', `src -> o.extension = extension('urn:x', 'string', ${expression});`),
    tree,
    { files },
  );
  return (conversion.drafts[0]?.resource as { extension?: { valueString: string }[] })?.extension?.[0]?.valueString;
}

test('every function is described in the README', () => {
  const readme = readFileSync(
    join(import.meta.dirname, '..', '..', 'src', 'mapping', 'functions', 'README.md'),
    'utf8',
  );
  for (const name of Object.keys(mapFunctions)) expect(readme).toMatch(new RegExp(`\\b${name}\\b`));
});

describe('codes', () => {
  const code = (expression: string, tree: unknown) =>
    convert(inGroup('Observation', `src.v as v -> o.code = ${expression}, o.status = 'final' "code";`), tree, {
      files,
    });

  test('translate gives all targets, then the original, and the text', () => {
    const conversion = code("translate(v, 'kind', 'CodeableConcept')", {
      v: { code: 'spo2', system: 'urn:vendor', display: 'Saturation', text: 'sat' },
    });
    expect((conversion.drafts[0]!.resource as Observation).code).toEqual({
      coding: [
        { system: 'http://loinc.org', code: '2708-6' },
        { system: 'http://loinc.org', code: '59408-5' },
        { system: 'urn:vendor', code: 'spo2', display: 'Saturation' },
      ],
      text: 'sat',
    });
    expect(conversion.traces.find(({ path }) => path === 'code')).toMatchObject({
      place: '/v',
      translation: { table: 'kind', from: 'urn:vendor|spo2', to: 'http://loinc.org|2708-6' },
    });
  });

  test('what nobody has mapped is kept and reported once, with its place', () => {
    const rules =
      "src.v as v -> o.status = 'final', o.code = translate(v, 'kind', 'CodeableConcept'), o.category = translate(v, 'kind', 'CodeableConcept') \"code\";";
    const conversion = convert(inGroup('Observation', rules), { v: 'ecg' }, { files });
    expect((conversion.drafts[0]!.resource as Observation).code).toEqual({
      coding: [{ system: 'urn:vendor', code: 'ecg' }],
    });
    expect(conversion.unmapped).toEqual([{ system: 'urn:vendor', code: 'ecg', table: 'kind', place: '/v' }]);
    expect(conversion.faults).toMatchObject([
      { code: 'code-unmapped', severity: 'warning', place: '/v', rule: 't.map#code' },
    ]);
  });

  test('known to have no counterpart is not reported, fixed is, provided is not', () => {
    expect(code("translate(v, 'kind', 'CodeableConcept')", { v: 'none' }).unmapped).toEqual([]);
    const fixed = convert(inGroup('Patient', "src.v as v -> o.gender = translate(v, 'sex');"), { v: 'X' }, { files });
    expect(fixed.drafts[0]!.resource).toMatchObject({ gender: 'unknown' });
    expect(fixed.unmapped).toHaveLength(1);
    expect(value("translate(src.v, 'free')", { v: 'zzz' })).toBe('zzz');
  });

  test('other forms and the default', () => {
    expect(value("translate(src.v, 'kind')", { v: 'spo2' })).toBe('2708-6');
    expect(value("translate(src.v, 'kind', 'system')", { v: 'spo2' })).toBe('http://loinc.org');
    expect(value("translate(src.v, 'kind', 'code', 'other')", { v: 'ecg' })).toBe('other');
    expect(value("translate(src.v, 'kind')", { v: 'ecg' })).toBeUndefined();
  });

  test('a concept is tried coding by coding', () => {
    const v = {
      coding: [
        { system: 'urn:else', code: 'q' },
        { system: 'urn:vendor', code: 'spo2' },
      ],
    };
    const conversion = code("translate(v, 'kind', 'Coding')", { v });
    expect((conversion.drafts[0]!.resource as Observation).code).toEqual({
      coding: [{ system: 'http://loinc.org', code: '2708-6' }],
    });
    expect(conversion.unmapped).toEqual([]);
  });

  test('cc and coding', () => {
    const made = make<Observation>(
      'Observation',
      `src.v as v -> o.code = cc(v), o.category = cc('urn:s', 'c', 'd'), o.category = coding('urn:s', 'e'), o.method = cc('words'), o.bodySite = v;`,
      {
        v: { code: 'x', system: 'urn:y', nullFlavor: 'OTH', originalText: 'said', translations: [{ code: 'z' }] },
      },
    );
    const concept = { coding: [{ system: 'urn:y', code: 'x' }, { code: 'z' }], text: 'said' };
    expect(made).toMatchObject({
      code: concept,
      bodySite: concept,
      category: [
        { coding: [{ system: 'urn:s', code: 'c', display: 'd' }] },
        { coding: [{ system: 'urn:s', code: 'e' }] },
      ],
      method: { text: 'words' },
    });
  });
});

describe('quantities', () => {
  const quantity = (expression: string, tree: unknown) =>
    convert(inGroup('Observation', `src -> o.status = 'final', o.valueQuantity = ${expression} "value";`), tree);
  const made = (expression: string, tree: unknown) =>
    (quantity(expression, tree).drafts[0]!.resource as Observation).valueQuantity;
  const ucum = 'http://unitsofmeasure.org';

  test.each([
    ["quantity(src.v, '%')", { v: 91 }, { value: 91, unit: '%', system: ucum, code: '%' }],
    ["quantity(src.v, 'Cel', '°C')", { v: '37,2' }, { value: 37.2, unit: '°C', system: ucum, code: 'Cel' }],
    ["quantity(src.v, 'mg/L')", { v: '<5' }, { value: 5, comparator: '<', unit: 'mg/L', system: ucum, code: 'mg/L' }],
    [
      'quantity(src.v)',
      { v: { value: '120', unit: 'mmHg' } },
      { value: 120, unit: 'mmHg', system: ucum, code: 'mm[Hg]' },
    ],
    ["qty('5.5 mg')", {}, { value: 5.5, unit: 'mg', system: ucum, code: 'mg' }],
    [
      "quantity(inUnit(src.v, '°F', 'Cel'), 'Cel')",
      { v: 100.4 },
      { value: 38, unit: 'Cel', system: ucum, code: 'Cel' },
    ],
    ["quantity(inUnit(src.v, '1', '%'), '%')", { v: 0.93 }, { value: 93, unit: '%', system: ucum, code: '%' }],
    ["5 'mg'", {}, { value: 5, unit: 'mg', system: ucum, code: 'mg' }],
  ])('%s', (expression, tree, expected) => {
    expect(made(expression, tree)).toEqual(expected);
  });

  test('what is no number, or in an unlisted unit, is reported and left out', () => {
    for (const [expression, tree, code] of [
      ["quantity(src.v, '%')", { v: 'high' }, 'number-unreadable'],
      ["quantity(inUnit(src.v, 'st', 'kg'), 'kg')", { v: 12 }, 'unit-unknown'],
    ] as const) {
      const conversion = quantity(expression, tree);
      expect((conversion.drafts[0]!.resource as Observation).valueQuantity).toBeUndefined();
      expect(conversion.faults).toMatchObject([{ code, place: '/v', rule: 't.map#value' }]);
    }
  });

  test('period, range, ratio', () => {
    expect(make('Encounter', 'src -> o.period = period(src.a, src.b);', { a: '2021-03-01' })).toMatchObject({
      period: { start: '2021-03-01' },
    });
    expect(
      make('Observation', "src -> o.valueRange = range(1, 2, 'L'), o.valueRatio = ratio(1 'mg', 1 'L');", {}),
    ).toMatchObject({
      valueRange: { low: { value: 1, code: 'L' }, high: { value: 2 } },
      valueRatio: { numerator: { value: 1, code: 'mg' }, denominator: { value: 1, code: 'L' } },
    });
  });
});

describe('dates', () => {
  test.each([
    ['2021-03-28T01:59:00', '2021-03-28T01:59:00+01:00'],
    ['2021-03-28T03:00', '2021-03-28T03:00:00+02:00'],
    ['2021-10-31 04:00:00', '2021-10-31T04:00:00+01:00'],
    ['2021-03-10T08:00:00Z', '2021-03-10T08:00:00Z'],
    ['2021-03-10T08:00:00.5-0400', '2021-03-10T08:00:00.5-04:00'],
    ['20210310', '2021-03-10'],
    ['202103101205', '2021-03-10T12:05:00+01:00'],
    ['2021', '2021'],
    ['2021-03', '2021-03'],
    ['2021-02-30', undefined],
    ['2021-03-10T25:00', undefined],
    ['soon', undefined],
  ])('dateTime(%s)', (written, expected) => {
    expect(value('dateTime(src.v)', { v: written })).toBe(expected);
  });

  test('what is no date is reported without its text', () => {
    const { faults } = convert(
      inGroup('Observation', 'src.v as v -> o.status = \'final\', o.effectiveDateTime = dateTime(v) "when";'),
      { v: 'yesterday' },
    );
    expect(faults).toMatchObject([{ code: 'date-unreadable', place: '/v', rule: 't.map#when' }]);
    expect(JSON.stringify(faults)).not.toContain('yesterday');
  });

  test.each([
    ['epoch(src.v)', 1_616_893_199, '2021-03-28T01:59:59+01:00'],
    ['epoch(src.v)', '1616893200', '2021-03-28T03:00:00+02:00'],
    ["epoch(src.v, 's')", 1_616_893_200.5, '2021-03-28T03:00:00.500+02:00'],
    ["epoch(src.v, 'ms')", 1_616_893_200_007, '2021-03-28T03:00:00.007+02:00'],
    ["dateOp(src.v, 'epoch', 'ms')", 1_616_893_200_000, '2021-03-28T03:00:00+02:00'],
    ['epoch(src.v)', 1_616_893_200_000, undefined],
    ['epoch(src.v)', -1, undefined],
    ['epoch(src.v)', 'yesterday', undefined],
    ['epoch(src.none)', 0, undefined],
  ])('%s of %s, counted since 1970', (expression, v, expected) => {
    expect(value(expression, { v })).toBe(expected);
  });

  test('the others', () => {
    expect(value('date(src.v)', { v: '2021-03-28T00:30:00+02:00' })).toBe('2021-03-28');
    expect(value('instant(src.v)', { v: '2021-03-28' })).toBeUndefined();
    expect(value('time(src.v)', { v: '8h30' })).toBe('08:30:00');
    expect(value("dateFrom(src.v, 'dd/MM/yyyy HH:mm')", { v: '09/03/2021 18:05' })).toBe('2021-03-09T18:05:00+01:00');
    expect(value("dateFrom(src.v, 'dd/MM/yyyy')", { v: '09/03/2021 18:05' })).toBeUndefined();
    expect(value('addDays(src.v, 21)', { v: '2021-03-10' })).toBe('2021-03-31');
    expect(value('addDays(src.v, 1)', { v: '2021-03-27T12:00:00+01:00' })).toBe('2021-03-28T12:00:00+02:00');
    expect(value("dateOp(src.v, 'addDays', 0 - 1)", { v: '2021-03-01' })).toBe('2021-02-28');
    expect(value('now()')).toBe('2021-03-10T10:00:00+01:00');
  });
});

describe('people', () => {
  test('nothing comes of nothing', () => {
    const rules = `src -> o.identifier = identifier('urn:s', src.none), o.name = humanName(src.none, src.none), o.telecom = contactPoint('phone', src.none),
      o.address = address(src.none, src.none, src.none), o.active = true;`;
    expect(make('Patient', rules, {})).toEqual({ resourceType: 'Patient', active: true });
  });

  test('identifier, name, telecom, address', () => {
    const rules = `src -> o.identifier = identifier('urn:s', src.id, 'usual', 'PI'), o.name = humanName(src.f, src.g, 'official'),
      o.telecom = contactPoint('email', 'mailto:a@b.fr', 'work'), o.address = address(src.l, '75001', 'Paris', 'FRA', 'home');`;
    expect(make<Patient>('Patient', rules, { id: 7, f: 'MOREL', g: ['Ana', 'Rose'], l: ['1 rue', 'bât. B'] })).toEqual({
      resourceType: 'Patient',
      identifier: [
        {
          use: 'usual',
          type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code: 'PI' }] },
          system: 'urn:s',
          value: '7',
        },
      ],
      name: [{ use: 'official', family: 'MOREL', given: ['Ana', 'Rose'] }],
      telecom: [{ system: 'email', value: 'a@b.fr', use: 'work' }],
      address: [{ use: 'home', line: ['1 rue', 'bât. B'], city: 'Paris', postalCode: '75001', country: 'FRA' }],
    });
  });
});

describe('structure and texts', () => {
  test.each([
    ["append('a', src.v, 1)", { v: ['b', 'c'] }, 'abc1'],
    ["coalesce(src.none, src.v, 'x')", { v: 'b' }, 'b'],
    ["iif(src.v = 'b', 'yes', 'no')", { v: 'b' }, 'yes'],
    ["evaluate(src.v, 'a.where(b = 1).c')", { v: { a: [{ b: 1, c: 'x' }] } }, 'x'],
    ['truncate(src.v, 2)', { v: '𝒜𝒷𝒸' }, '𝒜𝒷'],
    ['escape(src.v)', { v: '<a & "b">' }, '&lt;a &amp; &quot;b&quot;&gt;'],
    ['json(src.v)', { v: { a: [1] } }, '{"a":[1]}'],
    ['place(src.v.w)', { v: { w: 'x' } }, '/v/w'],
    ["cast(src.v, 'integer').toString()", { v: '12' }, '12'],
    ["src.v.split(',').last()", { v: 'a,b' }, 'b'],
    ["src.v.select(a & 'x').join('-')", { v: [{ a: '1' }, { a: '2' }] }, '1x-2x'],
    ["src.v[1].upper().replace('B', 'd').substring(0, 1)", { v: ['a', 'b'] }, 'd'],
    ['(src.v * 2 + 1).toString()', { v: 3 }, '7'],
    ["iif(src.v.count() > 1 and src.v.exists($this = 'b'), 'y', 'n')", { v: ['a', 'b'] }, 'y'],
    ['src.v.ofType(string).first()', { v: ['a'] }, 'a'],
    ["hash('a')", {}, 'ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb'],
    ["base64('é')", {}, 'w6k='],
    ["sha1('a')", {}, 'hvfkN/qlp/zhXR3cuerq6jd2Z7g='],
  ])('%s', (expression, tree, expected) => {
    expect(value(expression, tree)).toBe(expected);
  });

  test('uuid is the same at a re-send and another for another message', () => {
    const rules = inGroup('Basic', "src -> o.extension = extension('urn:x', 'string', uuid('a'));");
    const made = (identity: string) =>
      JSON.stringify(convert(rules, {}, { context: { messageIdentity: identity } }).drafts[0]!.resource);
    expect(made('1')).toBe(made('1'));
    expect(made('1')).not.toBe(made('2'));
  });

  test('extension: simple, complex, and nothing for nothing', () => {
    const rules = `src -> o.extension = extension('urn:a', extension('b', 'Coding', src.c), extension('d', 'string', src.none)),
      o.extension = extension('urn:none', extension('d', 'string', src.none)), o.extension = extension('urn:e', 'Period', src.p);`;
    expect(make('Basic', rules, { c: { code: 'x', junk: 1 }, p: { start: '2020', junk: 1 } })).toEqual({
      resourceType: 'Basic',
      extension: [
        { url: 'urn:a', extension: [{ url: 'b', valueCoding: { code: 'x' } }] },
        { url: 'urn:e', valuePeriod: { start: '2020' } },
      ],
    });
  });

  test('values are fitted to the element; what cannot be is reported', () => {
    const rules = `src -> o.valueInteger = src.n, o.status = 'final' "value";`;
    expect(make('Observation', rules, { n: '12' })).toMatchObject({ valueInteger: 12 });
    expect(convert(inGroup('Observation', rules), { n: 'twelve' }).faults).toMatchObject([
      { code: 'value-misfit', params: { type: 'integer' } },
    ]);
  });

  test('copies of the source never share objects with it and hold only what the type has', () => {
    const tree = { name: { family: 'MOREL', given: 'Ana', secret: 1, period: { start: '2020', x: 1 } } };
    const made = make<Patient>('Patient', 'src.name as n -> o.name = n;', tree);
    expect(made.name).toEqual([{ family: 'MOREL', given: ['Ana'], period: { start: '2020' } }]);
    expect(made.name![0]!.period).not.toBe(tree.name.period);
  });
});

describe('narrative', () => {
  test('text is escaped, safe XHTML is kept, anything doubtful becomes text', () => {
    const div = (written: string) =>
      make<Observation>('Observation', 'src.v as v -> o.text = narrative(v);', { v: written }).text?.div;
    expect(div('a < b\nc')).toBe('<div xmlns="http://www.w3.org/1999/xhtml">a &lt; b<br/>c</div>');
    const good = '<div xmlns="http://www.w3.org/1999/xhtml"><table><tr><td colspan="2">x</td></tr></table><br/></div>';
    expect(div(good)).toBe(good);
    expect(div('<div><script>alert(1)</script></div>')).toContain('&lt;script&gt;');
  });

  test.each([
    ['<div><p>a</div>', false],
    ['<div onclick="x()">a</div>', false],
    ['<div><a href="javascript:x()">a</a></div>', false],
    ['<div><a href="#x">a</a></div>', true],
    ['<div><img src="http://x/y.png"/></div>', true],
    ['<div></div><div></div>', false],
    ['<div><iframe src="http://x"></iframe></div>', false],
    ['<div a<b="x"></div>', false],
  ])('%s', (xhtml, safe) => {
    expect(isSafeXhtml(xhtml)).toBe(safe);
  });
});

test('a long document stays bytes and is written as base64 all the same', () => {
  const rules = `group t(source src, source parts : Parts, target bundle : Bundle) {
  parts as p -> bundle.entry as b, b.resource = binary(p.bytes, p.contentType) as bytes,
    bundle.entry as d, d.resource = create('DocumentReference') as doc, doc.status = 'current', doc.content as c, c.attachment = attachment(bytes);
}`;
  const bytes = new Uint8Array(100_000).map((_, at) => at % 251);
  const { drafts } = convert(rules, {}, { parts: [{ place: '/x', contentType: 'application/pdf', bytes }] });
  const [binary, document] = JSON.parse(JSON.stringify(drafts.map(({ resource }) => resource)));
  expect(binary.data).toBe(Buffer.from(bytes).toString('base64'));
  expect(document.content[0].attachment).toMatchObject({
    size: 100_000,
    hash: createHash('sha1').update(bytes).digest('base64'),
  });
});

test('binary and attachment: exact bytes, size, hash, address of the draft', () => {
  const rules = `group t(source src, source parts : Parts, target bundle : Bundle) {
  parts as p -> bundle.entry as b, b.resource = binary(p.bytes, p.contentType) as bytes,
    bundle.entry as d, d.resource = create('DocumentReference') as doc, doc.status = 'current', doc.content as c, c.attachment = attachment(bytes, 'Report');
}`;
  const bytes = new TextEncoder().encode('exact');
  const { drafts } = convert(rules, {}, { parts: [{ place: '/x', contentType: 'text/plain', bytes }] });
  const [binary, document] = drafts;
  expect(binary!.resource).toEqual({ resourceType: 'Binary', contentType: 'text/plain', data: 'ZXhhY3Q=' });
  expect(document!.resource).toMatchObject({
    content: [
      {
        attachment: {
          contentType: 'text/plain',
          size: 5,
          hash: 'tV4i/ngw6P5J9I+DS5E++GGPBSE=',
          url: binary!.fullUrl,
          title: 'Report',
        },
      },
    ],
  });
});
