import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Bundle, OperationOutcome } from '@medplum/fhirtypes';
import { codeOf, type Fixture, openFixture } from './fixture.ts';

const INS = 'urn:oid:1.2.250.1.213.1.4.8';
const LOINC = 'http://loinc.org';
const UCUM = 'http://unitsofmeasure.org';

let fixture: Fixture;
beforeAll(async () => {
  fixture = openFixture({ bases: ['https://passerelle.example/fhir/R4'] });
  const people = [
    {
      id: 'lea',
      identifier: [
        { system: INS, value: '1' },
        { system: 'urn:h1', value: '42' },
      ],
      name: [{ family: 'D’Œuvre-Martin', given: ['Léa', 'Anne'] }],
      gender: 'female',
      birthDate: '1979-03-12',
      active: true,
    },
    {
      id: 'luc',
      identifier: [{ system: 'urn:h2', value: '42' }],
      name: [{ family: 'Martin', given: ['Luc'] }],
      gender: 'male',
      birthDate: '1981',
      deceasedBoolean: true,
      telecom: [{ system: 'phone', value: '0102030405' }],
    },
    {
      id: 'ana',
      name: [{ family: 'Dupont', given: ['Ana'] }],
      generalPractitioner: [{ reference: 'Practitioner/gp' }],
      managingOrganization: { identifier: { system: 'urn:finess', value: '75' } },
    },
  ];
  for (const one of people) await fixture.put({ resourceType: 'Patient', ...one });
  await fixture.put({
    resourceType: 'Practitioner',
    id: 'gp',
    identifier: [{ system: 'urn:rpps', value: '8100' }],
    name: [{ family: 'Soigne' }],
  });
  const reading = (id: string, patient: string, code: string, value: number, date: string, rest: object = {}) =>
    fixture.put({
      resourceType: 'Observation',
      id,
      status: 'final',
      code: { coding: [{ system: LOINC, code, display: 'Saturation en oxygène' }] },
      subject: { reference: patient },
      effectiveDateTime: date,
      valueQuantity: { value, unit: '%', system: UCUM, code: '%' },
      ...rest,
    });
  await reading('s91', 'Patient/lea', '2708-6', 91, '2026-01-03T08:00:00+01:00', {
    category: [{ coding: [{ code: 'vital-signs' }] }],
  });
  await reading('s96', 'Patient/lea', '2708-6', 96, '2026-01-01T08:00:00+01:00', {
    performer: [{ reference: 'Practitioner/gp' }],
  });
  await reading('h70', 'https://passerelle.example/fhir/R4/Patient/luc', '8867-4', 70, '2026-01-02T08:00:00+01:00', {
    basedOn: [{ reference: 'CarePlan/plan' }],
  });
  await fixture.put({
    resourceType: 'Observation',
    id: 'bp',
    status: 'final',
    code: { text: 'Tension' },
    subject: { reference: 'Patient/lea' },
    component: [
      { code: { coding: [{ system: LOINC, code: '8480-6' }] }, valueQuantity: { value: 150, unit: 'mm Hg' } },
      { code: { coding: [{ system: LOINC, code: '8462-4' }] }, valueQuantity: { value: 90, unit: 'mm Hg' } },
    ],
  });
  await fixture.put({
    resourceType: 'CarePlan',
    id: 'plan',
    status: 'active',
    intent: 'plan',
    subject: { reference: 'Patient/lea' },
    meta: {
      tag: [{ system: 'urn:t', code: 'covid' }],
      profile: ['http://p.example/plan'],
      source: 'urn:passerelle:message:1',
    },
  });
  await fixture.put({
    resourceType: 'Task',
    id: 'call',
    status: 'requested',
    intent: 'order',
    basedOn: [{ reference: 'CarePlan/plan' }],
    owner: { reference: 'Practitioner/gp' },
  });
  await fixture.put({
    resourceType: 'Task',
    id: 'sub',
    status: 'requested',
    intent: 'order',
    partOf: [{ reference: 'Task/call' }],
  });
  await fixture.put({ resourceType: 'Questionnaire', id: 'q', url: 'http://q.example/daily', status: 'active' });
  await fixture.put({
    resourceType: 'QuestionnaireResponse',
    id: 'qr',
    questionnaire: 'http://q.example/daily|1.0',
    status: 'completed',
  });
});
afterAll(() => fixture.close());

