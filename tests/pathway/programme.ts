import { join } from 'node:path';
import type { Bundle, Patient, Resource } from '@medplum/fhirtypes';
import type { Draft } from '../../src/conversion.ts';
import type { Fault } from '../../src/errors.ts';
import { read } from '../../src/formats/json/index.ts';
import { enrol } from '../../src/identity/index.ts';
import { assemble, loadMappings } from '../../src/mapping/index.ts';
import {
  expand,
  loadPathway,
  lookBacksOf,
  needsOf,
  type PathwayRules,
  react,
  readSurroundings,
} from '../../src/pathway/index.ts';
import { contextOf, type Server } from '../identity/house.ts';
import { matricule } from '../identity/people.ts';

const root = join(import.meta.dirname, '..', '..');
const { translator } = loadMappings(join(root, 'mappings'));
export const pathway = loadPathway(join(root, 'mappings'), join(root, 'profiles')).pathway as PathwayRules;
export const { rules } = pathway;

/** Karim Bensalah, invented, 32 years old; his form. */
export const karim = {
  ins: { oid: '1.2.250.1.213.1.4.10', value: matricule('1880993066215') },
  birthName: 'BENSALAH',
  birthGivenName: 'KARIM',
  birthDate: '1988-09-02',
  sex: 'M',
};

/** A COVISAN inclusion with J1 on Tuesday 3 November 2020. */
export function inclusion(changes: object = {}) {
  return {
    form: 'covisan-inclusion',
    version: '1',
    id: 'COV-1',
    date: '2020-11-05T10:00:00+01:00',
    source: 'gp',
    requester: { rpps: '10101010102', family: 'MOREAU' },
    patient: karim,
    agreement: { given: true, date: '2020-11-05' },
    disease: { firstSymptoms: '2020-11-03', status: 'confirmed' },
    ...changes,
  };
}

/** A daily questionnaire with one SpO2. */
export function daily(spo2: number, answeredAt: string, changes: object = {}) {
  const measures = { spo2: { value: spo2, unit: '%' } };
  return {
    form: 'covidom-daily',
    version: '1',
    id: `Q-${answeredAt}`,
    patient: karim,
    answeredAt,
    measures,
    ...changes,
  };
}

/** What one form means, before anybody is looked up. */
export function convert(form: object, route: string, at: Date) {
  const decoded = read(Buffer.from(JSON.stringify(form)));
  const context = { route, sender: 'test', messageIdentity: JSON.stringify(form), receivedAt: at };
  const conversion = translator!.convert(decoded, context);
  expand(conversion, pathway, at);
  return conversion;
}

/** A form taken through conversion, identity, rules and writing, as the pipeline does. */
export async function play(
  server: Server,
  route: string,
  form: object,
  at: string,
): Promise<{ faults: Fault[]; made: Draft[]; patient: string }> {
  const received = new Date(at);
  const conversion = convert(form, route, received);
  if (conversion.faults.some((one) => one.severity === 'error'))
    return { faults: conversion.faults, made: [], patient: '' };
  const subject = conversion.drafts.find((draft) => draft.fullUrl === conversion.subject) as Draft<Patient>;
  const decision = await enrol(
    subject,
    server.endpoint,
    contextOf({ receivedAt: received, asOf: received.toISOString() }),
  );
  const surroundings = await readSurroundings(server.endpoint, {
    patient: decision.reference!,
    at: received,
    needs: (known) => needsOf(conversion, pathway.rules, known),
    lookBacks: lookBacksOf(conversion, pathway.rules),
  });
  const made = react(conversion, surroundings, pathway);
  conversion.drafts.push(...made);
  const identity = { reference: decision.reference, fullUrl: subject.fullUrl, patient: decision.patient };
  const message = { id: crypto.randomUUID(), sender: 'test', receivedAt: received.getTime() };
  const bundle = assemble(conversion, { message, identity });
  const response = await server.endpoint.send({ method: 'POST', path: '', body: bundle });
  if (response.status !== 200) throw new Error(`${response.status} ${JSON.stringify(response.body).slice(0, 2000)}`);
  return { faults: conversion.faults, made, patient: decision.reference! };
}

/** All resources of a type, in the order of the bundle. */
export async function all<R extends Resource>(server: Server, query: string): Promise<R[]> {
  const response = await server.endpoint.send({
    method: 'GET',
    path: `${query}${query.includes('?') ? '&' : '?'}_count=500`,
  });
  return ((response.body as Bundle).entry ?? []).flatMap((entry) => (entry.resource ? [entry.resource as R] : []));
}
