import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type RunningGateway, startGateway } from './running.ts';

const base = 'http://passerelle.example/fhir/';
const q = (query: Record<string, string>) => new URLSearchParams(query).toString();

describe('terminology through the FHIR API, on what maps and examiner use', () => {
  let gateway: RunningGateway;
  const get = async (path: string, query: Record<string, string> = {}) => gateway.get(`/fhir/R4/${path}?${q(query)}`);
  const post = async (path: string, parameter: object[]) =>
    gateway.post(
      `/fhir/R4/${path}`,
      { resourceType: 'Parameters', parameter },
      { 'content-type': 'application/fhir+json' },
    );
  const values = (body: any) =>
    Object.fromEntries(
      body.parameter.map(({ name, part, ...value }: any) => [name, part ?? Object.values(value)[0]]),
    ) as Record<string, any>;
  beforeAll(async () => {
    gateway = await startGateway();
  });
  afterAll(() => gateway.remove());

  test('$lookup: own systems with both languages, R4’s, and words the tables give', async () => {
    const own = await get('CodeSystem/$lookup', { system: `${base}CodeSystem/phase`, code: 'viral' });
    expect(values(own.body)).toMatchObject({ name: 'Phase de la maladie', display: 'Phase virale', version: '1.0.0' });
    expect(JSON.stringify(own.body)).toContain('Viral phase');
    const posted = await post('CodeSystem/$lookup', [
      { name: 'coding', valueCoding: { system: 'http://snomed.info/sct', code: '49727002' } },
    ]);
    expect([posted.status, values(posted.body).display]).toEqual([200, 'Cough']);
    const byId = await get('CodeSystem/phase/$lookup', { code: 'viral' });
    expect(values(byId.body).display).toBe('Phase virale');
    const none = await get('CodeSystem/$lookup', { system: `${base}CodeSystem/phase`, code: 'nowhere' });
    expect([none.status, JSON.stringify(none.body)]).toEqual([404, expect.stringContaining('terminology-unknown')]);
  });

  test('$validate-code against a code system and a value set', async () => {
    const ask = async (type: string, query: Record<string, string>) =>
      values((await get(`${type}/$validate-code`, query)).body);
    expect(await ask('CodeSystem', { url: 'http://hl7.org/fhir/administrative-gender', code: 'female' })).toMatchObject(
      { result: true },
    );
    expect(await ask('CodeSystem', { url: 'http://unitsofmeasure.org', code: 'mm[Hg]' })).toMatchObject({
      result: true,
    });
    expect(await ask('CodeSystem', { url: 'http://hl7.org/fhir/administrative-gender', code: 'x' })).toMatchObject({
      result: false,
    });
    const set = 'http://hl7.org/fhir/ValueSet/administrative-gender';
    expect(
      await ask('ValueSet', { url: set, system: 'http://hl7.org/fhir/administrative-gender', code: 'male' }),
    ).toMatchObject({ result: true });
    expect(await ask('ValueSet', { url: set, system: 'http://loinc.org', code: 'male' })).toMatchObject({
      result: false,
    });
    const named = { url: `${base}CodeSystem/phase`, coding: `${base}CodeSystem/phase|viral` };
    expect(await ask('CodeSystem', named)).toMatchObject({ result: true, display: 'Phase virale' });
    const misnamed = await post('CodeSystem/$validate-code', [
      { name: 'coding', valueCoding: { system: `${base}CodeSystem/phase`, code: 'viral', display: 'Rougeole' } },
    ]);
    expect(values(misnamed.body)).toMatchObject({ result: false });
    expect((await get('ValueSet/$validate-code', { url: 'urn:none', code: 'x' })).status).toBe(404);
  });

  test('$expand: filtered as people type, paged', async () => {
    const { body } = await get('ValueSet/$expand', { url: `${base}ValueSet/alert-kind`, filter: 'evolution' });
    expect(body.expansion).toMatchObject({ total: 1, contains: [{ code: 'trend', display: 'Évolution défavorable' }] });
    const page = (await get('ValueSet/alert-kind/$expand', { count: '1', offset: '1' })).body.expansion;
    expect([page.contains.length, page.total > 2, page.offset]).toEqual([1, true, 1]);
    expect((await get('ValueSet/$expand', { url: `${base}ValueSet/alert-kind`, count: '-1' })).status).toBe(400);
  });

  test('$translate by table, by target system, backwards, and nothing', async () => {
    const source = { system: `${base}CodeSystem/form`, code: 'cough' };
    const concept = { equivalence: 'equivalent', concept: { system: 'http://snomed.info/sct', code: '49727002' } };
    const there = await get('ConceptMap/$translate', { url: `${base}ConceptMap/programme-symptom`, ...source });
    expect(JSON.stringify(there.body)).toContain(concept.concept.code);
    expect(values(there.body).result).toBe(true);
    const any = await get('ConceptMap/$translate', { ...source, targetsystem: 'http://snomed.info/sct' });
    expect(JSON.stringify(any.body)).toContain('programme-symptom');
    const back = await post('ConceptMap/programme-symptom/$translate', [
      { name: 'coding', valueCoding: { system: 'http://snomed.info/sct', code: '49727002' } },
      { name: 'reverse', valueBoolean: true },
    ]);
    expect(JSON.stringify(back.body)).toContain('"cough"');
    const nothing = await get('ConceptMap/programme-symptom/$translate', { ...source, code: 'nothing' });
    expect(values(nothing.body)).toMatchObject({ result: false });
    expect((await get('ConceptMap/none/$translate', source)).status).toBe(404);
  });

  test('announced, and only for who may read definitions', async () => {
    const { body } = await gateway.get('/fhir/R4/metadata');
    const operations = (type: string) =>
      body.rest[0].resource.find((one: any) => one.type === type).operation.map((one: any) => one.name);
    expect(operations('CodeSystem')).toEqual(expect.arrayContaining(['lookup', 'validate-code']));
    expect(operations('ValueSet')).toEqual(expect.arrayContaining(['expand', 'validate-code']));
    expect(operations('ConceptMap')).toEqual(expect.arrayContaining(['translate']));
    expect(operations('ServiceRequest')).toEqual(expect.arrayContaining(['form']));
    const path = `${gateway.url}/fhir/R4/ValueSet/$expand?${q({ url: `${base}ValueSet/alert-kind` })}`;
    const statusWith = async (scope: string) =>
      (await fetch(path, { headers: { authorization: `Bearer ${await gateway.token('t', scope)}` } })).status;
    expect([await statusWith('system/ValueSet.r'), await statusWith('system/Observation.rs')]).toEqual([200, 403]);
    expect((await fetch(path)).status).toBe(401);
  });
});
