import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { CarePlan, Condition, EpisodeOfCare, Provenance, Task } from '@medplum/fhirtypes';
import { instantiate, react, readSurroundings } from '../../src/pathway/index.ts';
import { type Server, startServer } from '../identity/house.ts';
import { all, convert, inclusion, karim, pathway, play, rules } from './programme.ts';

const COVISAN = 'telemonitoring-covisan-inclusion';
const isCall = (task: Task) => task.code?.coding?.some((one) => one.code === 'call' || one.code === 'nurse-call');
const dayOf = (task: Task) => task.restriction?.period?.start?.slice(0, 10);
const label = (task: Task) => task.input?.find((one) => one.type.coding?.[0]?.code === 'day')?.valueString;
const calls = (tasks: Task[]) =>
  tasks
    .filter(isCall)
    .map((task) => `${label(task)} ${dayOf(task)} ${task.status}`)
    .sort();

describe('a plan from its definition', () => {
  const made = (weekends: 'keep' | 'before' | 'after', risk = { atRisk: false, complex: false }, j1 = '2020-11-03') =>
    instantiate({
      plan: pathway.plans.get('http://passerelle.example/fhir/PlanDefinition/msp-calls')!,
      activities: pathway.activities,
      identity: 'episode|1',
      subject: { reference: 'Patient/1' },
      milestones: { j1, start: j1 },
      risk,
      calendar: { ...rules.calendar, weekends },
      authoredOn: new Date('2020-11-05T09:00:00Z'),
    });

  test('calls on J4, J7, J10, J14 by a physician and on J21 by the nurse', () => {
    const { tasks } = made('keep');
    expect(
      tasks.map(
        ({ resource }) => `${label(resource)} ${dayOf(resource)} ${resource.performerType?.[0]?.coding?.[0]?.code}`,
      ),
    ).toEqual([
      'J4 2020-11-06 62247001',
      'J7 2020-11-09 62247001',
      'J10 2020-11-12 62247001',
      'J14 2020-11-16 62247001',
      'J21 2020-11-23 106292003',
    ]);
  });

  test('weekends as configured', () => {
    const days = (weekends: 'keep' | 'before' | 'after') =>
      made(weekends, undefined, '2020-11-04').tasks.map(({ resource }) => dayOf(resource));
    expect(days('keep').slice(0, 1)).toEqual(['2020-11-07']);
    expect(days('before').slice(0, 1)).toEqual(['2020-11-06']);
    expect(days('after').slice(0, 1)).toEqual(['2020-11-09']);
  });

  test('the change of the clock leaves the hours of the call where they are', () => {
    const { tasks } = made('keep', undefined, '2021-03-25');
    expect(tasks[0]!.resource.restriction?.period).toEqual({
      start: '2021-03-28T08:00:00+02:00',
      end: '2021-03-28T20:00:00+02:00',
    });
  });

  test('the critical window is watched daily for those at risk or complex only, weekends included', () => {
    const windows = (risk: { atRisk: boolean; complex: boolean }) =>
      made('after', risk)
        .tasks.filter(({ resource }) => resource.code?.coding?.[0]?.code === 'reinforced-call')
        .map(({ resource }) => `${label(resource)} ${dayOf(resource)}`);
    expect(windows({ atRisk: false, complex: false })).toEqual([]);
    expect(windows({ atRisk: true, complex: false })).toEqual(windows({ atRisk: false, complex: true }));
    expect(windows({ atRisk: true, complex: false })).toEqual(
      [6, 7, 8, 9, 10, 11, 12].map((day) => `J${day} 2020-11-${String(day + 2).padStart(2, '0')}`),
    );
  });

  test('plan and tasks name each other, the definition and its version, and are named by the episode', () => {
    const { plan, tasks } = made('keep');
    expect(plan.resource.instantiatesCanonical).toEqual([
      'http://passerelle.example/fhir/PlanDefinition/msp-calls|1.0.0',
    ]);
    expect(plan.resource.activity?.map((one) => one.reference?.reference)).toEqual(tasks.map((task) => task.fullUrl));
    expect(tasks.every((task) => task.resource.basedOn?.[0]?.reference === plan.fullUrl)).toBe(true);
    expect(made('keep').tasks.map((task) => task.identity)).toEqual(tasks.map((task) => task.identity));
  });
});

