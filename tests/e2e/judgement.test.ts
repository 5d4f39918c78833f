import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { embedded } from './behind.ts';
import { fhirJson, judgement, reading } from './judgement.ts';
import { type RunningGateway, startGateway } from './running.ts';

describe('what is not FHIR R4 is not written', () => judgement(embedded));

describe.each([
  ['quarantine', 'quarantined', 422],
  ['refuse', 'refused', 422],
  ['deliver', 'delivered', 200],
])('conformance.errors = %s', (errors, state, status) => {
  let gateway: RunningGateway;
  beforeAll(async () => {
    gateway = await startGateway({ PASSERELLE__conformance__errors: errors });
  });
  afterAll(() => gateway.remove());

  test(`a message that breaks R4 is ${state}, and its sender is told`, async () => {
    const answer = await gateway.post('/in/fhir?wait=20', { ...reading, status: 'finale' }, fhirJson);
    expect(answer.status).toBe(status);
    const { messages } = (await gateway.get('/messages')).body;
    expect(messages.map((one: { state: string }) => one.state)).toEqual([state]);
    expect(JSON.stringify(answer.body)).toContain('observation-status');
  });
});
