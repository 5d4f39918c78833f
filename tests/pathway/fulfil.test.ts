import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Task } from '@medplum/fhirtypes';
import { figures } from '../../src/pathway/report.ts';
import { type Server, startServer } from '../identity/house.ts';
import { all, inclusion, karim, play } from './programme.ts';

const COVISAN = 'telemonitoring-covisan-inclusion';
const SHEET = 'telemonitoring-msp-call-sheet';
const label = (task: Task) => task.input?.find((one) => one.type.coding?.[0]?.code === 'day')?.valueString;
const codeOf = (task: Task) => task.code?.coding?.[0]?.code;

/** A line of the call sheet. */
const call = (id: string, day: string, at: string, changes: object = {}) => ({
  form: 'msp-call-sheet',
  version: '1',
  id,
  patient: karim,
  day,
  at,
  by: { rpps: '10101010101', family: 'LEROY' },
  outcome: 'done',
  ...changes,
});

describe('a call that was planned and has been made', () => {
  let server: Server;
  beforeEach(async () => {
    server = await startServer();
    await play(server, COVISAN, inclusion(), '2020-11-05T10:00:00Z');
  });
  afterEach(() => server.close());

  const planned = async () => (await all<Task>(server, 'Task')).filter((task) => task.basedOn);
  const named = async (code: string, day: string) =>
    (await planned()).find((task) => codeOf(task) === code && label(task) === day)!;
  const done = async () =>
    (await planned())
      .filter((task) => task.status === 'completed')
      .map((task) => `${codeOf(task)} ${label(task)}`)
      .sort();
  const J7 = call('C-7', 'J7', '2020-11-09T11:00:00+01:00');
  const report = (form: object, at = '2020-11-09T12:00:00Z') => play(server, SHEET, form, at);

  test('is completed, with the outcome, the time of the call and the number of its report', async () => {
    await report(J7);
    expect(await done()).toEqual(['call J7']);
    expect(await named('call', 'J7')).toMatchObject({
      businessStatus: { coding: [{ code: 'done' }] },
      executionPeriod: { start: '2020-11-09T11:00:00+01:00', end: '2020-11-09T11:00:00+01:00' },
      lastModified: '2020-11-09T12:00:00.000Z',
      output: [
        { type: { coding: [{ code: 'call-outcome' }] } },
        {
          type: { coding: [{ code: 'report' }] },
          valueReference: {
            identifier: { system: 'http://passerelle.example/fhir/NamingSystem/msp-call', value: 'C-7' },
          },
        },
      ],
    });
  });

  test('sent twice, it completes once; it counts as one call made', async () => {
    await report(J7);
    const first = await planned();
    await report({ ...J7, comment: 'relu' }, '2020-11-09T13:00:00Z');
    expect(await planned()).toEqual(first);
    const made = figures(await all<Task>(server, 'Task'), { from: '2020-11-01', to: '2020-11-30' });
    expect(made.filter((one) => one.indicator === 'calls-made')).toEqual([{ indicator: 'calls-made', count: 1 }]);
  });

  test.each([
    ['the nurse’s call', call('C-9', 'J21', '2020-11-09T11:00:00+01:00'), ['nurse-call J21']],
    ['another day without a Task on its date', call('C-9', 'other', '2020-11-05T11:00:00+01:00'), []],
    ['another day with a Task on its date', call('C-9', 'other', '2020-11-12T11:00:00+01:00'), ['call J10']],
    ['not reached', { ...J7, outcome: 'not-reached' }, []],
    ['declined', { ...J7, outcome: 'declined' }, ['call J7']],
  ])('%s', async (_what, form, expected) => {
    await report(form, '2020-11-12T12:00:00Z');
    expect(await done()).toEqual(expected);
  });

  test('a report corrected to “not reached” opens the call again, and an older word changes nothing', async () => {
    const before = await named('call', 'J7');
    await report(J7);
    await report({ ...J7, outcome: 'not-reached' }, '2020-11-09T14:00:00Z');
    const after = await named('call', 'J7');
    expect(after).toMatchObject({ status: 'requested', restriction: before.restriction });
    expect([after.output, after.executionPeriod]).toEqual([undefined, undefined]);
    await report(J7, '2020-11-09T12:00:00Z');
    expect(await done()).toEqual([]);
    await report({ ...J7, comment: 'joint au second appel' }, '2020-11-09T16:00:00Z');
    expect(await done()).toEqual(['call J7']);
  });

  test('done stays done when J1 is corrected, and the next report finds its call on the new day', async () => {
    await report(J7);
    const before = await named('call', 'J7');
    const disease = { firstSymptoms: '2020-11-05', status: 'confirmed' };
    await play(server, COVISAN, inclusion({ disease }), '2020-11-10T10:00:00Z');
    expect(await named('call', 'J7')).toEqual(before);
    const moved = await named('call', 'J10');
    expect(moved.restriction?.period?.start).toContain('2020-11-16');
    await report(call('C-10', 'J10', '2020-11-16T11:00:00+01:00'), '2020-11-16T12:00:00Z');
    expect(await done()).toEqual(['call J10', 'call J7']);
  });

  test('a sheet with the corrected J1 and the call of the day: the call is done, the others move', async () => {
    const both = { ...J7, firstSymptoms: '2020-11-05' };
    await report(both);
    expect(await done()).toEqual(['call J7']);
    expect((await named('call', 'J10')).restriction?.period?.start).toContain('2020-11-16');
  });
});
