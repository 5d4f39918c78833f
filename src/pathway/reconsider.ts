import type { CarePlan, EpisodeOfCare, Identifier, Resource } from '@medplum/fhirtypes';
import type { Conversion, Draft } from '../conversion.ts';
import { onsetSaid, usableOnset } from './admit.ts';
import { dayOf } from './days.ts';
import { draftsOf, pointing } from './drafts.ts';
import type { PathwayRules } from './load.ts';
import { PATHWAY } from './names.ts';
import { instantiate } from './plan.ts';
import { datedFrom, reschedule } from './reschedule.ts';
import { riskOf } from './risk.ts';
import { isOneOf } from './rules.ts';
import type { Surroundings } from './surroundings.ts';

/**
 * Compares the plans a message asks for with those the patient has. A plan that is there already is not made again: its
 * tasks move when J1 was corrected, and only what is missing is added. A corrected J1 that comes without an inclusion moves
 * every active plan.
 */
export function reconsider(conversion: Conversion, surroundings: Surroundings, pathway: PathwayRules): Draft[] {
  const { rules } = pathway;
  const known = [...surroundings.plans, ...surroundings.tasks];
  const there = conversion.drafts.filter((draft) => draft.identity.system === PATHWAY && isThere(draft, known));
  takeOut(conversion, there, known);
  const plans = surroundings.plans.filter((plan) => plan.status === 'active');
  if (plans.length === 0) return [];
  keepLaterOnset(conversion, plans, pathway, surroundings.at);
  const on = dayOf(surroundings.at.toISOString())!;
  const j1 = usableOnset(onsetSaid(conversion, rules), rules, on) ?? usableOnsetOfPlan(conversion, pathway, plans);
  if (!j1) return [];
  return plans.flatMap((plan) => {
    const tasks = surroundings.tasks;
    const added = datedFrom(plan) ? [] : missingTasks(plan, j1, conversion, surroundings, pathway);
    return [...reschedule(plan, tasks, j1, rules.calendar, surroundings.at), ...added];
  });
}

/** A message older than the last word on J1 does not write the old J1 back. */
function keepLaterOnset(conversion: Conversion, plans: CarePlan[], pathway: PathwayRules, at: Date): void {
  const later = plans.map(datedFrom).find((one) => one && one.asOf > at.getTime());
  if (!later) return;
  for (const draft of draftsOf(conversion, 'Condition')) {
    if (isOneOf(draft.resource.code?.coding, pathway.rules.disease)) draft.resource.onsetDateTime = later.j1;
  }
}

/** Old messages say an old J1: it is judged by the beginning of the plan, not by today. */
function usableOnsetOfPlan(conversion: Conversion, pathway: PathwayRules, plans: CarePlan[]): string | undefined {
  const said = onsetSaid(conversion, pathway.rules);
  const start = dayOf(plans[0]?.period?.start);
  return start ? usableOnset(said, pathway.rules, start) : undefined;
}

function isThere(draft: Draft, known: Resource[]): boolean {
  return counterpart(draft, known) !== undefined;
}

function counterpart(draft: Draft, known: Resource[]): Resource | undefined {
  return known.find((one) => {
    const identifiers = (one as { identifier?: Identifier[] }).identifier ?? [];
    return identifiers.some((id) => id.system === draft.identity.system && id.value === draft.identity.value);
  });
}

/** Drafts of what is on the server leave the conversion; references to them point to the server's own resource. */
function takeOut(conversion: Conversion, there: Draft[], known: Resource[]): void {
  if (there.length === 0) return;
  const gone = new Set(there);
  const references = new Map(
    there.map((draft) => {
      const one = counterpart(draft, known)!;
      return [draft.fullUrl, `${one.resourceType}/${one.id}`];
    }),
  );
  conversion.drafts = conversion.drafts
    .filter((draft) => !gone.has(draft))
    .map((draft) =>
      draft.identity.system === PATHWAY ? { ...draft, resource: pointing(draft.resource, references) } : draft,
    );
}

/** A plan made without J1 gets the tasks that count from it once it is known. */
function missingTasks(
  plan: CarePlan,
  j1: string,
  conversion: Conversion,
  surroundings: Surroundings,
  pathway: PathwayRules,
): Draft[] {
  const definition = pathway.plans.get((plan.instantiatesCanonical?.[0] ?? '').split('|')[0]!);
  const identity = episodeIdentity(plan, surroundings.episodes);
  const start = dayOf(plan.period?.start);
  if (!definition || !identity || !start) return [];
  const { tasks } = instantiate({
    plan: definition,
    activities: pathway.activities,
    identity,
    subject: { reference: conversion.subject ?? surroundings.patient },
    milestones: { j1, start },
    risk: riskOf(surroundings, pathway.rules, start),
    calendar: pathway.rules.calendar,
    authoredOn: surroundings.at,
    addresses: plan.addresses,
  });
  const basedOn = [{ reference: `CarePlan/${plan.id}` }];
  return tasks
    .filter((task) => !isThere(task, surroundings.tasks) && !isAsked(task, conversion))
    .map((task) => ({ ...task, resource: { ...task.resource, basedOn } }));
}

/** The message brings the task itself. */
function isAsked(task: Draft, conversion: Conversion): boolean {
  return conversion.drafts.some((draft) => draft.identity.value === task.identity.value);
}

function episodeIdentity(plan: CarePlan, episodes: EpisodeOfCare[]): string | undefined {
  const references = plan.supportingInfo?.map((one) => one.reference) ?? [];
  const episode = episodes.find((one) => references.includes(`EpisodeOfCare/${one.id}`));
  const first = episode?.identifier?.find((one) => one.system && one.value);
  return first && `${first.system}|${first.value}`;
}
