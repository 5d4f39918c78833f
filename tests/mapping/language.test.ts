import { describe, expect, test } from '@jest/globals';
import { readMap } from '../../src/mapping/language.ts';
import { convert, faultsOf, inGroup, make } from './convert.ts';

const HEAD = 'map "http://passerelle.example/fhir/StructureMap/t" = t\n';

describe('reading maps', () => {
  test('clauses may stand in any order, names may be odd, values may hold signs', () => {
    const [group] = readMap(`${HEAD}// a comment
group t(source src : Thing, target bundle : Bundle) { /* another */
  src.a.b.\`SpO2 (%)\` first as x where x.c = 'a, b -> c; d' and d.where(e = 1).exists() log 'seen' check x.f
    -> bundle.entry as e, e.resource = create('Observation') as o then { x -> o.status = 'final'; } "outer";
}`).groups;
    const [rule] = group!.rules;
    expect(rule).toMatchObject({ name: 'outer', line: 4 });
    expect(rule!.sources[0]).toMatchObject({
      path: ['a', 'b', 'SpO2 (%)'],
      listMode: 'first',
      condition: "x.c = 'a, b -> c; d' and d.where(e = 1).exists()",
      check: 'x.f',
      log: "'seen'",
    });
    expect(rule!.rules[0]).toMatchObject({ name: 'x', line: 5 });
  });

  test('the StructureMap is FHIR’s, with the expressions the author wrote', () => {
    const { structureMap } = readMap(`${HEAD}group t(source src, target bundle : Bundle) {
  src.a as a where a.b = 'c' -> bundle.warning = append(a.b, 'x');
}`);
    expect(structureMap).toMatchObject({ resourceType: 'StructureMap', name: 't' });
    expect(structureMap.group?.[0]?.rule?.[0]?.source[0]).toMatchObject({ element: 'a', condition: "a.b = 'c'" });
    expect(structureMap.group?.[0]?.rule?.[0]?.target?.[0]?.parameter).toEqual([{ valueString: "append(a.b, 'x')" }]);
  });
});

describe('faults name file, line and rule', () => {
  const broken = (rules: string) => faultsOf(inGroup('Observation', rules));

  test.each([
    [
      'src -> o.status = \'final\' "status"\n  src -> o.issued = now();',
      'line 4, rule status: expected ; that ends the rule',
    ],
    ["src -> o.status = 'final;", "quote ' is not closed"],
    ["src -> o.status = ('final';", 'line 4, rule src: expected matching brackets'],
    ['src.x then helper(src;', 'line 5, rule x: expected )'],
  ])('syntax: %s', (rules, message) => {
    const [fault] = broken(rules);
    expect(fault).toContain('t.map');
    expect(fault).toContain(message);
  });

  test.each([
    ['src -> o.stats = \'final\' "status";', 'line 4, rule status: Observation has no element stats'],
    ['src.v as v -> o.value = v;', 'written in full: valueQuantity'],
    ["src.v as v -> o.code = translate(v, 'nowhere');", 'there is no table mappings/codes-nowhere.json'],
    ['src.v as v -> o.code = transalte(v);', 'unknown function transalte()'],
    ['src.v as v -> o.code = cc(w);', 'unknown variable w'],
    ['src.v as v then vitals(v, o);', 'there is no group vitals in this map or its imports'],
    ['src.v as v -> o.issued = quantity(v);', 'issued is a instant, the expression gives a Quantity'],
    ['src.v as v -> o.status = 3;', 'status is a code, 3 is none'],
    ["src.v as v -> v.status = 'final';", 'v is a source; only targets can be written'],
    ["src.v as v where v.matches('(a+)+$') -> o.status = 'final';", 'matches() is not allowed'],
    ['src.v as v -> o.code = translate(v);', 'translate() takes 2 to 4 values, not 1'],
    ["src.v as v -> o.code as c, c.coding = coding(v.a.b.c.d, 'x') as k, k.nme = 'x';", 'Coding has no element nme'],
    ["src.v as v -> o.subject = reference('Patent', v);", 'there is no resource type Patent'],
    ['src.v as v -> o.__proto__ = v;', '__proto__ is no name'],
  ])('meaning: %s', (rules, message) => {
    expect(broken(rules).join('\n')).toContain(message);
  });

  test('all of them at once, over all files', () => {
    const faults = faultsOf(
      inGroup('Patient', "src -> o.nme = 'x' \"one\";\n src -> o.gender = 'male', o.birthdate = 'x' \"two\";"),
      {
        'u.map':
          'map "http://passerelle.example/fhir/StructureMap/u" = u\ngroup u(source s, target p : Patient) { s -> p.x = 1; }',
        'codes-broken.json': '{',
        'codes-other.json': '{"resourceType":"ValueSet"}',
        'schema-odd.json': '{"type":"obect"}',
        'ignore-t.json': '[{"place":"/x"}]',
        'routes.json': '[{"name":"a","format":"json","map":"nowhere"},{"name":"a","format":"fax","map":"t"}]',
      },
    );
    const told = faults.join('\n');
    for (const part of [
      'one',
      'two',
      'u.map',
      'codes-broken',
      'codes-other',
      'schema-odd',
      'ignore-t',
      'two routes',
      'format must be',
    ]) {
      expect(told).toContain(part);
    }
  });

  test('a map must have the name of its file and know what it imports', () => {
    const told = faultsOf(`${HEAD.replace('= t', '= other')}group t(source s, target bundle : Bundle) {}`).join('\n');
    expect(told).toContain('the file must have its name');
    expect(
      faultsOf(`${HEAD}imports "http://x/StructureMap/gone"\ngroup t(source s, target bundle : Bundle) {}`).join('\n'),
    ).toContain('it imports gone');
  });
});

