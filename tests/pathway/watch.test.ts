import { describe, expect, test } from '@jest/globals';
import type { Communication, Condition, Task } from '@medplum/fhirtypes';
import fc from 'fast-check';
import { escalate, lateTasks, noSurroundings, round, silences } from '../../src/pathway/index.ts';
import { type Server, startServer } from '../identity/house.ts';
import { all, daily, inclusion, play, rules } from './programme.ts';

const COVISAN = 'http://passerelle.example/fhir/CodeSystem/covisan';
const PART = 'http://passerelle.example/fhir/CodeSystem/task-part';
const part = (code: string, value: object) => ({ type: { coding: [{ system: PART, code }] }, ...value });

function task(code: string, changes: Partial<Task> = {}): Task {
  return {
    resourceType: 'Task',
    id: 't1',
    meta: { versionId: '1' },
    status: 'requested',
    intent: 'order',
    code: { coding: [{ system: COVISAN, code }] },
    for: { reference: 'Patient/1' },
    authoredOn: '2020-11-10T08:00:00Z',
    restriction: { period: { start: '2020-11-10T08:00:00Z', end: '2020-11-10T10:00:00Z' } },
    ...changes,
  };
}
const alert = (level: string, step = 'gp', changes: Partial<Task> = {}) =>
  task('alert-handling', {
    input: [part('level', { valueCode: level }), part('step', { valueCode: step })] as Task['input'],
    ...changes,
  });
const at = (time: string) => new Date(`2020-11-10T${time}Z`);
const made = (drafts: ReturnType<typeof escalate>) =>
  drafts.filter((draft) => !draft.current).map((draft) => draft.resource);

describe('late calls', () => {
  test('become visible once their time is over, and only once', () => {
    expect(lateTasks([task('call')], rules, at('09:59:00'))).toEqual([]);
    const [late] = lateTasks([task('call')], rules, at('10:01:00'));
    expect([late?.resource.status, late?.resource.businessStatus?.coding?.[0]?.code]).toEqual(['requested', 'late']);
    expect(lateTasks([late!.resource], rules, at('12:00:00'))).toEqual([]);
  });

  test('begun, done and other tasks are not late', () => {
    const others = [task('call', { status: 'in-progress' }), task('call', { status: 'completed' }), task('home-visit')];
    expect(lateTasks(others, rules, at('12:00:00'))).toEqual([]);
  });
});

describe('escalation', () => {
  test('physician, hospital referent, 15: each after the wait of its level', () => {
    expect(escalate([alert('alarm')], rules, at('08:14:00'))).toEqual([]);
    const first = escalate([alert('alarm')], rules, at('08:15:00'));
    const [next, message] = made(first) as [Task, Communication];
    expect(next.performerType?.[0]?.text).toBe('Référent hospitalier de garde');
    expect(next.partOf?.[0]?.reference).toBe('Task/t1');
    expect(message.resourceType).toBe('Communication');
    const old = first.find((draft) => draft.current)?.resource as Task;
    expect([old.status, old.businessStatus?.coding?.[0]?.code]).toEqual(['failed', 'escalated']);
    const second = escalate([{ ...next, id: 't2', authoredOn: '2020-11-10T08:15:00Z' }], rules, at('08:25:00'));
    expect((made(second)[0] as Task).performerType?.[0]?.text).toBe('SAMU : appeler le 15');
    expect(escalate([alert('alarm', '15')], rules, at('20:00:00'))).toEqual([]);
  });

  test('whoever takes the task stops the chain', () => {
    for (const status of ['accepted', 'in-progress', 'completed', 'cancelled'] as const)
      expect(escalate([alert('alarm', 'gp', { status })], rules, at('20:00:00'))).toEqual([]);
  });

  test('a milder level waits longer', () => {
    expect(escalate([alert('warning')], rules, at('09:59:00'))).toEqual([]);
    expect(escalate([alert('warning')], rules, at('10:00:00'))).not.toEqual([]);
  });

  test('looked at twice, on two processes: the same task, never two', () => {
    const times = fc
      .integer({ min: 15, max: 600 })
      .map((minutes) => new Date(at('08:00:00').getTime() + minutes * 60_000));
    fc.assert(
      fc.property(times, times, (one, other) => {
        const identities = (now: Date) => escalate([alert('alarm')], rules, now).map((draft) => draft.identity.value);
        expect(identities(one)).toEqual(identities(other));
      }),
    );
  });
});

describe('silence', () => {
  const expected = task('questionnaire', {
    restriction: { period: { start: '2020-11-05T08:00:00Z', end: '2020-11-19T19:00:00Z' } },
  });
  const around = (authored?: string) => ({
    ...noSurroundings('Patient/1', at('08:00:00')),
    tasks: [expected],
    responses: authored
      ? [{ resourceType: 'QuestionnaireResponse' as const, status: 'completed' as const, authored }]
      : [],
  });

  test('a questionnaire that does not come becomes an alert that names the rule', () => {
    const drafts = silences(around('2020-11-08T08:00:00Z'), rules, at('08:00:00'));
    const found = drafts.map((draft) => draft.resource).find((one): one is Task => one.resourceType === 'Task');
    expect(found?.reasonCode?.coding?.[0]?.code).toBe('no-answer');
    expect(found?.input?.[0]?.valueString).toBe('questionnaire-silent');
  });

  test('answered in time, paused or over: none', () => {
    expect(silences(around('2020-11-09T08:00:00Z'), rules, at('08:00:00'))).toEqual([]);
    const paused = { ...around(), tasks: [{ ...expected, status: 'on-hold' as const }] };
    expect(silences(paused, rules, at('08:00:00'))).toEqual([]);
    expect(silences(around(), rules, new Date('2020-12-01T08:00:00Z'))).toEqual([]);
  });
});

describe('the round on the FHIR server', () => {
  test('late calls and waiting alerts of all patients; a second round finds nothing more to do', async () => {
    const server: Server = startServer();
    try {
      await play(server, 'telemonitoring-covisan-inclusion', inclusion(), '2020-11-05T09:00:00Z');
      await play(server, 'telemonitoring-covidom', daily(88, '2020-11-06T20:05:00+01:00'), '2020-11-06T19:10:00Z');
      const now = new Date('2020-11-06T19:30:00Z');
      const phaseOn = async (day: string) => {
        for (const { drafts } of await round(server.endpoint, rules, new Date(day))) await server.write(drafts);
        const [illness] = await all<Condition>(server, 'Condition');
        return illness?.stage?.[0]?.summary?.coding?.[0]?.code;
      };
      for (const { drafts } of await round(server.endpoint, rules, now)) await server.write(drafts);
      const tasks = await all<Task>(server, 'Task');
      const states = tasks.map((one) => one.businessStatus?.coding?.[0]?.code);
      expect(states.filter((code) => code === 'late')).toHaveLength(1);
      expect(states.filter((code) => code === 'escalated')).toHaveLength(1);
      expect(await all(server, 'Communication')).toHaveLength(1);
      expect(await round(server.endpoint, rules, now)).toEqual([]);
      expect(await phaseOn('2020-11-09T09:00:00Z')).toBe('transitional');
      expect(await phaseOn('2020-11-12T09:00:00Z')).toBe('inflammatory');
    } finally {
      server.close();
    }
  });
});
