import { evalFhirPathTyped, toTypedValue } from '@medplum/core';
import type {
  ActivityDefinition,
  CarePlan,
  Coding,
  Extension,
  PlanDefinition,
  PlanDefinitionAction,
  Reference,
  Task,
  TaskInput,
} from '@medplum/fhirtypes';
import type { Draft } from '../conversion.ts';
import { addDays, dayNumber, hoursOf, openDay } from './days.ts';
import { COVISAN, J1_USED, named, PROFILE, part, status } from './names.ts';
import type { RiskState } from './risk.ts';
import type { Calendar } from './rules.ts';

/** Ids of the actions of a PlanDefinition that are days to count from, not things to do. */
export type Milestone = 'j1' | 'start' | 'discharge';

/** For whom and from when a plan is made. */
export interface PlanRequest {
  plan: PlanDefinition;
  /** ActivityDefinitions by canonical URL without version. */
  activities: Map<string, ActivityDefinition>;
  /** What makes the plan the same when the message comes again: the episode's or the request's identity. */
  identity: string;
  subject: Reference;
  /** Days to count from; an action that counts from a day nobody knows is left out. */
  milestones: Partial<Record<Milestone, string>>;
  risk: RiskState;
  calendar: Calendar;
  authoredOn: Date;
  /** The day the plan ends at the earliest. */
  until?: string;
  /** What else the plan is to say (place of isolation, phase). */
  extension?: Extension[];
  /** The disease, the request and the episode, when they are known. */
  addresses?: Reference[];
  supporting?: Reference[];
  careTeam?: Reference[];
}

/** Occurrences of one action are bounded: a mistaken definition must not fill a server. */
const MOST_OCCURRENCES = 120;

/**
 * A plan as its definition says it, for one patient: a CarePlan and a Task for every activity, dated in Europe/Paris from
 * J1 or from the start, moved off weekends as the calendar says.
 *
 * What a PlanDefinition may use: top-level actions; `relatedAction` to a milestone (`j1`, `start`, `discharge`) with
 * `offsetDuration` in days; `timingTiming.repeat` (`frequency`, `period`, `periodUnit` d, `count`) for a series of tasks;
 * `condition` of kind applicability over `%atRisk` and `%complex`; `participant.role`; `definitionCanonical`. An
 * ActivityDefinition gives code, priority, performer, and by its own `timingTiming` a single task that repeats.
 */
export function instantiate(request: PlanRequest): { plan: Draft<CarePlan>; tasks: Draft<Task>[] } {
  const actions = (request.plan.action ?? []).filter(
    (action) => action.definitionCanonical && applies(action, request),
  );
  const occurrences = actions.flatMap((action) => occurrencesOf(action, request));
  const carePlan = named(carePlanOf(request, occurrences), 'plan', planUrl(request.plan), request.identity);
  const tasks = occurrences.map((one) => {
    const task = taskOf(one, request, carePlan.fullUrl);
    return named(task, 'task', planUrl(request.plan), request.identity, one.action.id ?? '', one.name);
  });
  const activity = tasks.map((task) => ({ reference: { reference: task.fullUrl } }));
  if (activity.length > 0) carePlan.resource.activity = activity;
  carePlan.resource.meta = { profile: planProfiles(carePlan.resource) };
  return { plan: carePlan, tasks };
}

/** The canonical URL of a definition, without its version. */
export function planUrl(plan: { url?: string }): string {
  return plan.url ?? '';
}

/** The profile of every plan, and that of its kind where the plan has what it asks for. */
function planProfiles(plan: CarePlan): string[] {
  const kind = plan.category?.[0]?.coding?.find((coding) => coding.system === COVISAN)?.code;
  const isDated = plan.extension?.some((extension) => extension.url === J1_USED) && plan.activity;
  const holds = kind === 'call-plan' ? isDated : kind === 'discharge-plan' || plan.period?.end;
  return [kind && holds ? `${PROFILE}${kind}` : `${PROFILE}programme-plan`];
}

interface Occurrence {
  action: PlanDefinitionAction;
  /** Tells occurrences of one action apart, whatever their date: `1`, `2`, …. */
  name: string;
  /** The day it is due by the definition, and the days it is planned for. */
  due: string;
  start: string;
  end: string;
  milestone: Milestone;
  /** Never moved off a weekend. */
  fixed: boolean;
}

function applies(action: PlanDefinitionAction, request: PlanRequest): boolean {
  return (action.condition ?? []).every((condition) => {
    const expression = condition.expression?.expression;
    if (condition.kind !== 'applicability' || !expression) return true;
    const variables = {
      '%atRisk': toTypedValue(request.risk.atRisk),
      '%complex': toTypedValue(request.risk.complex),
    };
    return evalFhirPathTyped(expression, [], variables)[0]?.value === true;
  });
}

function occurrencesOf(action: PlanDefinitionAction, request: PlanRequest): Occurrence[] {
  const related = action.relatedAction?.[0];
  const milestone = (related?.actionId ?? 'start') as Milestone;
  const first = request.milestones[milestone];
  if (!first) return [];
  const offset = related?.offsetDuration?.value ?? 0;
  const repeat = action.timingTiming?.repeat;
  const count = Math.min(repeat?.count ?? 1, MOST_OCCURRENCES);
  const step = repeat?.period ?? 1;
  const lasts = durationOf(action, request);
  return Array.from({ length: count }, (_, index) => {
    const due = addDays(first, offset + index * step);
    const fixed = repeat !== undefined || lasts > 1;
    const start = fixed ? due : openDay(due, request.calendar);
    return { action, name: String(index + 1), due, start, end: addDays(start, lasts - 1), milestone, fixed };
  });
}

