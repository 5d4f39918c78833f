import type { CodeableConcept, Coding, Identifier, Task, TaskOutput } from '@medplum/fhirtypes';
import type { Conversion, Draft } from '../conversion.ts';
import { inputsNamed } from './alerts.ts';
import { dayOf, daysBetween } from './days.ts';
import { draftsOf } from './drafts.ts';
import { changed, PART, part, status } from './names.ts';
import { isOneOf, type RuleSet } from './rules.ts';
import { isOpen, type Surroundings } from './surroundings.ts';

/** A Task of the message that tells how a planned activity went, and the activities it may have been. */
interface Report {
  task: Task;
  identity: Identifier;
  completes: Coding[];
}

/** The message tells how something planned went; see `reports` of the rules. */
export function isReport(conversion: Conversion, rules: RuleSet): boolean {
  return reportsOf(conversion, rules).length > 0;
}

/** The message takes back, or corrects, what a report said: the call was not made after all. */
export function isRetraction(conversion: Conversion, rules: RuleSet): boolean {
  return reportsOf(conversion, rules).some(({ task }) => task.status !== 'completed');
}

/**
 * What was planned is done when its report comes: the open Task of a plan on the day the report names (`day`, J7), or at the
 * report's own date when it names none, is completed. One report completes one Task, which keeps the report's identifier in
 * `output`, so the same report sent again finds it and completes nothing else. A report that is corrected to something that
 * was not done opens its Task again while the plan is alive; an older word never overrules a newer one.
 * @returns drafts that change Tasks of the server; none for a report of a day without a Task.
 */
export function fulfil(conversion: Conversion, surroundings: Surroundings, rules: RuleSet): Draft<Task>[] {
  const drafts: Draft<Task>[] = [];
  let tasks = surroundings.tasks.filter(isPlanned);
  for (const report of reportsOf(conversion, rules)) {
    const next = outcomeOf(report, tasks, surroundings);
    if (!next) continue;
    drafts.push(changed(next));
    tasks = tasks.map((task) => (task.id === next.id ? next : task));
  }
  return drafts;
}

function reportsOf(conversion: Conversion, rules: RuleSet): Report[] {
  return draftsOf(conversion, 'Task').flatMap(({ resource, identity }) => {
    if (resource.basedOn?.length || resource.instantiatesCanonical) return [];
    const rule = rules.reports?.find((one) => isOneOf(resource.code?.coding, [one.report]));
    return rule ? [{ task: resource, identity, completes: rule.completes }] : [];
  });
}

function outcomeOf(report: Report, tasks: Task[], { at, plans }: Surroundings): Task | undefined {
  const known = tasks.find((task) => reportOf(task, report.identity));
  const isNews = (task: Task) => !(Date.parse(task.lastModified ?? '') > at.getTime());
  if (report.task.status === 'completed') {
    const planned = known ? undefined : plannedFor(report, tasks.filter(isNews));
    return planned && completed(planned, report, at);
  }
  const isAlive = known?.basedOn?.some(({ reference }) => plans.some(({ id }) => reference === `CarePlan/${id}`));
  return known && isAlive && isNews(known) ? reopened(known, report.identity, at) : undefined;
}

/** The open Task that is meant: by its day of the illness or its date; of several the first kind, then the nearest. */
function plannedFor({ task, completes }: Report, tasks: Task[]): Task | undefined {
  const label = inputsNamed(task, 'day')[0]?.valueString;
  const date = dayOf(timeOf(task));
  const isNamed = /^J-?\d+$/.test(label ?? '');
  const isMeant = (one: Task) => (isNamed ? inputsNamed(one, 'day')[0]?.valueString === label : covers(one, date));
  const open = tasks.filter((one) => isOpen(one) && isMeant(one));
  for (const kind of completes) {
    const [first] = open
      .filter((one) => isOneOf(one.code?.coding, [kind]))
      .sort((a, b) => distance(a, date) - distance(b, date));
    if (first) return first;
  }
  return undefined;
}

function completed(planned: Task, { task, identity }: Report, at: Date): Task {
  const time = timeOf(task);
  const { system, value } = identity;
  const output: TaskOutput[] = [
    ...(planned.output ?? []),
    ...(task.output ?? []),
    { type: part('report'), valueReference: { type: 'Task', identifier: { system, value } } },
  ];
  return {
    ...planned,
    status: 'completed',
    businessStatus: task.businessStatus ?? status('done', 'Faite'),
    ...(time ? { executionPeriod: { start: time, end: time } } : {}),
    lastModified: later(at, planned.authoredOn),
    output,
  };
}

/** As if the report had not come: what it brought goes with it. */
function reopened({ executionPeriod, output, ...planned }: Task, identity: Identifier, at: Date): Task {
  const index = (output ?? []).findIndex((one) => isReportOutput(one, identity));
  // What the report said of the outcome stands right before its identifier.
  const rest = (output ?? []).filter((one, place) => place !== index && !(place === index - 1 && isOutcome(one)));
  return {
    ...planned,
    status: 'requested',
    businessStatus: status('planned', 'Prévue'),
    lastModified: later(at, planned.authoredOn),
    ...(rest.length > 0 ? { output: rest } : {}),
  };
}

function isOutcome({ type }: TaskOutput): boolean {
  return type?.coding?.some(({ code }) => code === 'call-outcome') ?? false;
}

function reportOf(task: Task, identity: Identifier): TaskOutput | undefined {
  return task.output?.find((one) => isReportOutput(one, identity));
}

function isReportOutput({ type, valueReference }: TaskOutput, { system, value }: Identifier): boolean {
  const said = valueReference?.identifier;
  return said?.system === system && said?.value === value && isNamedReport(type);
}

function isNamedReport(type: CodeableConcept | undefined): boolean {
  return type?.coding?.some(({ system, code }) => system === PART && code === 'report') ?? false;
}

/** Whether a report has completed this Task: whoever counts calls counts the report. */
export function isFulfilled(task: Task): boolean {
  return task.output?.some(({ type }) => isNamedReport(type)) ?? false;
}

function isPlanned(task: Task): boolean {
  return task.basedOn?.some(({ reference }) => reference?.startsWith('CarePlan/')) ?? false;
}

function timeOf(task: Task): string | undefined {
  return task.executionPeriod?.start ?? task.restriction?.period?.start ?? task.authoredOn;
}

function covers(task: Task, date: string | undefined): boolean {
  const [start, end] = [dayOf(task.restriction?.period?.start), dayOf(task.restriction?.period?.end)];
  return date !== undefined && start !== undefined && start <= date && date <= (end ?? start);
}

function distance(task: Task, date: string | undefined): number {
  const start = dayOf(task.restriction?.period?.start);
  return start && date ? Math.abs(daysBetween(start, date)) : Number.MAX_SAFE_INTEGER;
}

/** R4's inv-1: not changed before it was authored. */
function later(at: Date, authoredOn: string | undefined): string {
  const authored = Date.parse(authoredOn ?? '');
  return authored > at.getTime() ? authoredOn! : at.toISOString();
}
