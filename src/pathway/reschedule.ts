import type { CarePlan, Provenance, Task } from '@medplum/fhirtypes';
import type { Draft } from '../conversion.ts';
import { inputsNamed } from './alerts.ts';
import { addDays, dateOfDay, dayOf, daysBetween, hoursOf, openDay } from './days.ts';
import { changed, J1_USED, LIFECYCLE, named, status } from './names.ts';
import { j1Extension } from './plan.ts';
import type { Calendar } from './rules.ts';
import { isOpen } from './surroundings.ts';

/** What a plan on the server was dated from, and when that was said. */
export function datedFrom(plan: CarePlan): { j1: string; asOf: number } | undefined {
  const parts = plan.extension?.find((one) => one.url === J1_USED)?.extension;
  const j1 = parts?.find((one) => one.url === 'date')?.valueDate;
  const asOf = Date.parse(parts?.find((one) => one.url === 'asOf')?.valueDateTime ?? '');
  return j1 ? { j1, asOf: Number.isNaN(asOf) ? 0 : asOf } : undefined;
}

/**
 * A corrected J1: open tasks that count from it move to their new days, done ones stay as they are, and a Provenance says
 * why. A word that is older than the one the plan was dated from moves nothing.
 * @param tasks of the plan, as the server has them. @param at when the correction was received.
 * @returns drafts that change what is on the server; none when nothing moves.
 */
export function reschedule(plan: CarePlan, tasks: Task[], j1: string, calendar: Calendar, at: Date): Draft[] {
  const before = datedFrom(plan);
  if (before && (before.j1 === j1 || before.asOf > at.getTime())) return [];
  const reference = `CarePlan/${plan.id}`;
  const moved = tasks
    .filter((task) => isOpen(task) && task.basedOn?.some((one) => one.reference === reference))
    .flatMap((task) => movedTask(task, j1, calendar) ?? []);
  const drafts = [changed(movedPlan(plan, moved, j1, at)), ...moved.map((task) => changed(task))];
  return [...drafts, why(reference, drafts, before?.j1, j1, at)];
}

/** The task on its new day; undefined when it does not count from J1 or stays where it is. */
function movedTask(task: Task, j1: string, calendar: Calendar): Task | undefined {
  const label = inputsNamed(task, 'day')[0]?.valueString;
  const number = Number(label?.slice(1));
  const period = task.restriction?.period;
  const [start, end] = [dayOf(period?.start), dayOf(period?.end)];
  if (!label || !Number.isInteger(number) || number === 0 || !start || !end) return undefined;
  const due = dateOfDay(j1, number);
  const fixed = inputsNamed(task, 'fixed')[0]?.valueBoolean === true;
  const day = fixed ? due : openDay(due, calendar);
  const hours = hoursOf(day, calendar, addDays(day, daysBetween(start, end)));
  if (hours.start === period?.start && hours.end === period?.end) return undefined;
  return {
    ...task,
    businessStatus: status('rescheduled', 'Reprogrammée'),
    restriction: { ...task.restriction, period: hours },
  };
}

function movedPlan(plan: CarePlan, moved: Task[], j1: string, at: Date): CarePlan {
  const rest = (plan.extension ?? []).filter((one) => one.url !== J1_USED);
  const last = moved
    .flatMap((task) => dayOf(task.restriction?.period?.end) ?? [])
    .sort()
    .at(-1);
  const end = last && last > (plan.period?.end ?? '') ? last : plan.period?.end;
  return {
    ...plan,
    extension: [...rest, j1Extension(j1, at)],
    ...(plan.period || end ? { period: { ...plan.period, ...(end ? { end } : {}) } } : {}),
  };
}

function why(plan: string, drafts: Draft[], from: string | undefined, to: string, at: Date): Draft<Provenance> {
  const provenance: Provenance = {
    resourceType: 'Provenance',
    target: drafts.map((draft) => ({ reference: draft.current!.reference })) as Provenance['target'],
    recorded: at.toISOString(),
    activity: { coding: [{ system: LIFECYCLE, code: 'amend' }], text: 'Reprogrammation' },
    reason: [{ text: `Premier jour des signes (J1) corrigé${from ? ` : ${from}` : ''} → ${to}` }],
    agent: [{ who: { display: 'Passerelle' } }],
  };
  return named(provenance, 'reschedule', plan, from ?? '', to, at.toISOString());
}
