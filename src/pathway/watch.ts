import type { Communication, Task } from '@medplum/fhirtypes';
import type { Draft } from '../conversion.ts';
import { alertDrafts, inputsNamed, levelOf, newSignals, performerOf, type Signal } from './alerts.ts';
import { dayOf, minutesAfter } from './days.ts';
import { COVISAN, changed, named, PROFILE, part, status, TASK_STATUS } from './names.ts';
import { phases } from './phases.ts';
import { isAlert } from './plan.ts';
import { riskOf } from './risk.ts';
import { type EscalationStep, isOneOf, type Level, type RuleSet, type SilenceRule } from './rules.ts';
import { movedPhases } from './stage.ts';
import { isOpen, onsetOf, type Surroundings } from './surroundings.ts';

/**
 * What time alone brings about for one patient: calls that were not made become late and visible, alerts nobody took go to
 * the next level, a questionnaire that does not come becomes an alert, the illness enters another phase. Pure; called on the nurse's round.
 */
export function watch(surroundings: Surroundings, rules: RuleSet, now: Date): Draft[] {
  const at = { ...surroundings, at: now };
  return [
    ...lateTasks(at.tasks, rules, now),
    ...escalate(at.tasks, rules, now),
    ...silences(at, rules, now),
    ...movedPhases(at, rules, now),
  ];
}

/** Calls whose time is over and that nobody has begun: their business status says so, once. */
export function lateTasks(tasks: Task[], rules: RuleSet, now: Date): Draft<Task>[] {
  return tasks
    .filter((task) => task.status === 'requested' || task.status === 'ready' || task.status === 'accepted')
    .filter((task) => isOneOf(task.code?.coding, rules.calls) && isOver(task, now) && !hasStatus(task, 'late'))
    .map((task) => changed({ ...task, businessStatus: status('late', 'En retard') }));
}

/**
 * Alerts that nobody acknowledged within the time of their level: the next level gets a Task of its own about the same
 * issue, the old one is marked as passed on, and a Communication goes out where the level says so. Taking a Task
 * (`accepted`, `in-progress`, `completed`) is the acknowledgement that stops the chain.
 */
export function escalate(tasks: Task[], rules: RuleSet, now: Date): Draft[] {
  return tasks.flatMap((task) => {
    if (!isAlert(task) || (task.status !== 'requested' && task.status !== 'received')) return [];
    const index = Math.max(
      0,
      rules.escalation.findIndex((one) => one.id === stepOf(task)),
    );
    const step = rules.escalation[index];
    const next = rules.escalation[index + 1];
    if (!step || !next || !hasWaited(task, step, now)) return [];
    return passOn(task, next, rules, now);
  });
}

/** Questionnaires expected and not answered for longer than the rule allows. */
export function silences(surroundings: Surroundings, rules: RuleSet, now: Date): Draft[] {
  const signals = rules.silence.flatMap((rule) => silence(rule, surroundings, rules, now));
  return alertDrafts(newSignals(signals, surroundings), { ...surroundings, at: now }, rules, now);
}

function silence(rule: SilenceRule, surroundings: Surroundings, rules: RuleSet, now: Date): Signal[] {
  const expected = surroundings.tasks.find(
    (task) =>
      isOpen(task) && task.status !== 'on-hold' && isOneOf(task.code?.coding, [rule.activity]) && covers(task, now),
  );
  if (!expected) return [];
  const began = Date.parse(expected.restriction!.period!.start!);
  const answered = surroundings.responses.map((one) => Date.parse(one.authored ?? ''));
  const last = Math.max(began, ...answered.filter((time) => !Number.isNaN(time)));
  if (now.getTime() - last < rule.afterHours * 3_600_000) return [];
  const effective = now.toISOString();
  const phase = phases(onsetOf(surroundings.conditions, rules), effective, rules.days);
  const asRule = { ...rule, type: 'answer' as const, codes: [rule.activity] };
  const level = levelOf(asRule, phase, riskOf(surroundings, rules, dayOf(effective)!));
  return [{ rule: asRule, readings: [], level, effective, phase }];
}

