import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startFhirServer } from './fhir-server.ts';
import { type RunningGateway, startGateway } from './running.ts';

/**
 * The FHIR server behind does what it is asked, and answers 500. A write of the FHIR API brings nothing to be conditional on,
 * and must be there once all the same; who sent it waits, and hears how it went.
 */
const fhirJson = { 'content-type': 'application/fhir+json' };
let server: Awaited<ReturnType<typeof startFhirServer>>;
let gateway: RunningGateway;
beforeAll(async () => {
  server = await startFhirServer();
  gateway = await startGateway({ PASSERELLE_FHIR: server.base });
});
afterAll(async () => {
  await gateway?.remove();
  await server.stop();
});

/** Loses the answer to the next request of that kind, as often as said. */
function lose(kind: RegExp, times = 1): void {
  let left = times;
  server.loses = (request) => kind.test(request) && left-- > 0;
}
const note = (text: string) => ({
  resourceType: 'Observation',
  status: 'final',
  code: { text: 'note' },
  valueString: text,
});
const entry = (text: string) => ({ resource: note(text), request: { method: 'POST', url: 'Observation' } });
const counted = async () => {
  const { body } = await server.endpoint.send({ method: 'GET', path: 'Observation?_summary=count' });
  return (body as { total: number }).total;
};
const idOf = (location: string) => /Observation\/([^/]+)/.exec(location)?.[1];

test('a create', async () => {
  lose(/^POST Observation/);
  const { status, headers, body } = await gateway.post('/fhir/R4/Observation', note('a'), fhirJson);
  expect([status, body.valueString]).toEqual([201, 'a']);
  expect(idOf(headers.get('location')!)).toBe(body.id);
  expect(await counted()).toBe(1);
});

test('a transaction: each entry with its own address', async () => {
  lose(/^POST $/, 2);
  const bundle = { resourceType: 'Bundle', type: 'transaction', entry: ['b', 'c', 'b'].map(entry) };
  const { status, body } = await gateway.post('/fhir/R4', bundle, fhirJson);
  expect([status, body.type, await counted()]).toEqual([200, 'transaction-response', 4]);
  const texts = [];
  for (const { response } of body.entry) {
    const { body: one } = await server.endpoint.send({ method: 'GET', path: `Observation/${idOf(response.location)}` });
    texts.push((one as { valueString: string }).valueString);
  }
  expect(texts).toEqual(['b', 'c', 'b']);
});

test('a batch', async () => {
  lose(/^POST $/);
  const bundle = { resourceType: 'Bundle', type: 'batch', entry: ['d', 'e'].map(entry) };
  const { status, body } = await gateway.post('/fhir/R4', bundle, fhirJson);
  expect([status, body.type, body.entry.length, await counted()]).toEqual([200, 'batch-response', 2, 6]);
});

test('an update of a named version', async () => {
  const { body } = await gateway.post('/fhir/R4/Observation', note('f'), fhirJson);
  lose(/^PUT Observation/);
  const response = await fetch(`${gateway.url}/fhir/R4/Observation/${body.id}`, {
    method: 'PUT',
    headers: { ...fhirJson, authorization: `Bearer ${await gateway.token()}`, 'if-match': 'W/"1"' },
    body: JSON.stringify({ ...note('g'), id: body.id }),
  });
  expect([response.status, ((await response.json()) as any).meta.versionId]).toEqual([200, '2']);
});

test('what is told of it', async () => {
  lose(/^POST $/);
  const { status } = await gateway.post('/fhir/R4/Observation', note('h'), fhirJson);
  expect([status, await counted()]).toEqual([201, 8]);
  const { messages } = (await gateway.get('/messages')).body;
  const path = `Provenance?target=${(await gateway.get(`/messages/${messages[0].id}`)).body.references[0]}`;
  const { body } = await server.endpoint.send({ method: 'GET', path });
  expect((body as { entry: unknown[] }).entry.length).toBe(1);
});
