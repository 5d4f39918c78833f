import type {
  CareTeam,
  EpisodeOfCare,
  Extension,
  PlanDefinition,
  Reference,
  ServiceRequest,
  Task,
} from '@medplum/fhirtypes';
import type { Conversion, Draft } from '../conversion.ts';
import { fault, isError } from '../errors.ts';
import { admit, inclusionDay, inclusionsOf, isInclusion, onsetSaid, usableOnset } from './admit.ts';
import { dayOf, minutesAfter } from './days.ts';
import { draftsOf, resourcesOf } from './drafts.ts';
import type { PathwayRules } from './load.ts';
import { COVISAN, named, PROFILE, status } from './names.ts';
import { instantiate } from './plan.ts';
import { riskOf } from './risk.ts';
import { type FlagTask, isOneOf } from './rules.ts';
import { phaseExtension, staged } from './stage.ts';

/**
 * What a message means for the pathway by itself, before anybody is looked up: refusals ({@link admit}), the plans that a
 * request asks for with their tasks, and the tasks that flags call for. Adds drafts and faults to the conversion.
 *
 * The hook: a draft ServiceRequest that is active and names PlanDefinitions in `instantiatesCanonical`.
 * @param at when the message was received.
 */
export function expand(conversion: Conversion, pathway: PathwayRules, at: Date): void {
  const faults = admit(conversion, pathway.rules, at);
  conversion.faults.push(...faults);
  if (faults.some(isError) || !conversion.subject) return;
  for (const draft of draftsOf(conversion, 'Condition')) draft.resource = staged(draft.resource, at, pathway.rules);
  const plans = inclusionsOf(conversion).flatMap((request) => plansOf(request, conversion, pathway, at));
  conversion.drafts.push(...plans, ...flagTasks(conversion, pathway, at), ...missingTasks(conversion, pathway, at));
}

function plansOf(request: ServiceRequest, conversion: Conversion, pathway: PathwayRules, at: Date): Draft[] {
  return (request.instantiatesCanonical ?? []).flatMap((canonical) => {
    const plan = pathway.plans.get(canonical.split('|')[0]!);
    if (!plan) {
      conversion.faults.push(
        fault('plan-unknown', { place: 'ServiceRequest.instantiatesCanonical', params: { canonical } }),
      );
      return [];
    }
    const start = inclusionDay(conversion, at);
    const j1 = usableOnset(onsetSaid(conversion, pathway.rules), pathway.rules, start);
    const discharge = dayOf(resourcesOf(conversion, 'Encounter')[0]?.period?.end);
    const made = instantiate({
      plan,
      activities: pathway.activities,
      identity: identityOf(request, conversion),
      subject: { reference: conversion.subject! },
      milestones: { start, ...(j1 ? { j1 } : {}), ...(discharge ? { discharge } : {}) },
      risk: riskOf(sourcesOf(conversion), pathway.rules, start),
      calendar: pathway.rules.calendar,
      authoredOn: at,
      until: dayOf(request.occurrencePeriod?.end),
      extension: [...isolationOf(request, plan), ...phaseExtension(j1, at, pathway.rules)],
      addresses: diseaseReferences(conversion, pathway),
      supporting: referencesTo(conversion, 'EpisodeOfCare'),
      careTeam: referencesTo(conversion, 'CareTeam'),
    });
    return withGiven(made, conversion);
  });
}

/** What the plan asks for and the message has brought already (the checklist of a discharge) is not asked for again. */
function withGiven({ plan, tasks }: ReturnType<typeof instantiate>, conversion: Conversion): Draft[] {
  const given = new Map(draftsOf(conversion, 'Task').map((draft) => [draft.resource.instantiatesCanonical, draft]));
  const made = tasks.filter((task) => {
    const own = task.resource.instantiatesCanonical && given.get(task.resource.instantiatesCanonical);
    if (!own) return true;
    own.resource = { ...own.resource, basedOn: [{ reference: plan.fullUrl }] };
    const entry = plan.resource.activity?.find((one) => one.reference?.reference === task.fullUrl);
    if (entry) entry.reference = { reference: own.fullUrl };
    return false;
  });
  return [plan, ...made];
}

/** What the request says of the isolation is said of the isolation plan. */
function isolationOf(request: ServiceRequest, plan: PlanDefinition): Extension[] {
  const isIsolation = plan.topic?.some((topic) => topic.coding?.some((one) => one.code === 'isolation-plan'));
  const urls = [`${PROFILE}isolation-place`, `${PROFILE}voluntary`];
  return isIsolation ? (request.extension ?? []).filter((one) => urls.includes(one.url ?? '')) : [];
}

/** The episode a plan belongs to names it; a second message about the same episode then finds the same plan. */
function identityOf(request: ServiceRequest, conversion: Conversion): string {
  const episode: Draft<EpisodeOfCare> | undefined = draftsOf(conversion, 'EpisodeOfCare')[0];
  const own = draftsOf(conversion, 'ServiceRequest').find((draft) => draft.resource === request);
  const { system, value } = (episode ?? own)!.identity;
  return `${system}|${value}`;
}

