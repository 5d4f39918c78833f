import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Patient } from '@medplum/fhirtypes';
import { openMllp } from '../../src/cli/send-mllp.ts';
import { matricule, TEST } from './people.ts';

/**
 * A crowd of senders, four hospitals and all formats mixed, who all tell of the same new patients at the same time. Every
 * hospital has numbers of its own; some of its systems give a provisional number first, with or without the INS, and merge it
 * away by an A40. What must come of it is known beforehand.
 */
export interface Crowd {
  senders: number;
  patients: number;
  /** Distinguishes the people of one crowd from those of another on the same server. */
  series: number;
}

/** How a message goes in; the answer says whether it was taken. */
export interface Doors {
  mllp: string;
  url: string;
  token: string;
}

const HOSPITALS = 4;

type Kind = 'hl7v2' | 'cda' | 'fhir';
const KINDS: Kind[] = ['hl7v2', 'hl7v2', 'cda', 'fhir'];

/** Everybody sends everything; answers how many messages were sent. Throws when one is refused. */
export async function sendCrowd(crowd: Crowd, doors: Doors[]): Promise<number> {
  const each = Array.from({ length: crowd.senders }, (_, sender) =>
    sendOne(crowd, sender, doors[sender % doors.length]!),
  );
  return (await Promise.all(each)).reduce((sum, one) => sum + one, 0);
}

/** The identifiers `system|value` that each patient must have in the end, by INS. */
export function expectedIdentifiers({ patients, series }: Crowd): Map<string, string[]> {
  const numbers = Array.from({ length: patients }, (_, patient) => patient);
  return new Map(
    numbers.map((patient) => {
      const locals = Array.from({ length: HOSPITALS }, (_, hospital) => [
        `${authority(hospital)}|${local(series, patient)}`,
        `${authority(hospital)}|${provisional(series, patient)}`,
      ]);
      return [ins(series, patient), [`${TEST}|${ins(series, patient)}`, ...locals.flat()].sort()];
    }),
  );
}

/** What a record says: its INS and its identifiers of this crowd. */
export function identifiersOf(patient: Patient): { ins: string | undefined; all: string[] } {
  const all = (patient.identifier ?? []).map(({ system, value }) => `${system}|${value}`).sort();
  return { ins: patient.identifier?.find(({ system }) => system === TEST)?.value, all };
}

/** Query that finds the records of a crowd, merged ones too. */
export const everybody = ({ series }: Crowd): string => `Patient?family=${family(series, 0).slice(0, 6)}&_count=1000`;

async function sendOne(crowd: Crowd, sender: number, doors: Doors): Promise<number> {
  const hospital = sender % HOSPITALS;
  const row = Math.floor(sender / HOSPITALS);
  const kind = KINDS[row % KINDS.length]!;
  const merges = row % 8 === 0;
  const connection = kind === 'hl7v2' ? await openMllp(doors.mllp, 60_000) : undefined;
  let sent = 0;
  // Each begins with another patient, so that all meet everywhere.
  for (let turn = 0; turn < crowd.patients; turn++) {
    const patient = (turn * 7 + sender) % crowd.patients;
    const about = { ...crowd, sender, hospital, patient };
    const texts = kind !== 'hl7v2' ? [] : merges ? [arrival(about), merger(about)] : [admission(about)];
    for (const text of texts) {
      const { code } = await connection!.send(Buffer.from(text));
      if (code !== 'AA') throw new Error(`${code} for ${text}`);
      sent++;
    }
    if (kind === 'hl7v2') continue;
    const key = `${crowd.series}-${sender}-${patient}`;
    // Every second of those who speak FHIR writes through the API instead of handing a message in.
    const path = kind === 'fhir' && row % 8 === 7 ? '/fhir/R4' : `/in/${kind}`;
    await post(path, kind === 'cda' ? document(about) : bundle(about), key, doors);
    sent++;
  }
  connection?.close();
  return sent;
}

/** Sends again under the same key when the connection breaks, as one that was kept open too long does. */
async function post(path: string, body: string, key: string, { url, token }: Doors): Promise<void> {
  const type = path.endsWith('cda') ? 'application/xml' : 'application/fhir+json';
  const headers = { authorization: `Bearer ${token}`, 'content-type': type, 'idempotency-key': key };
  for (let tries = 1; ; tries++) {
    try {
      const answer = await fetch(`${url}${path}`, { method: 'POST', headers, body });
      const text = await answer.text();
      if (answer.ok) return;
      if (answer.status !== 503) throw new Error(`${answer.status} ${text}`);
    } catch (error) {
      if (!(error instanceof TypeError) || tries > 5) throw error;
    }
  }
}

interface About extends Crowd {
  sender: number;
  hospital: number;
  patient: number;
}

const authority = (hospital: number) => `urn:oid:1.2.250.1.999.6.${hospital + 1}`;
const local = (series: number, patient: number) => `H${series}-${patient}`;
const provisional = (series: number, patient: number) => `T${series}-${patient}`;
const born = (patient: number) =>
  `1970${String(1 + (patient % 12)).padStart(2, '0')}${String(1 + (patient % 28)).padStart(2, '0')}`;

function ins(series: number, patient: number): string {
  const month = born(patient).slice(4, 6);
  return matricule(`270${month}13${String(100 + series)}${String(1 + patient).padStart(3, '0')}`);
}

