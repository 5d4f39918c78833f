import { afterAll, expect, test } from '@jest/globals';
import { startFhirServer } from './fhir-server.ts';
import { startGateway } from './running.ts';

/** A FHIR server that finds a conflict with itself now and then. */
let conflicts = 0;
const server = await startFhirServer(async ({ method, path }) => {
  if (method !== 'PUT' || !path.startsWith('Observation/') || conflicts <= 0) return undefined;
  conflicts--;
  return { status: 409, headers: {}, body: { resourceType: 'OperationOutcome', issue: [] } };
});
const gateway = await startGateway({ PASSERELLE_FHIR: server.base });
afterAll(async () => {
  await gateway.remove();
  await server.stop();
});

const reading = {
  resourceType: 'Observation',
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code: '8867-4' }] },
  effectiveDateTime: '2026-11-01T09:00:00Z',
  valueQuantity: { value: 71, system: 'http://unitsofmeasure.org', code: '/min' },
};
const write = async (method: string, path: string, body: object, headers: Record<string, string> = {}) => {
  const authorization = `Bearer ${await gateway.token()}`;
  return fetch(`${gateway.url}/fhir/R4/${path}`, {
    method,
    headers: { authorization, 'content-type': 'application/fhir+json', ...headers },
    body: JSON.stringify(body),
  });
};

test('a conflict over what nobody set a condition for passes: the write is tried again, and is there once', async () => {
  conflicts = 2;
  const { status } = await write('POST', 'Observation', reading);
  expect([status, conflicts]).toEqual([201, 0]);
  expect((await gateway.get('/fhir/R4/Observation?_summary=count')).body.total).toBe(1);
});

test('one over a version that is named is the client’s to settle, at once', async () => {
  expect((await write('PUT', 'Observation/mine', { ...reading, id: 'mine' })).status).toBe(201);
  conflicts = 1;
  const changed = { ...reading, id: 'mine', status: 'amended' };
  expect((await write('PUT', 'Observation/mine', changed, { 'if-match': 'W/"1"' })).status).toBe(409);
  expect(conflicts).toBe(0);
});
