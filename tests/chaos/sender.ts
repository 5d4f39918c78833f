import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openMllp } from '../../src/cli/send-mllp.ts';
import { nirKey } from '../../src/identity/index.ts';

/** One message of the sender's own ledger. */
export interface Entry {
  kind: 'movement' | 'reading' | 'note';
  patient: number;
  /** Grows by one for each message about the patient. */
  sequence: number;
  acknowledged: boolean;
}

/** Where a message may be sent: one of several gateways, each by either way. */
export interface Way {
  mllp: number;
  url: string;
  token: string;
}

/** What is sent about a patient, by the patient's number. */
const KINDS: Entry['kind'][] = ['reading', 'movement', 'movement', 'note'];

/** How long a sender tries: longer than any trouble, on a machine that is slow beside. */
const PATIENCE_MS = 300_000;

/**
 * A hospital that sends movements of its patients one after the other, a vendor that sends readings of its own, and one that
 * creates notes through the FHIR API, with nothing in them to know them by. All wait for each acknowledgement, and send again, to whichever gateway comes next, until they have one: what they then hold to be
 * done must be on the FHIR server.
 */
export async function sendAll(round: number, patients: number, each: number, ways: Way[]): Promise<Entry[]> {
  const ledger: Entry[] = [];
  const send = { movement: sendMovement, reading: sendReading, note: sendNote };
  const about = async (kind: Entry['kind'], patient: number) => {
    for (let sequence = 1, turn = patient; sequence <= each; sequence++) {
      const entry = { kind, patient, sequence, acknowledged: false };
      ledger.push(entry);
      for (const end = Date.now() + PATIENCE_MS; Date.now() < end && !entry.acknowledged; turn++) {
        entry.acknowledged = await send[kind](round, entry, ways[turn % ways.length]!);
        if (!entry.acknowledged) await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  };
  const numbers = Array.from({ length: patients }, (_, index) => index + 1);
  await Promise.all(numbers.map((patient) => about(KINDS[patient % KINDS.length]!, patient)));
  return ledger;
}

async function sendMovement(round: number, { patient, sequence }: Entry, { mllp }: Way): Promise<boolean> {
  try {
    const connection = await openMllp(`mllp://127.0.0.1:${mllp}`, 3000);
    try {
      return (await connection.send(Buffer.from(movement(round, patient, sequence)))).code === 'AA';
    } finally {
      connection.close();
    }
  } catch {
    return false;
  }
}

function sendReading(round: number, { patient, sequence }: Entry, way: Way): Promise<boolean> {
  const key = `R${round}-${patient}-${sequence}`;
  return post('/in/telemonitoring/covidom', key, reading(round, patient, sequence), way);
}

function sendNote(round: number, { patient, sequence }: Entry, way: Way): Promise<boolean> {
  return post('/fhir/R4/Observation', `R${round}-${patient}-${sequence}`, note(round, patient, sequence), way);
}

async function post(path: string, key: string, body: object, { url, token }: Way): Promise<boolean> {
  try {
    const answer = await fetch(`${url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(3000),
    });
    await answer.arrayBuffer();
    return answer.ok;
  } catch {
    return false;
  }
}

/** An admission with a stay of its own; the patient's telephone number is the sequence. */
function movement(round: number, patient: number, sequence: number): string {
  const time = `20261101${String(8 + Math.floor(sequence / 60)).padStart(2, '0')}${String(sequence % 60).padStart(2, '0')}00+0100`;
  return [
    `MSH|^~\\&|GAM|CHAOS|PASSERELLE|VILLE|${time}||ADT^A01^ADT_A01|R${round}-${patient}-${sequence}|P|2.5^FRA^2.11|||||FRA|UNICODE UTF-8|||2.11^IHE_FRANCE-2.11-PAM`,
    `EVN||${time}`,
    `PID|||R${round}P${patient}^^^CHAOS&1.2.250.1.999.3.1&ISO^PI||${nameOf(round, patient)}^ALIX^ALIX^^^^L||19${60 + (patient % 30)}0412|F|||||^PRN^PH^^^^^^^^^${String(sequence).padStart(10, '0')}|||||ADM^^^CHAOS&1.2.250.1.999.3.2&ISO^AN||||||||||||||PROV`,
    `PV1|1|I|PNEUMO3||||||||||||||||R${round}P${patient}S${sequence}^^^CHAOS&1.2.250.1.999.3.3&ISO^VN`,
    `ZBE|R${round}P${patient}M${sequence}^CHAOS^1.2.250.1.999.3.4^ISO|${time}||INSERT|N||||HMS`,
    '',
  ].join('\r');
}

const form = readFileSync(join(import.meta.dirname, '..', 'golden', 'covidom-daily-spo2-91', 'input.json'), 'utf8');

/** A daily form whose oxygen saturation is the sequence. */
function reading(round: number, patient: number, sequence: number): object {
  const ins = { oid: '1.2.250.1.213.1.4.10', value: matricule(round, patient) };
  const who = { birthName: nameOf(round, patient), birthGivenName: 'ALIX', birthDate: '1960-04-12', sex: 'F' };
  return {
    ...JSON.parse(form),
    id: `R${round}P${patient}S${sequence}`,
    patient: { ins, ...who },
    answeredAt: `2026-11-01T08:${String(sequence).padStart(2, '0')}:00+01:00`,
    measures: { spo2: { value: saturation(sequence), unit: '%' } },
  };
}

/** The patient's number is in the code, the sequence is the value; no identifier. */
function note(round: number, patient: number, sequence: number): object {
  const code = { coding: [{ system: NOTES, code: `R${round}P${patient}` }] };
  return { resourceType: 'Observation', status: 'final', code, valueInteger: sequence };
}

/** Code system of the notes. */
export const NOTES = 'urn:oid:1.2.250.1.999.3.9';

/** No rule has anything to say about these. */
export function saturation(sequence: number): number {
  return Number((95 + sequence / 10).toFixed(1));
}

export function matricule(round: number, patient: number): string {
  const digits = `2600413${String(round % 1000).padStart(3, '0')}${String(patient).padStart(3, '0')}`;
  return `${digits}${nirKey(digits)}`;
}

/** Letters only, another for each patient, so that nobody is taken for somebody else. */
function nameOf(round: number, patient: number): string {
  return `ESSAI${[...`${round}-${patient}`].map((sign) => 'ABCDEFGHIJ'[Number(sign)] ?? 'X').join('')}`;
}
