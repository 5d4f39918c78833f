import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Observation, Patient, Task } from '@medplum/fhirtypes';
import { carryOutMerge, keepApart, mergePatients, postpone, resolve, unmerge } from '../../src/identity/index.ts';
import { contextOf, draftOf, type Server, startServer } from './house.ts';
import { A, B, BICHAT, marie, NIR, PITIE, person, sketch } from './people.ts';

let server: Server;
beforeEach(() => {
  server = startServer();
});
afterEach(() => server.close());

const author = { who: { display: 'Cellule d’identitovigilance' }, at: new Date('2020-11-10T10:00:00Z') };
const who = (text: string) => person(sketch(text));
const actives = async () => (await server.search<Patient>('Patient?_count=100')).filter((one) => one.active !== false);

describe('one person, several messages', () => {
  test('the first makes the record, the next finds it and has nothing to write', async () => {
    const first = await server.receive(who('A bichat:1'));
    const again = await server.receive(who('A bichat:1'));
    expect(again.reference).toBe(first.reference);
    expect(again.patient).toBeUndefined();
    expect(await actives()).toHaveLength(1);
  });

  test('a message whose rest comes later, or again, still is the one that made its record', async () => {
    const [one, other] = ['one', 'other'].map((id) => ({ source: `urn:passerelle:message:${id}` }));
    expect((await server.receive(who('A bichat:1'), one)).enrolled).toBe(true);
    expect((await server.receive(who('A bichat:1'), one)).enrolled).toBe(true);
    expect((await server.receive(who('A bichat:1'), other)).enrolled).toBeUndefined();
  });

  test('a local number first, the INS later, another hospital after that: one record with all numbers', async () => {
    const first = await server.receive(who('bichat:1'));
    await server.receive(who('A bichat:1'));
    const third = await server.receive(who('A pitie:7'));
    expect(third.reference).toBe(first.reference);
    const record = await server.read<Patient>(first.reference!);
    expect(record.identifier?.map((one) => `${one.system}|${one.value}`)).toEqual([
      `${BICHAT}|1`,
      `${NIR}|${A}`,
      `${PITIE}|7`,
    ]);
  });

  test('newer demographics win, older ones do not, whatever the order of arrival', async () => {
    const newer = { ...who('A'), telecom: [{ system: 'phone' as const, value: '0600000002', use: 'mobile' as const }] };
    const older = { ...who('A'), telecom: [{ system: 'phone' as const, value: '0600000001', use: 'mobile' as const }] };
    const { reference } = await server.receive(newer, { asOf: '2020-11-10T09:00:00Z' });
    await server.receive(older, { asOf: '2020-11-09T09:00:00Z' });
    expect((await server.read<Patient>(reference!)).telecom).toEqual(newer.telecom);
    await server.receive(older, { asOf: '2020-11-11T09:00:00Z' });
    expect((await server.read<Patient>(reference!)).telecom).toEqual(older.telecom);
  });

  test('VALI is kept with the version it came from, and a 2.2 status stands beside it', async () => {
    const { reference } = await server.receive(who('status=VALI A'));
    const status = { system: 'https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-identity-status', code: 'VALI' };
    await server.receive(person({ ...marie, ids: [[NIR, A]], status }));
    const record = await server.read<Patient>(reference!);
    const statuses = record.extension
      ?.filter((one) => one.url?.endsWith('identity-reliability'))
      .map((one) => one.extension?.[0]?.valueCoding);
    expect(statuses?.map((one) => [one?.code, one?.version])).toEqual([
      ['VALI', '2.2.0'],
      ['VALI', '2.1.0'],
    ]);
  });

  test('sixteen messages at once, each with other numbers of one new patient, make one record', async () => {
    const claims = ['A bichat:1', 'bichat:1', 'A', 'A bichat:1 pitie:2'];
    const all = Array.from({ length: 16 }, (_, index) =>
      server.receive(who(claims[index % claims.length]!)).catch(() => undefined),
    );
    await Promise.all(all);
    for (const claim of claims) await server.receive(who(claim));
    expect(await actives()).toHaveLength(1);
  });

  test('a patient with no identifier at all is found again only by the same message', async () => {
    const draft = draftOf(who('nosystem:1'));
    const first = await resolve(draft, server.endpoint, contextOf());
    expect(first.outcome).toBe('create');
    expect(first.faults.map((one) => one.code)).toContain('identity-unidentified');
    await server.write([{ ...first.patient!, write: 'create' }]);
    expect((await resolve(draft, server.endpoint, contextOf())).outcome).toBe('link');
    expect((await resolve(draftOf(who('nosystem:1')), server.endpoint, contextOf())).outcome).toBe('create');
  });
});

