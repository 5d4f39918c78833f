import type { Observation, Patient, Reference } from '@medplum/fhirtypes';
import type { Conversion, Draft } from '../conversion.ts';
import { type Fault, warning } from '../errors.ts';
import { recordOf } from '../identity/index.ts';
import { lookBacksOf, needsOf, react, readSurroundings } from '../pathway/index.ts';
import type { House } from './house.ts';

type FollowingHouse = Pick<House, 'fhir' | 'pathway'>;

/** What readings call for, to be written with them or after them. */
export interface Followed {
  drafts: Draft[];
  faults: Fault[];
}

/**
 * What follows from readings of patients whom the FHIR server has already and the message only points to: rules speak for
 * them as for those that bring their patient along, so nobody falls out of sight by the door a reading came in by.
 * @param readings with the address each is written to as `fullUrl`
 * @throws PasserelleError `fhir-unreachable`
 */
export async function followReadings(
  readings: Draft<Observation>[],
  at: Date,
  house: FollowingHouse,
): Promise<Followed> {
  const followed: Followed = { drafts: [], faults: [] };
  const bySubject = Map.groupBy(readings, ({ resource }) => nameOf(resource.subject));
  for (const [subject, own] of bySubject) {
    if (subject === undefined || !isWorthALook(own, house)) continue;
    const patient = await recordOf(house.fhir, own[0]!.resource.subject!);
    if (patient) followed.drafts.push(...(await followOne(patient, own, at, house)));
    else if (needsOf(about(own), house.pathway.rules) === 'all')
      followed.faults.push(warning('reading-of-nobody', { place: 'Observation.subject' }));
  }
  return followed;
}

/** Readings of a message whose patient it does not bring along: they name a record of the FHIR server. */
export function readingsElsewhere({ drafts }: Conversion): Draft<Observation>[] {
  const isElsewhere = ({ subject }: Observation) => subject?.reference?.startsWith('Patient/');
  return (drafts as Draft<Observation>[]).filter(
    ({ resource }) => resource.resourceType === 'Observation' && isElsewhere(resource),
  );
}

/** Whether a rule looks at any of them, before anybody is looked up. */
export function isWorthALook(readings: Draft<Observation>[], { pathway }: FollowingHouse): boolean {
  return needsOf(about(readings), pathway.rules) !== 'nothing';
}

async function followOne(
  patient: Patient,
  readings: Draft<Observation>[],
  at: Date,
  { fhir, pathway }: FollowingHouse,
) {
  const reference = `Patient/${patient.id}`;
  const conversion = about(readings, reference);
  const surroundings = await readSurroundings(fhir, {
    patient: reference,
    record: patient,
    at,
    needs: (known) => needsOf(conversion, pathway.rules, known),
    lookBacks: lookBacksOf(conversion, pathway.rules),
  });
  return react(conversion, surroundings, pathway);
}

/** A conversion of these readings alone; all of them are about the one patient, whatever they call them. */
function about(readings: Draft<Observation>[], patient = ''): Conversion {
  const drafts = readings.map((one) => ({ ...one, resource: { ...one.resource, subject: { reference: patient } } }));
  return { drafts, subject: patient, intents: [], faults: [], unmapped: [], traces: [], maps: {} };
}

function nameOf(subject: Reference | undefined): string | undefined {
  const { system = '', value } = subject?.identifier ?? {};
  return subject?.reference ?? (value && `${system}|${value}`);
}