/** Days a task stays open: those of the activity's own repetition, else one. */
function durationOf(action: PlanDefinitionAction, request: PlanRequest): number {
  const repeat = definitionOf(action, request)?.timingTiming?.repeat;
  const days = repeat?.boundsDuration?.value;
  return Math.max(1, Math.min(days ?? 1, 366));
}

function definitionOf(action: PlanDefinitionAction, request: PlanRequest): ActivityDefinition | undefined {
  return request.activities.get((action.definitionCanonical ?? '').split('|')[0]!);
}

function carePlanOf(request: PlanRequest, occurrences: Occurrence[]): CarePlan {
  const { plan, milestones, authoredOn } = request;
  const start = milestones.start ?? milestones.j1;
  const last = occurrences
    .map((one) => one.end)
    .sort()
    .at(-1);
  const end = [last, request.until]
    .filter((one) => one !== undefined)
    .sort()
    .at(-1);
  const extension = [...(milestones.j1 ? [j1Extension(milestones.j1, authoredOn)] : []), ...(request.extension ?? [])];
  const version = plan.version ? `|${plan.version}` : '';
  return {
    resourceType: 'CarePlan',
    ...(extension.length > 0 ? { extension } : {}),
    instantiatesCanonical: [`${planUrl(plan)}${version}`],
    status: 'active',
    intent: 'plan',
    ...(plan.topic?.length ? { category: plan.topic } : {}),
    title: plan.title,
    subject: request.subject as CarePlan['subject'],
    period: { ...(start ? { start } : {}), ...(end && (!start || end >= start) ? { end } : {}) },
    created: authoredOn.toISOString(),
    ...(request.careTeam?.length ? { careTeam: request.careTeam as CarePlan['careTeam'] } : {}),
    ...(request.addresses?.length ? { addresses: request.addresses as CarePlan['addresses'] } : {}),
    ...(request.supporting?.length ? { supportingInfo: request.supporting as CarePlan['supportingInfo'] } : {}),
  };
}

function taskOf(one: Occurrence, request: PlanRequest, plan: string): Task {
  const definition = definitionOf(one.action, request);
  const role = one.action.participant?.[0]?.role ?? definition?.participant?.[0]?.role;
  const { start, end } = hoursOf(one.start, request.calendar, one.end);
  const repetitions = repetitionsOf(definition);
  const codings = one.action.code?.[0]?.coding ?? definition?.code?.coding ?? [];
  return {
    resourceType: 'Task',
    meta: { profile: [definition?.profile ?? `${PROFILE}programme-task`] },
    instantiatesCanonical: one.action.definitionCanonical,
    basedOn: [{ reference: plan }],
    ...beginning(one, request),
    intent: 'order',
    priority: definition?.priority ?? 'routine',
    code: { coding: codings as Coding[] },
    description: one.action.title ?? definition?.title,
    for: request.subject as Task['for'],
    authoredOn: request.authoredOn.toISOString(),
    ...(role ? { performerType: [role] } : {}),
    ...(request.addresses?.[0] ? { reasonReference: request.addresses[0] as Task['reasonReference'] } : {}),
    restriction: { ...(repetitions ? { repetitions } : {}), period: { start, end } },
    ...dayInputs(one, request.milestones.j1),
  };
}

/** What was due before the patient came in is shown as not to be done, so that nobody waits for it. */
function beginning(one: Occurrence, request: PlanRequest): Pick<Task, 'status' | 'statusReason' | 'businessStatus'> {
  const { start } = request.milestones;
  if (!start || one.end >= start) return { status: 'requested', businessStatus: status('planned', 'Prévue') };
  return { status: 'cancelled', statusReason: { text: 'Date passée à l’inclusion' } };
}

/** `J7`: the day of the illness an activity counted from J1 is due on, and whether it stays on it whatever the weekday. */
function dayInputs(one: Occurrence, j1: string | undefined): Pick<Task, 'input'> {
  if (!j1 || one.milestone !== 'j1') return {};
  const day: TaskInput = { type: part('day'), valueString: `J${dayNumber(j1, one.due)}` };
  return { input: one.fixed ? [day, { type: part('fixed'), valueBoolean: true }] : [day] };
}

/** What a CarePlan was dated from, and when that was said: a later word moves it, an older one does not. */
export function j1Extension(j1: string, asOf: Date): Extension {
  return {
    url: J1_USED,
    extension: [
      { url: 'date', valueDate: j1 },
      { url: 'asOf', valueDateTime: asOf.toISOString() },
    ],
  };
}

function repetitionsOf(definition: ActivityDefinition | undefined): number | undefined {
  const repeat = definition?.timingTiming?.repeat;
  const days = repeat?.boundsDuration?.value;
  return repeat && days ? (repeat.frequency ?? 1) * Math.floor(days / (repeat.period ?? 1)) : undefined;
}

/** Whether a task is an alert, at whatever level of the chain. */
export function isAlert(task: Task): boolean {
  const codes = (task.code?.coding ?? []).filter((coding) => coding.system === COVISAN).map((coding) => coding.code);
  return codes.includes('alert-handling') || codes.includes('escalation');
}
