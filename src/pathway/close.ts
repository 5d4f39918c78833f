import type { CarePlan, CodeableConcept, EpisodeOfCare, Task } from '@medplum/fhirtypes';
import type { Conversion, Draft } from '../conversion.ts';
import { isAgreement } from './admit.ts';
import { draftsOf, resourcesOf } from './drafts.ts';
import { changed, EXIT_REASON, status } from './names.ts';
import { isOpen, type Surroundings } from './surroundings.ts';

/** Why a patient leaves the programme, and when. */
export interface Exit {
  reason: CodeableConcept;
  at: Date;
}

/** Reasons after which a plan has served its purpose; after the others it is revoked. */
const FULFILLED = new Set(['not-contagious', 'recovered', 'end-of-plan', 'negative']);

/** The exit a message announces: a finished episode, or an agreement taken back; undefined when it announces none. */
export function exitOf(conversion: Conversion, at: Date): Exit | undefined {
  const episode = resourcesOf(conversion, 'EpisodeOfCare').find((one) =>
    ['finished', 'cancelled'].includes(one.status),
  );
  const withdrawn = resourcesOf(conversion, 'Consent')
    .filter(isAgreement)
    .some((one) => one.status === 'inactive' || one.status === 'rejected' || one.provision?.type === 'deny');
  if (withdrawn) return { reason: reasonOf('consent-withdrawn', 'Accord retiré'), at };
  if (!episode) return undefined;
  const said = episode.extension?.find((one) => one.url === EXIT_EXTENSION)?.valueCodeableConcept;
  return { reason: said ?? reasonOf('end-of-plan', 'Fin du suivi prévu'), at };
}

/** On an EpisodeOfCare: why the patient left. */
export const EXIT_EXTENSION = 'http://passerelle.example/fhir/StructureDefinition/exit-reason';

/**
 * Everything still open of the patient is closed with the reason: tasks cancelled, plans completed or revoked, and after a
 * withdrawn agreement the episodes too. Alerts stay: somebody has to look at them even though the programme is over.
 */
export function close(surroundings: Surroundings, exit: Exit): Draft[] {
  const code = exit.reason.coding?.[0]?.code ?? '';
  const withdrawn = code === 'consent-withdrawn';
  const isAlert = (task: Task) =>
    task.code?.coding?.some((one) => one.code === 'alert-handling' || one.code === 'identity-review');
  const tasks = surroundings.tasks.filter((task) => isOpen(task) && !isAlert(task));
  const plans = surroundings.plans.filter((plan) => plan.status === 'active' || plan.status === 'on-hold');
  const episodes = withdrawn ? surroundings.episodes.filter((one) => one.status === 'active') : [];
  return [
    ...tasks.map((task) => changed(closedTask(task, exit, withdrawn))),
    ...plans.map((plan) => changed(closedPlan(plan, FULFILLED.has(code)))),
    ...episodes.map((episode) => changed(finished(episode, exit.at))),
  ];
}

function closedTask(task: Task, exit: Exit, withdrawn: boolean): Task {
  return {
    ...task,
    status: 'cancelled',
    statusReason: exit.reason,
    businessStatus: withdrawn
      ? status('consent-withdrawn', 'Close : accord retiré')
      : status('closed-on-exit', 'Close à la sortie du programme'),
    lastModified: exit.at.toISOString(),
  };
}

function closedPlan(plan: CarePlan, fulfilled: boolean): CarePlan {
  return { ...plan, status: fulfilled ? 'completed' : 'revoked' };
}

function finished(episode: EpisodeOfCare, at: Date): EpisodeOfCare {
  const next: EpisodeOfCare = { ...episode, status: 'finished', period: { ...episode.period, end: at.toISOString() } };
  return withHistory(next, episode);
}

/** An episode a message updates keeps what it was before: its beginning, and each status with its period. */
export function continueEpisodes(conversion: Conversion, surroundings: Surroundings): void {
  for (const draft of draftsOf(conversion, 'EpisodeOfCare')) {
    const { system, value } = draft.identity;
    const known = surroundings.episodes.find((one) =>
      one.identifier?.some((id) => id.system === system && id.value === value),
    );
    if (!known) continue;
    const period = { ...known.period, ...draft.resource.period };
    const next = { ...known, ...draft.resource, id: known.id, period };
    draft.resource = isReopened(next, known, surroundings.at) ? known : withHistory(next, known);
    draft.current = { reference: `EpisodeOfCare/${known.id}`, version: known.meta?.versionId };
  }
}

/** A message that was received before the episode ended does not open it again when it is taken up a second time. */
function isReopened(next: EpisodeOfCare, known: EpisodeOfCare, at: Date): boolean {
  const end = Date.parse(known.period?.end ?? '');
  return known.status === 'finished' && next.status !== 'finished' && at.getTime() <= end;
}

/** https://hl7.org/fhir/R4/episodeofcare-definitions.html#EpisodeOfCare.statusHistory */
function withHistory(next: EpisodeOfCare, before: EpisodeOfCare): EpisodeOfCare {
  const history = before.statusHistory ?? [];
  if (next.status === before.status) return { ...next, ...(history.length > 0 ? { statusHistory: history } : {}) };
  const since = history.at(-1)?.period?.end ?? before.period?.start;
  const until = next.period?.end ?? next.period?.start;
  const period = { ...(since ? { start: since } : {}), ...(until ? { end: until } : {}) };
  return { ...next, statusHistory: [...history, { status: before.status, period }] };
}

function reasonOf(code: string, display: string): CodeableConcept {
  return { coding: [{ system: EXIT_REASON, code, display }] };
}
