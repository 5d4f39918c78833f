import { expect, test } from '@jest/globals';
import type { Bundle, Patient, Provenance, Task } from '@medplum/fhirtypes';
import { matricule } from '../identity/people.ts';
import { type Behind, withGateway } from './behind.ts';
import { type RunningGateway, until } from './running.ts';

const INS = 'urn:oid:1.2.250.1.213.1.4.10';
const HOSPITAL = 'urn:oid:1.2.250.1.999.7.1';
const OFFICE = 'urn:oid:1.2.250.1.999.8.2';

let gateway: RunningGateway;

let people = 0;

/** Somebody of whom nobody has heard. */
function somebody(): Patient {
  people++;
  return {
    resourceType: 'Patient',
    identifier: [{ system: INS, value: matricule(`2600475056${String(people).padStart(3, '0')}`) }],
    name: [
      {
        use: 'official',
        family: `MARTELLI-${[...String(people)].map((digit) => 'ABCDEFGHIJ'[Number(digit)]).join('')}`,
        given: ['ANNE'],
      },
    ],
    gender: 'female',
    birthDate: '1960-04-12',
  };
}

const known = (one: Patient, system: string, value: string): Patient => ({
  ...one,
  identifier: [...one.identifier!, { system, value }],
});

const create = (one: object, headers: Record<string, string> = {}) => gateway.post('/fhir/R4/Patient', one, headers);

async function found<R>(query: string): Promise<R[]> {
  const { body } = await gateway.get(`/fhir/R4/${query}`);
  return (body.entry ?? []).map((one: { resource: R }) => one.resource);
}

const recordsOf = ({ identifier }: Patient) =>
  found<Patient>(`Patient?identifier=${encodeURIComponent(`${INS}|${identifier![0]!.value}`)}`);

const values = ({ identifier = [] }: Patient) => identifier.map(({ value }) => value).sort();

/** The same person, as another system writes her. */
function somebodyAgain(one: Patient): Patient {
  const { identifier, ...rest } = one;
  return { ...rest, identifier: [identifier![0]!] };
}

/** What must hold of a Patient that is created through the FHIR API, whatever server is behind. */
export function samePerson(start: () => Promise<Behind>, limit = 60_000): void {
  withGateway(start, (one) => {
    gateway = one;
  });

  alone();
  inBundles();
  afterwards(limit);
}

