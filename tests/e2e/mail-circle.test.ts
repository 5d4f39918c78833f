import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { send } from './followed.ts';
import { segment, startHospital } from './listener.ts';
import { type Operator, parsed, startOperator } from './mailboxes.ts';
import { type RunningGateway, startGateway, until } from './running.ts';

/** The hospital asks for secure mail to professionals and names none: the letter goes to those who care for the patient. */
const golden = readFileSync(join(import.meta.dirname, '..', 'golden', 'hl7v2-mdm-t02', 'input.hl7')).toString('latin1');
const COVISAN = 'http://passerelle.example/fhir/CodeSystem/covisan';
const people = {
  doctor: { number: '99900000101', address: 'medecin@ville.mssante.fr' },
  nurse: { number: '99900000102', address: 'infirmiere@ville.mssante.fr' },
  gone: { number: '99900000103', address: 'ancien@ville.mssante.fr' },
  volunteer: { number: '99900000104', address: 'benevole@ville.mssante.fr' },
};
type Person = keyof typeof people;

/** The letter under numbers of its own, without its recipients. */
function unnamed(number: number, change = (text: string) => text): Buffer {
  const id = `1.2.250.1.999.7.2.${9500 + number}`;
  const leader = /(\^Base64\^)([A-Za-z0-9+/=]{200,})/;
  const cda = Buffer.from(leader.exec(golden)![2]!, 'base64').toString('utf8');
  const payload = Buffer.from(cda.replaceAll('1.2.250.1.999.7.2.101', id), 'utf8').toString('base64');
  const message = golden
    .replace(leader, `$1${payload}`)
    .replaceAll('1.2.250.1.999.7.2.101', id)
    .replace('T02-1', `T02-C${number}`)
    .replace(/PRT\|\|UC\|\|RCT[^\r]*\r/g, '')
    .replace(/(DESTMSSANTEPAT\^MetaDMPMSS\|\|)Y/, '$1N')
    .replace(/(DESTDMP\^MetaDMPMSS\|\|)Y/, '$1N');
  return Buffer.from(change(message), 'latin1');
}

let operator: Operator;
let gateway: RunningGateway;
let hospital: Awaited<ReturnType<typeof startHospital>>;
let patient: string;
const folder = mkdtempSync(join(tmpdir(), 'passerelle-circle-'));

const put = async (resource: { resourceType: string; id: string }) => {
  const answer = await send(gateway, 'PUT', `${resource.resourceType}/${resource.id}`, resource);
  expect([200, 201]).toContain(answer.status);
};
const mailed = async (message: Buffer): Promise<string[]> => {
  expect(await gateway.send(message)).toMatchObject({ code: 'AA' });
  await ended();
  return operator.taken.map(({ to }) => to[0]!).sort();
};
const ended = () =>
  until(async () => {
    const { messages } = (await gateway.get('/messages')).body;
    const all = await Promise.all(messages.map(async (one: any) => (await gateway.get(`/messages/${one.id}`)).body));
    const deliveries = all.flatMap((one: any) => one.deliveries ?? []);
    const isOver = all.every((one: any) => one.state !== 'accepted');
    return isOver && deliveries.every((one: any) => one.state !== 'waiting') && deliveries;
  });

