import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type RunningGateway, startGateway } from './running.ts';

const inclusion = readFileSync(join(import.meta.dirname, '..', 'golden', 'covisan-inclusion', 'input.json'), 'utf8');

/** What is sent to the FHIR API. */
export const fhirJson = { 'content-type': 'application/fhir+json' };

/** A patient in the programme, `Patient/id`, and the gateway that has taken the inclusion. */
export interface Followed {
  gateway: RunningGateway;
  patient: string;
}

export async function startFollowed(): Promise<Followed> {
  const gateway = await startGateway();
  return { gateway, patient: await include(gateway) };
}

/** Sends an inclusion and answers whom it has taken in, `Patient/id`. */
export async function include(gateway: RunningGateway): Promise<string> {
  const { body } = await gateway.post('/in/telemonitoring/covisan-inclusion?wait=20', inclusion);
  return body.references.find((one: string) => one.startsWith('Patient/'));
}

let day = 30;
/** A day before all that were given before: while an alert is open, what comes later has its alert. */
export const earlier = () => `2026-09-${String(day--).padStart(2, '0')}T09:00:00+02:00`;

/** How many alerts the patient has whose readings are of this moment. */
export async function alertsOf({ gateway, patient }: Followed, at: string): Promise<number> {
  const { body } = await gateway.get(`/fhir/R4/DetectedIssue?patient=${patient}&_include=DetectedIssue:implicated`);
  const found = (body.entry ?? []).map((one: any) => one.resource);
  const readings = found.filter((one: any) => one.effectiveDateTime === at).map((one: any) => `Observation/${one.id}`);
  return found.filter((one: any) => readings.includes(one.implicated?.[0]?.reference)).length;
}

/** An oxygen saturation in per cent. */
export const saturation = (value: number, at: string, subject: object, more: object = {}) => ({
  resourceType: 'Observation',
  status: 'final',
  category: [
    { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'vital-signs' }] },
  ],
  code: { coding: ['2708-6', '59408-5'].map((code) => ({ system: 'http://loinc.org', code })) },
  subject,
  effectiveDateTime: at,
  valueQuantity: { value, unit: '%', system: 'http://unitsofmeasure.org', code: '%' },
  ...more,
});

/** A request to the FHIR API that is neither GET nor POST. */
export async function send(gateway: RunningGateway, method: string, path: string, body: unknown, type?: string) {
  const headers = { authorization: `Bearer ${await gateway.token()}`, ...fhirJson };
  if (type) headers['content-type'] = type;
  return fetch(`${gateway.url}/fhir/R4/${path}`, { method, headers, body: JSON.stringify(body) });
}