function alone(): void {
  test('who is not known is written as sent', async () => {
    const one = somebody();
    const { status, headers, body } = await create(one);
    expect(status).toBe(201);
    expect(headers.get('location')).toMatch(/\/fhir\/R4\/Patient\/[^/]+\/_history\/1$/);
    expect({ ...body, id: undefined, meta: undefined }).toEqual(one);
  });

  test('who is known keeps one record, which learns the number that is new', async () => {
    const one = known(somebody(), HOSPITAL, '4711');
    const first = await create(one);
    const again = await create(known(somebodyAgain(one), OFFICE, 'G-1'));
    expect(again.status).toBe(200);
    expect(again.body.id).toBe(first.body.id);
    expect(values(again.body)).toEqual(['4711', 'G-1', one.identifier![0]!.value].sort());
    expect(await recordsOf(one)).toHaveLength(1);
    const [told] = await found<Provenance>(`Provenance?target=Patient/${first.body.id}&_sort=-recorded&_count=1`);
    expect(told?.target?.[0]?.reference).toContain(first.body.id);
  });

  test('who says nothing new changes nothing', async () => {
    const one = somebody();
    const first = await create(one);
    const second = await create(one);
    const third = await create(one);
    expect([second.status, third.status]).toEqual([200, 200]);
    expect(third.body.id).toBe(first.body.id);
    expect(third.body.meta.versionId).toBe(second.body.meta.versionId);
  });

  test('twenty at once are one', async () => {
    const one = somebody();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => create(known(one, OFFICE, `AT-ONCE-${index}`))),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(19);
    const records = await recordsOf(one);
    expect(records).toHaveLength(1);
    expect(records[0]!.identifier).toHaveLength(21);
  });

  test('a message and a create at once are one', async () => {
    const one = somebody();
    const message = (value: string) =>
      gateway.post('/in/fhir?wait=20', {
        resourceType: 'Bundle',
        type: 'transaction',
        entry: [
          { fullUrl: 'urn:uuid:p', resource: known(one, HOSPITAL, value), request: { method: 'POST', url: 'Patient' } },
        ],
      });
    await Promise.all(['M-1', 'M-2'].flatMap((value) => [message(value), create(known(one, OFFICE, value))]));
    expect(await recordsOf(one)).toHaveLength(1);
  });

  test('in doubt nothing is written until somebody has decided; then the write is taken up', async () => {
    const one = somebody();
    const first = await create(one);
    const other = { ...somebodyAgain(one), birthDate: '1971-11-30' };
    const refused = await create(other);
    expect(refused.status).toBe(409);
    expect(refused.body.issue[0].details.coding[0].code).toBe('identity-review');
    expect(JSON.stringify(refused.body)).not.toContain('1971');
    const [task] = await found<Task>('Task?code=identity-review&status=requested');
    expect(task?.focus?.reference).toBe(`Patient/${first.body.id}`);
    const coding = [{ system: 'http://passerelle.example/fhir/CodeSystem/identity-review', code: 'decision' }];
    const decided = { ...task, status: 'completed', output: [{ type: { coding }, valueCode: 'apart' }] };
    const answer = await fetch(`${gateway.url}/fhir/R4/Task/${task!.id}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${await gateway.token()}`, 'content-type': 'application/fhir+json' },
      body: JSON.stringify(decided),
    });
    expect(answer.status).toBe(200);
    const apart = await until(async () => (await found<Patient>('Patient?birthdate=1971-11-30'))[0]);
    expect(apart.id).not.toBe(first.body.id);
    expect(apart.identifier?.some(({ system }) => system === INS)).toBe(false);
  });

  test('namesakes are kept apart and shown to a person', async () => {
    const one = somebody();
    const first = await create({ ...one, identifier: [{ system: HOSPITAL, value: 'HOM-1' }] });
    const second = await create({ ...one, identifier: [{ system: OFFICE, value: 'HOM-2' }] });
    expect([first.status, second.status]).toEqual([201, 201]);
    const tasks = await found<Task>(`Task?code=identity-review&focus=Patient/${first.body.id}`);
    expect(tasks).toHaveLength(1);
    expect(JSON.stringify(tasks[0])).toContain(`Patient/${second.body.id}`);
  });

  test('under an id of its sender’s it is written as sent, and a person is asked at once', async () => {
    const one = somebody();
    const first = await create(one);
    const put = async (id: string, patient: object) =>
      fetch(`${gateway.url}/fhir/R4/Patient/${id}`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${await gateway.token()}`, 'content-type': 'application/fhir+json' },
        body: JSON.stringify({ ...patient, id }),
      });
    const asked = (id: string) => found<Task>(`Task?code=identity-review&focus=Patient/${id}`);
    const id = `own-${first.body.id}`;
    const { status } = await put(id, one);
    // A server that takes no ids of its clients has no such thing.
    if (status === 400) return;
    expect(status).toBe(201);
    expect((await put(id, one)).status).toBe(200);
    const tasks = await asked(first.body.id);
    expect(tasks.map(({ status }) => status)).toEqual(['requested']);
    expect(JSON.stringify(tasks[0]!.input)).toContain(`Patient/${id}`);
    const part = (code: string, value: object) => ({
      type: { coding: [{ system: 'http://passerelle.example/fhir/CodeSystem/identity-review', code }] },
      ...value,
    });
    const record = part('record', { valueReference: { reference: `Patient/${first.body.id}` } });
    const output = [part('decision', { valueCode: 'merge' }), record];
    const decided = await fetch(`${gateway.url}/fhir/R4/Task/${tasks[0]!.id}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${await gateway.token()}`, 'content-type': 'application/fhir+json' },
      body: JSON.stringify({ ...tasks[0], status: 'completed', output }),
    });
    expect(decided.status).toBe(200);
    expect((await recordsOf(one)).filter(({ active }) => active !== false).map((each) => each.id)).toEqual([
      first.body.id,
    ]);

    const alone = somebody();
    expect((await put(`${id}-2`, alone)).status).toBe(201);
    expect(await asked(`${id}-2`)).toEqual([]);
  });

  test('a condition of the caller that finds something comes first', async () => {
    const one = known(somebody(), HOSPITAL, 'COND-1');
    const first = await create(one);
    const query = `identifier=${encodeURIComponent(`${HOSPITAL}|COND-1`)}`;
    const met = await create({ ...one, birthDate: '1950-01-01' }, { 'if-none-exist': query });
    expect([met.status, met.body.id, met.body.birthDate]).toEqual([200, first.body.id, '1960-04-12']);
    const unmet = await create(known(somebodyAgain(one), OFFICE, 'COND-2'), {
      'if-none-exist': `identifier=${encodeURIComponent(`${OFFICE}|COND-2`)}`,
    });
    expect([unmet.status, unmet.body.id]).toEqual([200, first.body.id]);
    expect(values(unmet.body)).toContain('COND-2');
  });
}

function inBundles(): void {
  const observation = (subject: string) => ({
    resource: {
      resourceType: 'Observation',
      status: 'final',
      code: { coding: [{ system: 'http://loinc.org', code: '8310-5' }] },
      subject: { reference: subject },
      effectiveDateTime: '2026-11-01T08:00:00+01:00',
      valueQuantity: { value: 37.2, system: 'http://unitsofmeasure.org', code: 'Cel', unit: '°C' },
    },
    request: { method: 'POST', url: 'Observation' },
  });
  const bundle = (type: string, patient: object, ...entries: object[]) => ({
    resourceType: 'Bundle',
    type,
    entry: [
      {
        fullUrl: 'urn:uuid:5b0c7a52-0000-4000-8000-000000000001',
        resource: patient,
        request: { method: 'POST', url: 'Patient' },
      },
      ...entries,
    ],
  });
  const URN = 'urn:uuid:5b0c7a52-0000-4000-8000-000000000001';

  test('the other entries are about the record that is known', async () => {
    const one = somebody();
    const first = await create(one);
    for (const patient of [one, known(one, OFFICE, 'B-1')]) {
      const { status, body } = await gateway.post('/fhir/R4/', bundle('transaction', patient, observation(URN)));
      expect(status).toBe(200);
      expect(body.entry[0].response.location).toContain(`Patient/${first.body.id}`);
      expect(body.entry[0].response.status).toMatch(/^200/);
      expect(body.entry[1].response.status).toMatch(/^201/);
    }
    const written = await found<any>(`Observation?patient=${first.body.id}`);
    expect(written).toHaveLength(2);
    expect(await recordsOf(one)).toHaveLength(1);
  });

  test('also where they call the Patient by an id of the Bundle', async () => {
    const one = somebody();
    const first = await create(one);
    for (const patient of [one, known(one, OFFICE, 'B-2')]) {
      const entries = bundle('transaction', { ...patient, id: 'mine' }, observation('Patient/mine'));
      expect((await gateway.post('/fhir/R4/', entries)).status).toBe(200);
    }
    expect(await found<any>(`Observation?patient=${first.body.id}`)).toHaveLength(2);

    const other = somebody();
    const entries = bundle('transaction', { ...other, id: 'theirs' }, observation('Patient/theirs'));
    expect((await gateway.post('/fhir/R4/', entries)).status).toBe(200);
    const [record] = await recordsOf(other);
    expect(await found<any>(`Observation?patient=${record!.id}`)).toHaveLength(1);
  });

  test('in doubt nothing of it is written', async () => {
    const one = somebody();
    await create(one);
    const before = (await found<any>('Observation?_count=100')).length;
    const doubtful = bundle('transaction', { ...one, gender: 'male', birthDate: '1980-01-01' }, observation(URN));
    expect((await gateway.post('/fhir/R4/', doubtful)).status).toBe(409);
    expect(await found<any>('Observation?_count=100')).toHaveLength(before);
  });

  test('one person twice is refused', async () => {
    const one = somebody();
    const again = { resource: known(one, OFFICE, 'B-3'), request: { method: 'POST', url: 'Patient' } };
    const { status, body } = await gateway.post('/fhir/R4/', bundle('transaction', one, again));
    expect(status).toBe(422);
    expect(body.issue[0].details.coding[0].code).toBe('identity-twice');
    expect(await recordsOf(one)).toHaveLength(0);
  });

  test('one create said twice under one condition is one', async () => {
    const one = known(somebody(), OFFICE, 'B-5');
    const ifNoneExist = `identifier=${encodeURIComponent(`${OFFICE}|B-5`)}`;
    const entry = { resource: one, request: { method: 'POST', url: 'Patient', ifNoneExist } };
    const { status } = await gateway.post('/fhir/R4/', {
      resourceType: 'Bundle',
      type: 'batch',
      entry: [entry, entry],
    });
    expect(status).toBe(200);
    expect(await recordsOf(one)).toHaveLength(1);
  });

  test('a batch keeps one record too', async () => {
    const one = somebody();
    const first = await create(one);
    const { body } = await gateway.post(
      '/fhir/R4/',
      bundle('batch', known(one, OFFICE, 'B-4'), observation(`Patient/${first.body.id}`)),
    );
    expect((body as Bundle).entry!.map(({ response }) => response!.status!.slice(0, 3))).toEqual(['200', '201']);
    expect(await recordsOf(one)).toHaveLength(1);
  });
}

function afterwards(limit: number): void {
  test(
    'sent again after it was written, nothing is written again',
    async () => {
      const one = known(somebody(), OFFICE, 'R-1');
      const first = await create(one);
      await create(known(somebodyAgain(one), HOSPITAL, 'R-2'));
      const [before] = await recordsOf(one);
      const { messages } = (await gateway.get('/messages?state=delivered')).body;
      for (const { id } of messages) await gateway.post(`/messages/${id}/replay`, '');
      await until(async () => (await gateway.get('/messages?state=accepted')).body.messages.length === 0);
      const after = await recordsOf(one);
      expect(after.map(({ id, meta }) => [id, meta!.versionId])).toEqual([[first.body.id, before!.meta!.versionId]]);
    },
    limit,
  );

  test('a caller that may create but not read learns nothing of who is there', async () => {
    const one = somebody();
    const first = await create(known(one, HOSPITAL, 'SECRET-7'));
    const writer = { authorization: `Bearer ${await gateway.token('writer', 'system/Patient.c')}` };
    const query = `identifier=${encodeURIComponent(`${INS}|${one.identifier![0]!.value}`)}`;
    const answers = [
      await create(known(somebodyAgain(one), OFFICE, 'W-1'), writer),
      await create(one, { ...writer, 'if-none-exist': query }),
      await create(somebody(), writer),
    ];
    for (const { status, headers, body } of answers) {
      expect([status, body]).toEqual([201, '']);
      expect(headers.get('location')).toMatch(/\/Patient\/[^/]+$/);
      expect([headers.get('etag'), headers.get('last-modified')]).toEqual([null, null]);
    }
    expect(answers[0]!.headers.get('location')).toContain(first.body.id);
    const inBundle = await gateway.post(
      '/fhir/R4/',
      {
        resourceType: 'Bundle',
        type: 'transaction',
        entry: [{ resource: one, request: { method: 'POST', url: 'Patient' } }],
      },
      writer,
    );
    expect(inBundle.body.entry).toEqual([
      { response: { status: '201', location: expect.stringMatching(/^Patient\/[^/]+$/) } },
    ]);
  });
}
