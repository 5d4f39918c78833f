import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type RunningGateway, startGateway } from './running.ts';

const golden = (name: string) =>
  JSON.parse(readFileSync(join(import.meta.dirname, '..', 'golden', name, 'input.json'), 'utf8'));
const other = {
  ins: { oid: '1.2.250.1.213.1.4.10', value: '260107511408384' },
  birthName: 'AUTRE',
  birthGivenName: 'ANNE',
  birthDate: '1960-10-02',
  sex: 'F',
};

let gateway: RunningGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.remove());

const total = async (query: string) => (await gateway.get(`/fhir/R4/${query}`)).body.total as number;

test('two vendors number the forms of two patients alike: each patient has an observation and an alert', async () => {
  const form = golden('covidom-daily-spo2-91');
  for (const patient of [form.patient, other]) {
    const answer = await gateway.post('/in/telemonitoring/covidom?wait=20', { ...form, patient });
    expect(answer.body.state).toBe('delivered');
  }
  expect(await total('Patient?_summary=count')).toBe(2);
  expect(await total('Observation?code=2708-6&_summary=count')).toBe(2);
  expect(await total('DetectedIssue?_summary=count')).toBe(2);
  for (const { resource } of (await gateway.get('/fhir/R4/Patient')).body.entry) {
    expect(await total(`Observation?patient=${resource.id}&code=2708-6`)).toBe(1);
    expect(await total(`Task?patient=${resource.id}&code=alert-handling`)).toBe(1);
  }
});

test('two sites number the inclusions of two patients alike: each has an episode and a plan of their own', async () => {
  const form = golden('covisan-inclusion');
  for (const patient of [form.patient, other]) {
    const answer = await gateway.post('/in/telemonitoring/covisan-inclusion?wait=20', { ...form, patient });
    expect(answer.body.state).toBe('delivered');
  }
  const episodes = (await gateway.get('/fhir/R4/EpisodeOfCare')).body.entry;
  expect(new Set(episodes.map((one: any) => one.resource.patient.reference)).size).toBe(2);
  for (const one of episodes) {
    const id = one.resource.patient.reference.split('/')[1];
    expect(await total(`CarePlan?patient=${id}`)).toBeGreaterThan(0);
    expect(await total(`Consent?patient=${id}`)).toBe(1);
  }
});
