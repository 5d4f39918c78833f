import type { CodeableConcept, DetectedIssue, Quantity, Reference, Task, TaskInput } from '@medplum/fhirtypes';
import type { Draft } from '../conversion.ts';
import { dayOf, minutesAfter } from './days.ts';
import { byLevel, type Hit, stronger } from './evaluate.ts';
import { COVISAN, named, PROFILE, part, status } from './names.ts';
import type { PhaseOfDay } from './phases.ts';
import type { RiskState } from './risk.ts';
import type { EscalationStep, Level, Rule, RuleSet } from './rules.ts';
import { isOpen, type Surroundings } from './surroundings.ts';

/** A rule's hit judged for one patient on one day. */
export interface Signal extends Hit {
  level: Level;
  /** FHIR dateTime of the reading that gave the signal. */
  effective: string;
  phase?: PhaseOfDay;
}

/** How serious a hit is for this patient: stronger in the critical window and for those at risk, as the rule says. */
export function levelOf(rule: Rule, phase: PhaseOfDay | undefined, risk: RiskState): Level {
  const inWindow = phase?.critical && rule.critical ? rule.critical : rule.level;
  const forRisk = (risk.atRisk || risk.complex) && rule.atRisk ? rule.atRisk : rule.level;
  return stronger(rule.level, stronger(inWindow, forRisk));
}

/** One signal a group, the strongest; then those whose cause has been alerted already are left out. */
export function newSignals(signals: Signal[], surroundings: Surroundings): Signal[] {
  const sorted = byLevel(signals);
  const strongest = sorted.filter((one, index) => {
    const group = one.rule.group ?? one.rule.id;
    return sorted.findIndex((other) => (other.rule.group ?? other.rule.id) === group) === index;
  });
  return strongest.filter((one) => !isKnown(one, surroundings.tasks));
}

/**
 * The same cause has its alert: one of the same rule on the same day that was not closed before this reading was taken, or
 * an earlier one that was still open then. Judged by the time of the reading, so a message taken up again decides alike.
 */
function isKnown(signal: Signal, tasks: Task[]): boolean {
  const at = Date.parse(signal.effective);
  return alertsOf(signal.rule.id, tasks).some((task) => {
    const began = effectiveOf(task);
    const closed = closedAt(task);
    if (closed !== undefined && closed <= at) return false;
    return dayOf(began) === dayOf(signal.effective) || Date.parse(began ?? '') <= at;
  });
}

/**
 * The alert for the signals of one message: a DetectedIssue each, and one Task that names every rule with its version, its
 * limit and its readings, to be done by the deadline of the strongest.
 */
export function alertDrafts(signals: Signal[], surroundings: Surroundings, rules: RuleSet, now: Date): Draft[] {
  const first = signals[0];
  if (!first) return [];
  const issues = signals.map((signal) => issueDraft(signal, surroundings, rules, now));
  const task = named(alertTask(signals, issues, surroundings, rules, now), 'alert', ...causeOf(first, surroundings));
  return [...issues, task];
}

/** Rule, patient, day and how many alerts of that day and rule were closed before: what makes an alert the same. */
function causeOf(signal: Signal, surroundings: Surroundings): string[] {
  const day = dayOf(signal.effective) ?? signal.effective.slice(0, 10);
  const before = alertsOf(signal.rule.id, surroundings.tasks).filter((task) => dayOf(effectiveOf(task)) === day);
  return [signal.rule.id, surroundings.key, day, String(before.length)];
}

function issueDraft(signal: Signal, surroundings: Surroundings, rules: RuleSet, now: Date): Draft<DetectedIssue> {
  const implicated = signal.readings.map((one) => ({ reference: one.reference }));
  const issue: DetectedIssue = {
    resourceType: 'DetectedIssue',
    meta: { profile: [`${PROFILE}alert`] },
    status: 'final',
    code: { coding: [signal.rule.kind], text: signal.rule.reason.fr },
    severity: rules.levels[signal.level].severity,
    patient: { reference: surroundings.patient },
    identifiedDateTime: now.toISOString(),
    ...(implicated.length > 0 ? { implicated } : {}),
    evidence: [{ code: [{ text: `${rules.id} ${rules.version} : ${signal.rule.id}` }], detail: implicated }],
    detail: sentenceOf(signal),
  };
  if (implicated.length === 0) issue.evidence = [{ code: issue.evidence![0]!.code }];
  return named(issue, 'issue', ...causeOf(signal, surroundings));
}