function passOn(task: Task, step: EscalationStep, rules: RuleSet, now: Date): Draft[] {
  const level = levelSaid(task);
  const reference = `Task/${task.id}`;
  const rest = (task.input ?? []).filter((one) => !one.type?.coding?.some((coding) => coding.code === 'step'));
  const next: Task = {
    ...(task.basedOn ? { basedOn: task.basedOn } : {}),
    resourceType: 'Task',
    meta: { profile: [`${PROFILE}escalation-task`] },
    partOf: [...(task.partOf ?? []), { reference }],
    status: 'requested',
    businessStatus: status('due', 'À faire'),
    intent: 'order',
    priority: level === 'alarm' ? 'stat' : (task.priority ?? 'urgent'),
    code: { coding: [{ system: COVISAN, code: 'escalation', display: 'Recours à l’échelon suivant' }] },
    description: task.description,
    focus: task.focus,
    for: task.for,
    authoredOn: now.toISOString(),
    performerType: [performerOf(step)],
    reasonCode: task.reasonCode,
    reasonReference: task.reasonReference,
    restriction: { period: { start: now.toISOString(), end: minutesAfter(now, step.waitMinutes[level]) } },
    input: [...rest, { type: part('step'), valueCode: step.id }],
  };
  const passed: Task = {
    ...task,
    status: 'failed',
    statusReason: { text: 'Non prise en charge dans le délai' },
    businessStatus: status('escalated', 'Transmise à l’échelon suivant'),
    lastModified: now.toISOString(),
  };
  const made = named(next, 'escalation', reference, step.id);
  return [changed(passed), made, ...(step.notify ? [notice(made, step, rules, now)] : [])];
}

/** Tells the next level; doors to secure mail pick up what is `in-progress` with a recipient. */
function notice(task: Draft<Task>, step: EscalationStep, rules: RuleSet, now: Date): Draft<Communication> {
  const communication: Communication = {
    resourceType: 'Communication',
    meta: { profile: [`${PROFILE}escalation-message`] },
    basedOn: [{ reference: task.fullUrl }],
    status: 'preparation',
    category: [{ coding: [{ system: COVISAN, code: 'escalation', display: 'Recours à l’échelon suivant' }] }],
    priority: task.resource.priority,
    subject: task.resource.for as Communication['subject'],
    topic: { text: step.title.fr },
    about: task.resource.focus ? [task.resource.focus] : undefined,
    sent: now.toISOString(),
    recipient: [{ display: step.performerText.fr }],
    reasonReference: task.resource.focus ? [task.resource.focus as never] : undefined,
    payload: [{ contentString: `${step.title.fr} : ${task.resource.description ?? ''}`.slice(0, 2000) }],
    note: [{ text: `${rules.id} ${rules.version}` }],
  };
  return named(JSON.parse(JSON.stringify(communication)) as Communication, 'notice', task.identity.value, step.id);
}

function hasWaited(task: Task, step: EscalationStep, now: Date): boolean {
  const since = Date.parse(task.authoredOn ?? '');
  return !Number.isNaN(since) && now.getTime() - since >= step.waitMinutes[levelSaid(task)] * 60_000;
}

function stepOf(task: Task): string | undefined {
  return inputsNamed(task, 'step')[0]?.valueCode;
}

function levelSaid(task: Task): Level {
  const said = inputsNamed(task, 'level')[0]?.valueCode;
  return said === 'alarm' || said === 'watch' ? said : 'warning';
}

function isOver(task: Task, now: Date): boolean {
  const end = Date.parse(task.restriction?.period?.end ?? '');
  return !Number.isNaN(end) && end < now.getTime();
}

function covers(task: Task, now: Date): boolean {
  const start = Date.parse(task.restriction?.period?.start ?? '');
  return !Number.isNaN(start) && start <= now.getTime() && !isOver(task, now);
}

function hasStatus(task: Task, code: string): boolean {
  return task.businessStatus?.coding?.some((one) => one.system === TASK_STATUS && one.code === code) ?? false;
}
