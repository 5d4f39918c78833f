import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { DetectedIssue, Observation, Task } from '@medplum/fhirtypes';
import { noSurroundings, react } from '../../src/pathway/index.ts';
import { type Server, startServer } from '../identity/house.ts';
import { all, convert, daily, inclusion, karim, pathway, play, rules } from './programme.ts';

const COVIDOM = 'telemonitoring-covidom';
const inputs = (task: Task, code: string) => (task.input ?? []).filter((one) => one.type.coding?.[0]?.code === code);
const ruleOf = (task: Task) => inputs(task, 'rule').map((one) => one.valueString);

let server: Server;
beforeEach(() => {
  server = startServer();
});
afterEach(() => server.close());

const alertTasks = async () => (await all<Task>(server, 'Task')).filter((task) => inputs(task, 'rule').length > 0);
const close = (task: Task, at: string) =>
  server.endpoint.send({
    method: 'PUT',
    path: `Task/${task.id}`,
    body: { ...task, status: 'completed', executionPeriod: { end: at } },
  });

describe('a reading outside the configured threshold', () => {
  test('SpO2 91 %: one Observation, one DetectedIssue and one Task that names rule and threshold, also when sent twice', async () => {
    const form = daily(91, '2020-11-10T08:05:00+01:00');
    await play(server, COVIDOM, form, '2020-11-10T07:10:00Z');
    await play(server, COVIDOM, form, '2020-11-10T07:10:00Z');
    await play(server, COVIDOM, form, '2020-11-10T07:15:00Z');
    const [observation, ...others] = await all<Observation>(server, 'Observation');
    expect(others).toEqual([]);
    expect(observation?.code.coding?.map((one) => one.code)).toEqual(['2708-6', '59408-5']);
    expect(observation?.valueQuantity).toMatchObject({ value: 91, code: '%', system: 'http://unitsofmeasure.org' });
    const [task, ...more] = await all<Task>(server, 'Task');
    expect(more).toEqual([]);
    expect(ruleOf(task!)).toEqual(['spo2-low']);
    expect(inputs(task!, 'rule-version')[0]?.valueString).toBe(`covid|${rules.version}`);
    expect(inputs(task!, 'threshold')[0]?.valueQuantity).toMatchObject({ value: 92, comparator: '<', code: '%' });
    expect(inputs(task!, 'reading')[0]?.valueReference?.reference).toBe(`Observation/${observation?.id}`);
    expect(task?.restriction?.period?.end).toBe('2020-11-10T10:10:00+01:00');
    const [issue, ...rest] = await all<DetectedIssue>(server, 'DetectedIssue');
    expect(rest).toEqual([]);
    expect(task?.focus?.reference).toBe(`DetectedIssue/${issue?.id}`);
    expect(issue?.implicated?.[0]?.reference).toBe(`Observation/${observation?.id}`);
  });

  test('a reading as it should be makes nothing', async () => {
    await play(server, COVIDOM, daily(97, '2020-11-10T08:05:00+01:00'), '2020-11-10T07:10:00Z');
    expect(await all(server, 'Task')).toEqual([]);
  });

  test('the same cause is not alerted again while somebody is at it; a stronger one is', async () => {
    await play(server, COVIDOM, daily(91, '2020-11-10T08:05:00+01:00'), '2020-11-10T07:10:00Z');
    await play(server, COVIDOM, daily(91, '2020-11-10T14:05:00+01:00'), '2020-11-10T13:10:00Z');
    await play(server, COVIDOM, daily(91, '2020-11-11T08:05:00+01:00'), '2020-11-11T07:10:00Z');
    expect(await alertTasks()).toHaveLength(1);
    await play(server, COVIDOM, daily(88, '2020-11-11T09:05:00+01:00'), '2020-11-11T08:10:00Z');
    expect((await alertTasks()).flatMap(ruleOf).sort()).toEqual(['spo2-low', 'spo2-very-low']);
  });

  test('once closed, the next crossing is a new cause; the old message taken up again is not', async () => {
    const first = daily(91, '2020-11-10T08:05:00+01:00');
    await play(server, COVIDOM, first, '2020-11-10T07:10:00Z');
    await close((await alertTasks())[0]!, '2020-11-10T10:00:00Z');
    await play(server, COVIDOM, first, '2020-11-10T07:10:00Z');
    expect(await alertTasks()).toHaveLength(1);
    await play(server, COVIDOM, daily(91, '2020-11-10T18:05:00+01:00'), '2020-11-10T17:10:00Z');
    expect(await alertTasks()).toHaveLength(2);
  });

  test('stronger inside J6–J12 and for those at risk', async () => {
    const level = (task?: Task) => [
      inputs(task!, 'level')[0]?.valueCode,
      inputs(task!, 'day')[0]?.valueString,
      task?.priority,
    ];
    await play(server, 'telemonitoring-covisan-inclusion', inclusion(), '2020-11-05T09:00:00Z');
    await play(server, COVIDOM, daily(94, '2020-11-06T08:05:00+01:00'), '2020-11-06T07:10:00Z');
    expect(level((await alertTasks())[0])).toEqual(['watch', 'J4', 'urgent']);
    await close((await alertTasks())[0]!, '2020-11-06T10:00:00Z');
    await play(server, COVIDOM, daily(94, '2020-11-10T08:05:00+01:00'), '2020-11-10T07:10:00Z');
    expect(level((await alertTasks()).find((task) => task.status === 'requested'))).toEqual(['warning', 'J8', 'asap']);
  });

  test('falling by three points over three readings is a trend of its own; one message makes one task', async () => {
    await play(server, COVIDOM, daily(99, '2020-11-09T08:00:00+01:00'), '2020-11-09T07:10:00Z');
    await play(server, COVIDOM, daily(97, '2020-11-09T20:00:00+01:00'), '2020-11-09T19:10:00Z');
    expect(await alertTasks()).toHaveLength(0);
    await play(server, COVIDOM, daily(96, '2020-11-10T08:00:00+01:00'), '2020-11-10T07:10:00Z');
    const [task, ...more] = await alertTasks();
    expect(more).toEqual([]);
    expect(ruleOf(task!)).toEqual(['spo2-falling']);
    expect(inputs(task!, 'reading')).toHaveLength(3);
  });

  test('worse breath and confusion: one task for the message, an issue for each reason', async () => {
    const symptoms = { dyspnoea: 'yes', dyspnoeaChange: 'worse', confusion: 'yes' };
    await play(server, COVIDOM, daily(96, '2020-11-10T08:05:00+01:00', { symptoms }), '2020-11-10T07:10:00Z');
    const [task, ...more] = await alertTasks();
    expect(more).toEqual([]);
    expect(ruleOf(task!)).toEqual(['confusion-present', 'dyspnoea-worse']);
    expect(task?.priority).toBe('stat');
    expect(await all(server, 'DetectedIssue')).toHaveLength(2);
  });

  test('two patients do not share an alert', async () => {
    const other = {
      ...karim,
      ins: undefined,
      identifiers: [{ system: 'urn:oid:1.2.250.1.999.1', value: '77' }],
      birthName: 'ROUX',
      birthDate: '1970-01-02',
    };
    await play(server, COVIDOM, daily(91, '2020-11-10T08:05:00+01:00'), '2020-11-10T07:10:00Z');
    await play(
      server,
      COVIDOM,
      { ...daily(91, '2020-11-10T08:05:00+01:00'), patient: other, id: 'Q-other' },
      '2020-11-10T07:10:00Z',
    );
    expect(new Set((await alertTasks()).map((task) => task.for?.reference)).size).toBe(2);
  });

  test('a second vendor of another shape: ratio and Fahrenheit, the same alert', async () => {
    const readings = [{ kind: 'SAT', val: 0.91, unit: 'ratio' }];
    const form = {
      messageId: 'R-1',
      sentAt: '2020-11-10T07:00:00Z',
      subject: { ref: 'RSP-1', lastName: 'Bensalah', firstName: 'Karim', dob: '1988-09-02', gender: 'male' },
      batches: [{ takenAt: '2020-11-10T06:55:00Z', readings }],
    };
    await play(server, 'telemonitoring-respira', form, '2020-11-10T07:10:00Z');
    expect((await alertTasks()).flatMap(ruleOf)).toEqual(['spo2-low']);
  });
});