/** What of a conversion a plan is made from. */
export function sourcesOf(conversion: Conversion) {
  return {
    record: resourcesOf(conversion, 'Patient')[0],
    conditions: resourcesOf(conversion, 'Condition'),
    flags: resourcesOf(conversion, 'Flag'),
    assessments: resourcesOf(conversion, 'RiskAssessment'),
  };
}

function diseaseReferences(conversion: Conversion, pathway: PathwayRules): Reference[] {
  return draftsOf(conversion, 'Condition')
    .filter((draft) => isOneOf(draft.resource.code?.coding, pathway.rules.disease))
    .map((draft) => ({ reference: draft.fullUrl }));
}

function referencesTo(conversion: Conversion, type: 'EpisodeOfCare' | 'CareTeam'): Reference[] {
  return draftsOf(conversion, type).map((draft) => ({ reference: draft.fullUrl }));
}

/** A task for each flag the rules know what to do about. */
function flagTasks(conversion: Conversion, pathway: PathwayRules, at: Date): Draft<Task>[] {
  return draftsOf(conversion, 'Flag').flatMap(({ resource, fullUrl, identity }) => {
    if (resource.status !== 'active') return [];
    return pathway.rules.flags
      .filter((rule) => isOneOf(resource.code?.coding, [rule.flag]))
      .map((rule) => {
        const seed = `${identity.system}|${identity.value}`;
        return named(flagTask(rule, fullUrl, conversion.subject!, at), 'flag', rule.task.code ?? '', seed);
      });
  });
}

function flagTask(rule: FlagTask, flag: string, patient: string, at: Date): Task {
  return {
    ...plainTask(rule.task, rule.reason.fr, patient, rule.deadlineHours, at),
    focus: { reference: flag },
    ...(rule.performer || rule.performerText
      ? {
          performerType: [
            {
              ...(rule.performer ? { coding: [rule.performer] } : {}),
              ...(rule.performerText ? { text: rule.performerText.fr } : {}),
            },
          ],
        }
      : {}),
  };
}

/** Tasks for what an inclusion lacks: a treating physician, the first day of symptoms. */
function missingTasks(conversion: Conversion, pathway: PathwayRules, at: Date): Draft<Task>[] {
  if (!isInclusion(conversion)) return [];
  const { rules } = pathway;
  const request = inclusionsOf(conversion)[0]!;
  const identity = identityOf(request, conversion);
  const tasks: Draft<Task>[] = [];
  if (rules.noPractitioner && !hasPractitioner(conversion)) {
    const { task, performer, deadlineHours } = rules.noPractitioner;
    const made = plainTask(
      task,
      'Aucun médecin traitant n’est connu',
      conversion.subject!,
      deadlineHours,
      at,
      performer,
    );
    tasks.push(named(made, 'missing', task.code ?? '', identity));
  }
  const onset = usableOnset(onsetSaid(conversion, rules), rules, inclusionDay(conversion, at));
  if (rules.onsetTask && !onset) {
    const { task, performer, deadlineHours } = rules.onsetTask;
    const made = plainTask(
      task,
      'Premier jour des signes (J1) absent ou douteux',
      conversion.subject!,
      deadlineHours,
      at,
      performer,
    );
    tasks.push(named(made, 'missing', task.code ?? '', identity));
  }
  return tasks;
}

function hasPractitioner(conversion: Conversion): boolean {
  const named = resourcesOf(conversion, 'Patient').some((one) => (one.generalPractitioner?.length ?? 0) > 0);
  const inTeam = (team: CareTeam) =>
    team.participant?.some((one) =>
      one.role?.some((role) => role.coding?.some((coding) => coding.code === '62247001')),
    );
  return named || resourcesOf(conversion, 'CareTeam').some((team) => inTeam(team));
}

/** A task for people, due so many hours after the message. */
export function plainTask(
  code: FlagTask['task'],
  reason: string,
  patient: string,
  deadlineHours: number,
  at: Date,
  performer?: FlagTask['performer'],
): Task {
  return {
    resourceType: 'Task',
    meta: { profile: [`${PROFILE}${code.code === 'find-gp' ? 'find-gp-task' : 'programme-task'}`] },
    status: 'requested',
    businessStatus: status('due', 'À faire'),
    intent: 'order',
    priority: 'routine',
    code: { coding: [code] },
    description: reason,
    for: { reference: patient },
    authoredOn: at.toISOString(),
    ...(performer ? { performerType: [{ coding: [performer] }] } : {}),
    reasonCode: { text: reason },
    restriction: { period: { start: at.toISOString(), end: minutesAfter(at, deadlineHours * 60) } },
  };
}

/** Whether a task asks for what a record may have had all along. */
export function isPractitionerSearch(task: Task): boolean {
  return task.code?.coding?.some((one) => one.system === COVISAN && one.code === 'find-gp') ?? false;
}
