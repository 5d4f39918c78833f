import { Pool } from 'undici';
import type { GatewayUnderTest } from './gateway-process.ts';

/** Patients the readings are about. */
export const PATIENTS = 1000;

const INS = 'urn:oid:1.2.250.1.213.1.4.10';
const DEVICE = 'urn:oid:1.2.840.10004.1.1.1.0.0.1.0.0.1.2680';

/** INS of an invented patient, with its control key. */
export function ins(patient: number): string {
  const number = `2640775112${String(patient).padStart(3, '0').slice(-3)}`;
  return `${number}${String(97 - Number(BigInt(number) % 97n)).padStart(2, '0')}`;
}

/** One oxygen saturation with its device, as the national specification of measures sends it. */
export function measure(index: number): string {
  const patient = index % PATIENTS;
  const taken = new Date(Date.UTC(2026, 9, 1) + index * 1000).toISOString();
  const device = `urn:uuid:5b0c1d5e-98a1-4b53-9a4b-${String(patient).padStart(12, '0')}`;
  const identifier = { system: DEVICE, value: `0A-1B-2C-FF-FE-3D-${patient}` };
  return JSON.stringify({
    resourceType: 'Bundle',
    type: 'transaction',
    entry: [
      {
        fullUrl: `urn:uuid:5b0c1d5e-98a1-4b53-8a4b-${String(index).padStart(12, '0')}`,
        resource: saturation(index, taken, { identifier: { system: INS, value: ins(patient) } }, device),
        request: { method: 'POST', url: 'Observation' },
      },
      {
        fullUrl: device,
        resource: {
          resourceType: 'Device',
          identifier: [identifier],
          manufacturer: 'Souffle et Cie',
          modelNumber: 'OX-12',
          type: { text: 'Oxymètre de pouls' },
        },
        request: { method: 'POST', url: 'Device', ifNoneExist: `identifier=${identifier.system}|${identifier.value}` },
      },
    ],
  });
}

/** The reading alone, as it is put on the FHIR server. */
export function saturation(index: number, taken: string, subject: object, device?: string): object {
  return {
    resourceType: 'Observation',
    meta: {
      profile: ['https://interop.esante.gouv.fr/ig/fhir/mesures/StructureDefinition/mesures-fr-observation-oxygen-sat'],
      source: 'urn:oid:1.2.250.1.999.77.4',
    },
    status: 'final',
    category: [
      { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'vital-signs' }] },
    ],
    code: { coding: [{ system: 'http://loinc.org', code: '59408-5' }] },
    subject,
    effectiveDateTime: taken,
    valueQuantity: { value: 96 + (index % 4), unit: '%', system: 'http://unitsofmeasure.org', code: '%' },
    ...(device ? { device: { reference: device } } : {}),
  };
}

/** What a vendor's hub sends: saturation, temperature and heart rate of one moment. */
export function readings(index: number): string {
  const patient = index % PATIENTS;
  const dob = new Date(Date.UTC(1935, 0, 1) + patient * 20 * 86_400_000).toISOString().slice(0, 10);
  return JSON.stringify({
    messageId: `R-${index}`,
    sentAt: '2026-11-10T07:00:00Z',
    subject: { ref: `RSP-${patient}`, lastName: 'Bensalah', firstName: 'Karim', dob, gender: 'male' },
    gateway: { serial: `HUB-${patient}`, maker: 'Respira' },
    batches: [
      {
        takenAt: new Date(Date.UTC(2026, 9, 1) + index * 1000).toISOString(),
        source: 'auto',
        readings: [
          { kind: 'SAT', val: 0.97, unit: 'ratio' },
          { kind: 'TEMP', val: 98.3, unit: 'F' },
          { kind: 'HR', val: 60 + (index % 30), unit: 'bpm' },
        ],
      },
    ],
  });
}

export interface Feed {
  path: string;
  type: string;
  body(index: number): string;
}

export const MEASURES: Feed = { path: '/in/fhir', type: 'application/fhir+json', body: measure };
export const READINGS: Feed = { path: '/in/telemonitoring/respira', type: 'application/json', body: readings };

export interface Sent {
  accepted: number;
  seconds: number;
  /** From sending to the answer of those that waited until they were readable, in milliseconds. */
  readable: number[];
  /** From sending to the acknowledgement of the others. */
  acknowledged: number[];
}

/**
 * Sends messages `from`, `from + 1` … at a steady rate whatever the answers take (or, without `rate`, each connection its
 * next after an answer) for so long or so many; one in `sample` waits until it has been delivered.
 */
export async function feed(
  gateway: GatewayUnderTest,
  { path, type, body }: Feed,
  options: { from: number; seconds?: number; count?: number; rate?: number; sample?: number; connections?: number },
): Promise<Sent> {
  const { from, seconds = 3600, count = Number.MAX_SAFE_INTEGER, rate, sample = 0, connections = 32 } = options;
  const pool = new Pool(gateway.url, { connections, pipelining: 1 });
  const waiting = new Pool(gateway.url, { connections: 256, pipelining: 1 });
  const headers = { authorization: `Bearer ${gateway.token}`, 'content-type': type };
  const sent: Sent = { accepted: 0, seconds: 0, readable: [], acknowledged: [] };
  const start = performance.now();
  const send = async (index: number, since: number) => {
    const sampled = sample > 0 && index % sample === 0;
    const answer = await (sampled ? waiting : pool).request({
      method: 'POST',
      path: sampled ? `${path}?wait=60` : path,
      headers,
      body: body(index),
    });
    const text = await answer.body.text();
    if (answer.statusCode >= 300) throw new Error(`answered ${answer.statusCode}: ${text}`);
    if (sampled && answer.statusCode !== 200) throw new Error(`not delivered after a minute: ${text}`);
    (sampled ? sent.readable : sent.acknowledged).push(performance.now() - since);
    sent.accepted++;
  };
  const over = (made: number) => made >= count || performance.now() - start > seconds * 1000;
  let made = 0;
  if (rate === undefined) {
    const one = async () => {
      while (!over(made)) await send(from + made++, performance.now());
    };
    await Promise.all(Array.from({ length: connections }, one));
  } else {
    const pending: Promise<void>[] = [];
    while (!over(made)) {
      const due = Math.min(count, Math.floor(((performance.now() - start) / 1000) * rate));
      while (made < due) pending.push(send(from + made, start + (made++ / rate) * 1000));
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await Promise.all(pending);
  }
  sent.seconds = (performance.now() - start) / 1000;
  await pool.close();
  await waiting.close();
  return sent;
}
