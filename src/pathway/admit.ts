import type { Coding, Consent, Observation, ServiceRequest } from '@medplum/fhirtypes';
import type { Conversion } from '../conversion.ts';
import { type Fault, fault, isError, warning } from '../errors.ts';
import { dayOf, daysBetween } from './days.ts';
import { draftsOf, resourcesOf } from './drafts.ts';
import { COVISAN, PROFILE } from './names.ts';
import { inUnit, type Reading, readingsOf } from './readings.ts';
import type { RuleSet } from './rules.ts';
import { isOneOf } from './rules.ts';

/**
 * What keeps a message out of the programme: an inclusion without the patient's agreement, a reading from the future or one
 * that cannot be. A missing or doubtful J1 is said and does not keep it out. Documents are left alone: they report what
 * others measured, and are kept as they are.
 * @param at when the message was received.
 */
export function admit(conversion: Conversion, rules: RuleSet, at: Date): Fault[] {
  const onset = isInclusion(conversion) ? onsetFaults(conversion, rules, at) : [];
  // What the map has refused already is not refused a second time in other words.
  const refused = conversion.faults.some(isError);
  const readings = isDocument(conversion) || refused ? [] : readingFaults(conversion, rules, at);
  return [...agreementFaults(conversion), ...onset, ...readings];
}

/** The message carries a document: it reports what others measured and have seen. */
export function isDocument(conversion: Conversion): boolean {
  return conversion.drafts.some(({ resource }) => ['DocumentReference', 'Composition'].includes(resource.resourceType));
}

/** The message asks for somebody to be taken into a programme. */
export function isInclusion(conversion: Conversion): boolean {
  return inclusionsOf(conversion).length > 0;
}

/** Requests that are to become plans: active, with a definition to instantiate. */
export function inclusionsOf(conversion: Conversion): ServiceRequest[] {
  return resourcesOf(conversion, 'ServiceRequest').filter(
    (one) => one.status === 'active' && (one.instantiatesCanonical?.length ?? 0) > 0,
  );
}

/** J1 as the message says it: a FHIR date or dateTime of any precision. */
export function onsetSaid(conversion: Conversion, rules: RuleSet): string | undefined {
  const disease = resourcesOf(conversion, 'Condition').find((one) => isOneOf(one.code?.coding, rules.disease));
  return disease?.onsetDateTime ?? disease?.onsetPeriod?.start;
}

/** J1 as a day that plans can count from; undefined when missing, imprecise, in the future or too long ago. */
export function usableOnset(said: string | undefined, rules: RuleSet, on: string): string | undefined {
  const day = dayOf(said);
  if (!day) return undefined;
  const before = daysBetween(day, on);
  return before >= 0 && before <= rules.onset.oldestDays ? day : undefined;
}

/** The day an inclusion counts as made: when it was asked for, else when it was received. */
export function inclusionDay(conversion: Conversion, at: Date): string {
  const request = inclusionsOf(conversion)[0];
  const episode = resourcesOf(conversion, 'EpisodeOfCare')[0];
  const day = dayOf(episode?.period?.start ?? request?.occurrenceDateTime ?? request?.authoredOn);
  return day ?? (dayOf(at.toISOString()) as string);
}

function agreementFaults(conversion: Conversion): Fault[] {
  const inclusion = inclusionsOf(conversion).some((one) =>
    one.code?.coding?.some((coding: Coding) => coding.system === COVISAN && coding.code === 'inclusion'),
  );
  if (!inclusion) return [];
  const agreed = resourcesOf(conversion, 'Consent')
    .filter((one) => isAgreement(one) || !one.meta?.profile?.length)
    .some((one) => one.status === 'active' && one.provision?.type !== 'deny');
  return agreed ? [] : [fault('consent-missing', { place: 'Consent' })];
}

/**
 * The patient's agreement to the programme, by its profile; choices about the shared record and other consents are none of
 * its business.
 */
export function isAgreement(consent: Consent): boolean {
  return consent.meta?.profile?.some((one) => one.split('|')[0] === `${PROFILE}agreement`) ?? false;
}

function onsetFaults(conversion: Conversion, rules: RuleSet, at: Date): Fault[] {
  const said = onsetSaid(conversion, rules);
  if (!dayOf(said)) return [warning('onset-missing', { place: 'Condition.onset' })];
  if (usableOnset(said, rules, inclusionDay(conversion, at))) return [];
  return [warning('onset-doubtful', { place: 'Condition.onset' })];
}

function readingFaults(conversion: Conversion, rules: RuleSet, at: Date): Fault[] {
  return draftsOf(conversion, 'Observation').flatMap(({ resource, key, fullUrl }) => {
    const readings = readingsOf([{ resource, reference: fullUrl }]);
    const future = readings.some((one) => one.at > at.getTime() + rules.readings.futureMinutes * 60_000);
    return [
      ...(isIncomplete(resource) ? [fault('reading-incomplete', { place: key })] : []),
      ...(future ? [fault('reading-future', { place: key })] : []),
      ...readings.flatMap((one) => implausible(one, key, rules)),
    ];
  });
}

/** A vital sign needs a time and a value, or a reason for having none, https://hl7.org/fhir/R4/vitalsigns.html */
function isIncomplete(observation: Observation): boolean {
  const isVital = observation.category?.some((one) => one.coding?.some((coding) => coding.code === 'vital-signs'));
  if (!isVital || observation.status === 'entered-in-error' || observation.status === 'cancelled') return false;
  const hasTime = observation.effectiveDateTime || observation.effectivePeriod || observation.effectiveInstant;
  const hasValue = Object.keys(observation).some((name) => name.startsWith('value'));
  return (
    !hasTime || !(hasValue || observation.component?.length || observation.dataAbsentReason || observation.hasMember)
  );
}

function implausible(reading: Reading, place: string, rules: RuleSet): Fault[] {
  const { quantity } = reading;
  const limits = rules.readings.limits.filter((one) => isOneOf(reading.codes, [one.code]));
  if (!quantity || limits.length === 0) return [];
  const limit = limits.find(({ unit }) => inUnit(quantity, unit));
  // Kept, but no rule can look at it: its sender should know.
  if (!limit) return [warning('reading-unit-unknown', { place, params: { wanted: limits[0]!.unit } })];
  const { low, high, unit } = limit;
  const { value } = inUnit(quantity, unit)!;
  if (value >= low && value <= high) return [];
  return [fault('reading-implausible', { place, params: { code: limit.code.code ?? '', low, high, unit } })];
}