describe('inclusion', () => {
  const at = new Date('2020-11-05T09:00:00Z');
  const codes = (changes: object) => convert(inclusion(changes), COVISAN, at).faults.map((one) => one.code);
  const tasksOf = (changes: object) =>
    convert(inclusion(changes), COVISAN, at)
      .drafts.map((draft) => draft.resource)
      .filter((one): one is Task => one.resourceType === 'Task')
      .map((task) => task.code?.coding?.[0]?.code);

  test('no agreement, no inclusion', () => {
    expect(codes({ agreement: { given: false, date: '2020-11-05' } })).toContain('consent-missing');
    expect(tasksOf({ agreement: { given: false, date: '2020-11-05' } })).toEqual([]);
  });

  test('a missing, future or ancient J1 is said, and somebody is asked for it', () => {
    expect(codes({ disease: { status: 'suspected' } })).toContain('onset-missing');
    expect(codes({ disease: { status: 'suspected', firstSymptoms: '2020-11-06' } })).toContain('onset-doubtful');
    expect(codes({ disease: { status: 'suspected', firstSymptoms: '2019-11-03' } })).toContain('onset-doubtful');
    expect(tasksOf({ disease: { status: 'suspected' } })).toContain('correct-j1');
    expect(tasksOf({ disease: { status: 'suspected' } })).not.toContain('call');
  });

  test('nobody’s patient: somebody looks for a treating physician', () => {
    expect(tasksOf({})).toContain('find-gp');
    expect(tasksOf({ generalPractitioner: { rpps: '10101010101', family: 'LEROY' } })).not.toContain('find-gp');
  });

  test('flags call for what the rules say', () => {
    expect(tasksOf({ situation: ['social', 'isolated-over-80'] })).toEqual(
      expect.arrayContaining(['dac-request', 'town-hall-contact', 'weekly-call']),
    );
    const household = [{ id: '1', relation: 'parent', family: 'BENSALAH', inHousehold: true, vulnerable: true }];
    expect(tasksOf({ household })).toContain('ctai-contact');
  });

  test('what was due before the patient came in is not waited for', () => {
    const { drafts } = convert(inclusion({ date: '2020-11-10T10:00:00+01:00' }), COVISAN, at);
    const tasks = drafts.map((draft) => draft.resource).filter((one): one is Task => one.resourceType === 'Task');
    expect(calls(tasks)).toEqual([
      'J10 2020-11-12 requested',
      'J14 2020-11-16 requested',
      'J21 2020-11-23 requested',
      'J4 2020-11-06 cancelled',
      'J7 2020-11-09 cancelled',
    ]);
  });
});

describe('the phase is computed', () => {
  test('as stage of the illness and on the plan; not for an illness of long ago', () => {
    const summary = (at: string) => {
      const { drafts } = convert(inclusion(), COVISAN, new Date(at));
      return drafts.flatMap(({ resource }) =>
        resource.resourceType === 'Condition' ? (resource.stage?.[0]?.summary?.coding?.[0]?.code ?? 'none') : [],
      );
    };
    expect(summary('2020-11-05T09:00:00Z')).toEqual(['viral']);
    expect(summary('2020-11-09T09:00:00Z')).toEqual(['transitional']);
    expect(summary('2020-11-12T09:00:00Z')).toEqual(['inflammatory']);
    expect(summary('2026-11-12T09:00:00Z')).toEqual(['none']);
  });
});

