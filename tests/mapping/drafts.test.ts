import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { Observation, Patient } from '@medplum/fhirtypes';
import type { Conversion } from '../../src/conversion.ts';
import { buildMappings, loadMappings, reloadMappings } from '../../src/mapping/index.ts';
import { PLACE_SYSTEM } from '../../src/seed.ts';
import { context, convert, table, translatorOf } from './convert.ts';

const INS = 'urn:oid:1.2.250.1.213.1.4.8';
const types = ({ drafts }: Conversion) => drafts.map(({ resource }) => resource.resourceType);

describe('identity', () => {
  const person = `group t(source src, target bundle : Bundle) {
  src.people as p -> bundle.entry as e, e.resource = create('Practitioner') as who, who.identifier = identifier(p.system, p.number), who.name = humanName(p.family, p.given) "person";
  src.notes as n -> bundle.entry as e, e.resource = create('Observation') as o, o.status = 'final', o.valueString = n, o.identifier = identifier('urn:order', src.order) "note";
}`;

  test('the same person met twice is one draft: first wins, gaps are filled', () => {
    const people = [
      { system: 'urn:rpps', number: '1', family: 'OZANNE' },
      { system: 'urn:rpps', number: '1', family: 'OTHER', given: 'Maud' },
      { number: '1', family: 'NOBODY' },
    ];
    const conversion = convert(person, { people });
    expect(types(conversion)).toEqual(['Practitioner', 'Practitioner']);
    expect(conversion.drafts[0]).toMatchObject({
      key: '/people/0/Practitioner',
      write: 'update',
      identity: { system: 'urn:rpps', value: '1' },
      resource: { name: [{ family: 'OZANNE' }] },
    });
    expect(conversion.drafts[1]!.identity.system).toBe(PLACE_SYSTEM);
    expect(conversion.drafts[1]!.resource).toMatchObject({ identifier: [{ value: '1' }, { system: PLACE_SYSTEM }] });
  });

  test('what was absorbed can still be explained', () => {
    const people = [
      { system: 'urn:rpps', number: '1' },
      { system: 'urn:rpps', number: '1', family: 'LATE' },
    ];
    const { drafts, traces } = convert(person, { people });
    expect(drafts[0]!.resource).toMatchObject({ name: [{ family: 'LATE' }] });
    expect(traces).toContainEqual({
      target: drafts[0]!.fullUrl,
      path: 'name[0]',
      place: '/people/1/family',
      map: 't',
      rule: 'person',
    });
  });

  test('different readings are never merged by a number further down their list', () => {
    const rules = person.replace(
      "o.identifier = identifier('urn:order', src.order)",
      "o.identifier = identifier('urn:own', n), o.identifier = identifier('urn:order', src.order)",
    );
    expect(types(convert(rules, { notes: ['a', 'b'], order: '9' }))).toEqual(['Observation', 'Observation']);
  });

  test('the INS comes before other numbers of a patient', () => {
    const rules = `group t(source src, target bundle : Bundle) {
  src -> bundle.entry as e, e.subject = true, e.resource = create('Patient') as p, p.identifier = identifier('urn:ipp', '7'), p.identifier = identifier('${INS}', '1');
}`;
    expect(convert(rules, {}).drafts[0]!.identity).toEqual({ system: INS, value: '1' });
  });

  test('keys, fullUrls and identities are the same at a re-send and differ by message and sender', () => {
    const urls = (sender: string, messageIdentity: string) =>
      convert(person, { notes: ['a', 'b'] }, { context: { sender, messageIdentity } }).drafts.map(
        ({ fullUrl }) => fullUrl,
      );
    expect(urls('a', '1')).toEqual(urls('a', '1'));
    expect(new Set([...urls('a', '1'), ...urls('a', '2'), ...urls('b', '1')]).size).toBe(6);
  });

  test('two drafts of one place and type have different keys', () => {
    const rules = `group t(source src, target bundle : Bundle) {
  src.a as a -> bundle.entry as e, e.resource = create('Basic') as one, one.code = cc('x', '1') "one";
  src.a as a -> bundle.entry as e, e.resource = create('Basic') as two, two.code = cc('x', '2') "two";
  src.a as a -> bundle.entry as e, e.key = 'chosen', e.resource = create('Basic') as three, three.code = cc('x', '3') "three";
}`;
    const keys = convert(rules, { a: 1 }).drafts.map(({ key }) => key);
    expect(keys).toEqual(['/a/Basic', '/a/Basic/two', 'chosen/Basic']);
  });

  test('an explicit identity is carried by the resource; one with nothing in it is dropped and said', () => {
    const rules = `group t(source src, target bundle : Bundle) {
  src -> bundle.entry as e, e.identity = identifier('urn:x', '1'), e.write = 'create', e.resource = create('Encounter') as o, o.status = 'planned' "full";
  src -> bundle.entry as e, e.resource = create('Basic') as o, o.code as c "empty";
}`;
    const conversion = convert(rules, {});
    expect(conversion.drafts).toMatchObject([
      { write: 'create', resource: { identifier: [{ system: 'urn:x', value: '1' }] } },
    ]);
    expect(conversion.faults).toMatchObject([
      { code: 'resource-empty', params: { type: 'Basic' }, rule: 't.map#empty' },
    ]);
  });
});

