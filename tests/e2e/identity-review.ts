import { describe, expect, test } from '@jest/globals';
import type { Patient, Provenance, Task } from '@medplum/fhirtypes';
import { mintToken } from '../../src/access/index.ts';
import { matricule } from '../identity/people.ts';
import { type Behind, withGateway } from './behind.ts';
import { type RunningGateway, until } from './running.ts';

const TEST = 'urn:oid:1.2.250.1.213.1.4.10';
let gateway: RunningGateway;
let authorization: string;

/** The queue of identity reviews, whatever server is behind. */
export function identityReview(start: () => Promise<Behind>): void {
  withGateway(start, async (one) => {
    gateway = one;
    authorization = `Bearer ${await mintToken(gateway.config, { clientId: 'identity-desk' })}`;
  });
  describe('a person decides by writing the task of the review queue', decisions);
  describe('through the whole gateway', throughAll);
}

interface Person {
  family: string;
  given?: string;
  born?: string;
  sex?: string;
  ins?: string;
  /** Hospital and number, `1:4711`. */
  local?: string;
  event?: string;
  status?: string;
  merged?: string;
}

let messages = 0;

const cx = (local: string) => {
  const [hospital, number] = local.split(':');
  return `${number}^^^CH${hospital}&1.2.250.1.999.7.${hospital}&ISO^PI`;
};

async function send(person: Person): Promise<void> {
  const { family, given = 'ALIX', born = '19600412', sex = 'F', ins, local, event = 'A28', status = 'PROV' } = person;
  const insCx = ins ? `${ins}^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS` : '';
  const ids = [...(local ? [cx(local)] : []), ...(insCx ? [insCx] : [])].join('~');
  const time = `2026110108${String(10 + (++messages % 50))}00+0100`;
  const lines = [
    `MSH|^~\\&|GAM|CH|PASSERELLE|VILLE|${time}||ADT^${event}^${event === 'A40' ? 'ADT_A39' : 'ADT_A05'}|REV-${messages}|P|2.5^FRA^2.11|||||FRA|UNICODE UTF-8|||2.11^IHE_FRANCE-2.11-PAM`,
    `EVN||${time}`,
    `PID|||${ids}||${family}^${given}^${given}^^^^L||${born}|${sex}${'|'.repeat(24)}${status}`,
    person.merged ? `MRG|${cx(person.merged)}` : 'PV1|1|N',
  ];
  expect((await gateway.send(`${lines.join('\r')}\r`)).code).toBe('AA');
  await until(async () => (await waiting()) === 0);
}

async function waiting(): Promise<number> {
  return (await gateway.get('/messages?state=accepted')).body.messages.length;
}

async function held(): Promise<number> {
  return (await gateway.get('/messages?state=quarantined')).body.messages.length;
}

async function found<R>(query: string): Promise<R[]> {
  const { body } = await gateway.get(`/fhir/R4/${query}`);
  return (body.entry ?? []).map((one: { resource: R }) => one.resource);
}

const ofIns = (ins: string) => found<Patient>(`Patient?identifier=${encodeURIComponent(`${TEST}|${ins}`)}`);
const ofLocal = (hospital: number, number: string) =>
  found<Patient>(`Patient?identifier=${encodeURIComponent(`urn:oid:1.2.250.1.999.7.${hospital}|${number}`)}`);
const active = (some: Patient[]) => some.filter((one) => one.active !== false);

async function openReview(): Promise<Task> {
  const [task, ...others] = await found<Task>('Task?code=identity-review&status=requested');
  expect(others).toEqual([]);
  return task!;
}

const part = (code: string, value: object) => ({
  type: { coding: [{ system: 'http://passerelle.example/fhir/CodeSystem/identity-review', code }] },
  ...value,
});
const output = (decision: string, record?: string) => [
  part('decision', { valueCode: decision }),
  ...(record ? [part('record', { valueReference: { reference: record } })] : []),
];

async function write(method: string, path: string, task: object): Promise<{ status: number; body: any }> {
  const response = await fetch(`${gateway.url}/fhir/R4/${path}`, {
    method,
    headers: { authorization, 'content-type': 'application/fhir+json' },
    body: JSON.stringify(task),
  });
  return { status: response.status, body: await response.json() };
}

const decide = (task: Task, change: object) => write('PUT', `Task/${task.id}`, { ...task, ...change });

async function provenanceOf(reference: string, activity: string): Promise<Provenance[]> {
  const all = await found<Provenance>(`Provenance?target=${reference}&_count=100`);
  return all.filter((one) => one.activity?.coding?.[0]?.code === activity);
}