describe('on the FHIR server', () => {
  let server: Server;
  beforeEach(() => {
    server = startServer();
  });
  afterEach(() => server.close());

  test('an inclusion taken up again makes nothing twice', async () => {
    await play(server, COVISAN, inclusion(), '2020-11-05T09:00:00Z');
    const before = (await all(server, 'Task')).length;
    await play(server, COVISAN, inclusion(), '2020-11-05T09:00:00Z');
    await play(server, COVISAN, inclusion(), '2020-11-05T09:00:00Z');
    expect(await all(server, 'Task')).toHaveLength(before);
    expect(await all(server, 'CarePlan')).toHaveLength(2);
  });

  test('J1 corrected from 3 to 5 November: open calls move, done ones stay, Provenance says why', async () => {
    await play(server, COVISAN, inclusion(), '2020-11-05T09:00:00Z');
    const [first] = (await all<Task>(server, 'Task')).filter((task) => label(task) === 'J4');
    await server.endpoint.send({ method: 'PUT', path: `Task/${first!.id}`, body: { ...first, status: 'completed' } });
    await play(
      server,
      COVISAN,
      inclusion({ disease: { firstSymptoms: '2020-11-05', status: 'confirmed' } }),
      '2020-11-07T09:00:00Z',
    );
    expect(calls(await all<Task>(server, 'Task'))).toEqual([
      'J10 2020-11-16 requested',
      'J14 2020-11-18 requested',
      'J21 2020-11-25 requested',
      'J4 2020-11-06 completed',
      'J7 2020-11-11 requested',
    ]);
    const reasons = (await all<Provenance>(server, 'Provenance')).flatMap(
      (one) => one.reason?.map((reason) => reason.text) ?? [],
    );
    expect(reasons).toContain('Premier jour des signes (J1) corrigé : 2020-11-03 → 2020-11-05');
    const plans = await all<CarePlan>(server, 'CarePlan');
    const dated = plans.flatMap((plan) => plan.extension?.flatMap((one) => one.extension?.[0]?.valueDate ?? []) ?? []);
    expect(dated).toEqual(['2020-11-05', '2020-11-05']);
  });

  test('an old message taken up again does not move the calls back', async () => {
    await play(server, COVISAN, inclusion(), '2020-11-05T09:00:00Z');
    await play(
      server,
      COVISAN,
      inclusion({ disease: { firstSymptoms: '2020-11-05', status: 'confirmed' } }),
      '2020-11-07T09:00:00Z',
    );
    const before = calls(await all<Task>(server, 'Task'));
    await play(server, COVISAN, inclusion(), '2020-11-05T09:00:00Z');
    expect(calls(await all<Task>(server, 'Task'))).toEqual(before);
    expect((await all<Condition>(server, 'Condition')).map((one) => one.onsetDateTime)).toEqual(['2020-11-05']);
  });

  test('J1 that comes later brings the calls that waited for it', async () => {
    await play(server, COVISAN, inclusion({ disease: { status: 'confirmed' } }), '2020-11-05T09:00:00Z');
    expect(calls(await all<Task>(server, 'Task'))).toEqual([]);
    await play(server, COVISAN, inclusion(), '2020-11-06T09:00:00Z');
    expect(calls(await all<Task>(server, 'Task')).map((one) => one.slice(0, 3))).toEqual([
      'J10',
      'J14',
      'J21',
      'J4 ',
      'J7 ',
    ]);
  });

  test('the end of follow-up closes everything open with the reason and keeps the status history', async () => {
    const covidom = {
      form: 'covidom-inclusion',
      version: '1',
      id: 'CDM-1',
      date: '2020-11-05T09:00:00+01:00',
      physician: { family: 'LEROY', rpps: '10101010101' },
      patient: karim,
      agreement: { given: true, date: '2020-11-05' },
      disease: { firstSymptoms: '2020-11-03', status: 'confirmed' },
    };
    await play(server, 'telemonitoring-covidom-inclusion', covidom, '2020-11-05T09:00:00Z');
    const closing = {
      form: 'covidom-closing',
      version: '1',
      id: 'CL-1',
      inclusionId: 'CDM-1',
      patient: karim,
      date: '2020-11-19T18:00:00+01:00',
      reason: 'recovered',
    };
    await play(server, 'telemonitoring-covidom-closing', closing, '2020-11-19T18:00:00Z');
    const tasks = await all<Task>(server, 'Task');
    expect(new Set(tasks.map((task) => `${task.status} ${task.statusReason?.coding?.[0]?.code}`))).toEqual(
      new Set(['cancelled recovered']),
    );
    expect((await all<CarePlan>(server, 'CarePlan')).map((plan) => plan.status)).toEqual(['completed']);
    const [episode] = await all<EpisodeOfCare>(server, 'EpisodeOfCare');
    expect([episode?.status, episode?.statusHistory?.[0]?.status]).toEqual(['finished', 'active']);
    await play(server, 'telemonitoring-covidom-inclusion', covidom, '2020-11-05T09:00:00Z');
    expect((await all<EpisodeOfCare>(server, 'EpisodeOfCare'))[0]?.status).toBe('finished');
    expect((await all<Task>(server, 'Task')).every((task) => task.status === 'cancelled')).toBe(true);
    expect(episode?.period).toEqual({ start: '2020-11-05T09:00:00+01:00', end: '2020-11-19T18:00:00+01:00' });
  });

  test('a stay in hospital pauses the follow-up at home, the discharge takes it up again', async () => {
    const { patient } = await play(server, COVISAN, inclusion(), '2020-11-05T09:00:00Z');
    const surroundings = (at: string) => readSurroundings(server.endpoint, { patient, at: new Date(at) });
    const states = async () =>
      new Set((await all<Task>(server, 'Task')).filter((task) => task.basedOn).map((task) => task.status));
    const stay = async (status: 'in-progress' | 'finished', at: string) => {
      const encounter = { resourceType: 'Encounter' as const, status, class: { code: 'IMP' } };
      const draft = {
        key: 'e',
        fullUrl: 'urn:uuid:e',
        resource: encounter,
        write: 'update' as const,
        identity: { system: 's', value: 'e' },
      };
      const conversion = { drafts: [draft], intents: [], faults: [], unmapped: [], traces: [], maps: {} };
      await server.write(react(conversion, await surroundings(at), pathway));
    };
    await stay('in-progress', '2020-11-07T09:00:00Z');
    expect(await states()).toEqual(new Set(['on-hold']));
    await stay('finished', '2020-11-09T09:00:00Z');
    expect(await states()).toEqual(new Set(['requested']));
  });

  test('a refusal of the shared record is no exit from the programme', async () => {
    const { patient } = await play(server, COVISAN, inclusion(), '2020-11-05T09:00:00Z');
    const at = new Date('2020-11-07T09:00:00Z');
    const refusal = {
      resourceType: 'Consent' as const,
      status: 'active' as const,
      scope: { text: 'DMP' },
      category: [{ text: 'DMP' }],
      provision: { type: 'deny' as const },
    };
    const draft = {
      key: 'c',
      fullUrl: 'urn:uuid:c',
      resource: refusal,
      write: 'create' as const,
      identity: { system: 's', value: 'c' },
    };
    const conversion = { drafts: [draft], intents: [], faults: [], unmapped: [], traces: [], maps: {} };
    expect(react(conversion, await readSurroundings(server.endpoint, { patient, at }), pathway)).toEqual([]);
  });

  test('an agreement taken back closes episode, plan and tasks', async () => {
    await play(server, COVISAN, inclusion(), '2020-11-05T09:00:00Z');
    const closing = {
      form: 'covidom-closing',
      version: '1',
      id: 'CL-2',
      inclusionId: 'COV-1',
      patient: karim,
      date: '2020-11-08T18:00:00+01:00',
      reason: 'consent-withdrawn',
    };
    await play(server, 'telemonitoring-covidom-closing', closing, '2020-11-08T18:00:00Z');
    const tasks = await all<Task>(server, 'Task');
    expect(new Set(tasks.map((task) => task.status))).toEqual(new Set(['cancelled']));
    expect((await all<CarePlan>(server, 'CarePlan')).map((plan) => plan.status)).toEqual(['revoked', 'revoked']);
    expect((await all<EpisodeOfCare>(server, 'EpisodeOfCare')).map((one) => one.status)).toEqual([
      'finished',
      'finished',
    ]);
  });
});
