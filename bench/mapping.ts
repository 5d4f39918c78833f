import { performance } from 'node:perf_hooks';
import { parseMappingLanguage, structureMapTransform, toTypedValue } from '@medplum/core';
import type { ConceptMap } from '@medplum/fhirtypes';
import type { Decoded } from '../src/conversion.ts';
import { buildMappings, type Translator } from '../src/mapping/index.ts';
import { type BenchOptions, type BenchResult, type BenchRow, row } from './result.ts';

/** What a map in both engines can say: names, codes, constants; no dates, quantities, references. */
const COMMON = `map "http://passerelle.example/fhir/StructureMap/common" = common
group common(source src, target bundle : Bundle) {
  src.measures as m -> bundle.entry as e, e.resource = create('Observation') as o then {
    m -> o.status = 'final' "status";
    m.kind as kind -> o.code = cc('http://loinc.org', kind) "code";
    m.text as text -> o.valueString = text "value";
    m.note as note -> o.note as n then { note -> n.text = note "text"; } "note";
  } "measure";
}`;

const READINGS = `map "http://passerelle.example/fhir/StructureMap/readings" = readings
group readings(source src, source message : Message, target bundle : Bundle) {
  src.patient as p -> bundle.entry as e, e.subject = true, e.resource = create('Patient') as patient then {
    p.ins as v -> patient.identifier = identifier('urn:oid:1.2.250.1.213.1.4.10', v, 'official') "ins";
    p -> patient.name = humanName(p.family, p.given, 'official') "name";
    p.birthDate as d -> patient.birthDate = date(d) "birth";
    p.sex as s -> patient.gender = translate(s, 'bench-sex') "sex";
  } "patient";
  src.measures as m where m.value.exists() -> bundle.entry as e, e.resource = create('Observation') as o then {
    m -> o.status = 'final', o.subject = subject(), o.category = cc('http://terminology.hl7.org/CodeSystem/observation-category', 'vital-signs') "fixed";
    m.kind as k -> o.code = translate(k, 'bench-kind', 'CodeableConcept') "code";
    m.at as at -> o.effectiveDateTime = dateTime(at) "when";
    m -> o.valueQuantity = quantity(m.value, translate(m.kind, 'bench-unit')) "value";
  } "measure";
}`;

const DOCUMENT = `map "http://passerelle.example/fhir/StructureMap/document" = document
group document(source src, target bundle : Bundle) {
  src.patient as p -> bundle.entry as e, e.subject = true, e.resource = create('Patient') as patient then {
    p.id as id -> patient.identifier = id "id";
    p.name as name -> patient.name = name "name";
  } "patient";
  src.author as a -> bundle.entry as e, e.resource = create('Practitioner') as who then {
    a.id as id -> who.identifier = id "id";
    a.name as name -> who.name = name "name";
  } "author";
  src.section as s -> bundle.entry as e, e.resource = create('Composition') as c then {
    s -> c.status = 'final', c.title = s.title, c.type = s.code, c.subject = subject(), c.date = s.time "section";
    s.entry as x then entry(x, bundle) "entry";
  } "sections";
}
group entry(source x, target bundle : Bundle) {
  x where kind = 'observation' -> bundle.entry as e, e.resource = create('Observation') as o then {
    x.id as id -> o.identifier = id "id";
    x.code as code -> o.code = code "code";
    x -> o.status = 'final', o.subject = subject() "fixed";
    x.time as time -> o.effectiveDateTime = time "time";
    x.value as v -> o.valueQuantity = quantity(v) "value";
    x.interpretation as i -> o.interpretation = i "interpretation";
    x.component as inner then entry(inner, bundle) "component";
  } "observation";
}`;

const files: Record<string, string> = {
  'common.map': COMMON,
  'readings.map': READINGS,
  'document.map': DOCUMENT,
  'codes-bench-sex.json': table('urn:bench', 'http://hl7.org/fhir/administrative-gender', {
    F: ['female'],
    M: ['male'],
  }),
  'codes-bench-kind.json': table('urn:bench', 'http://loinc.org', {
    spo2: ['2708-6', '59408-5'],
    temp: ['8310-5'],
    pulse: ['8867-4'],
    breath: ['9279-1'],
  }),
  'codes-bench-unit.json': table('urn:bench', 'http://unitsofmeasure.org', {
    spo2: ['%'],
    temp: ['Cel'],
    pulse: ['/min'],
    breath: ['/min'],
  }),
  'routes.json': JSON.stringify([
    { name: 'common', format: 'json', map: 'common' },
    { name: 'readings', format: 'json', map: 'readings' },
    { name: 'document', format: 'json', map: 'document' },
    { name: 'fhir', format: 'fhir', map: 'fhir' },
  ]),
};

function table(source: string, target: string, codes: Record<string, string[]>): string {
  const element = Object.entries(codes).map(([code, to]) => ({ code, target: to.map((one) => ({ code: one })) }));
  return JSON.stringify({
    resourceType: 'ConceptMap',
    status: 'active',
    group: [{ source, target, element }],
  } as ConceptMap);
}

