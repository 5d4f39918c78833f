import type { CarePlan, CodeableConcept, Condition, Extension } from '@medplum/fhirtypes';
import type { Draft } from '../conversion.ts';
import { usableOnset } from './admit.ts';
import { dayOf } from './days.ts';
import { changed, PHASE, PROFILE } from './names.ts';
import { type Phase, phases } from './phases.ts';
import { datedFrom } from './reschedule.ts';
import { isOneOf, type RuleSet } from './rules.ts';
import { isRefuted, type Surroundings } from './surroundings.ts';

const PHASE_EXTENSION = `${PROFILE}phase`;
const displays: Record<Phase, string> = {
  viral: 'Phase virale',
  transitional: 'Phase de transition',
  inflammatory: 'Phase inflammatoire',
};

/** The phase on a day as a code; undefined when J1 is not known or too long ago. It is computed, never taken from a form. */
export function phaseConcept(onset: string | undefined, at: Date, rules: RuleSet): CodeableConcept | undefined {
  const today = dayOf(at.toISOString())!;
  const found = phases(usableOnset(onset, rules, today), today, rules.days)?.phase;
  return found && { coding: [{ system: PHASE, code: found, display: displays[found] }] };
}

/** A Condition with the phase of that day as its stage; another disease is left as it is. */
export function staged(condition: Condition, at: Date, rules: RuleSet): Condition {
  if (!isOneOf(condition.code?.coding, rules.disease) || isRefuted(condition)) return condition;
  const summary = phaseConcept(condition.onsetDateTime ?? condition.onsetPeriod?.start, at, rules);
  const { stage: _, ...rest } = condition;
  return summary ? { ...rest, stage: [{ summary }] } : rest;
}

/** The phase of a plan's patient, beside the other extensions of the plan. */
export function phaseExtension(j1: string | undefined, at: Date, rules: RuleSet): Extension[] {
  const valueCodeableConcept = phaseConcept(j1, at, rules);
  return valueCodeableConcept ? [{ url: PHASE_EXTENSION, valueCodeableConcept }] : [];
}

/** Conditions and plans whose phase is no longer that of today. */
export function movedPhases(surroundings: Surroundings, rules: RuleSet, now: Date): Draft[] {
  const conditions = surroundings.conditions
    .filter(
      (condition) =>
        phaseOf(condition.stage?.[0]?.summary) !== phaseOf(staged(condition, now, rules).stage?.[0]?.summary),
    )
    .map((condition) => changed(staged(condition, now, rules)));
  const plans = surroundings.plans
    .filter((plan) => plan.status === 'active' && datedFrom(plan))
    .map((plan) => [plan, withPhase(plan, now, rules)] as const)
    .filter(([before, after]) => phaseOf(extensionOf(before)) !== phaseOf(extensionOf(after)))
    .map(([, after]) => changed(after));
  return [...conditions, ...plans];
}

function withPhase(plan: CarePlan, now: Date, rules: RuleSet): CarePlan {
  const rest = (plan.extension ?? []).filter((one) => one.url !== PHASE_EXTENSION);
  return { ...plan, extension: [...rest, ...phaseExtension(datedFrom(plan)?.j1, now, rules)] };
}

function extensionOf(plan: CarePlan): CodeableConcept | undefined {
  return plan.extension?.find((one) => one.url === PHASE_EXTENSION)?.valueCodeableConcept;
}

function phaseOf(concept: CodeableConcept | undefined): string | undefined {
  return concept?.coding?.find((coding) => coding.system === PHASE)?.code;
}
