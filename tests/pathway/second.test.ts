import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { CarePlan, EpisodeOfCare, ServiceRequest, Task } from '@medplum/fhirtypes';
import { type Server, startServer } from '../identity/house.ts';
import { all, inclusion, karim, play, rules } from './programme.ts';

const golden = (name: string) =>
  JSON.parse(readFileSync(join(import.meta.dirname, '..', 'golden', name, 'input.json'), 'utf8'));
const COVISAN = 'telemonitoring-covisan-inclusion';
const codes = (list: { code?: { coding?: { code?: string }[] } }[]) => list.map(({ code }) => code?.coding?.[0]?.code);

describe('a patient whom the programme follows is included again', () => {
  let server: Server;
  beforeEach(async () => {
    server = await startServer();
    await play(server, COVISAN, inclusion(), '2020-11-05T10:00:00Z');
  });
  afterEach(() => server.close());

  const again = (changes: object = {}, at = '2020-11-06T10:00:00Z') =>
    play(server, COVISAN, inclusion({ id: 'COV-2', date: '2020-11-06T09:00:00+01:00', ...changes }), at);
  const reviews = async () =>
    (await all<Task>(server, 'Task')).filter((task) => codes([task]).includes('second-inclusion'));
  const counts = async () => ({
    episodes: (await all<EpisodeOfCare>(server, 'EpisodeOfCare')).length,
    plans: (await all<CarePlan>(server, 'CarePlan')).length,
    planned: (await all<Task>(server, 'Task')).filter((task) => task.basedOn).length,
  });

  test('one episode, one set of plans; the request is kept, a Task asks for a decision, the sender hears it', async () => {
    const before = await counts();
    const { faults } = await again();
    expect(faults.map(({ code }) => code)).toContain('inclusion-active');
    expect(await counts()).toEqual(before);
    const [review, ...more] = await reviews();
    expect(more).toEqual([]);
    expect(review).toMatchObject({
      status: 'requested',
      performerType: [{ coding: [rules.secondInclusion?.performer] }],
      restriction: { period: { end: '2020-11-07T11:00:00+01:00' } },
    });
    const request = (await all<ServiceRequest>(server, 'ServiceRequest')).find((one) =>
      one.identifier?.some(({ value }) => value === 'COV-2'),
    );
    expect(review?.focus?.reference).toBe(`ServiceRequest/${request?.id}`);
    expect(JSON.stringify(await all(server, 'Task'))).not.toContain('urn:uuid:');
  });

  test('sent again it asks nothing twice; the first one sent again is no second one', async () => {
    await again();
    await again();
    expect(await reviews()).toHaveLength(1);
    const before = await counts();
    const { faults } = await play(server, COVISAN, inclusion(), '2020-11-06T11:00:00Z');
    expect(faults.map(({ code }) => code)).not.toContain('inclusion-active');
    expect([await counts(), (await reviews()).length]).toEqual([before, 1]);
  });

  test('another J1 in it moves the running plans, as a correction does', async () => {
    await again({ disease: { firstSymptoms: '2020-11-05', status: 'confirmed' } });
    const days = (await all<CarePlan>(server, 'CarePlan')).flatMap(({ extension }) =>
      (extension ?? []).flatMap((one) => one.extension?.find(({ url }) => url === 'date')?.valueDate ?? []),
    );
    expect(new Set(days)).toEqual(new Set(['2020-11-05']));
  });

  test('another programme, or the same one after the first episode is over, begins as ever', async () => {
    const covidom = { ...golden('covidom-inclusion'), patient: karim, date: '2020-11-06T09:00:00+01:00' };
    const { faults } = await play(server, 'telemonitoring-covidom-inclusion', covidom, '2020-11-06T10:00:00Z');
    expect(faults.map(({ code }) => code)).not.toContain('inclusion-active');
    expect((await counts()).episodes).toBe(2);

    const running = (await all<EpisodeOfCare>(server, 'EpisodeOfCare')).find(({ identifier }) =>
      identifier?.some(({ value }) => value === 'COV-1'),
    );
    const over = { ...running!, status: 'finished', period: { ...running!.period, end: '2020-11-20' } };
    await server.endpoint.send({ method: 'PUT', path: `EpisodeOfCare/${running!.id}`, body: over as EpisodeOfCare });
    const late = await again({ patient: karim, date: '2020-11-25T09:00:00+01:00' }, '2020-11-25T10:00:00Z');
    expect(late.faults.map(({ code }) => code)).not.toContain('inclusion-active');
    expect((await counts()).episodes).toBe(3);
    expect(await reviews()).toEqual([]);
  });
});
