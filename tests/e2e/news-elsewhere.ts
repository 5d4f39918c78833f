import { expect, test } from '@jest/globals';
import { type Behind, withGateway } from './behind.ts';
import * as followed from './followed.ts';
import { earlier, fhirJson } from './followed.ts';
import { type RunningGateway, until } from './running.ts';

/**
 * News of a patient whom the FHIR server has already, named by address: the rules speak for them by whichever door they come.
 * Each reading takes a day of its own.
 */
export function newsElsewhere(start: () => Promise<Behind>, keepsForeign = true): void {
  withGateway(start, async (one) => {
    gateway = one;
    patient = await followed.include(one);
  });

  oneByOne(keepsForeign);
  together();
  changed();
}

let gateway: RunningGateway;
let patient: string;

const saturation = (value: number, at: string, subject: object = { reference: patient }, more: object = {}) =>
  followed.saturation(value, at, subject, more);
const alertsOf = (at: string, reference = patient) => followed.alertsOf({ gateway, patient: reference }, at);
const create = (resource: object) => gateway.post('/fhir/R4/Observation', resource, fhirJson);
const request = (method: string, path: string, body: unknown, type?: string) =>
  followed.send(gateway, method, path, body, type);
const entryOf = (resource: object) => ({ resource, request: { method: 'POST', url: 'Observation' } });
const newest = async () => {
  const { body } = await gateway.get('/messages');
  return (await gateway.get(`/messages/${body.messages[0].id}`)).body;
};

function oneByOne(keepsForeign: boolean): void {
  test('posted as a message', async () => {
    const at = earlier();
    const { body } = await gateway.post('/in/fhir?wait=20', saturation(88, at, undefined, own('message')), fhirJson);
    expect(body.state).toBe('delivered');
    expect(await alertsOf(at)).toBe(1);
  });

  test('created through the FHIR API: answered as it was, one alert, named by the same Provenance', async () => {
    const at = earlier();
    const { status, body } = await create(saturation(88, at));
    expect([status, body.valueQuantity.value]).toEqual([201, 88]);
    expect(await alertsOf(at)).toBe(1);
    const { references } = await newest();
    expect(references.map((one: string) => one.split('/')[0])).toEqual([
      'Observation',
      'DetectedIssue',
      'Task',
      'Provenance',
    ]);
    const { body: provenance } = await gateway.get(`/fhir/R4/${references.at(-1)}`);
    expect(provenance.target.length).toBe(3);
  });

  test('a reading as it should be: no alert, and none before it is corrected by an update or a patch', async () => {
    const [first, second] = [earlier(), earlier()];
    const { body: one } = await create(saturation(98, first));
    const { body: other } = await create(saturation(98, second));
    expect([await alertsOf(first), await alertsOf(second)]).toEqual([0, 0]);
    const corrected = saturation(88, first, undefined, { id: one.id, status: 'corrected' });
    expect((await request('PUT', `Observation/${one.id}`, corrected)).status).toBe(200);
    const patch = [{ op: 'replace', path: '/valueQuantity/value', value: 88 }];
    expect((await request('PATCH', `Observation/${other.id}`, patch, 'application/json-patch+json')).status).toBe(200);
    expect([await alertsOf(first), await alertsOf(second)]).toEqual([1, 1]);
  });

  test('of a patient named by the address that searches give: found by the patient, and looked at', async () => {
    const address = { reference: `${gateway.url}/fhir/R4/${patient}` };
    const [first, second] = [earlier(), earlier()];
    const { body } = await create(saturation(88, first, address));
    expect(body.subject).toEqual({ reference: patient });
    await gateway.post('/in/fhir?wait=20', saturation(88, second, address, own('address')), fhirJson);
    expect([await alertsOf(first), await alertsOf(second)]).toEqual([1, 1]);
    const elsewhere = { reference: 'https://elsewhere.test/fhir/R4/Patient/1' };
    const { status, body: foreign } = await create(saturation(97, earlier(), elsewhere));
    // HAPI keeps no reference to another server unless it is told to.
    if (keepsForeign) expect(foreign.subject).toEqual(elsewhere);
    else expect(status).toBe(400);
  });
}

