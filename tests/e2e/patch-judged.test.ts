import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Bundle, OperationOutcome } from '@medplum/fhirtypes';
import { reading } from './judgement.ts';
import { type RunningGateway, startGateway } from './running.ts';

const fhirJson = 'application/fhir+json';
const jsonPatch = 'application/json-patch+json';
const status = (value: string) => [{ op: 'replace', path: '/status', value }];
const parameters = (value: string) => ({
  resourceType: 'Parameters',
  parameter: [
    {
      name: 'operation',
      part: [
        { name: 'type', valueCode: 'replace' },
        { name: 'path', valueString: 'Observation.status' },
        { name: 'value', valueCode: value },
      ],
    },
  ],
});
const binary = (patch: unknown) => ({
  resourceType: 'Binary',
  contentType: jsonPatch,
  data: Buffer.from(JSON.stringify(patch)).toString('base64'),
});

let gateway: RunningGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.remove());

const created = async (more: object = {}) => {
  const { body } = await gateway.post('/fhir/R4/Observation', { ...reading, ...more }, { 'content-type': fhirJson });
  return body.id as string;
};
const now = async (id: string) => (await gateway.get(`/fhir/R4/Observation/${id}`)).body;
const patch = async (path: string, body: unknown, type: string, headers: Record<string, string> = {}) => {
  const authorization = `Bearer ${await gateway.token()}`;
  const response = await fetch(`${gateway.url}/fhir/R4/${path}`, {
    method: 'PATCH',
    headers: { authorization, 'content-type': type, ...headers },
    body: JSON.stringify(body),
  });
  return { status: response.status, headers: response.headers, body: (await response.json()) as any };
};
const places = (body: unknown) =>
  (body as OperationOutcome).issue.filter((one) => one.severity === 'error').map((one) => one.expression?.[0]);

describe('what a patch comes to is judged before it is written', () => {
  test.each([
    ['JSON Patch', status('finale'), jsonPatch],
    ['FHIRPath Patch', parameters('finale'), fhirJson],
  ])('a %s to what is not R4: 422 with the place, nothing written', async (_name, body, type) => {
    const id = await created();
    const before = await now(id);
    const answer = await patch(`Observation/${id}`, body, type);
    expect([answer.status, places(answer.body)]).toEqual([422, ['Observation.status']]);
    expect(await now(id)).toEqual(before);
  });

  test('by criteria too, and criteria cannot hide a second match', async () => {
    const code = (value: string) => ({ identifier: [{ system: 'urn:oid:1.2.3.5', value }] });
    const id = await created(code('one'));
    const path = 'Observation?identifier=urn:oid:1.2.3.5|one';
    expect((await patch(path, status('finale'), jsonPatch)).status).toBe(422);
    expect((await patch(path, status('amended'), jsonPatch)).status).toBe(200);
    expect((await now(id)).status).toBe('amended');
    await created(code('one'));
    for (const more of ['', '&_count=1', '&_summary=count']) {
      expect((await patch(`${path}${more}`, status('final'), jsonPatch)).status).toBe(412);
    }
    expect((await patch('Observation?identifier=urn:oid:1.2.3.5|none', status('final'), jsonPatch)).status).toBe(404);
    expect((await patch('Observation?_count=1', status('final'), jsonPatch)).status).toBe(400);
  });

  test.each(['transaction', 'batch'])('in a %s', async (type) => {
    const id = await created();
    const bundle = (resource: unknown) => ({
      resourceType: 'Bundle',
      type,
      entry: [{ resource, request: { method: 'PATCH', url: `Observation/${id}` } }],
    });
    const send = (resource: unknown) => gateway.post('/fhir/R4', bundle(resource), { 'content-type': fhirJson });
    for (const wrong of [binary(status('finale')), parameters('finale')]) {
      expect(await send(wrong)).toMatchObject({ status: 422 });
    }
    expect((await now(id)).status).toBe('final');
    for (const right of [binary(status('amended')), parameters('corrected')]) {
      const answer = await send(right);
      expect((answer.body as Bundle).entry?.[0]?.response?.status).toMatch(/^200/);
    }
    expect(await now(id)).toMatchObject({ status: 'corrected', meta: { versionId: '3' } });
  });

  test('of an entry about nothing, the server says so', async () => {
    const entry = [{ resource: binary(status('final')), request: { method: 'PATCH', url: 'Observation/nowhere' } }];
    const send = (type: string) =>
      gateway.post('/fhir/R4', { resourceType: 'Bundle', type, entry }, { 'content-type': fhirJson });
    expect((await send('transaction')).status).toBe(404);
    expect(((await send('batch')).body as Bundle).entry?.[0]?.response?.status).toMatch(/^404/);
  });
});

describe('a patch otherwise', () => {
  test('is a new version that names its message, and has its Provenance', async () => {
    const id = await created();
    const answer = await patch(`Observation/${id}`, status('amended'), jsonPatch);
    expect([answer.status, answer.body.status, answer.headers.get('etag')]).toEqual([200, 'amended', 'W/"2"']);
    const { entry } = (await gateway.get(`/fhir/R4/Provenance?target=Observation/${id}`)).body as Bundle;
    expect(entry?.map((one) => one.resource?.meta?.source)).toContain(answer.body.meta.source);
  });

  test.each([
    ['a version that is no longer there', 'W/"7"', 412],
    ['the current version', 'W/"1"', 200],
    ['any version', '*', 200],
  ])('If-Match with %s: %s → %i', async (_name, ifMatch, expected) => {
    const id = await created();
    const answer = await patch(`Observation/${id}`, status('amended'), jsonPatch, { 'if-match': ifMatch });
    expect(answer.status).toBe(expected);
  });

  test.each([
    ['Observation/nowhere', status('final'), 404],
    ['Observation', status('final'), 400],
  ])('%s', async (path, body, expected) => {
    expect((await patch(path, body, jsonPatch)).status).toBe(expected);
  });

  test('that does not apply changes nothing', async () => {
    const id = await created();
    const answer = await patch(`Observation/${id}`, [{ op: 'test', path: '/status', value: 'amended' }], jsonPatch);
    expect([answer.status, (await now(id)).meta.versionId]).toEqual([422, '1']);
  });

  test('twenty at once to one resource: each is applied to what the others left', async () => {
    const id = await created();
    const note = (text: string) => [{ op: 'add', path: '/note/-', value: { text } }];
    await patch(`Observation/${id}`, [{ op: 'add', path: '/note', value: [{ text: 'first' }] }], jsonPatch);
    const texts = Array.from({ length: 20 }, (_one, at) => `note ${at}`);
    const answers = await Promise.all(texts.map((text) => patch(`Observation/${id}`, note(text), jsonPatch)));
    const taken = texts.filter((_one, at) => answers[at]?.status === 200);
    const { note: notes } = await now(id);
    expect(notes.map((one: { text: string }) => one.text).sort()).toEqual(['first', ...taken].sort());
    expect(answers.filter((one) => one.status !== 200 && one.status !== 412)).toEqual([]);
  });
});