/** Letters only, another for each patient. */
function family(series: number, patient: number): string {
  const letters = (number: number) => [...String(number)].map((digit) => 'ABCDEFGHIJ'[Number(digit)]).join('');
  return `FOUL${letters(10 + series)}${letters(100 + patient)}`;
}

function segments({ series, patient, sender, hospital }: About, event: string, number: string, withIns: boolean) {
  const oid = authority(hospital).slice('urn:oid:'.length);
  const cx = (value: string) => `${value}^^^HOPITAL${hospital}&${oid}&ISO^PI`;
  const insCx = withIns ? `~${ins(series, patient)}^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS` : '';
  const time = `20261101${String(8 + (sender % 10)).padStart(2, '0')}0000+0100`;
  const structure = event === 'A40' ? 'ADT_A39' : 'ADT_A01';
  return {
    cx,
    head: [
      `MSH|^~\\&|GAM${sender}|HOPITAL${hospital}|PASSERELLE|VILLE|${time}||ADT^${event}^${structure}|${event}-${series}-${sender}-${patient}|P|2.5^FRA^2.11|||||FRA|UNICODE UTF-8|||2.11^IHE_FRANCE-2.11-PAM`,
      `EVN||${time}`,
      `PID|||${cx(number)}${insCx}||${family(series, patient)}^ALIX^ALIX^^^^L||${born(patient)}|F|||||||||||||||||||||||PROV`,
    ],
  };
}

function admission(about: About): string {
  const { head } = segments(about, 'A28', local(about.series, about.patient), true);
  return `${head.join('\r')}\rPV1|1|N\r`;
}

/** Under a provisional number; every second without INS, so that at first it is somebody else's record. */
function arrival(about: About): string {
  const { head } = segments(about, 'A28', provisional(about.series, about.patient), about.patient % 2 === 0);
  return `${head.join('\r')}\rPV1|1|N\r`;
}

function merger(about: About): string {
  const { head, cx } = segments(about, 'A40', local(about.series, about.patient), true);
  return `${head.join('\r')}\rMRG|${cx(provisional(about.series, about.patient))}\r`;
}

const golden = readFileSync(join(import.meta.dirname, '..', 'golden', 'cda-vital-signs', 'input.xml'), 'utf8');

function document({ series, patient, sender, hospital }: About): string {
  const [year, rest] = [born(patient).slice(0, 4), born(patient).slice(4)];
  return golden
    .replaceAll('extension="MES-3001"', `extension="D${series}-${sender}-${patient}"`)
    .replace(
      /<id root="1.2.250.1.213.1.4.10"[^>]*>/,
      `<id root="1.2.250.1.213.1.4.10" extension="${ins(series, patient)}"/>`,
    )
    .replace(
      /<id root="1.2.250.1.999.1.2"[^>]*>/,
      `<id root="${authority(hospital).slice(8)}" extension="${local(series, patient)}"/>`,
    )
    .replace(
      /<patient><name>.*?<\/name>/s,
      `<patient><name><family qualifier="BR">${family(series, patient)}</family><given>ALIX</given><given qualifier="BR">ALIX</given></name>`,
    )
    .replace(/<birthTime[^>]*>\s*<birthplace>.*?<\/birthplace>/s, `<birthTime value="${year}${rest}"/>`)
    .replaceAll(
      /7d1f00a0-0000-4000-8000-0000000000/g,
      `7d1f${String(series).padStart(4, '0')}-${String(sender).padStart(4, '0')}-4000-8000-${String(patient).padStart(10, '0')}`,
    )
    .replace(/(<component><observation.*?<\/component>)<component><observation.*<\/component>(?=<\/organizer>)/s, '$1');
}

function bundle({ series, patient, sender, hospital }: About): string {
  const date = born(patient).replace(/(....)(..)(..)/, '$1-$2-$3');
  const who: Patient = {
    resourceType: 'Patient',
    identifier: [
      { use: 'official', system: TEST, value: ins(series, patient) },
      { use: 'usual', system: authority(hospital), value: local(series, patient) },
    ],
    name: [{ use: 'official', family: family(series, patient), given: ['ALIX'] }],
    gender: 'female',
    birthDate: date,
  };
  const reading = {
    resourceType: 'Observation',
    status: 'final',
    category: [
      { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'vital-signs' }] },
    ],
    code: { coding: [{ system: 'http://loinc.org', code: '8867-4' }] },
    subject: { reference: 'urn:uuid:5b0c1d5e-98a1-4b53-9a4b-1f1a7d8f0c01' },
    identifier: [{ system: 'urn:oid:1.2.250.1.999.6.9', value: `${series}-${sender}-${patient}` }],
    effectiveDateTime: '2026-11-01T08:12:30+01:00',
    valueQuantity: { value: 70, unit: '/min', system: 'http://unitsofmeasure.org', code: '/min' },
  };
  const entry = [
    {
      fullUrl: 'urn:uuid:5b0c1d5e-98a1-4b53-9a4b-1f1a7d8f0c01',
      resource: who,
      request: { method: 'POST', url: 'Patient' },
    },
    {
      fullUrl: 'urn:uuid:5b0c1d5e-98a1-4b53-9a4b-1f1a7d8f0c02',
      resource: reading,
      request: { method: 'POST', url: 'Observation' },
    },
  ];
  return JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry });
}