function decisions(): void {
  const ins = matricule('2600413055101');

  test('a claim whose traits contradict: merged, its message is taken up by itself, author and decision are kept', async () => {
    await send({ family: 'GARANCE', ins });
    await send({ family: 'GARENNE', ins, local: '1:101' });
    expect(await held()).toBe(1);
    const [known] = await ofIns(ins);
    const answer = await decide(await openReview(), {
      status: 'completed',
      output: output('merge', `Patient/${known!.id}`),
    });
    expect([answer.status, answer.body.status]).toEqual([200, 'completed']);
    await until(async () => (await held()) === 0 && (await waiting()) === 0);
    expect((await ofLocal(1, '101')).map((one) => one.id)).toEqual([known!.id]);
    const [said] = await provenanceOf(`Task/${answer.body.id}`, 'amend');
    expect(said?.agent[0]?.who).toEqual({ display: 'identity-desk' });
    expect(said?.target.map((one) => one.reference)).toContain(`Patient/${known!.id}`);
  });

  test('somebody else: kept apart, with a record of their own and without the other’s number', async () => {
    await send({ family: 'MUGUET', ins, local: '1:102', born: '19710101' });
    const answer = await decide(await openReview(), { status: 'completed', output: output('apart') });
    expect(answer.status).toBe(200);
    await until(async () => (await held()) === 0 && (await waiting()) === 0);
    expect(await ofIns(ins)).toHaveLength(1);
    const [apart] = await ofLocal(1, '102');
    expect(apart?.identifier?.some((one) => one.system === TEST)).toBe(false);
  });

  test('namesakes of two hospitals: postponed, made one, and separated again', async () => {
    await send({ family: 'CAPUCINE', local: '1:201' });
    await send({ family: 'CAPUCINE', local: '2:201' });
    const task = await openReview();
    const later = await decide(task, { status: 'on-hold', restriction: { period: { start: '2026-12-01' } } });
    expect(later.body).toMatchObject({ status: 'on-hold', restriction: { period: { start: '2026-12-01' } } });
    const [one, other] = [(await ofLocal(1, '201'))[0]!, (await ofLocal(2, '201'))[0]!];
    const made = await decide(later.body, { status: 'completed', output: output('merge', `Patient/${one.id}`) });
    expect(made.status).toBe(200);
    expect(active(await ofLocal(2, '201')).map(({ id }) => id)).toEqual([one.id]);
    expect((await gateway.get(`/fhir/R4/Patient/${other.id}`)).body.active).toBe(false);
    expect(await provenanceOf(`Patient/${other.id}`, 'merge')).toHaveLength(1);
    const undone = await decide(made.body, { status: 'completed', output: output('unmerge', `Patient/${other.id}`) });
    expect(undone.status).toBe(200);
    expect(active(await ofLocal(2, '201')).map(({ id }) => id)).toEqual([other.id]);
    expect(active(await ofLocal(1, '201')).map(({ id }) => id)).toEqual([one.id]);
    expect((await provenanceOf(`Patient/${other.id}`, 'unmerge'))[0]?.agent[0]?.who?.display).toBe('identity-desk');
  });

  test('a merge by A40 is undone by a task of its own; what was never merged is refused', async () => {
    await send({ family: 'PERVENCHE', local: '1:301' });
    await send({ family: 'PERVENCHE', given: 'ROSE', local: '1:302' });
    const [survivor, retired] = [(await ofLocal(1, '301'))[0]!, (await ofLocal(1, '302'))[0]!];
    await send({ family: 'PERVENCHE', event: 'A40', local: '1:301', merged: '1:302' });
    expect(active(await ofLocal(1, '302')).map(({ id }) => id)).toEqual([survivor.id]);
    const task = {
      resourceType: 'Task',
      status: 'completed',
      intent: 'order',
      code: { coding: [{ system: 'http://passerelle.example/fhir/CodeSystem/covisan', code: 'identity-review' }] },
      output: output('unmerge', `Patient/${retired.id}`),
    };
    expect((await write('POST', 'Task', task)).status).toBe(201);
    expect(active(await ofLocal(1, '302')).map(({ id }) => id)).toEqual([retired.id]);
    const again = await write('POST', 'Task', task);
    expect([again.status, again.body.resourceType]).toEqual([422, 'OperationOutcome']);
  });
}

function throughAll(): void {
  test('twins, a Corsican NIR, a number two hospitals give, an A40 before its A01, statuses of both versions', async () => {
    await send({ family: 'LISERON', given: 'PAUL', sex: 'M', born: '20261030', local: '1:401' });
    await send({ family: 'LISERON', given: 'JEAN', sex: 'M', born: '20261030', local: '1:402' });
    expect((await ofLocal(1, '401'))[0]!.id).not.toBe((await ofLocal(1, '402'))[0]!.id);

    const corsica = matricule('260042A004123');
    await send({ family: 'CASANOVA', ins: corsica, local: '1:403' });
    await send({ family: 'CASANOVA', ins: corsica, local: '2:403' });
    expect((await ofIns(corsica)).map(({ id }) => id)).toEqual((await ofLocal(2, '403')).map(({ id }) => id));

    await send({ family: 'BLEUET', given: 'IRIS', born: '19910203', local: '2:401' });
    expect((await ofLocal(2, '401'))[0]!.id).not.toBe((await ofLocal(1, '401'))[0]!.id);

    await send({ family: 'SAFRAN', event: 'A40', local: '1:405', merged: '1:406' });
    await send({ family: 'SAFRAN', local: '1:406' });
    expect(active(await ofLocal(1, '406')).map(({ id }) => id)).toEqual((await ofLocal(1, '405')).map(({ id }) => id));

    const qualified = matricule('2600413055199');
    await send({ family: 'ANEMONE', ins: qualified, status: 'VALI' });
    expect(JSON.stringify((await ofIns(qualified))[0]!.extension)).toContain('VALI');
    expect(await held()).toBe(0);
  });
}