function together(): void {
  test('in a transaction that names the patient by an identifier, in a batch of two patients', async () => {
    const { identifier } = (await gateway.get(`/fhir/R4/${patient}`)).body;
    const [{ system, value }] = identifier;
    const byNumber = { reference: `Patient?identifier=${encodeURIComponent(`${system}|${value}`)}` };
    const other = { resourceType: 'Patient', name: [{ family: 'ESSAI', given: ['Zoé'] }], birthDate: '1961-02-03' };
    const { body: made } = await gateway.post('/fhir/R4/Patient', other, fhirJson);
    const [first, second] = [earlier(), earlier()];
    const transaction = {
      resourceType: 'Bundle',
      type: 'transaction',
      entry: [entryOf(saturation(88, first, byNumber))],
    };
    expect((await gateway.post('/fhir/R4', transaction, fhirJson)).status).toBe(200);
    const others = [saturation(88, second), saturation(88, second, { reference: `Patient/${made.id}` })];
    const batch = { resourceType: 'Bundle', type: 'batch', entry: others.map(entryOf) };
    expect((await gateway.post('/fhir/R4', batch, fhirJson)).status).toBe(200);
    expect(await alertsOf(first)).toBe(1);
    expect([await alertsOf(second), await alertsOf(second, `Patient/${made.id}`)]).toEqual([1, 1]);
  });

  test('one from the future or that cannot be is refused as everywhere', async () => {
    const tomorrow = new Date(Date.now() + 86_400_000).toISOString();
    for (const [resource, code] of [
      [saturation(98, tomorrow), 'reading-future'],
      [saturation(980, earlier()), 'reading-implausible'],
    ] as const) {
      const { status, body } = await create(resource);
      expect([status, body.issue[0].details.coding[0].code]).toEqual([422, code]);
    }
  });

  test('of nobody who is known: taken, and said', async () => {
    const subject = { identifier: { system: 'urn:oid:1.2.3.4', value: 'NOBODY' } };
    expect((await create(saturation(88, earlier(), subject))).status).toBe(201);
    expect((await newest()).issues[0].details.coding[0].code).toBe('reading-of-nobody');
  });
}

function changed(): void {
  test('a create that is replayed, also one that was changed since, creates nothing and writes nothing back', async () => {
    const at = earlier();
    const { body } = await create(saturation(88, at));
    const { id } = await newest();
    const changed = saturation(97, at, undefined, { id: body.id, status: 'corrected' });
    expect((await request('PUT', `Observation/${body.id}`, changed)).status).toBe(200);
    const count = async () => (await gateway.get('/fhir/R4/Observation?_summary=count')).body.total;
    const before = await count();
    expect((await gateway.post(`/messages/${id}/replay`, '')).status).toBe(202);
    const again = await until(async () => {
      const { body: now } = await gateway.get(`/messages/${id}`);
      return now.attempts === 2 && now.state === 'delivered' && now;
    });
    expect(again.references).toContain(`Observation/${body.id}`);
    expect(await count()).toBe(before);
    expect((await gateway.get(`/fhir/R4/Observation/${body.id}`)).body).toMatchObject({
      status: 'corrected',
      meta: { versionId: '2' },
    });
  });

  test('a corrected J1 moves the plan, a stay holds it, its end resumes it, the end of the episode closes it', async () => {
    const search = async (query: string) =>
      ((await gateway.get(`/fhir/R4/${query}`)).body.entry ?? []).map((one: any) => one.resource);
    const calls = async () => {
      const tasks = await search(`Task?patient=${patient}&_count=100`);
      return tasks.filter((one: any) => one.basedOn && !one.focus).sort((a: any, b: any) => (a.id < b.id ? -1 : 1));
    };
    const starts = (tasks: any[]) => tasks.map((one) => one.restriction?.period?.start ?? '');
    const condition = (await search(`Condition?patient=${patient}`)).find((one: any) => one.onsetDateTime);
    const before = await calls();
    const onset = new Date(Date.parse(condition.onsetDateTime) - 86_400_000).toISOString().slice(0, 10);
    const moved = { ...condition, onsetDateTime: onset };
    expect((await request('PUT', `Condition/${condition.id}`, moved)).status).toBe(200);
    expect(starts(await calls())).not.toEqual(starts(before));

    const stay = (status: string) => ({
      resourceType: 'Encounter',
      id: 'a-stay',
      status,
      class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'IMP' },
      subject: { reference: patient },
    });
    const held = async () => (await calls()).filter((one: any) => one.status === 'on-hold').length;
    expect((await request('PUT', 'Encounter/a-stay', stay('in-progress'))).status).toBe(201);
    expect(await held()).toBeGreaterThan(0);
    expect((await request('PUT', 'Encounter/a-stay', stay('finished'))).status).toBe(200);
    expect(await held()).toBe(0);

    const [episode] = await search(`EpisodeOfCare?patient=${patient}`);
    const over = { ...episode, status: 'finished', period: { ...episode.period, end: '2026-11-22' } };
    expect((await request('PUT', `EpisodeOfCare/${episode.id}`, over)).status).toBe(200);
    expect((await calls()).filter((one: any) => one.status === 'requested')).toEqual([]);
    expect(await search(`CarePlan?patient=${patient}&status=active`)).toEqual([]);
  });
}

function own(value: string) {
  return { identifier: [{ system: 'urn:oid:1.2.250.1.999.6', value }] };
}
