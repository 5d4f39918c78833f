import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type RunningGateway, startGateway } from './running.ts';

const golden = () =>
  JSON.parse(readFileSync(join(import.meta.dirname, '..', 'golden', 'covisan-inclusion', 'input.json'), 'utf8'));
const later = (date: string, days: number) =>
  new Date(Date.parse(`${date}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);

interface Shown {
  id: string;
  activity: string;
  day: string;
  status: string;
}

describe('J1 corrected from 3 to 5 November, through the whole gateway', () => {
  let gateway: RunningGateway;
  beforeAll(async () => {
    gateway = await startGateway();
  });
  afterAll(() => gateway.remove());

  const include = async (firstSymptoms: string) => {
    const form = golden();
    form.disease.firstSymptoms = firstSymptoms;
    const { status, body } = await gateway.post('/in/telemonitoring/covisan-inclusion?wait=20', form);
    expect([status, body.state]).toEqual([200, 'delivered']);
  };
  const all = async (query: string): Promise<any[]> =>
    ((await gateway.get(`/fhir/R4/${query}`)).body.entry ?? []).map(({ resource }: any) => resource);
  const tasks = async (): Promise<Shown[]> =>
    (await all('Task?_count=500'))
      .filter((one) => one.restriction?.period?.start && one.instantiatesCanonical)
      .map(({ id, instantiatesCanonical, restriction, status }) => ({
        id,
        activity: instantiatesCanonical.replace(/^.*\//, ''),
        day: restriction.period.start.slice(0, 10),
        status,
      }));

  test('open calls and the critical window move by two days, what is done stays, Provenance says why', async () => {
    await include('2020-11-03');
    const before = await tasks();
    const calls = before
      .filter(({ activity }) => activity.startsWith('msp-call'))
      .map(({ day }) => day)
      .sort();
    expect(calls.slice(0, 1)).toEqual(['2020-11-06']);
    const window = before
      .filter(({ activity }) => activity.startsWith('reinforced-call'))
      .map(({ day }) => day)
      .sort();
    expect([window[0], window.at(-1), window.length]).toEqual(['2020-11-08', '2020-11-14', 7]);

    const first = before.find(({ activity, day }) => activity.startsWith('msp-call') && day === '2020-11-06')!;
    const { body: task } = await gateway.get(`/fhir/R4/Task/${first.id}`);
    const token = await gateway.token();
    const put = await fetch(`${gateway.url}/fhir/R4/Task/${first.id}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/fhir+json' },
      body: JSON.stringify({ ...task, status: 'completed' }),
    });
    expect(put.status).toBe(200);

    await include('2020-11-05');
    const after = new Map((await tasks()).map((one) => [one.id, one]));
    expect(after.get(first.id)).toMatchObject({ day: '2020-11-06', status: 'completed' });
    const days = (name: string) =>
      [...after.values()]
        .filter(({ activity }) => activity.startsWith(name))
        .map(({ day }) => day)
        .sort();
    // J10 would be a Saturday: the call is made on Monday.
    expect(days('msp-call')).toEqual(['2020-11-06', '2020-11-11', '2020-11-16', '2020-11-18']);
    expect(days('asalee-call')).toEqual(['2020-11-25']);
    expect(days('reinforced-call')).toEqual(window.map((day) => later(day, 2)));
    expect(after.size).toBe(before.length);

    const [illness] = await all(
      'Condition?code=http://hl7.org/fhir/sid/icd-10|U07.1,http://hl7.org/fhir/sid/icd-10|U07.2',
    );
    expect(illness.onsetDateTime).toBe('2020-11-05');
    const reasons = (await all('Provenance?_count=200')).flatMap(({ reason }) => reason ?? []).map(({ text }) => text);
    expect(reasons).toContain('Premier jour des signes (J1) corrigé : 2020-11-03 → 2020-11-05');
  });

  test('a repetition of the old form moves nothing back twice, and makes nothing new', async () => {
    const before = await tasks();
    await include('2020-11-05');
    expect(await tasks()).toEqual(before);
  });

  test('a call of the sheet completes the planned one, and opens it again when its report is corrected', async () => {
    const form = {
      form: 'msp-call-sheet',
      version: '1',
      id: 'J7-made',
      patient: golden().patient,
      day: 'J7',
      at: '2020-11-11T10:00:00+01:00',
      by: { rpps: '10101010101', family: 'LEROY' },
      outcome: 'done',
    };
    const send = async (changes: object = {}) =>
      expect(
        (await gateway.post('/in/telemonitoring/msp-call-sheet?wait=20', { ...form, ...changes })).body.state,
      ).toBe('delivered');
    const seventh = async () => {
      const calls = (await all('Task?_count=500')).filter((one) => one.instantiatesCanonical?.includes('msp-call'));
      return calls.find((one) => one.input?.some(({ valueString }: any) => valueString === 'J7'));
    };
    const before = await seventh();
    expect(before.status).toBe('requested');
    const window = (await tasks()).filter(({ activity }) => activity.startsWith('reinforced-call'));
    await send();
    await send({ comment: 'relu' });
    const done = await seventh();
    expect(done).toMatchObject({ id: before.id, status: 'completed' });
    expect(done.meta.versionId).toBe(String(Number(before.meta.versionId) + 1));

    // The reinforced call of that day is another one.
    expect((await tasks()).filter(({ activity }) => activity.startsWith('reinforced-call'))).toEqual(window);

    await send({ outcome: 'not-reached' });
    expect(await seventh()).toMatchObject({ id: before.id, status: 'requested', restriction: before.restriction });
  });

  test('another inclusion of the same patient opens nothing beside the running one, and its sender hears so', async () => {
    const plans = await all('CarePlan?_count=100');
    const episodes = await all('EpisodeOfCare');
    const form = { ...golden(), id: 'COV-2020-0099' };
    form.disease.firstSymptoms = '2020-11-05';
    const { status, body } = await gateway.post('/in/telemonitoring/covisan-inclusion?wait=20', form);
    expect([status, body.state]).toEqual([200, 'delivered']);
    expect(JSON.stringify(body)).toContain('inclusion-active');
    expect((await all('CarePlan?_count=100')).map(({ id }) => id)).toEqual(plans.map(({ id }) => id));
    expect((await all('EpisodeOfCare')).map(({ id }) => id)).toEqual(episodes.map(({ id }) => id));
    const [review] = await all('Task?code=second-inclusion');
    expect([review.status, review.focus.reference]).toEqual(['requested', expect.stringMatching(/^ServiceRequest\//)]);
  });
});
