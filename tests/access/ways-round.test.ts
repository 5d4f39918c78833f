import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mintToken } from '../../src/access/index.ts';
import { type RunningGateway, startGateway } from '../e2e/running.ts';

const RPPS = 'https://rpps.esante.gouv.fr';
const labels = (code: string) => [{ coding: [{ system: 'urn:test:labels', code }] }];
const of = (patient: string) => ({ reference: `Patient/${patient}` });
const pdf = (binary: string) => [{ attachment: { contentType: 'application/pdf', url: `Binary/${binary}` } }];

/** Two patients: Fanny cares for `in`, nobody she knows for `out`. */
const stored = [
  { resourceType: 'Practitioner', id: 'fanny', identifier: [{ system: RPPS, value: '10000000001' }] },
  { resourceType: 'Practitioner', id: 'basile', identifier: [{ system: RPPS, value: '10000000002' }] },
  { resourceType: 'Practitioner', id: 'gp', identifier: [{ system: RPPS, value: '10000000003' }] },
  { resourceType: 'Organization', id: 'clinic', name: 'Clinique des Essais' },
  {
    resourceType: 'Patient',
    id: 'in',
    name: [{ family: 'DEDANS' }],
    generalPractitioner: [{ reference: 'Practitioner/gp' }],
  },
  {
    resourceType: 'Patient',
    id: 'out',
    identifier: [{ system: 'urn:test:ipp', value: 'SECRET' }],
    name: [{ family: 'DEHORS' }],
    managingOrganization: { reference: 'Organization/clinic' },
    generalPractitioner: [{ reference: 'Practitioner/basile' }],
  },
  {
    resourceType: 'CareTeam',
    id: 'team',
    status: 'active',
    subject: of('in'),
    participant: [{ member: { reference: 'Practitioner/fanny' } }],
  },
  { resourceType: 'Observation', id: 'seen', status: 'final', code: { text: 'x' }, subject: of('in') },
  { resourceType: 'Observation', id: 'unseen', status: 'final', code: { text: 'x' }, subject: of('out') },
  {
    resourceType: 'Observation',
    id: 'bridge',
    status: 'final',
    code: { text: 'x' },
    subject: of('in'),
    derivedFrom: [{ reference: 'Observation/unseen' }],
  },
  { resourceType: 'Binary', id: 'bin-in', contentType: 'application/pdf', data: 'AAAA' },
  { resourceType: 'Binary', id: 'bin-out', contentType: 'application/pdf', data: 'BBBB' },
  { resourceType: 'Binary', id: 'bin-masked', contentType: 'application/pdf', data: 'CCCC' },
  { resourceType: 'DocumentReference', id: 'doc-in', status: 'current', subject: of('in'), content: pdf('bin-in') },
  { resourceType: 'DocumentReference', id: 'doc-out', status: 'current', subject: of('out'), content: pdf('bin-out') },
  {
    resourceType: 'DocumentReference',
    id: 'masked',
    status: 'current',
    subject: of('in'),
    securityLabel: labels('MASQUE_PS'),
    content: pdf('bin-masked'),
  },
  {
    resourceType: 'DocumentReference',
    id: 'unannounced',
    status: 'current',
    subject: of('in'),
    securityLabel: labels('INVISIBLE_PATIENT'),
    content: pdf('bin-in'),
  },
];

let gateway: RunningGateway;
let fanny: string;
let gp: string;
let patient: string;
let machine: string;

beforeAll(async () => {
  gateway = await startGateway();
  machine = await gateway.token('machine');
  const mint = async (more: { practitioner?: string; patient?: string; scope: string }) =>
    (await mintToken(gateway.config, { clientId: 'software', ...more })) as string;
  fanny = await mint({ scope: 'user/*.cruds', practitioner: '10000000001' });
  gp = await mint({ scope: 'user/*.cruds', practitioner: '10000000003' });
  patient = await mint({ scope: 'patient/*.rs', patient: 'in' });
  for (const resource of stored) {
    const { status, body } = await ask(machine, `${resource.resourceType}/${resource.id}`, 'PUT', resource);
    if (status > 201) throw new Error(JSON.stringify(body));
  }
});
afterAll(() => gateway.remove());