describe('selects', () => {
  test.each([
    // token
    [`Patient?identifier=${INS}|1`, ['lea']],
    ['Patient?identifier=42', ['lea', 'luc']],
    ['Patient?identifier=urn:h2|42', ['luc']],
    ['Patient?identifier=urn:h1|', ['lea']],
    ['Patient?identifier=|42', []],
    [`Patient?identifier=${INS}|1,urn:h2|42`, ['lea', 'luc']],
    ['Patient?identifier=42&gender=male', ['luc']],
    ['Patient?gender=http://hl7.org/fhir/administrative-gender|female', ['lea']],
    ['Patient?gender:not=female', ['luc', 'ana']],
    ['Patient?active=true', ['lea']],
    ['Patient?deceased=true', ['luc']],
    ['Patient?deceased=false', ['lea', 'ana']],
    ['Patient?phone=0102030405', ['luc']],
    ['Patient?gender:missing=true', ['ana']],
    ['Patient?gender:missing=false', ['lea', 'luc']],
    [`Observation?code=${LOINC}|2708-6`, ['s91', 's96']],
    ['Observation?code:text=oxygene', ['s91', 's96', 'h70']],
    ['Observation?category=|vital-signs', ['s91']],
    ['Observation?combo-code=8480-6', ['bp']],
    // string
    ['Patient?family=martin', ['luc']],
    ['Patient?name=martin', ['luc']],
    ['Patient?family=d oeuvre', ['lea']],
    ['Patient?family=D%27OEUVRE%20MARTIN', ['lea']],
    ['Patient?family:contains=martin', ['lea', 'luc']],
    ['Patient?family:exact=Martin', ['luc']],
    ['Patient?family:exact=martin', []],
    ['Patient?given=lea,luc', ['lea', 'luc']],
    ['Patient?given=lea&given=anne', ['lea']],
    // date
    ['Patient?birthdate=1979-03-12', ['lea']],
    ['Patient?birthdate=1979', ['lea']],
    ['Patient?birthdate=lt1980', ['lea']],
    ['Patient?birthdate=gt1979-03-12', ['luc']],
    ['Patient?birthdate=ne1981', ['lea']],
    ['Patient?birthdate=1981-05', []],
    ['Observation?date=2026-01-02', ['h70']],
    ['Observation?date=ge2026-01-02&date=lt2026-01-03', ['h70']],
    ['Observation?date=sa2026-01-02', ['s91']],
    ['Observation?date=eb2026-01-02', ['s96']],
    ['Observation?date=2026-01-03T07:00Z', ['s91']],
    ['Observation?date:missing=true', ['bp']],
    // quantity
    ['Observation?value-quantity=91', ['s91']],
    [`Observation?value-quantity=lt95|${UCUM}|%25`, ['s91', 'h70']],
    ['Observation?value-quantity=gt90||%25', ['s91', 's96']],
    ['Observation?value-quantity=ap70', ['h70']],
    ['Observation?value-quantity=gt90|urn:other|%25', []],
    ['Observation?component-value-quantity=ge150', ['bp']],
    // composite
    [`Observation?code-value-quantity=${LOINC}|2708-6$lt95`, ['s91']],
    ['Observation?component-code-value-quantity=8480-6$gt140', ['bp']],
    ['Observation?component-code-value-quantity=8462-4$gt140', []],
    ['Observation?combo-code-value-quantity=2708-6$lt95,8462-4$90', ['s91', 'bp']],
    // reference
    ['Observation?patient=lea', ['s91', 's96', 'bp']],
    ['Observation?patient=Patient/lea', ['s91', 's96', 'bp']],
    ['Observation?subject:Patient=luc', ['h70']],
    ['Observation?subject=https://passerelle.example/fhir/R4/Patient/luc', ['h70']],
    ['Observation?patient=Patient/luc,Patient/nobody', ['h70']],
    ['Patient?organization:identifier=urn:finess|75', ['ana']],
    ['QuestionnaireResponse?questionnaire=http://q.example/daily', ['qr']],
    // chains
    [`Observation?patient.identifier=${INS}|1`, ['s91', 's96', 'bp']],
    [`Observation?patient.identifier=${INS}|1&code=2708-6&value-quantity=lt95`, ['s91']],
    ['Observation?subject:Patient.name=martin', ['h70']],
    ['Observation?performer:Practitioner.identifier=8100', ['s96']],
    ['Task?based-on:CarePlan.subject:Patient.family=d%20oeuvre', ['call']],
    ['Task?part-of.based-on:CarePlan.subject.birthdate=1979', ['sub']],
    ['Patient?general-practitioner.family=soigne', ['ana']],
    ['Patient?_has:Observation:patient:code=8867-4', ['luc']],
    ['Patient?_has:Observation:subject:value-quantity=lt95&gender=female', ['lea']],
    ['Patient?_has:CarePlan:subject:_has:Task:based-on:status=requested', ['lea']],
    // every resource
    ['Patient?_id=lea,ana,nobody', ['lea', 'ana']],
    ['CarePlan?_tag=urn:t|covid', ['plan']],
    ['CarePlan?_profile=http://p.example/plan', ['plan']],
    ['CarePlan?_source=urn:passerelle:message:1', ['plan']],
    ['CarePlan?_source:below=urn:passerelle', ['plan']],
    ['Patient?_lastUpdated=gt2020-01-01&_id=lea', ['lea']],
    ['Patient?_lastUpdated=lt2020-01-01', []],
    ['Patient', ['lea', 'luc', 'ana']],
  ])('%s', async (path, expected) => {
    expect(await fixture.ids(path)).toEqual(expected);
    expect((await fixture.search(`${path}${path.includes('?') ? '&' : '?'}_summary=count`)).total).toBe(
      expected.length,
    );
  });
});