describe('rules', () => {
  const text = (rules: string, tree: unknown) =>
    make<never>('Basic', rules, tree) as { extension?: { valueString: string }[] };
  const values = (rules: string, tree: unknown) => (text(rules, tree)?.extension ?? []).map((one) => one.valueString);
  const say = "-> o.extension = extension('urn:x', 'string', v)";

  test('lists iterate; absent, null and empty do not run the rule', () => {
    expect(values(`src.a as v ${say};`, { a: ['x', null, '', 'y'] })).toEqual(['x', 'y']);
    expect(values(`src.a as v ${say};`, {})).toEqual([]);
    expect(values(`src.a.b.c as v ${say};`, { a: [{ b: { c: 'x' } }, { b: [{ c: ['y', 'z'] }] }, 7] })).toEqual([
      'x',
      'y',
      'z',
    ]);
  });

  test.each([
    ['first', ['a']],
    ['not_first', ['b', 'c']],
    ['last', ['c']],
    ['not_last', ['a', 'b']],
    ['only_one', ['a']],
  ])('list mode %s comes after where', (mode, expected) => {
    expect(values(`src.a ${mode} as v where $this != 'x' ${say};`, { a: ['x', 'a', 'x', 'b', 'c'] })).toEqual(expected);
  });

  test('only_one says so when there are several', () => {
    const conversion = convert(inGroup('Basic', `src.a only_one as v ${say};`), { a: ['x', 'y'] });
    expect(conversion.faults).toMatchObject([{ code: 'value-repeated', place: '/a/1' }]);
  });

  test('where sees the element being bound, by name, by $this and by variables', () => {
    const tree = {
      kind: 'b',
      a: [
        { kind: 'a', v: '1' },
        { kind: 'b', v: '2' },
      ],
    };
    expect(values(`src.a as x where kind = src.kind then { x.v as v ${say}; };`, tree)).toEqual(['2']);
    expect(values(`src.a as x where $this.kind = 'a' then { x.v as v ${say}; };`, tree)).toEqual(['1']);
    expect(values(`src.a as x where x.kind in ('a' | 'c') then { x.v as v ${say}; };`, tree)).toEqual(['1']);
  });

  test('default stands in for nothing', () => {
    expect(values(`src.a default 'none' as v ${say};`, {})).toEqual(['none']);
    expect(values(`src.a default 'none' as v ${say};`, { a: 'x' })).toEqual(['x']);
  });

  test('a failed check is an error, log an information; neither shows the value', () => {
    const rules = 'src.a as a check a.startsWith(\'x\') log a -> o.language = a "checked";';
    const good = convert(inGroup('Basic', rules), { a: 'xy' });
    expect(good.faults).toMatchObject([
      { code: 'map-log', severity: 'information', detail: 'xy', rule: 't.map#checked' },
    ]);
    const bad = convert(inGroup('Basic', rules), { a: 'secret' });
    expect(bad.faults[0]).toMatchObject({
      code: 'check-failed',
      severity: 'error',
      place: '/a',
      rule: 't.map#checked',
    });
    expect(JSON.stringify(bad.faults)).not.toContain('secret');
  });

  test('several sources give every pair', () => {
    const rules = "src.a as a, src.b as b -> o.extension = extension('urn:x', 'string', a & b);";
    expect(values(rules, { a: ['1', '2'], b: ['x', 'y'] })).toEqual(['1x', '1y', '2x', '2y']);
  });

  test('children: new in a list, the same elsewhere; first, last and share', () => {
    const rules = `src.a as a -> o.code as c, c.coding as k, k.code = a "new";
      src.b as b -> o.code as c, c.coding last as k, k.display = b "last";
      src.c as v -> o.identifier as i share one, i.value = v "shared";
      src.d as v -> o.identifier as i share one, i.system = v "shared too";`;
    expect(make('Basic', rules, { a: ['1', '2'], b: 'two', c: 'v', d: 'urn:s' })).toEqual({
      resourceType: 'Basic',
      code: { coding: [{ code: '1' }, { code: '2', display: 'two' }] },
      identifier: [{ value: 'v', system: 'urn:s' }],
    });
  });

  test('deep targets, primitive extensions, and nothing empty is left', () => {
    const rules = `src.t as t -> o.code.text = t;
      src -> o.subject as empty, o.contact as also;
      src.d as d -> o.birthDate = date(d), o._birthDate as x, x.extension = extension('urn:x', 'code', 'y');`;
    expect(
      make(
        'Patient',
        rules.replace('o.code.text', 'o.maritalStatus.text').replace('o.subject as empty', 'o.name as empty'),
        { t: 'a', d: '1950' },
      ),
    ).toEqual({
      resourceType: 'Patient',
      maritalStatus: { text: 'a' },
      birthDate: '1950',
      _birthDate: { extension: [{ url: 'urn:x', valueCode: 'y' }] },
    });
  });

  test('groups call each other, with variables and with values; extends runs the parent first', () => {
    const rules = `group t(source src, target bundle : Bundle) {
  src -> bundle.entry as e, e.resource = create('Basic') as o then child(src, 'x', src.b.c, o);
}
group parent(source s, source fixed, source deep, target o : Basic) {
  s.a as a -> o.extension = extension('urn:parent', 'string', append(a, fixed, deep));
}
group child(source s, source fixed, source deep, target o : Basic) extends parent {
  s.a as a -> o.extension = extension('urn:child', 'string', a);
}`;
    const [draft] = convert(rules, { a: '1', b: { c: '2' } }).drafts;
    expect(draft?.resource).toMatchObject({
      extension: [
        { url: 'urn:parent', valueString: '1x2' },
        { url: 'urn:child', valueString: '1' },
      ],
    });
  });

  test('a group that calls itself without end stops with an error', () => {
    const rules = `group t(source src, target bundle : Bundle) { src then again(src, bundle); }
group again(source s, target bundle : Bundle) { s then again(s, bundle); }`;
    expect(convert(rules, { a: 1 }).faults).toMatchObject([{ code: 'map-too-deep' }]);
  });
});
