import type { Encounter, Task } from '@medplum/fhirtypes';
import type { Conversion, Draft } from '../conversion.ts';
import { resourcesOf } from './drafts.ts';
import { changed, status, TASK_STATUS } from './names.ts';
import { isOpen, type Surroundings } from './surroundings.ts';

const STAYS = new Set(['IMP', 'ACUTE', 'NONAC', 'EMER']);

/**
 * A hospital stay pauses the follow-up at home: open tasks of plans are on hold while the stay is in progress and come back
 * when it ends. Alerts and reviews are not paused.
 */
export function pauseOrResume(conversion: Conversion, surroundings: Surroundings): Draft[] {
  const stay = resourcesOf(conversion, 'Encounter').find(isStay);
  if (!stay) return [];
  const planned = surroundings.tasks.filter((task) => isOpen(task) && task.basedOn?.some(isPlan));
  if (stay.status === 'in-progress')
    return planned.filter((one) => one.status !== 'on-hold').map((one) => changed(paused(one)));
  if (stay.status === 'finished') return planned.filter(isPaused).map((one) => changed(resumed(one)));
  return [];
}

/** A stay in hospital, by the class of the encounter. */
export function isStay(encounter: Encounter): boolean {
  return STAYS.has(encounter.class?.code ?? '');
}

function isPlan(reference: { reference?: string }): boolean {
  return reference.reference?.startsWith('CarePlan/') ?? false;
}

function isPaused(task: Task): boolean {
  const codes = task.businessStatus?.coding ?? [];
  return task.status === 'on-hold' && codes.some((one) => one.system === TASK_STATUS && one.code === 'paused');
}

function paused(task: Task): Task {
  return { ...task, status: 'on-hold', businessStatus: status('paused', 'Suspendue pendant l’hospitalisation') };
}

function resumed(task: Task): Task {
  return { ...task, status: 'requested', businessStatus: status('planned', 'Prévue') };
}