describe('sorts, includes and shapes', () => {
  test.each([
    ['Observation?_sort=date', ['s96', 'h70', 's91', 'bp']],
    ['Observation?_sort=-date', ['s91', 'h70', 's96', 'bp']],
    ['Patient?_sort=family', ['lea', 'ana', 'luc']],
    ['Patient?_sort=-family,given', ['luc', 'ana', 'lea']],
    ['Patient?_sort=gender,-birthdate', ['lea', 'luc', 'ana']],
    ['Patient?_sort=-_id', ['luc', 'lea', 'ana']],
    ['Observation?_sort=-value-quantity&patient=lea', ['s96', 's91', 'bp']],
    ['CarePlan?_include=CarePlan:subject', ['plan', 'Patient/lea']],
    ['CarePlan?_include=CarePlan:subject:Group', ['plan']],
    [
      'CarePlan?patient.identifier=1&_include=CarePlan:subject&_revinclude=Task:based-on',
      ['plan', 'Patient/lea', 'Task/call'],
    ],
    [
      'CarePlan?_revinclude=Task:based-on&_revinclude:iterate=Task:part-of&_include:iterate=Task:owner',
      ['plan', 'Task/call', 'Task/sub', 'Practitioner/gp'],
    ],
    ['QuestionnaireResponse?_include=QuestionnaireResponse:questionnaire', ['qr', 'Questionnaire/q']],
    ['Task?_id=call&_include=*', ['call', 'Practitioner/gp', 'CarePlan/plan']],
    ['Observation?_id=h70&_include=Observation:subject', ['h70', 'Patient/luc']],
  ])('%s', async (path, expected) => {
    expect(await fixture.ids(path)).toEqual(expected);
  });

  test('_summary, _elements and _total', async () => {
    const [entry] = (await fixture.search('Patient?_id=lea&_elements=birthDate')).entry!;
    expect(Object.keys(entry!.resource!).sort()).toEqual(['birthDate', 'id', 'meta', 'resourceType']);
    expect((await fixture.search('Patient?_count=1')).entry).toHaveLength(1);
    expect((await fixture.search('Patient?_count=1&_total=accurate')).total).toBe(3);
    expect((await fixture.search('Patient?_count=0')).entry).toBeUndefined();
    expect((await fixture.search('Patient?_id=lea&_total=none')).total).toBeUndefined();
  });

  test('a search by POST is the same search', async () => {
    const form = `identifier=${encodeURIComponent(`${INS}|1`)}&_elements=id`;
    const asText = await fixture.send('POST', 'Patient/_search', form);
    const asObject = await fixture.send('POST', 'Patient/_search?gender=female', { identifier: `${INS}|1` });
    for (const answer of [asText, asObject])
      expect((answer.body as Bundle).entry!.map((one) => one.resource!.id)).toEqual(['lea']);
  });
});

