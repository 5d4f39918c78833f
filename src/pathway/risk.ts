import type { CodeableConcept, Condition, Flag, Patient, RiskAssessment } from '@medplum/fhirtypes';
import { dayOf, daysBetween } from './days.ts';
import type { RuleSet } from './rules.ts';
import { isOneOf } from './rules.ts';

/** What makes a patient watched more closely. */
export interface RiskState {
  /** Risk factors of a severe inflammatory form. */
  atRisk: boolean;
  /** Social, housing, psychological difficulties, isolation. */
  complex: boolean;
}

/** What the risk is read from; of the message, of the server, or both. */
export interface RiskSources {
  record?: Pick<Patient, 'birthDate'>;
  conditions: Condition[];
  flags: Flag[];
  assessments: RiskAssessment[];
}

/** @param on the day to look at, a FHIR date. */
export function riskOf(sources: RiskSources, rules: RuleSet, on: string): RiskState {
  const { risk } = rules;
  const flags = sources.flags.filter((one) => one.status === 'active').flatMap((one) => one.code?.coding ?? []);
  const ill = sources.conditions.filter(isActive).some((one) => isOneOf(one.code?.coding, risk.conditions));
  const assessed = sources.assessments
    .flatMap((one) => one.prediction ?? [])
    .some((one) => isOneOf((one.qualitativeRisk as CodeableConcept | undefined)?.coding, risk.assessments));
  const old = isAged(sources.record?.birthDate, risk.ageFrom, on);
  return {
    atRisk: old || ill || assessed || isOneOf(flags, risk.riskFlags),
    complex: isOneOf(flags, risk.complexFlags),
  };
}

function isActive(condition: Condition): boolean {
  const clinical = condition.clinicalStatus?.coding?.map((one) => one.code) ?? [];
  const verification = condition.verificationStatus?.coding?.map((one) => one.code) ?? [];
  const over = clinical.some((code) => code === 'inactive' || code === 'resolved' || code === 'remission');
  return !over && !verification.some((code) => code === 'refuted' || code === 'entered-in-error');
}

/** Reached the age on that day; a birth date without a day counts from the end of its month or year. */
function isAged(birthDate: string | undefined, age: number | undefined, on: string): boolean {
  if (!birthDate || age === undefined) return false;
  const full = birthDate.length === 4 ? `${birthDate}-12-31` : birthDate.length === 7 ? `${birthDate}-28` : birthDate;
  const born = dayOf(full);
  if (!born) return false;
  const birthday = `${Number(on.slice(0, 4)) - age}${on.slice(4)}`;
  const day = dayOf(birthday) ?? dayOf(`${birthday.slice(0, 8)}28`);
  return day !== undefined && daysBetween(born, day) >= 0;
}
