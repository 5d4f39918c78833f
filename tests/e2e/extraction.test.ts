import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as followed from './followed.ts';
import { earlier, fhirJson } from './followed.ts';
import type { RunningGateway } from './running.ts';

const root = join(import.meta.dirname, '../..');
const questionnaire = JSON.parse(readFileSync(join(root, 'profiles/Questionnaire-covidom-daily.json'), 'utf8'));
const of = (value: number, unit: string) => ({ value, unit, system: 'http://unitsofmeasure.org', code: unit });

let gateway: RunningGateway;
let patient: string;
beforeAll(async () => {
  ({ gateway, patient } = await followed.startFollowed());
});
afterAll(() => gateway.remove());

function answers(authored: string, measures: Record<string, object>, more: object = {}) {
  const item = Object.entries(measures).map(([linkId, valueQuantity]) => ({ linkId, answer: [{ valueQuantity }] }));
  return {
    resourceType: 'QuestionnaireResponse',
    questionnaire: 'http://passerelle.example/fhir/Questionnaire/covidom-daily|1.1.0',
    status: 'completed',
    subject: { reference: patient },
    source: { reference: patient },
    authored,
    item: [{ linkId: 'measures', item }],
    ...more,
  };
}

const readingsAt = async (at: string) => {
  const { body } = await gateway.get(`/fhir/R4/Observation?patient=${patient}&date=${encodeURIComponent(at)}`);
  return (body.entry ?? []).map((one: any) => one.resource);
};
const alertsOf = (at: string) => followed.alertsOf({ gateway, patient }, at);
const create = (resource: object) => gateway.post('/fhir/R4/QuestionnaireResponse', resource, fhirJson);
const put = (path: string, body: unknown) => followed.send(gateway, 'PUT', path, body);

describe('answers through every door', () => {
  test('created through the FHIR API: readings derived from them, and the alert', async () => {
    const at = earlier();
    const { status, body } = await create(answers(at, { spo2: of(91, '%') }));
    expect(status).toBe(201);
    const readings = await readingsAt(at);
    expect(readings).toMatchObject([
      { status: 'final', valueQuantity: of(91, '%'), derivedFrom: [{ reference: `QuestionnaireResponse/${body.id}` }] },
    ]);
    expect(readings[0].meta.profile[0]).toMatch(/mesures-fr-observation-oxygen-sat$/);
    expect(await alertsOf(at)).toBe(1);
  });

  test('corrected: the same readings change, and one that is answered no more is taken back', async () => {
    const at = earlier();
    const first = answers(at, { spo2: of(97, '%'), temperature: of(100.4, '[degF]') });
    const { body } = await create(first);
    const before = await readingsAt(at);
    expect(before.map((one: any) => one.valueQuantity.value).sort()).toEqual([38, 97]);
    const second = { ...answers(at, { spo2: of(96, '%') }), id: body.id, status: 'amended' };
    expect((await put(`QuestionnaireResponse/${body.id}`, second)).status).toBe(200);
    const after = await readingsAt(at);
    const said = after.map((one: any) => `${one.status} ${one.valueQuantity.value}`).sort();
    expect(said).toEqual(['entered-in-error 38', 'final 96']);
    expect(after.map((one: any) => one.id).sort()).toEqual(before.map((one: any) => one.id).sort());
  });

  test('sent as a message, in a Bundle, with the patient by number', async () => {
    const at = earlier();
    const { body: record } = await gateway.get(`/fhir/R4/${patient}`);
    const [{ system, value }] = record.identifier;
    const subject = { type: 'Patient', identifier: { system, value } };
    const resource = answers(at, { spo2: of(91, '%') }, { subject, source: undefined });
    const bundle = { resourceType: 'Bundle', type: 'collection', entry: [{ resource }] };
    const { body } = await gateway.post('/in/fhir?wait=20', bundle, fhirJson);
    expect(body.state).toBe('delivered');
    expect(await readingsAt(at)).toMatchObject([{ valueQuantity: { value: 91 }, subject: { reference: patient } }]);
    expect(await alertsOf(at)).toBe(1);
    const [reading] = await readingsAt(at);
    const explained = await gateway.get(`/explain/Observation/${reading.id}?path=valueQuantity`);
    expect(JSON.stringify(explained.body)).toContain('/entry/0/resource/item/0/item/0/answer');
    expect(JSON.stringify(explained.body)).toContain('Questionnaire/covidom-daily');
  });

  test('with the readings beside them: nothing is written twice', async () => {
    const at = earlier();
    const response = { ...answers(at, { spo2: of(97, '%') }), id: 'said' };
    const derivedFrom = [{ reference: 'urn:uuid:0a000000-0000-4000-8000-000000000001' }];
    const reading = followed.saturation(97, at, { reference: patient }, { derivedFrom });
    const entry = [
      {
        fullUrl: 'urn:uuid:0a000000-0000-4000-8000-000000000001',
        resource: response,
        request: { method: 'POST', url: 'QuestionnaireResponse' },
      },
      {
        fullUrl: 'urn:uuid:0a000000-0000-4000-8000-000000000002',
        resource: reading,
        request: { method: 'POST', url: 'Observation' },
      },
    ];
    const { status } = await gateway.post('/fhir/R4', { resourceType: 'Bundle', type: 'transaction', entry }, fhirJson);
    expect(status).toBe(200);
    expect((await readingsAt(at)).length).toBe(1);
  });

  test('what nobody can have is refused with its place, and nothing is written; drafts give nothing', async () => {
    const at = earlier();
    const { status, body } = await create(answers(at, { spo2: of(180, '%') }));
    expect([status, body.issue[0].details.coding[0].code]).toEqual([422, 'value-impossible']);
    expect(body.issue[0].expression).toEqual(['/item/0/item/0/answer/valueQuantity']);
    const draft = answers(at, { spo2: of(91, '%') }, { status: 'in-progress' });
    expect((await create(draft)).status).toBe(201);
    expect(await readingsAt(at)).toEqual([]);
  });
});

