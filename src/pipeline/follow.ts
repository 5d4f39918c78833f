import type { Patient, Reference, Resource } from '@medplum/fhirtypes';
import type { Conversion, Draft } from '../conversion.ts';
import { type Fault, warning } from '../errors.ts';
import { recordOf } from '../identity/index.ts';
import { admit, lookBacksOf, needsOf, react, readSurroundings } from '../pathway/index.ts';
import type { House } from './house.ts';

type FollowingHouse = Pick<House, 'fhir' | 'pathway'>;

/** What news of a patient call for, to be written with them or after them. */
export interface Followed {
  drafts: Draft[];
  faults: Fault[];
}

/** What rules look at: readings, the disease and its J1, a stay in hospital, the end of the follow-up, the agreement to it. */
const NEWS = ['Observation', 'Condition', 'Encounter', 'EpisodeOfCare', 'Consent'];

/** Whether rules may have something to say about resources of this type. */
export function isNews({ resourceType }: Resource): boolean {
  return NEWS.includes(resourceType);
}

/**
 * What follows from news of patients whom the FHIR server has already and the message only points to: rules speak for them as
 * for those that bring their patient along, so nobody falls out of sight by the door a reading came in by.
 * @param news with the address each is written to as `fullUrl`
 * @throws PasserelleError `fhir-unreachable`
 */
export async function follow(news: Draft[], at: Date, house: FollowingHouse): Promise<Followed> {
  const followed: Followed = { drafts: [], faults: [] };
  for (const [name, own] of Map.groupBy(news, ({ resource }) => nameOf(patientOf(resource)))) {
    if (name === undefined || !isWorthALook(own, house)) continue;
    const patient = await recordOf(house.fhir, patientOf(own[0]!.resource)!);
    if (patient) followed.drafts.push(...(await followOne(patient, own, at, house)));
    else if (own.some((one) => one.resource.resourceType === 'Observation' && neededFor([one], house) === 'all'))
      followed.faults.push(warning('reading-of-nobody', { place: 'Observation.subject' }));
  }
  return followed;
}

/** What is wrong with readings whoever sends them: dated in the future, impossible, without value or time. */
export function admitted(resources: Resource[], at: Date, { pathway }: Pick<House, 'pathway'>): Fault[] {
  const readings = resources.filter(({ resourceType }) => resourceType === 'Observation');
  return readings.flatMap((one) => admit(about([draftAt(one, one.resourceType)]), pathway.rules, at));
}

/** A resource that is written to an address of the FHIR server. */
export function draftAt(resource: Resource, address: string): Draft {
  const identity = { system: 'urn:ietf:rfc:3986', value: address };
  return { key: address, fullUrl: address, resource, write: 'update', identity };
}

/** News in a message that does not bring their patient along: they name a record of the FHIR server. */
export function newsElsewhere({ drafts }: Conversion): Draft[] {
  return drafts.filter(({ resource }) => isNews(resource) && patientOf(resource)?.reference?.startsWith('Patient/'));
}

/** Whether a rule looks at any of them, before anybody is looked up. */
export function isWorthALook(news: Draft[], house: Pick<House, 'pathway'>): boolean {
  return neededFor(news, house) !== 'nothing';
}

function neededFor(news: Draft[], { pathway }: Pick<House, 'pathway'>) {
  return needsOf(about(news), pathway.rules);
}

async function followOne(patient: Patient, news: Draft[], at: Date, { fhir, pathway }: FollowingHouse) {
  const reference = `Patient/${patient.id}`;
  const conversion = about(news, reference);
  const surroundings = await readSurroundings(fhir, {
    patient: reference,
    record: patient,
    at,
    needs: (known) => needsOf(conversion, pathway.rules, known),
    lookBacks: lookBacksOf(conversion, pathway.rules),
  });
  return react(conversion, surroundings, pathway);
}

/** A conversion of these alone; all of them are about the one patient, whatever they call them. */
function about(news: Draft[], patient = ''): Conversion {
  const drafts = news.map((one) => {
    const element = 'subject' in one.resource ? 'subject' : 'patient';
    return { ...one, resource: { ...one.resource, [element]: { reference: patient } } as Resource };
  });
  return { drafts, subject: patient, intents: [], faults: [], unmapped: [], traces: [], maps: {} };
}

function patientOf(resource: Resource): Reference | undefined {
  const { subject, patient } = resource as { subject?: Reference; patient?: Reference };
  return subject ?? patient;
}

function nameOf(patient: Reference | undefined): string | undefined {
  const { system = '', value } = patient?.identifier ?? {};
  return patient?.reference ?? (value && `${system}|${value}`);
}