describe('references', () => {
  const rules = `group t(source src, target bundle : Bundle) {
  src.notes as n -> bundle.entry as e, e.resource = create('Observation') as o, o.status = 'final', o.subject = subject(), o.encounter = keyed('stay'), o.valueString = n,
    o.performer = reference('Practitioner', identifier('urn:rpps', src.doctor), 'Dr') "note";
  src.stay as s -> bundle.entry as e, e.key = 'stay', e.resource = create('Encounter') as stay, stay.status = 'planned' "stay";
  src.patient as p -> bundle.entry as e, e.subject = true, e.resource = create('Patient') as patient, patient.birthDate = p "patient";
}`;

  test('to the subject and by key, also when they come later; logical ones', () => {
    const conversion = convert(rules, { notes: ['a'], stay: 1, patient: '1950', doctor: '8' });
    const [note, stay, patient] = conversion.drafts;
    expect(conversion.subject).toBe(patient!.fullUrl);
    expect(note!.resource).toMatchObject({
      subject: { reference: patient!.fullUrl },
      encounter: { reference: stay!.fullUrl },
      performer: [{ type: 'Practitioner', identifier: { system: 'urn:rpps', value: '8' }, display: 'Dr' }],
    });
  });

  test('a missing target leaves no reference behind; without a subject the message is refused', () => {
    const conversion = convert(rules, { notes: ['a', 'b'] });
    expect((conversion.drafts[0]!.resource as Observation).subject).toBeUndefined();
    expect((conversion.drafts[0]!.resource as Observation).encounter).toBeUndefined();
    expect(conversion.faults.filter(({ severity }) => severity === 'error')).toMatchObject([
      { code: 'subject-missing' },
    ]);
    expect(conversion.faults.filter(({ code }) => code === 'reference-unresolved')).toHaveLength(2);
  });
});

describe('embedded documents', () => {
  const map = (name: string, rules: string) => `map "http://passerelle.example/fhir/StructureMap/${name}" = ${name}
group ${name}(source src, source message : Message, target bundle : Bundle) {
  src.patient as p -> bundle.entry as e, e.subject = true, e.resource = create('Patient') as patient then {
    p.ins as v -> patient.identifier = identifier('${INS}', v) "ins";
    p.ipp as v -> patient.identifier = identifier('urn:ipp', v) "ipp";
    p.birth as v -> patient.birthDate = date(v) "birth";
  } "patient";
  ${rules}
}`;
  const files = {
    'routes.json': JSON.stringify([
      { name: 'carrier', format: 'json', map: 'carrier', parts: { cda: 'inner' } },
      { name: 'inner', format: 'cda', map: 'inner' },
    ]),
    'carrier.map': map('carrier', ''),
    'inner.map': map(
      'inner',
      "src.note as n -> bundle.entry as e, e.key = 'note', e.resource = create('Observation') as o, o.status = 'final', o.subject = subject(), o.valueString = message.carrier.event & message.place;",
    ),
  };
  const { translator } = buildMappings(files);

  function both(carrier: object, inner: object) {
    const decoded = { format: 'cda' as const, tree: inner, faults: [], parts: [] };
    const part = { place: 'OBX[1]-5', contentType: 'text/xml', bytes: new Uint8Array(), decoded };
    return translator!.convert({ format: 'json', tree: carrier, faults: [], parts: [] }, { ...context, parts: [part] });
  }

  test('are mapped by the route of their format and joined: one patient, carrier first', () => {
    const conversion = both(
      { event: 'T02', patient: { ipp: '7', birth: '1950' } },
      { patient: { ins: '1', birth: '1951' }, note: 'x' },
    );
    expect(types(conversion)).toEqual(['Patient', 'Observation']);
    const [patient, note] = conversion.drafts;
    expect(patient!.resource).toMatchObject({
      birthDate: '1950',
      identifier: [{ value: '7' }, { system: INS, value: '1' }],
    });
    expect(patient!.identity).toEqual({ system: INS, value: '1' });
    expect(note).toMatchObject({
      key: 'OBX[1]-5/note/Observation',
      resource: { subject: { reference: patient!.fullUrl }, valueString: 'T02OBX[1]-5' },
    });
    expect(Object.keys(conversion.maps)).toEqual(['carrier', 'inner']);
    expect(conversion.traces.map(({ place }) => place)).toContain('OBX[1]-5/patient/ins');
  });

  test('two patients whose numbers contradict each other are an error', () => {
    const conversion = both({ patient: { ins: '2' } }, { patient: { ins: '1' } });
    expect(conversion.faults).toMatchObject([
      { code: 'identity-mismatch', severity: 'error', place: 'OBX[1]-5/patient' },
    ]);
  });
});