/** The translator alone: decoded trees in, drafts out; beside it Medplum's interpreter on what it can do. */
export async function run(options: BenchOptions = {}): Promise<BenchResult> {
  const { translator, faults } = buildMappings(files);
  if (!translator) throw new Error(faults.map((one) => JSON.stringify(one.params)).join('; '));
  const seconds = options.quick ? 0.3 : 2;
  const rows: BenchRow[] = [];
  const common = commonTree();
  const map = parseMappingLanguage(COMMON);
  options.progress?.('the same small map in both engines');
  const ours = rate(seconds, () => convert(translator, 'common', 'json', common));
  const theirs = rate(seconds, () => structureMapTransform(map, [toTypedValue(common)]));
  rows.push(row('map of names and codes, 6 resources', ours, '/s', theirs, 'Medplum structureMapTransform'));
  options.progress?.('telemonitoring payload');
  const readings = readingsTree();
  rows.push(
    row(
      'telemonitoring JSON, 7 resources',
      rate(seconds, () => convert(translator, 'readings', 'json', readings)),
      '/s',
    ),
  );
  rows.push(
    row(
      'the same with traces read',
      rate(seconds, () => convert(translator, 'readings', 'json', readings).traces),
      '/s',
    ),
  );
  options.progress?.('document tree');
  const document = documentTree();
  const documents = rate(seconds, () => convert(translator, 'document', 'json', document));
  rows.push(
    row(
      `document tree of ${leaves(document)} values, ${convert(translator, 'document', 'json', document).drafts.length} resources`,
      1000 / documents,
      'ms',
    ),
  );
  const feed = feedBundle();
  rows.push(
    row(
      'FHIR measures feed, 3 resources',
      rate(seconds, () => convert(translator, 'fhir', 'fhir', feed)),
      '/s',
    ),
  );
  return {
    bench: 'mapping',
    rows,
    notes: [
      'One core, by processor time. Trees are already decoded; drafts are complete (identities, references, empty values taken out), not yet judged.',
      'Our small map also gives keys, identities and traces, which the interpreter does not.',
    ],
  };
}

let serial = 0;

function convert(translator: Translator, route: string, format: Decoded['format'], tree: unknown) {
  const context = {
    sender: 'bench',
    messageIdentity: String(serial++),
    receivedAt: new Date(1_615_000_000_000),
    route,
  };
  return translator.convert({ format, tree, faults: [], parts: [] }, context);
}

/** Runs per second of processor time after warming up, so that a busy machine changes little. */
function rate(seconds: number, work: () => unknown): number {
  const warm = performance.now() + 200;
  while (performance.now() < warm) work();
  let count = 0;
  const start = process.cpuUsage();
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    for (let turn = 0; turn < 20; turn++) work();
    count += 20;
  }
  const { user, system } = process.cpuUsage(start);
  return (count * 1_000_000) / (user + system);
}

function commonTree() {
  const measures = ['2708-6', '8310-5', '8867-4', '9279-1', '29463-7', '8302-2'].map((kind, index) => ({
    kind,
    text: `value ${index}`,
    note: 'taken at rest',
  }));
  return { measures };
}

function readingsTree() {
  const kinds = ['spo2', 'temp', 'pulse', 'breath', 'spo2', 'temp'];
  return {
    patient: {
      ins: '264077511204579',
      family: 'LE GUEN',
      given: ['Solenn', 'Maude'],
      birthDate: '1964-07-02',
      sex: 'F',
    },
    measures: kinds.map((kind, index) => ({ kind, value: 36 + index, at: `2021-03-10T08:0${index}:00+01:00` })),
  };
}

function documentTree() {
  const coded = (code: string) => ({ system: 'http://loinc.org', code, display: `display of ${code}` });
  const observation = (number: number): Record<string, unknown> => ({
    kind: 'observation',
    id: { system: 'urn:oid:1.2.250.1.999.3', value: `obs-${number}` },
    code: coded('8310-5'),
    time: '2021-03-10T08:00:00+01:00',
    value: { value: 37.2, unit: 'Cel' },
    interpretation: coded('N'),
  });
  const section = (number: number) => ({
    title: `Section ${number}`,
    code: coded('8716-3'),
    time: '2021-03-10',
    entry: Array.from({ length: 17 }, (_, index) => observation(number * 100 + index)),
  });
  return {
    patient: {
      id: { system: 'urn:oid:1.2.250.1.213.1.4.10', value: '264077511204579' },
      name: { family: 'LE GUEN', given: ['Solenn'] },
    },
    author: { id: { system: 'urn:oid:1.2.250.1.71.4.2.1', value: '810009998887' }, name: { family: 'OZANNE' } },
    section: Array.from({ length: 10 }, (_, index) => section(index)),
  };
}

function leaves(value: unknown): number {
  if (value === null || typeof value !== 'object') return 1;
  return Object.values(value).reduce((sum: number, one) => sum + leaves(one), 0);
}

function feedBundle() {
  const subject = { identifier: { system: 'urn:oid:1.2.250.1.213.1.4.10', value: '264077511204579' } };
  const device = 'urn:uuid:5b0c1d5e-98a1-4b53-9a4b-1f1a7d8f0c02';
  const observation = {
    resourceType: 'Observation',
    status: 'final',
    code: { coding: [{ system: 'http://loinc.org', code: '59408-5' }] },
    subject,
    effectiveDateTime: '2021-03-05T08:00:00+01:00',
    valueQuantity: { value: 95, unit: '%', system: 'http://unitsofmeasure.org', code: '%' },
    device: { reference: device },
  };
  const identifier = [{ system: 'urn:oid:1.2.840.10004.1.1.1.0.0.1.0.0.1.2680', value: '0A-1B' }];
  return {
    resourceType: 'Bundle',
    type: 'transaction',
    entry: [
      { resource: observation, request: { method: 'POST', url: 'Observation' } },
      { fullUrl: device, resource: { resourceType: 'Device', identifier }, request: { method: 'POST', url: 'Device' } },
    ],
  };
}