beforeAll(async () => {
  [operator, hospital] = [await startOperator(), await startHospital()];
  const directory = join(folder, 'mss.csv');
  const rows = Object.values(people).map(({ number, address }) => `8${number},${address},PER,N`);
  writeFileSync(directory, ['identifier,address,type,red_list', ...rows, ''].join('\n'));
  const smtp = { host: '127.0.0.1', security: 'none', port: operator.port };
  gateway = await startGateway({
    PASSERELLE__retry: JSON.stringify({ firstSeconds: 0.1, maxSeconds: 0.3, giveUpHours: 1 }),
    PASSERELLE__destinations: JSON.stringify([
      { name: 'mss', type: 'mail', from: 'CH Alpha <cardiologie@ch-alpha.mssante.fr>', smtp, directory },
      { name: 'hospital', type: 'mllp-out', address: `mllp://127.0.0.1:${hospital.port}`, deliveredBy: 'smtp' },
    ]),
  });
});
beforeEach(() => {
  operator.taken.length = 0;
});
afterAll(async () => {
  await gateway?.remove();
  for (const one of [hospital, operator]) await one?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('nobody is known to care for the patient: nothing goes, and the dead letter says that nobody was named', async () => {
  expect(await mailed(unnamed(1))).toEqual([]);
  const codes = ((await ended()) as any[]).flatMap((one) =>
    one.issues.map((issue: any) => issue.details.coding[0].code),
  );
  expect(codes).toEqual(['mail-no-recipient']);
  const ins = encodeURIComponent('urn:oid:1.2.250.1.213.1.4.10|284026912345689');
  patient = (await gateway.get(`/fhir/R4/Patient?identifier=${ins}`)).body.entry[0].resource.id;
});

test('the general practitioner and the care team get it, not who has left it, nor a partner who brings meals', async () => {
  for (const [id, { number }] of Object.entries(people)) {
    const identifier = [{ system: 'https://rpps.esante.gouv.fr', value: number }];
    await put({ resourceType: 'Practitioner', id, identifier, name: [{ family: `${id}-TEST` }] } as never);
  }
  const role = {
    resourceType: 'PractitionerRole',
    id: 'doctor-role',
    practitioner: { reference: 'Practitioner/doctor' },
  };
  await put(role);
  const record = (await gateway.get(`/fhir/R4/Patient/${patient}`)).body;
  await put({ ...record, generalPractitioner: [{ reference: 'PractitionerRole/doctor-role' }] });
  const member = (id: Person, more: object = {}) => ({ member: { reference: `Practitioner/${id}` }, ...more });
  await put({
    resourceType: 'CareTeam',
    id: 'team',
    status: 'active',
    subject: { reference: `Patient/${patient}` },
    participant: [
      member('nurse'),
      member('gone', { period: { end: '2020-04-01' } }),
      member('volunteer', { role: [{ coding: [{ system: COVISAN, code: 'volunteer' }] }] }),
      member('doctor'),
    ],
  } as never);
  expect(await mailed(unnamed(2))).toEqual([people.nurse.address, people.doctor.address].sort());
  const mail = await parsed(operator.taken[0]!.bytes);
  expect(mail.subject).toMatch(/^XDM\/1\.0\/DDM\+/);
});

test('the hospital hears of each of them, by number', async () => {
  const told = () => hospital.heard.filter((one) => one.includes('|ZAM^Z02^') && one.includes('|T02-C2|Y'));
  const answers = await until(async () => told().length === 2 && told());
  const numbers = answers.map((one) => /8999\d{8}/.exec(segment(one, 'OBX', 1))?.[0]).sort();
  expect(numbers).toEqual([`8${people.doctor.number}`, `8${people.nurse.number}`]);
});

test('whoever the hospital names gets it, and nobody else', async () => {
  const named = (text: string) =>
    text.replace(
      /(PRT\|\|UC\|\|REPLY)/,
      `PRT||UC||RCT^^participation|8${people.gone.number}^ANCIEN-TEST^Luc^^^^^^ASIP-SANTE-PS&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS\r$1`,
    );
  expect(await mailed(unnamed(3, named))).toEqual([people.gone.address]);
});

test('hidden from professionals: the general practitioner alone', async () => {
  const hidden = (text: string) => text.replace(/(\|MASQUE_PS\^MASQUE_PS\^MetaDMPMSS\|\|)N/, '$1Y');
  expect(await mailed(unnamed(4, hidden))).toEqual([people.doctor.address]);
});

test('who the patient is opposed to gets nothing', async () => {
  await put({
    resourceType: 'Consent',
    id: 'opposition',
    status: 'active',
    scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }] },
    category: [{ coding: [{ system: 'http://passerelle.example/fhir/CodeSystem/access', code: 'opposition' }] }],
    patient: { reference: `Patient/${patient}` },
    policyRule: { text: 'opposition' },
    provision: {
      type: 'deny',
      actor: [{ role: { text: 'professionnel' }, reference: { reference: 'Practitioner/nurse' } }],
    },
  } as never);
  expect(await mailed(unnamed(5))).toEqual([people.doctor.address]);
});

test('a replay after the circle has changed sends nobody the same letter twice', async () => {
  const { messages } = (await gateway.get('/messages?state=delivered')).body;
  const team = (await gateway.get('/fhir/R4/CareTeam/team')).body;
  await put({ ...team, participant: [{ member: { reference: 'Practitioner/gone' } }, ...team.participant] });
  await gateway.post(`/messages/${messages[0].id}/replay`, '');
  await until(async () => operator.taken.length > 0);
  await ended();
  expect(operator.taken.map(({ to }) => to[0])).toEqual([people.gone.address]);
});