describe('intents and orders', () => {
  test('are filled by the map in the shapes of the conversion', () => {
    const rules = `group t(source src, target bundle : Bundle, target intents : Intents, target orders : Orders) {
  src -> bundle.entry as e, e.resource = create('DocumentReference') as doc, doc.status = 'current', doc.masterIdentifier = identifier('urn:doc', src.id),
    intents.intent as i, i.kind = 'replace', i.document = identifier('urn:doc', src.old), i.by = reference(doc),
    orders.dmp = true, orders.event = 'replace', orders.recipients as r, r.mail = src.mail, r.person as who, who.family = 'OZANNE' "order";
}`;
    const conversion = convert(rules, { id: '2', old: '1', mail: 'a@b.mssante.fr' });
    expect(conversion.drafts[0]!.identity).toEqual({ system: 'urn:doc', value: '2' });
    expect(conversion.intents).toEqual([
      { kind: 'replace', place: '', document: { system: 'urn:doc', value: '1' }, by: conversion.drafts[0]!.fullUrl },
    ]);
    expect(conversion.orders).toMatchObject({
      dmp: true,
      mssPatient: false,
      event: 'replace',
      recipients: [{ mail: 'a@b.mssante.fr', person: { family: 'OZANNE' } }],
    });
  });
});

describe('hostile messages', () => {
  const rules = `group t(source src, target bundle : Bundle) {
  src.a as a -> bundle.entry as e, e.resource = create('Basic') as o, o.code = translate(a, 'kind', 'CodeableConcept'), o.created = date(a) "one";
}`;
  const files = { 'codes-kind.json': table('urn:a', 'urn:b', { x: ['1'] }) };

  test('thousands of findings are counted, not listed; thousands of codes take no quadratic time', () => {
    const conversion = convert(rules, { a: Array.from({ length: 19_000 }, (_, index) => `code ${index}`) }, { files });
    expect(conversion.drafts).toHaveLength(19_000);
    expect(conversion.unmapped).toHaveLength(19_000);
    expect(conversion.faults).toHaveLength(1001);
    expect(conversion.faults.at(-1)).toMatchObject({ code: 'findings-cut', params: { count: 37_000 } });
  });

  test('more resources than any message needs are an error', () => {
    const { faults } = convert(rules, { a: Array.from({ length: 20_001 }, () => 'x') }, { files });
    expect(faults).toContainEqual({ code: 'too-many-resources', severity: 'error', params: { limit: 20_000 } });
  });

  test('names of objects’ own machinery are ordinary names or nothing', () => {
    const tree = JSON.parse('{"a":"x","__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}');
    const odd = rules.replace('src.a as a', 'src.toString as t, src.a as a');
    expect(convert(odd, tree, { files }).drafts).toEqual([]);
    expect(convert(rules, tree, { files }).drafts).toHaveLength(1);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });
});

