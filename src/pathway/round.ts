import type { Task } from '@medplum/fhirtypes';
import type { FhirEndpoint } from '../adapter.ts';
import type { Draft } from '../conversion.ts';
import { searchAll } from '../fhir-pages.ts';
import { COVISAN } from './names.ts';
import type { RuleSet } from './rules.ts';
import { readSurroundings } from './surroundings.ts';
import { watch } from './watch.ts';

/** Codes of the tasks that time alone can change. */
const WATCHED = [
  'call',
  'nurse-call',
  'reinforced-call',
  'weekly-call',
  'questionnaire',
  'alert-handling',
  'escalation',
];

const MOST_TASKS = 100_000;

/**
 * The nurse's round: looks at every patient with an open call, questionnaire or alert that has begun, and says what time has
 * brought about. Called by a cron line; safe to call twice, on two processes at once: what it makes has derived identities.
 * @param limit how many patients at most; the rest has its turn next time.
 * @returns drafts by patient, each list one transaction.
 */
export async function round(
  endpoint: FhirEndpoint,
  rules: RuleSet,
  now: Date,
  limit = 500,
): Promise<{ patient: string; drafts: Draft[] }[]> {
  const codes = WATCHED.map((code) => `${COVISAN}|${code}`)
    .map(encodeURIComponent)
    .join(',');
  const open = 'requested,received,accepted,ready,in-progress';
  const tasks = await searchAll<Task>(endpoint, `Task?status=${open}&code=${codes}&_count=1000`, MOST_TASKS);
  const patients = [
    ...new Set(tasks.filter((task) => hasBegun(task, now)).flatMap((task) => task.for?.reference ?? [])),
  ];
  const lists: { patient: string; drafts: Draft[] }[] = [];
  for (const patient of patients.slice(0, limit)) {
    const drafts = watch(await readSurroundings(endpoint, { patient, at: now }), rules, now);
    if (drafts.length > 0) lists.push({ patient, drafts });
  }
  return lists;
}

function hasBegun(task: Task, now: Date): boolean {
  const start = Date.parse(task.restriction?.period?.start ?? '');
  return !Number.isNaN(start) && start <= now.getTime();
}