describe('the identity review queue', () => {
  test('contradicting traits: nothing is written but the question, asked once', async () => {
    const { reference } = await server.receive(who('A'));
    const doubt = await server.receive(who('born=1981-05-12 A'));
    await server.receive(who('born=1981-05-12 A'));
    expect(doubt.outcome).toBe('review');
    expect(doubt.faults.map((one) => one.code)).toContain('identity-review');
    const tasks = await server.search<Task>('Task?_count=10');
    expect(tasks).toHaveLength(1);
    expect(tasks[0]?.contained?.[0]?.resourceType).toBe('Patient');
    expect(tasks[0]?.focus?.reference).toBe(reference);
    expect(JSON.stringify(doubt.faults)).not.toContain('1981');
  });

  test('decided the same: the message links when it is taken up again, and the record keeps its traits', async () => {
    const { reference } = await server.receive(who('A'));
    await server.receive(who('born=1981-05-12 A'));
    const [task] = await server.search<Task>('Task?_count=10');
    await server.write(await mergePatients(`Task/${task!.id}`, reference!, server.endpoint, author));
    const again = await server.receive(who('born=1981-05-12 A'));
    expect([again.outcome, again.reference]).toEqual(['link', reference]);
    expect((await server.read<Task>(`Task/${task!.id}`)).status).toBe('completed');
    expect(await server.search('Provenance?_count=50')).not.toHaveLength(0);
  });

  test('decided apart: a record of its own without the other person’s number, found again by the same claim', async () => {
    const { reference } = await server.receive(who('A'));
    await server.receive(who('paul A'));
    const [task] = await server.search<Task>('Task?_count=10');
    await server.write(await keepApart(`Task/${task!.id}`, server.endpoint, author));
    const paul = await server.receive(who('paul A'));
    const again = await server.receive(who('paul A'));
    expect(paul.reference).not.toBe(reference);
    expect(again.reference).toBe(paul.reference);
    const record = await server.read<Patient>(paul.reference!);
    expect(record.identifier?.some((one) => one.value === A)).toBe(false);
    expect(await actives()).toHaveLength(2);
  });

  test('postponed: on hold until the day', async () => {
    await server.receive(who('A'));
    await server.receive(who('sex=male A'));
    const [task] = await server.search<Task>('Task?_count=10');
    await server.write(await postpone(`Task/${task!.id}`, '2020-11-20T08:00:00+01:00', server.endpoint, author));
    const later = await server.read<Task>(`Task/${task!.id}`);
    expect([later.status, later.restriction?.period?.start]).toEqual(['on-hold', '2020-11-20T08:00:00+01:00']);
  });

  test('namesakes are kept apart with a question; the answer can make them one', async () => {
    const one = await server.receive(who('bichat:1'));
    const other = await server.receive(who('pitie:7'));
    expect([other.outcome, other.reference === one.reference]).toEqual(['link', false]);
    const [task] = await server.search<Task>('Task?_count=10');
    await server.write(await mergePatients(`Task/${task!.id}`, one.reference!, server.endpoint, author));
    expect(await actives()).toHaveLength(1);
    expect((await server.receive(who('pitie:7'))).reference).toBe(one.reference);
  });
});

describe('merges', () => {
  const merge = async (survivor: string, retired: string[]) => {
    const decision = await server.receive(who(survivor));
    const identifiers = retired.flatMap((one) => who(one).identifier ?? []);
    const intent = { kind: 'merge' as const, survivor: [], retired: identifiers, place: 'MRG-1' };
    const merged = await carryOutMerge(intent, { ...decision, patient: undefined }, server.endpoint, author);
    await server.write([...(merged.patient ? [merged.patient] : []), ...merged.drafts, ...merged.tasks]);
    return { ...merged, reference: decision.reference! };
  };
  const reading = async (patient: string): Promise<string> => {
    const body: Observation = {
      resourceType: 'Observation',
      status: 'final',
      code: { text: 'x' },
      subject: { reference: patient },
    };
    const response = await server.endpoint.send({ method: 'POST', path: 'Observation', body });
    return `Observation/${(response.body as Observation).id}`;
  };

  test('A40: the retired record points at the survivor, what was about it moves, later messages follow', async () => {
    const retired = await server.receive(who('bichat:2'));
    const observation = await reading(retired.reference!);
    const { reference } = await merge('given=LUCIE list=LUCIE bichat:1', ['bare bichat:2']);
    expect((await server.read<Observation>(observation)).subject?.reference).toBe(reference);
    expect((await server.read<Patient>(retired.reference!)).active).toBe(false);
    expect((await server.receive(who('bare bichat:2'))).reference).toBe(reference);
    expect(await actives()).toHaveLength(1);
  });

  test('A40 before A01: the retired number is remembered', async () => {
    const { reference } = await merge('bichat:1', ['bichat:2']);
    expect((await server.receive(who('bichat:2'))).reference).toBe(reference);
    expect(await actives()).toHaveLength(1);
  });

  test('a merge of a merge leads to the last survivor', async () => {
    await server.receive(who('bichat:3'));
    await merge('given=LUCIE list=LUCIE bichat:2', ['bichat:3']);
    const { reference } = await merge('given=ANNE list=ANNE bichat:1', ['bichat:2']);
    expect((await server.receive(who('bare bichat:3'))).reference).toBe(reference);
    expect(await actives()).toHaveLength(1);
  });

  test('two INS are not merged: both stay, a person is asked', async () => {
    await server.receive(who('B bichat:2'));
    const merged = await merge('A bichat:1', ['bichat:2']);
    expect(merged.faults.map((one) => one.code)).toEqual(['identity-merge-refused']);
    expect(await actives()).toHaveLength(2);
    expect(await server.search('Task?_count=10')).toHaveLength(1);
  });

  test('unmerge restores both records and what had moved; what came since stays', async () => {
    const retired = await server.receive(who('bichat:2'));
    const before = await server.read<Patient>(retired.reference!);
    const moved = await reading(retired.reference!);
    const { reference } = await merge('A bichat:1', ['bichat:2']);
    const since = await reading(reference);
    await server.write(await unmerge(retired.reference!, server.endpoint, author));
    const { meta: _, ...now } = await server.read<Patient>(retired.reference!);
    const { meta: __, ...then } = before;
    expect(now).toEqual(then);
    expect((await server.read<Observation>(moved)).subject?.reference).toBe(retired.reference);
    expect((await server.read<Observation>(since)).subject?.reference).toBe(reference);
    const survivor = await server.read<Patient>(reference);
    expect(survivor.identifier?.some((one) => one.system === BICHAT && one.value === '2')).toBe(false);
    expect((await server.receive(who('bichat:2'))).reference).toBe(retired.reference);
    expect(B).not.toBe(A);
  });
});