describe('routes, schemas, tables', () => {
  const files = {
    'routes.json': JSON.stringify([
      { name: 'one', format: 'json', map: 't', when: { 'head.type': ['a', 'b'], version: 2 }, schema: 'one' },
      { name: 'mine', format: 'json', map: 't', sender: 'me', when: { 'head.type': { prefix: 'x-' } } },
      {
        name: 'rest',
        format: 'json',
        map: 't',
        when: { odd: { exists: false } },
        profiles: { Patient: ['urn:profile'] },
      },
    ]),
    'schema-one.json': JSON.stringify({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      required: ['birth', 'version'],
      properties: {
        version: { const: 2 },
        birth: { type: 'string', format: 'date' },
        sex: { enum: ['F', 'M'] },
        head: { type: 'object' },
      },
      additionalProperties: false,
    }),
    'codes-back.json': table('urn:a', 'urn:b', { x: ['1'], y: ['1'] }),
  };
  const translator = translatorOf(
    `group t(source src, target bundle : Bundle) { src.birth as b -> bundle.entry as e, e.subject = true, e.resource = create('Patient') as p, p.birthDate = b; }`,
    files,
  );
  const route = (tree: object, sender?: string) => translator.route({ format: 'json', tree }, undefined, sender)?.name;

  test('the first that fits decides; a name only with its own format', () => {
    expect(route({ version: 2, head: [{ type: 'c' }, { type: 'b' }] })).toBe('one');
    expect(route({ version: '2', head: { type: 'b' } })).toBe('rest');
    expect(route({ head: { type: 'x-1' } }, 'me')).toBe('mine');
    expect(route({ odd: 1 })).toBeUndefined();
    expect(translator.route({ format: 'cda', tree: {} }, 'rest')).toBeUndefined();
  });

  test('a payload that breaks its schema is refused with every place and without its values', () => {
    const tree = { version: 2, birth: 'SECRET', sex: 'Z', head: { type: 'a' }, more: 1 };
    const conversion = translator.convert({ format: 'json', tree, faults: [], parts: [] }, context);
    expect(conversion.drafts).toEqual([]);
    expect(conversion.faults.map(({ place }) => place).sort()).toEqual(['/birth', '/more', '/sex']);
    expect(JSON.stringify(conversion.faults)).not.toContain('SECRET');
  });

  test('claims of profiles are added; an unknown route is a fault', () => {
    const decoded = { format: 'json' as const, tree: { birth: '1950' }, faults: [], parts: [] };
    const [draft] = translator.convert(decoded, context).drafts;
    expect((draft!.resource as Patient).meta?.profile).toEqual(['urn:profile']);
    expect(translator.convert(decoded, { ...context, route: 'nowhere' }).faults).toMatchObject([
      { code: 'route-unknown' },
    ]);
    expect(translator.convert({ ...decoded, tree: { odd: 1 } }, context).faults).toMatchObject([
      { code: 'route-missing' },
    ]);
  });

  test('tables answer both ways', () => {
    expect(translator.translate('back', 'urn:a', 'x')).toMatchObject({
      outcome: 'mapped',
      targets: [{ system: 'urn:b', code: '1' }],
    });
    expect(translator.translate('back', 'urn:b', '1', { reverse: true })?.targets.map(({ code }) => code)).toEqual([
      'x',
      'y',
    ]);
    expect(translator.translate('back', undefined, 'z')).toMatchObject({ outcome: 'unmapped', targets: [] });
    expect(translator.translate('nowhere', undefined, 'z')).toBeUndefined();
  });
});

test('a folder is loaded, and a faulty new version leaves the old one in use', () => {
  const folder = mkdtempSync(join(tmpdir(), 'maps-'));
  const map = (rule: string) =>
    `map "http://passerelle.example/fhir/StructureMap/t" = t\ngroup t(source src, target bundle : Bundle) { ${rule} }`;
  try {
    writeFileSync(join(folder, 'routes.json'), JSON.stringify([{ name: 't', format: 'json', map: 't' }]));
    writeFileSync(join(folder, 't.map'), map("src -> bundle.warning = 'one';"));
    const { translator } = loadMappings(folder);
    writeFileSync(join(folder, 't.map'), map("src -> bundle.wrning = 'one';"));
    const kept = reloadMappings(translator!, folder);
    expect(kept).toMatchObject({ changed: false, faults: [{ code: 'map-invalid', place: 't.map:2' }] });
    expect(kept.translator).toBe(translator);
    writeFileSync(join(folder, 't.map'), map("src -> bundle.warning = 'two';"));
    const renewed = reloadMappings(translator!, folder);
    expect(renewed).toMatchObject({ changed: true, faults: [] });
    expect(renewed.translator.maps.t).not.toBe(translator!.maps.t);
  } finally {
    rmSync(folder, { recursive: true });
  }
  expect(loadMappings(join(folder, 'gone')).faults).toMatchObject([{ code: 'mapping-file-invalid' }]);
});