function alertTask(
  signals: Signal[],
  issues: Draft<DetectedIssue>[],
  surroundings: Surroundings,
  rules: RuleSet,
  now: Date,
): Task {
  const first = signals[0]!;
  const level = rules.levels[first.level];
  const step = rules.escalation[0];
  const plan = surroundings.plans.find((one) => one.status === 'active');
  return {
    resourceType: 'Task',
    meta: { profile: [`${PROFILE}alert-task`] },
    ...(plan?.id ? { basedOn: [{ reference: `CarePlan/${plan.id}` }] } : {}),
    status: 'requested',
    businessStatus: status('due', 'À faire'),
    intent: 'order',
    priority: level.priority,
    code: { coding: [{ system: COVISAN, code: 'alert-handling', display: 'Traitement d’une alerte' }] },
    description: signals.map(sentenceOf).join(' ; ').slice(0, 1000),
    focus: { reference: issues[0]!.fullUrl },
    for: { reference: surroundings.patient },
    authoredOn: now.toISOString(),
    ...(step ? { performerType: [performerOf(step)] } : {}),
    ...ownerOf(surroundings, step),
    reasonCode: { coding: [first.rule.kind], text: first.rule.reason.fr },
    reasonReference: { reference: issues[0]!.fullUrl },
    restriction: { period: { start: now.toISOString(), end: minutesAfter(now, level.deadlineMinutes) } },
    input: [...signals.flatMap((signal) => inputsOf(signal, rules)), ...commonInputs(first, step)],
  };
}

/** Rule, version, limit and readings, each as data a program can read. */
function inputsOf(signal: Signal, rules: RuleSet): TaskInput[] {
  const { threshold } = signal;
  return [
    { type: part('rule'), valueString: signal.rule.id },
    { type: part('rule-version'), valueString: `${rules.id}|${rules.version}` },
    ...(threshold ? [{ type: part('threshold'), valueQuantity: limitOf(threshold) }] : []),
    ...signal.readings.map((one) => ({
      type: part('reading'),
      valueReference: { reference: one.reference } as Reference,
    })),
  ];
}

function commonInputs(first: Signal, step: EscalationStep | undefined): TaskInput[] {
  return [
    { type: part('effective'), valueDateTime: first.effective },
    { type: part('level'), valueCode: first.level },
    ...(first.phase ? [{ type: part('day'), valueString: first.phase.label }] : []),
    ...(step ? [{ type: part('step'), valueCode: step.id }] : []),
  ];
}

function limitOf(threshold: NonNullable<Hit['threshold']>): Quantity {
  const { value, comparator, unit } = threshold;
  return { value, comparator, unit, system: 'http://unitsofmeasure.org', code: unit };
}

/** Reason and limit; the value itself stays in the Observation. */
function sentenceOf(signal: Signal): string {
  const { threshold, rule, phase } = signal;
  const limit = threshold ? ` (${threshold.comparator} ${threshold.value} ${threshold.unit})` : '';
  const day = phase ? `, ${phase.label}${phase.critical ? ' : fenêtre critique' : ''}` : '';
  return `${rule.reason.fr}${limit}${day}`;
}

/** Who a step of an escalation asks: its coded role, where it has one, and the French words for it. */
export function performerOf(step: EscalationStep): CodeableConcept {
  return { ...(step.performer ? { coding: [{ ...step.performer }] } : {}), text: step.performerText.fr };
}

/** The treating physician, when the record names one on the server. */
function ownerOf(surroundings: Surroundings, step: EscalationStep | undefined): Pick<Task, 'owner'> {
  const owner = step?.id === 'gp' ? surroundings.record?.generalPractitioner?.[0] : undefined;
  return owner?.reference && !owner.reference.startsWith('urn:')
    ? { owner: { reference: owner.reference } as Task['owner'] }
    : {};
}

/** Alert tasks that name the rule, whatever their state. */
function alertsOf(ruleId: string, tasks: Task[]): Task[] {
  return tasks.filter((task) => inputsNamed(task, 'rule').some((one) => one.valueString === ruleId));
}

/** The inputs of a task that bear a name of `TaskPart`. */
export function inputsNamed(task: Task, name: string): TaskInput[] {
  return (task.input ?? []).filter((one) => one.type?.coding?.some((coding) => coding.code === name));
}

function effectiveOf(task: Task): string | undefined {
  return inputsNamed(task, 'effective')[0]?.valueDateTime ?? task.authoredOn;
}

function closedAt(task: Task): number | undefined {
  if (isOpen(task)) return undefined;
  const end = task.executionPeriod?.end ?? task.lastModified ?? task.meta?.lastUpdated;
  return end ? Date.parse(end) : 0;
}
