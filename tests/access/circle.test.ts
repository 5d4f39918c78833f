import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mintToken } from '../../src/access/index.ts';
import { inside } from '../cli/run.ts';
import { type RunningGateway, startGateway, until } from '../e2e/running.ts';

const RPPS = 'https://rpps.esante.gouv.fr';
const covisan = 'http://passerelle.example/fhir/CodeSystem/covisan';
const golden = (name: string) => readFileSync(join(import.meta.dirname, '..', 'golden', name, 'input.hl7'), 'utf8');
const of = (patient: string) => ({ reference: `Patient/${patient}` });
const person = (id: string, number: string) => ({
  resourceType: 'Practitioner',
  id,
  identifier: [{ system: RPPS, value: number }],
});
const role = (id: string, practitioner: string, organization: string, code?: string) => ({
  resourceType: 'PractitionerRole',
  id,
  active: true,
  practitioner: { reference: `Practitioner/${practitioner}` },
  organization: { reference: `Organization/${organization}` },
  ...(code ? { code: [{ coding: [{ system: covisan, code }] }] } : {}),
});
const observation = (id: string, patient: string) => ({
  resourceType: 'Observation',
  id,
  status: 'final',
  code: { text: 'x' },
  subject: of(patient),
});
const service = (id: string, to: string) => ({
  resourceType: 'ServiceRequest',
  id,
  status: 'active',
  intent: 'order',
  code: { coding: [{ system: covisan, code: 'lodging' }] },
  subject: { ...of('anne'), display: 'Anne ESSAI' },
  reasonCode: [{ text: 'Covid positif' }],
  occurrencePeriod: { start: '2020-11-01' },
  performer: [{ reference: `Organization/${to}` }],
});

/** Anne is followed at home in Paris by COVISAN and sleeps at the hotel; nobody here knows Bruno. */
const stored = [
  person('gp', '10000000001'),
  person('hotelier', '10000000002'),
  person('social', '10000000003'),
  person('mobile', '10000000004'),
  person('away', '10000000005'),
  person('ward', '10000000006'),
  person('emergency', '10000000007'),
  {
    resourceType: 'Organization',
    id: 'hotel',
    name: 'Hôtel fictif',
    type: [{ coding: [{ system: covisan, code: 'hotel' }] }],
  },
  {
    resourceType: 'Organization',
    id: 'caterer',
    name: 'Traiteur fictif',
    type: [{ coding: [{ system: covisan, code: 'service-partner' }] }],
  },
  { resourceType: 'Organization', id: 'site', name: 'Site pilote fictif' },
  { resourceType: 'Organization', id: 'far', name: 'Site pilote lointain' },
  { resourceType: 'Organization', id: 'hospital', name: 'Hôpital fictif' },
  { resourceType: 'Organization', id: 'unit', name: 'Service', partOf: { reference: 'Organization/hospital' } },
  ...[
    ['75', 'site'],
    ['93', 'far'],
  ].flatMap(([department, organization]) => [
    {
      resourceType: 'Location',
      id: `area-${department}`,
      identifier: [{ system: 'http://passerelle.example/fhir/NamingSystem/department', value: department }],
    },
    {
      resourceType: 'HealthcareService',
      id: `service-${department}`,
      providedBy: { reference: `Organization/${organization}` },
      coverageArea: [{ reference: `Location/area-${department}` }],
    },
  ]),
  role('hotelier', 'hotelier', 'hotel'),
  role('social', 'social', 'site', 'mobile-team-social'),
  role('mobile', 'mobile', 'site', 'mobile-team-health'),
  role('away', 'away', 'far', 'mobile-team-health'),
  role('ward', 'ward', 'hospital'),
  {
    resourceType: 'Patient',
    id: 'anne',
    identifier: [{ system: 'urn:oid:1.2.250.1.213.1.4.10', value: '254037511408220' }],
    name: [{ family: 'ESSAI', given: ['Anne', 'Louise'] }],
    birthDate: '1954-03-01',
    address: [{ postalCode: '75013', use: 'home' }],
    generalPractitioner: [{ reference: 'Practitioner/gp' }],
  },
  {
    resourceType: 'Patient',
    id: 'bruno',
    name: [{ family: 'AUTRE', given: ['Bruno'] }],
    address: [{ postalCode: '13001' }],
  },
  {
    resourceType: 'EpisodeOfCare',
    id: 'episode',
    status: 'active',
    patient: of('anne'),
    type: [{ coding: [{ system: covisan, code: 'covisan' }] }],
    period: { start: '2020-11-01' },
  },
  service('bed', 'hotel'),
  service('meals', 'caterer'),
  observation('spo2', 'anne'),
  observation('other', 'bruno'),
  {
    resourceType: 'DocumentReference',
    id: 'restricted',
    status: 'current',
    subject: of('anne'),
    content: [{ attachment: { title: 'x' } }],
    securityLabel: [{ coding: [{ code: 'R' }] }],
  },
  {
    resourceType: 'DocumentReference',
    id: 'secret',
    status: 'current',
    subject: of('anne'),
    content: [{ attachment: { title: 'x' } }],
    securityLabel: [{ coding: [{ code: 'V' }] }],
  },
  { resourceType: 'RelatedPerson', id: 'mother', active: true, patient: of('anne') },
];