describe('readings in a document', () => {
  const alertsAt = (received: string) => {
    const at = new Date(received);
    const conversion = convert(daily(85, '2020-11-10T08:00:00+01:00'), COVIDOM, at);
    const report = {
      resourceType: 'DocumentReference' as const,
      status: 'current' as const,
      content: [{ attachment: {} }],
    };
    conversion.drafts.push({
      key: 'd',
      fullUrl: 'urn:uuid:d',
      resource: report,
      write: 'create',
      identity: { system: 's', value: 'd' },
    });
    return react(conversion, noSurroundings('Patient/1', at), pathway).length;
  };

  test('what others measured and have seen raises no alert days later; what they measured today does', () => {
    expect(alertsAt('2020-11-14T09:00:00Z')).toBe(0);
    expect(alertsAt('2020-11-10T09:00:00Z')).toBe(2);
  });
});

test('a relative’s value in the patient’s record raises no alert', () => {
  const at = new Date('2020-11-10T07:10:00Z');
  const alertsOf = (about: object) => {
    const conversion = convert(daily(91, '2020-11-10T08:05:00+01:00'), COVIDOM, at);
    for (const { resource } of conversion.drafts)
      if (resource.resourceType === 'Observation') Object.assign(resource, about);
    return react(conversion, noSurroundings('Patient/1', at), pathway).length;
  };
  expect(alertsOf({})).toBeGreaterThan(0);
  expect(alertsOf({ focus: [{ reference: 'urn:uuid:1', type: 'RelatedPerson' }] })).toBe(0);
  expect(alertsOf({ focus: [{ reference: 'RelatedPerson/1' }] })).toBe(0);
});

describe('what is no reading', () => {
  const at = new Date('2020-11-10T07:10:00Z');
  const codes = (form: object) => convert(form, COVIDOM, at).faults.map((one) => one.code);

  test('the future, the impossible and the unknown unit are refused, the tolerance of a clock is not', () => {
    expect(codes(daily(97, '2020-11-10T08:40:00+01:00'))).toEqual(['reading-future']);
    expect(codes(daily(97, '2020-11-10T08:20:00+01:00'))).toEqual([]);
    expect(codes(daily(197, '2020-11-10T08:00:00+01:00'))).toEqual(['reading-implausible']);
    expect(
      codes(daily(97, '2020-11-10T08:00:00+01:00', { measures: { weight: { value: 9, unit: 'stone' } } })),
    ).toContain('reading-incomplete');
  });

  test('a time without zone is local time of Paris', () => {
    const [reading] = convert(daily(97, '2020-11-10T08:00:00'), COVIDOM, at).drafts.flatMap(({ resource }) =>
      resource.resourceType === 'Observation' ? [resource.effectiveDateTime] : [],
    );
    expect(reading).toBe('2020-11-10T08:00:00+01:00');
  });
});