describe('$extract', () => {
  const extract = (body: unknown, headers: object = {}) =>
    gateway.post('/fhir/R4/QuestionnaireResponse/$extract', body, { ...fhirJson, ...headers });
  const parameters = (...parameter: object[]) => ({ resourceType: 'Parameters', parameter });

  test('posted answers: the transaction they give, and nothing is stored', async () => {
    const at = earlier();
    const response = answers(at, { spo2: of(91, '%'), temperature: of(100.4, '[degF]') });
    const { status, body } = await extract(parameters({ name: 'questionnaire-response', resource: response }));
    expect([status, body.type, body.entry.length]).toEqual([200, 'transaction', 2]);
    expect(body.entry[1].resource).toMatchObject({
      valueQuantity: { value: 38, code: 'Cel' },
      subject: { reference: patient },
    });
    expect(body.entry[0].request.url).toMatch(/^Observation\?identifier=/);
    expect((await extract(response)).body.entry.length).toBe(2);
    expect(await readingsAt(at)).toEqual([]);
  });

  test('stored answers, and a questionnaire that comes along', async () => {
    const at = earlier();
    const { body: stored } = await gateway.post(
      '/fhir/R4/QuestionnaireResponse',
      answers(at, { spo2: of(98, '%') }),
      fhirJson,
    );
    const { status, body } = await gateway.get(`/fhir/R4/QuestionnaireResponse/${stored.id}/$extract`);
    expect([status, body.entry.length]).toEqual([200, 1]);
    const [written] = await readingsAt(at);
    expect(written.identifier).toEqual(body.entry[0].resource.identifier);

    const own = { ...questionnaire, url: 'http://example.org/Questionnaire/own' };
    const response = { ...answers(at, { spo2: of(98, '%') }), questionnaire: own.url };
    expect((await extract(response)).body.issue[0].details.coding[0].code).toBe('extraction-unknown');
    const along = await extract(
      parameters({ name: 'questionnaire-response', resource: response }, { name: 'questionnaire', resource: own }),
    );
    expect([along.status, along.body.entry.length]).toEqual([200, 1]);
  });

  test('a refusal says what is wrong', async () => {
    const code = async (body: unknown) => {
      const { status, body: said } = await extract(body);
      return `${status} ${said.issue[0].details.coding[0].code}`;
    };
    expect(await code(parameters())).toBe('400 parameter-invalid');
    expect(await code({ resourceType: 'Patient' })).toBe('400 parameter-invalid');
    expect(await code(answers(earlier(), {}, { status: 'in-progress' }))).toBe('200 extraction-nothing');
    const missing = await gateway.get('/fhir/R4/QuestionnaireResponse/nowhere/$extract');
    expect(missing.status).toBe(404);
  });

  test('asks for the right to read the answers; others’ operations of that name for everything', async () => {
    const at = earlier();
    const { body } = await gateway.post('/fhir/R4/QuestionnaireResponse', answers(at, { spo2: of(98, '%') }), fhirJson);
    const asking = async (scope: string, path: string) => {
      const headers = { authorization: `Bearer ${await gateway.token('test', scope)}` };
      return (await fetch(`${gateway.url}/fhir/R4/${path}`, { headers })).status;
    };
    const path = `QuestionnaireResponse/${body.id}/$extract`;
    expect(await asking('system/QuestionnaireResponse.r', path)).toBe(200);
    expect(await asking('system/Observation.rs', path)).toBe(403);
    expect(await asking('system/QuestionnaireResponse.r', `Observation/${body.id}/$extract`)).toBe(403);
    const metadata = (await gateway.get('/fhir/R4/metadata')).body.rest[0].resource;
    const declared = metadata.find((one: any) => one.type === 'QuestionnaireResponse').operation;
    expect(declared.map((one: any) => one.name)).toContain('extract');
  });
});