let gateway: RunningGateway;
const numbers: Record<string, string> = {};
let machine: string;

beforeAll(async () => {
  gateway = await startGateway();
  gateway.config.access.clients.push({
    client_id: 'tool',
    scopes: 'system/*.cruds',
    programmes: [`${covisan}|covisan`],
  });
  gateway.config.access.clients.push({
    client_id: 'other-tool',
    scopes: 'system/*.cruds',
    programmes: [`${covisan}|covidom`],
  });
  machine = await gateway.token('machine');
  for (const one of stored) {
    if (one.resourceType === 'Practitioner') numbers[one.id] = (one as any).identifier[0].value;
    const { status, body } = await ask(machine, `${one.resourceType}/${one.id}`, 'PUT', one);
    if (status > 201) throw new Error(JSON.stringify(body));
  }
});
afterAll(() => gateway.remove());

const as = async (name: string) =>
  (await mintToken(gateway.config, {
    clientId: 'software',
    scope: 'user/*.cruds',
    practitioner: numbers[name] ?? name,
  })) as string;

async function ask(token: string, path: string, method = 'GET', body?: unknown) {
  const response = await fetch(`${gateway.url}/fhir/R4/${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body ? { 'content-type': 'application/fhir+json' } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const text = await response.text();
  return { status: response.status, text, body: text.startsWith('{') ? JSON.parse(text) : text };
}
const found = (body: any) =>
  (body.entry ?? []).map((one: any) => `${one.resource.resourceType}/${one.resource.id}`).sort();
const status = async (token: string, path: string) => (await ask(token, path)).status;

describe('roles', () => {
  test('a hotel sees a first name and its own service, and cannot ask for more', async () => {
    const hotel = await as('hotelier');
    const { body } = await ask(hotel, 'Patient/anne');
    expect(body).toEqual({ resourceType: 'Patient', id: 'anne', name: [{ given: ['Anne'] }], meta: expect.anything() });
    const services = await ask(hotel, 'ServiceRequest?patient=anne&_include=ServiceRequest:subject');
    expect(found(services.body)).toEqual(['Patient/anne', 'ServiceRequest/bed']);
    expect(services.text).not.toMatch(/ESSAI|Louise|1954|Covid|254037511408220/);
    expect(await status(hotel, 'ServiceRequest/meals')).toBe(404);
    expect(await status(hotel, 'Observation/spo2')).toBe(404);
    expect((await ask(hotel, 'Observation?patient=anne')).body.total).toBe(0);
    for (const query of [
      'birthdate=1954-03-01',
      'family=ESSAI',
      'identifier=254037511408220',
      '_sort=birthdate',
      '_elements=birthDate&name=ESSAI',
    ]) {
      expect([query, await status(hotel, `Patient?${query}`)]).toEqual([query, 403]);
    }
    expect(await status(hotel, 'ServiceRequest?patient=anne&code=lodging')).toBe(403);
    expect((await ask(hotel, 'Patient/anne/_history')).text).not.toContain('ESSAI');
    expect((await ask(hotel, 'Patient/anne/$everything')).text).not.toContain('ESSAI');
    expect((await ask(hotel, 'Patient/anne', 'PUT', { resourceType: 'Patient', id: 'anne' })).status).toBe(404);
  });

  test('a social worker of the mobile team sees nothing restricted', async () => {
    const social = await as('social');
    expect(await status(social, 'Observation/spo2')).toBe(200);
    expect(await status(social, 'DocumentReference/restricted')).toBe(404);
    expect(await status(social, 'DocumentReference/secret')).toBe(404);
  });

  test('a mobile team sees its territory', async () => {
    const [here, away] = [await as('mobile'), await as('away')];
    expect(await status(here, 'Observation/spo2')).toBe(200);
    expect(await status(here, 'DocumentReference/restricted')).toBe(200);
    expect(await status(here, 'DocumentReference/secret')).toBe(404);
    expect(found((await ask(here, 'Observation')).body)).toEqual(['Observation/spo2']);
    expect(await status(away, 'Observation/spo2')).toBe(404);
    expect(await status(here, 'Observation/other')).toBe(404);
  });

  test('a tool sees the patients enrolled with it, and ends with the episode', async () => {
    const tool = await gateway.token('tool', 'system/*.cruds');
    const other = await gateway.token('other-tool', 'system/*.cruds');
    expect(await status(tool, 'Observation/spo2')).toBe(200);
    expect(await status(tool, 'Observation/other')).toBe(404);
    expect(found((await ask(tool, 'Observation')).body)).toEqual(['Observation/spo2']);
    expect(await status(tool, 'DocumentReference/restricted')).toBe(404);
    expect(await status(other, 'Observation/spo2')).toBe(404);
    expect((await ask(tool, 'Observation', 'POST', { ...observation('', 'bruno'), id: undefined })).status).toBe(404);
    const episode = stored.find((one) => one.id === 'episode');
    await ask(machine, 'EpisodeOfCare/episode', 'PUT', {
      ...episode,
      status: 'finished',
      period: { start: '2020-11-01', end: '2020-11-15' },
    });
    expect(await status(tool, 'Observation/spo2')).toBe(404);
    await ask(machine, 'EpisodeOfCare/episode', 'PUT', episode);
    expect(await status(tool, 'Observation/spo2')).toBe(200);
  });

  test('the hospital of the stay under way', async () => {
    const ward = await as('ward');
    expect(await status(ward, 'Observation/spo2')).toBe(404);
    const stay = {
      resourceType: 'Encounter',
      id: 'stay',
      status: 'in-progress',
      class: { code: 'IMP' },
      subject: of('anne'),
      serviceProvider: { reference: 'Organization/unit' },
    };
    await ask(machine, 'Encounter/stay', 'PUT', stay);
    expect(await status(ward, 'Observation/spo2')).toBe(200);
    expect(found((await ask(ward, 'Observation')).body)).toEqual(['Observation/spo2']);
    await ask(machine, 'Encounter/stay', 'PUT', { ...stay, status: 'finished' });
    expect(await status(ward, 'Observation/spo2')).toBe(404);
  });

  test('a professional whom the patient opposed', async () => {
    const mobile = await as('mobile');
    const opposition = {
      resourceType: 'Consent',
      id: 'opposition',
      status: 'active',
      scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }] },
      category: [{ coding: [{ system: 'http://passerelle.example/fhir/CodeSystem/access', code: 'opposition' }] }],
      patient: of('anne'),
      dateTime: '2020-11-20',
      policyRule: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'OPTOUT' }] },
      provision: {
        type: 'deny',
        actor: [
          {
            role: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType', code: 'IRCP' }] },
            reference: { reference: 'Practitioner/mobile' },
          },
        ],
      },
    };
    expect((await ask(machine, 'Consent/opposition', 'PUT', opposition)).status).toBeLessThan(202);
    expect(await status(mobile, 'Observation/spo2')).toBe(404);
    expect(await status(await as('social'), 'Observation/spo2')).toBe(200);
    await ask(machine, 'Consent/opposition', 'PUT', { ...opposition, status: 'inactive' });
    expect(await status(mobile, 'Observation/spo2')).toBe(200);
  });
});

describe('break-glass', () => {
  const parameters = (more: object[] = [], reason = 'Détresse respiratoire à domicile') => ({
    resourceType: 'Parameters',
    parameter: [{ name: 'reason', valueString: reason }, ...more],
  });

  test('opens a record for a time, tells the referent, and is in the log of accesses', async () => {
    const emergency = await as('emergency');
    expect(await status(emergency, 'Observation/spo2')).toBe(404);
    const ins = {
      name: 'identifier',
      valueIdentifier: { system: 'urn:oid:1.2.250.1.213.1.4.10', value: '254037511408220' },
    };
    const opened = await ask(
      emergency,
      'Patient/$break-glass',
      'POST',
      parameters([ins, { name: 'minutes', valueInteger: 30 }]),
    );
    expect([opened.status, opened.body.parameter?.[0]]).toEqual([201, { name: 'patient', valueReference: of('anne') }]);
    expect(await status(emergency, 'Observation/spo2')).toBe(200);
    expect(await status(emergency, 'DocumentReference/secret')).toBe(404);
    expect(await status(emergency, 'Observation/other')).toBe(404);

    const gp = await as('gp');
    const tasks = (await ask(gp, 'Task?patient=anne&owner=Practitioner/gp')).body.entry.map((one: any) => one.resource);
    expect(tasks).toHaveLength(1);
    expect(tasks[0]).toMatchObject({
      status: 'requested',
      requester: { reference: 'Practitioner/emergency' },
      reasonCode: { text: 'Détresse respiratoire à domicile' },
    });
    expect((await ask(gp, 'Communication?patient=anne')).body.total).toBe(1);
    const log = await until(async () => {
      const events = (await ask(gp, 'Patient/anne/$access-log')).body.entry?.map((one: any) => one.resource) ?? [];
      const urgent = events.filter((one: any) => one.purposeOfEvent?.[0]?.coding[0].code === 'BTG');
      return urgent.length >= 2 && urgent;
    });
    expect(log.some((one: any) => one.subtype[0].code === 'read')).toBe(true);
  });

  test('has ended: refused', async () => {
    const { body } = await ask(machine, 'Consent?patient=anne&category=break-glass');
    const [{ resource }] = body.entry;
    const period = { start: '2020-11-20T10:00:00Z', end: '2020-11-20T10:30:00Z' };
    await ask(machine, `Consent/${resource.id}`, 'PUT', { ...resource, provision: { ...resource.provision, period } });
    expect(await status(await as('emergency'), 'Observation/spo2')).toBe(404);
  });

  test.each([
    ['no reason', 'emergency', 'Patient/anne/$break-glass', parameters([], 'urgent'), 400],
    ['too long', 'emergency', 'Patient/anne/$break-glass', parameters([{ name: 'minutes', valueInteger: 61 }]), 400],
    ['nobody', 'emergency', 'Patient/none/$break-glass', parameters(), 404],
    ['no patient named', 'emergency', 'Patient/$break-glass', parameters(), 404],
    ['a hotel', 'hotelier', 'Patient/anne/$break-glass', parameters(), 403],
    ['somebody unknown to the directory', '10000000099', 'Patient/anne/$break-glass', parameters(), 403],
  ] as const)('%s', async (_name, who, path, body, expected) => {
    expect((await ask(await as(who), path, 'POST', body)).status).toBe(expected);
  });

  test('is not for machines, nor by writing the Consent oneself', async () => {
    expect((await ask(machine, 'Patient/anne/$break-glass', 'POST', parameters())).status).toBe(403);
    const { body } = await ask(machine, 'Consent?patient=anne&category=break-glass');
    const { id: _id, meta: _meta, ...own } = body.entry[0].resource;
    expect((await ask(await as('gp'), 'Consent', 'POST', own)).status).toBe(403);
  });
});

describe('what hospitals say about sharing acts end to end', () => {
  const settled = () => until(async () => (await gateway.get('/messages?state=accepted')).body.messages.length === 0);

  test('ZFA-11 INC stops the reading of documents, ZFA-11 IC gives it back', async () => {
    const feed = async (answer: string, id: string) => {
      const message = golden('hl7v2-adt-a01')
        .replace(/\rZFA[^\r]*/g, '')
        .replace(/\r?$/, '')
        .replace('A01-1', id);
      const zfa = `ZFA|ACTIF|||||||||20240101|${answer}|20240501\r`;
      expect(await gateway.send(`${message}\r${zfa}`)).toMatchObject({ code: 'AA' });
      await settled();
    };
    expect(await gateway.send(golden('hl7v2-mdm-t02'))).toMatchObject({ code: 'AA' });
    await settled();
    await feed('IC', 'ZFA-1');
    const { body } = await gateway.get('/fhir/R4/DocumentReference?patient.identifier=284026912345689');
    const document = body.entry[0].resource;
    const patient = document.subject.reference.split('/')[1];
    const { resource } = (await gateway.get(`/fhir/R4/Patient?_id=${patient}`)).body.entry[0];
    await ask(machine, `Patient/${patient}`, 'PUT', {
      ...resource,
      generalPractitioner: [{ reference: 'Practitioner/gp' }],
    });
    const gp = await as('gp');
    expect(await status(gp, `DocumentReference/${document.id}`)).toBe(200);
    await feed('INC', 'ZFA-2');
    await ask(machine, `Patient/${patient}`, 'PUT', {
      ...resource,
      generalPractitioner: [{ reference: 'Practitioner/gp' }],
    });
    expect(await status(gp, `DocumentReference/${document.id}`)).toBe(404);
    expect((await ask(gp, `DocumentReference?patient=${patient}`)).body.total).toBe(0);
    expect(await status(gp, `Patient/${patient}`)).toBe(200);
    await feed('IC', 'ZFA-3');
    await ask(machine, `Patient/${patient}`, 'PUT', {
      ...resource,
      generalPractitioner: [{ reference: 'Practitioner/gp' }],
    });
    expect(await status(gp, `DocumentReference/${document.id}`)).toBe(200);
  });

  test('INVISIBLE_PATIENT keeps a document, its bytes and its Composition from the patient until it is lifted', async () => {
    expect(await gateway.send(golden('hl7v2-mdm-t02-hidden'))).toMatchObject({ code: 'AA' });
    await settled();
    const { body } = await gateway.get('/fhir/R4/DocumentReference?patient.identifier=284026912345689');
    const documents = body.entry.map((one: any) => one.resource);
    const document = documents.find((one: any) => JSON.stringify(one.securityLabel).includes('INVISIBLE_PATIENT'));
    const patient = document.subject.reference.split('/')[1];
    const composition = (await gateway.get(`/fhir/R4/Composition?patient=${patient}&identifier=CR-102`)).body.entry[0]
      .resource;
    const bytes = document.content[0].attachment.url.split('/fhir/R4/').pop();
    const mine = (await mintToken(gateway.config, { clientId: 'portal', scope: 'patient/*.rs', patient })) as string;
    const asked = () =>
      Promise.all(
        [`DocumentReference?_id=${document.id}`, `Composition?_id=${composition.id}`].map(
          async (path) => (await ask(mine, path)).body.total,
        ),
      );
    expect(await asked()).toEqual([0, 0]);
    expect((await ask(mine, bytes)).status).toBeGreaterThanOrEqual(403);
    const lifted = { ...document, securityLabel: [document.securityLabel[0]] };
    expect((await ask(machine, `DocumentReference/${document.id}`, 'PUT', lifted)).status).toBe(200);
    expect(await asked()).toEqual([1, 1]);
  });

  test('INVISIBLE_REPRESENTANTS_LEGAUX: the patient sees it, a parent does not', async () => {
    const minor = {
      resourceType: 'DocumentReference',
      id: 'minor',
      status: 'current',
      subject: of('anne'),
      content: [{ attachment: { title: 'x' } }],
      securityLabel: [{ coding: [{ code: 'INVISIBLE_REPRESENTANTS_LEGAUX' }] }],
    };
    await ask(machine, 'DocumentReference/minor', 'PUT', minor);
    const mint = async (related?: string) =>
      (await mintToken(gateway.config, {
        clientId: 'portal',
        scope: 'patient/*.rs',
        patient: 'anne',
        related,
      })) as string;
    const total = async (token: string, path: string) => (await ask(token, path)).body.total;
    expect(await total(await mint(), 'DocumentReference?_id=minor')).toBe(1);
    const mother = await mint('mother');
    expect(await total(mother, 'DocumentReference?_id=minor')).toBe(0);
    expect(await total(mother, 'Observation?_id=spo2')).toBe(1);
    await ask(machine, 'RelatedPerson/mother', 'PUT', {
      resourceType: 'RelatedPerson',
      id: 'mother',
      active: false,
      patient: of('anne'),
    });
    expect(await total(mother, 'Observation?_id=spo2')).toBe(0);
  });
});

describe('passerelle access', () => {
  const run = (...args: string[]) => inside(['access', ...args], { PASSERELLE_DATA: gateway.config.data });

  test('says who sees what, and by which rule', async () => {
    const { code, out } = await run('--practitioner', '10000000001', '--patient', '254037511408220');
    expect(code).toBe(0);
    expect(out).toContain('general-practitioner');
    const json = JSON.parse((await run('--practitioner', '10000000002', '--patient', 'Patient/anne', '--json')).out);
    const kind = (name: string) => json.kinds.find((one: any) => one.kind === name && !one.label);
    expect(json.capacities).toEqual(['partner']);
    expect(kind('Patient')).toEqual({ kind: 'Patient', allowed: true, rule: 'partner-person', view: 'stay' });
    expect(kind('ServiceRequest')).toMatchObject({ allowed: true, rule: 'partner-service' });
    expect(kind('Observation')).toMatchObject({ allowed: false, rule: 'default' });
  });

  test('of a stranger: nothing, exit code 1; of an unknown patient: an error', async () => {
    expect((await run('--practitioner', '10000000005', '--patient', 'Patient/anne')).code).toBe(1);
    expect((await run('--practitioner', '10000000001', '--patient', 'Patient/none')).code).toBeGreaterThan(0);
    expect((await run('--patient', 'Patient/anne')).code).toBe(2);
  });
});