describe('what is not known', () => {
  test('is named in the outcome, and the rest is answered', async () => {
    const answer = (await fixture.get('Patient?bogus=1&_id=lea&_sort=nothing&_include=Patient:nothing')).body as Bundle;
    const [match, outcome, ...rest] = answer.entry!;
    expect([match!.resource!.id, outcome!.search!.mode, rest]).toEqual(['lea', 'outcome', []]);
    const texts = (outcome!.resource as OperationOutcome).issue.map((issue) => [issue.severity, issue.details!.text]);
    expect(texts.map(([severity]) => severity)).toEqual(['warning', 'warning', 'warning']);
    expect(texts[0]![1]).toContain('bogus');
  });

  test.each([
    ['Patient?bogus=1', 400, 'search-parameter-unknown'],
    ['Patient?_sort=bogus', 400, 'search-parameter-unknown'],
    ['Patient?_include=Patient:bogus', 400, 'search-parameter-unknown'],
    ['Patient?general-practitioner.bogus=1', 400, 'search-parameter-unknown'],
    ["Patient?link:X';DROP.name=1", 400, 'search-parameter-unknown'],
    ["Patient?_has:X';--:y:_id=1", 400, 'search-parameter-unknown'],
    ['Patient?gender:above=x', 400, 'search-modifier-unsupported'],
    ['Patient?family:not=x', 400, 'search-modifier-unsupported'],
    ['Patient?birthdate=yesterday', 400, 'search-value-invalid'],
    ['Patient?birthdate=2026-13-01', 400, 'search-value-invalid'],
    ['Observation?value-quantity=much', 400, 'search-value-invalid'],
    ['Observation?code-value-quantity=2708-6', 400, 'search-value-invalid'],
    ['Patient?identifier=a|b|c', 400, 'search-value-invalid'],
    ['Patient?_count=-1', 400, 'search-value-invalid'],
    ['Patient?_cursor=nonsense', 400, 'search-value-invalid'],
    ['Patient?_include=x', 400, 'search-value-invalid'],
    ['Patient?gender:missing=perhaps', 400, 'search-value-invalid'],
    [`Patient?identifier=${Array(1001).fill('1').join(',')}`, 400, 'search-too-costly'],
    [`Patient?${Array(101).fill('active=true').join('&')}`, 400, 'search-too-costly'],
    [`Patient?${'link:Patient.'.repeat(9)}name=x`, 400, 'search-too-costly'],
  ])('%.60s is refused when the caller is strict', async (path, status, code) => {
    const answer = await fixture.get(path, { prefer: 'handling=strict' });
    expect([answer.status, codeOf(answer)]).toEqual([status, code]);
  });

  test('links name what made the answer, and nothing that was not applied', async () => {
    const path = 'Patient?bogus=1&gender=female,male&_sort=bogus,-birthdate&_include=Patient:bogus&_count=1';
    const { body } = await fixture.get(path);
    const links = (body as Bundle).link!.map(({ relation, url }) => [relation, decodeURIComponent(url)]);
    expect(links[0]).toEqual(['self', 'Patient?gender=female,male&_sort=-birthdate&_count=1']);
    expect(links[1]?.[1]).toContain('Patient?gender=female,male&_sort=-birthdate&_count=1&_cursor=');
  });
});