async function ask(token: string, path: string, method = 'GET', body?: unknown, more: Record<string, string> = {}) {
  const form = typeof body === 'string';
  const response = await fetch(`${gateway.url}/fhir/R4${path && !path.startsWith('?') ? '/' : ''}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body ? { 'content-type': form ? 'application/x-www-form-urlencoded' : 'application/fhir+json' } : {}),
      ...more,
    },
    ...(body ? { body: form ? body : JSON.stringify(body) } : {}),
  });
  const text = await response.text();
  return { status: response.status, text, body: text.startsWith('{') ? JSON.parse(text) : text };
}

const found = (body: any) =>
  (body.entry ?? []).map((one: any) => `${one.resource.resourceType}/${one.resource.id}`).sort();

describe('what belongs inside is seen', () => {
  test('read, search, Binary, everything', async () => {
    expect((await ask(fanny, 'Observation/seen')).status).toBe(200);
    expect(found((await ask(fanny, 'Observation')).body)).toEqual(['Observation/bridge', 'Observation/seen']);
    expect((await ask(fanny, 'Binary/bin-masked')).status).toBe(404);
    expect((await ask(gp, 'Binary/bin-masked')).status).toBe(200);
    expect((await ask(gp, 'Binary/bin-in')).status).toBe(200);
    expect(found((await ask(gp, 'DocumentReference?patient=in&status=current')).body)).toContain(
      'DocumentReference/masked',
    );
    expect((await ask(fanny, 'Patient/in/_history')).body.entry).toHaveLength(1);
    expect((await ask(fanny, 'Observation/seen/_history/1')).status).toBe(
      (await ask(machine, 'Observation/seen/_history/1')).status,
    );
  });

  test('a machine sees what its scopes say', async () => {
    expect((await ask(machine, 'Observation/unseen')).status).toBe(200);
    expect((await ask(machine, 'Observation')).body.total).toBe(3);
  });

  test('a patient sees their record, but what is not yet announced', async () => {
    const documents = found((await ask(patient, 'DocumentReference?status=current')).body);
    expect(documents).toEqual(['DocumentReference/doc-in', 'DocumentReference/masked']);
    const [hidden, missing] = [
      await ask(patient, 'DocumentReference/unannounced'),
      await ask(patient, 'DocumentReference/none'),
    ];
    expect([hidden.status, hidden.text]).toEqual([403, missing.text]);
    expect((await ask(patient, 'Patient/out')).status).toBe(403);
  });
});

describe('twelve ways round the circle', () => {
  test('1 reading by id: hidden and missing are one answer', async () => {
    const hidden = await ask(fanny, 'Observation/unseen');
    const missing = await ask(fanny, 'Observation/none');
    expect(hidden.status).toBe(404);
    expect(hidden.text).toBe(missing.text);
    for (const condition of ['W/"1"', '*']) {
      expect((await ask(fanny, 'Observation/unseen', 'GET', undefined, { 'if-none-match': condition })).status).toBe(
        404,
      );
    }
  });

  test('2 _include', async () => {
    const { body } = await ask(fanny, 'Observation?_id=bridge&_include=Observation:derived-from');
    expect(found(body)).toEqual(['Observation/bridge']);
  });

  test('3 _revinclude, and :iterate', async () => {
    const { body } = await ask(fanny, 'Organization?_id=clinic&_revinclude=Patient:organization');
    expect(found(body)).toEqual(['Organization/clinic']);
    expect((await ask(fanny, 'Observation?_include:iterate=Observation:derived-from')).status).toBe(403);
    expect((await ask(fanny, 'Organization?_revinclude:iterate=Patient:organization')).status).toBe(403);
  });

  test('4 chains', async () => {
    expect((await ask(fanny, 'Observation?derived-from.patient.name=DEHORS')).status).toBe(403);
    expect((await ask(fanny, 'Observation?patient.name=DEDANS')).status).toBe(403);
    const { body } = await ask(fanny, 'Observation?patient.identifier=urn:test:ipp|SECRET');
    expect([body.total, found(body)]).toEqual([0, []]);
  });

  test('5 _has, _filter, _list, _sort', async () => {
    for (const query of [
      '_has:Patient:organization:name=DEHORS',
      '_filter=name eq DEHORS',
      '_list=x',
      '_query=x',
      '_text=x',
      '_contained=true',
      '_sort=subject.name',
    ]) {
      expect([query, (await ask(fanny, `Organization?${encodeURI(query)}`)).status]).toEqual([query, 403]);
    }
  });

  test('6 $everything', async () => {
    expect((await ask(fanny, 'Patient/out/$everything')).status).toBe(404);
    const { body } = await ask(fanny, 'Patient/in/$everything');
    expect(found(body)).toContain('Observation/seen');
    expect(found(body)).not.toContain('DocumentReference/masked');
    expect(body.total).toBeUndefined();
  });

  test('7 history', async () => {
    expect((await ask(fanny, 'Observation/unseen/_history')).status).toBe(404);
    expect((await ask(fanny, 'Observation/_history')).status).toBe(403);
    expect((await ask(fanny, '_history')).status).toBe(403);
  });

  test('8 vread: an earlier, open version of what is hidden now', async () => {
    const open = {
      resourceType: 'DocumentReference',
      id: 'later',
      status: 'current',
      subject: of('in'),
      content: pdf('bin-in'),
    };
    const first = await ask(machine, 'DocumentReference/later', 'PUT', open);
    const { versionId } = first.body.meta;
    expect((await ask(fanny, `DocumentReference/later/_history/${versionId}`)).status).toBe(200);
    await ask(machine, 'DocumentReference/later', 'PUT', { ...open, securityLabel: labels('MASQUE_PS') });
    expect((await ask(fanny, `DocumentReference/later/_history/${versionId}`)).status).toBe(404);
    expect((await ask(fanny, 'DocumentReference/later/_history')).status).toBe(404);
    await ask(machine, 'DocumentReference/later', 'DELETE');
    expect((await ask(fanny, 'DocumentReference/later')).status).toBe(404);
  });

  test('8b the manager of documents shows no more', async () => {
    for (const query of ['patient=out', 'patient=out&status=current', '_id=doc-out', 'subject=Patient/out']) {
      const { body } = await ask(fanny, `DocumentReference?${query}`);
      expect([query, body.total]).toEqual([query, 0]);
    }
    expect(found((await ask(fanny, 'DocumentReference?patient=in&status=current')).body)).not.toContain(
      'DocumentReference/masked',
    );
  });

  test('9 Binary by id, also through a document of one’s own', async () => {
    expect((await ask(fanny, 'Binary/bin-out')).status).toBe(404);
    expect((await ask(fanny, 'Binary/none')).status).toBe(404);
    const own = { resourceType: 'DocumentReference', status: 'current', subject: of('in'), content: pdf('bin-out') };
    expect((await ask(fanny, 'DocumentReference', 'POST', own)).status).toBe(404);
    expect((await ask(fanny, 'Binary/bin-out')).status).toBe(404);
    expect((await ask(fanny, 'Binary')).body.total).toBe(0);
  });

  test('10 batch and transaction', async () => {
    for (const type of ['batch', 'transaction']) {
      const read = { resourceType: 'Bundle', type, entry: [{ request: { method: 'GET', url: 'Observation/unseen' } }] };
      expect((await ask(fanny, '', 'POST', read)).status).toBe(403);
      const own = {
        resourceType: 'Bundle',
        type,
        entry: [
          {
            resource: { resourceType: 'Observation', status: 'final', code: { text: 'x' }, subject: of('out') },
            request: { method: 'POST', url: 'Observation' },
          },
        ],
      };
      expect((await ask(fanny, '', 'POST', own)).status).toBe(404);
    }
    expect((await ask(fanny, 'Observation?_total=accurate')).body.total).toBe(2);
  });

  test('11 writes as an oracle, and letting oneself in', async () => {
    const vital = { resourceType: 'Observation', status: 'final', code: { text: 'x' }, subject: of('in') };
    const asked = async (path: string, method: string, body?: unknown, more?: Record<string, string>) =>
      (await ask(fanny, path, method, body, more)).status;
    expect(await asked('Observation?identifier=x', 'PUT', vital)).toBe(403);
    expect(await asked('Observation', 'POST', vital, { 'if-none-exist': 'identifier=x' })).toBe(403);
    expect(await asked('Observation?_id=unseen', 'DELETE')).toBe(403);
    expect(await asked('Observation/unseen', 'PUT', { ...vital, id: 'unseen' })).toBe(404);
    expect(await asked('Observation/none', 'PUT', { ...vital, id: 'none' })).toBe(404);
    expect(await asked('Observation/unseen', 'DELETE')).toBe(404);
    expect(await asked('Observation/seen', 'PUT', { ...vital, id: 'seen', subject: of('out') })).toBe(404);
    const team = {
      resourceType: 'CareTeam',
      status: 'active',
      subject: of('out'),
      participant: [{ member: { reference: 'Practitioner/fanny' } }],
    };
    expect(await asked('CareTeam', 'POST', team)).toBe(404);
    const self = { resourceType: 'Practitioner', id: 'fanny', identifier: [{ system: RPPS, value: '10000000003' }] };
    expect(await asked('Practitioner/fanny', 'PUT', self)).toBe(403);
    expect(await asked('Observation', 'POST', vital)).toBe(201);
    const inbox = await fetch(`${gateway.url}/in/fhir`, {
      method: 'POST',
      headers: { authorization: `Bearer ${fanny}`, 'content-type': 'application/fhir+json' },
      body: JSON.stringify(team),
    });
    expect(inbox.status).toBe(403);
  });

  test('12 counts, elements and summaries', async () => {
    for (const query of ['_summary=count', '_count=0', '_elements=id', '_summary=true']) {
      expect([query, (await ask(fanny, `Observation?_id=seen,unseen&${query}`)).body.total]).toEqual([query, 1]);
    }
    expect((await ask(fanny, 'Observation/_search', 'POST', '_id=unseen&_summary=count')).body.total).toBe(0);
    const page = (await ask(fanny, 'Observation?_count=1')).body;
    const next = page.link.find((one: any) => one.relation === 'next').url as string;
    const second = await ask(fanny, next.slice(next.indexOf('/fhir/R4/') + 9));
    expect(found(page)).not.toEqual(found(second.body));
    expect((await ask(fanny, 'Patient/out/Observation')).status).toBe(403);
  });
});

describe('nobody is told of anything behind the porter', () => {
  const subscription = {
    resourceType: 'Subscription',
    status: 'requested',
    reason: 'x',
    criteria: 'Observation?patient=out',
    channel: { type: 'rest-hook', endpoint: 'http://127.0.0.1:9/', payload: 'application/fhir+json' },
  };
  const entry = { resource: subscription, request: { method: 'POST', url: 'Subscription' } };
  const codeOf = (body: any) => body.issue[0].details.coding[0].code;

  test.each<[string, string, string, unknown]>([
    ['create', 'Subscription', 'POST', subscription],
    ['update', 'Subscription/one', 'PUT', { ...subscription, id: 'one' }],
    ['patch', 'Subscription/one', 'PATCH', [{ op: 'replace', path: '/status', value: 'active' }]],
    ['in a transaction', '', 'POST', { resourceType: 'Bundle', type: 'transaction', entry: [entry] }],
    [
      'under another address',
      '',
      'POST',
      { resourceType: 'Bundle', type: 'batch', entry: [{ ...entry, request: { method: 'POST', url: 'Observation' } }] },
    ],
  ])('a Subscription: %s', async (_name, path, method, body) => {
    const answer = await ask(machine, path, method, body);
    expect([answer.status, codeOf(answer.body)]).toEqual([403, 'subscription-unsupported']);
    expect((await ask(machine, 'Subscription')).body.total).toBe(0);
  });

  test('none is offered', async () => {
    const { body } = await ask(machine, 'metadata');
    expect(body.rest[0].resource.length).toBeGreaterThan(20);
    expect(body.rest[0].resource.map((one: any) => one.type)).not.toContain('Subscription');
  });
});

describe('a change acts on the next request', () => {
  const team = stored.find((one) => one.id === 'team') as any;
  const agreement = (status: string) => ({
    resourceType: 'Consent',
    id: 'agreement',
    identifier: [{ system: 'urn:test:agreement', value: '1' }],
    meta: { profile: ['http://passerelle.example/fhir/StructureDefinition/agreement'] },
    status,
    scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'treatment' }] },
    category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
    patient: of('in'),
    dateTime: '2020-11-20',
    policyRule: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'OPTIN' }] },
    provision: { type: status === 'active' ? 'permit' : 'deny' },
  });

  test('leaving the team', async () => {
    expect((await ask(fanny, 'Observation/seen')).status).toBe(200);
    const left = [{ ...team.participant[0], period: { end: '2020-11-20' } }];
    await ask(machine, 'CareTeam/team', 'PUT', { ...team, participant: left });
    expect((await ask(fanny, 'Observation/seen')).status).toBe(404);
    await ask(machine, 'CareTeam/team', 'PUT', team);
    expect((await ask(fanny, 'Observation/seen')).status).toBe(200);
  });

  test('taking the agreement back, and giving it again', async () => {
    for (const [status, expected] of [
      ['active', 200],
      ['inactive', 404],
      ['active', 200],
    ] as const) {
      expect((await ask(machine, 'Consent/agreement', 'PUT', agreement(status))).status).toBeLessThan(202);
      expect([status, (await ask(fanny, 'Observation/seen')).status]).toEqual([status, expected]);
    }
  });
});

test('$extract reads stored answers as the caller may see them: hidden and missing are one answer', async () => {
  for (const subject of ['in', 'out']) {
    const answers = { resourceType: 'QuestionnaireResponse', id: `answers-${subject}`, status: 'in-progress' };
    const questionnaire = 'http://passerelle.example/fhir/Questionnaire/covidom-daily';
    const stored = { ...answers, questionnaire, subject: of(subject), item: [{ linkId: 'measures' }] };
    expect((await ask(machine, `QuestionnaireResponse/${answers.id}`, 'PUT', stored)).status).toBe(201);
  }
  const extract = (id: string, token = fanny) => ask(token, `QuestionnaireResponse/${id}/$extract`);
  expect((await extract('answers-in')).body.issue[0].details.coding[0].code).toBe('extraction-nothing');
  expect((await extract('answers-out', machine)).status).toBe(200);
  const [hidden, missing] = [await extract('answers-out'), await extract('answers-none')];
  expect([hidden.status, hidden.text]).toEqual([404, missing.text]);
  expect((await extract('answers-out', patient)).status).toBe(403);
});
