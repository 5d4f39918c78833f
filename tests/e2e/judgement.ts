import { expect, test } from '@jest/globals';
import type { OperationOutcome } from '@medplum/fhirtypes';
import { type Behind, withGateway } from './behind.ts';
import type { RunningGateway } from './running.ts';

export const fhirJson = { 'content-type': 'application/fhir+json' };
export const reading = {
  resourceType: 'Observation',
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code: '8867-4' }] },
  subject: { identifier: { system: 'urn:oid:1.2.3.4', value: 'J-1' } },
  effectiveDateTime: '2026-11-22T10:00:00+01:00',
  valueQuantity: { value: 72, unit: '/min', system: 'http://unitsofmeasure.org', code: '/min' },
};
const places = (body: unknown) =>
  (body as OperationOutcome).issue.filter((one) => one.severity === 'error').map((one) => one.expression?.[0]);

/** What is not FHIR R4 is not written, and `$validate` says why, whatever server is behind. */
export function judgement(start: () => Promise<Behind>): void {
  let gateway: RunningGateway;
  const count = async () => (await gateway.get('/fhir/R4/Observation?_summary=count')).body.total;
  withGateway(start, (one) => {
    gateway = one;
  });

  test.each([
    ['a status R4 does not have', { status: 'finale' }, 'Observation.status'],
    ['a date that is none', { effectiveDateTime: '22/11/2026' }, 'Observation.effective.ofType(dateTime)'],
  ])('%s: 422 at the FHIR API, held when it comes as a message', async (_name, change, place) => {
    const wrong = { ...reading, ...change };
    const api = await gateway.post('/fhir/R4/Observation', wrong, fhirJson);
    expect([api.status, places(api.body)]).toEqual([422, [place]]);
    const message = await gateway.post('/in/fhir?wait=20', wrong, fhirJson);
    expect(message.body.state).not.toBe('delivered');
    expect(await count()).toBe(0);
  });

  test('$validate tells everything at once', async () => {
    const { body } = await gateway.post(
      '/fhir/R4/Observation/$validate',
      { ...reading, status: 'finale', effectiveDateTime: 'soon', colour: 'red' },
      fhirJson,
    );
    expect(places(body)).toEqual(
      expect.arrayContaining(['Observation.status', 'Observation.effective.ofType(dateTime)', 'Observation']),
    );
  });

  test('what only a profile of others asks for is told and written', async () => {
    const bare = { ...reading, category: undefined, effectiveDateTime: undefined };
    expect((await gateway.post('/fhir/R4/Observation', bare, fhirJson)).status).toBe(201);
    expect(await count()).toBe(1);
  });
}
