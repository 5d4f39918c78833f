import type { CarePlan, EpisodeOfCare, ServiceRequest, Task } from '@medplum/fhirtypes';
import type { Conversion, Draft } from '../conversion.ts';
import { warning } from '../errors.ts';
import { inclusionsOf } from './admit.ts';
import { draftsOf, pointing } from './drafts.ts';
import { plainTask } from './expand.ts';
import { named, PATHWAY } from './names.ts';
import { isOneOf, type RuleSet } from './rules.ts';
import { isOpen, type Surroundings } from './surroundings.ts';

const RUNNING = new Set(['planned', 'waitlist', 'active', 'onhold']);

/**
 * One active inclusion for each patient and programme: an inclusion under another number, while an episode of the same kind
 * runs, opens neither a second episode nor the plans the first one has. The request itself is kept, what it says of J1 moves
 * the running plans as every correction does, the care manager gets a Task (`secondInclusion` of the rules) and the sender
 * hears `inclusion-active`. The same inclusion sent again is no second one.
 */
export function keepOneEpisode(conversion: Conversion, surroundings: Surroundings, rules: RuleSet): Draft<Task>[] {
  const [request] = inclusionsOf(conversion);
  if (!rules.secondInclusion || !request) return [];
  const second = draftsOf(conversion, 'EpisodeOfCare').find(({ resource }) => RUNNING.has(resource.status));
  const running = second && runningBeside(second, surroundings.episodes);
  if (!second || !running) return [];
  conversion.faults.push(warning('inclusion-active', { place: 'EpisodeOfCare' }));
  withdraw(second, running, conversion, surroundings);
  return [review(request, second, conversion, surroundings, rules.secondInclusion)];
}

/** A running episode of the same programme under another number; none when this very one is known already. */
function runningBeside({ resource, identity }: Draft<EpisodeOfCare>, episodes: EpisodeOfCare[]) {
  const isSame = (one: EpisodeOfCare) =>
    one.identifier?.some(({ system, value }) => system === identity.system && value === identity.value);
  if (episodes.some(isSame)) return undefined;
  const kinds = resource.type?.flatMap(({ coding }) => coding ?? []) ?? [];
  return episodes.find((one) => RUNNING.has(one.status) && one.type?.some(({ coding }) => isOneOf(coding, kinds)));
}

/** Takes out what the running episode has already; what refers to it refers to that. */
function withdraw(
  second: Draft<EpisodeOfCare>,
  running: EpisodeOfCare,
  conversion: Conversion,
  { plans, tasks }: Surroundings,
): void {
  const references = new Map([[second.fullUrl, `EpisodeOfCare/${running.id}`]]);
  for (const { resource, fullUrl } of draftsOf(conversion, 'CarePlan')) {
    const same = plans.find((one) => definitionOf(one) !== undefined && definitionOf(one) === definitionOf(resource));
    if (same) references.set(fullUrl, `CarePlan/${same.id}`);
  }
  conversion.drafts = conversion.drafts
    .filter((draft) => !references.has(draft.fullUrl) && !isAskedAlready(draft, references, tasks))
    .map((draft) => ({ ...draft, resource: pointing(draft.resource, references) }));
}

/** A Task the pathway made for a plan that is there, or one of a kind that is open. */
function isAskedAlready({ identity, resource }: Draft, plans: Map<string, string>, tasks: Task[]): boolean {
  if (identity.system !== PATHWAY || resource.resourceType !== 'Task') return false;
  const { basedOn, focus, code } = resource as Task;
  if (basedOn?.length) return basedOn.some(({ reference }) => plans.has(reference ?? ''));
  return !focus && tasks.some((one) => isOpen(one) && isOneOf(one.code?.coding, code?.coding ?? []));
}

function definitionOf(plan: CarePlan): string | undefined {
  return plan.instantiatesCanonical?.[0]?.split('|')[0];
}

function review(
  request: ServiceRequest,
  second: Draft<EpisodeOfCare>,
  conversion: Conversion,
  { at, patient }: Surroundings,
  rule: NonNullable<RuleSet['secondInclusion']>,
): Draft<Task> {
  const reason = 'Nouvelle demande d’inclusion alors que le suivi est en cours';
  const task = plainTask(rule.task, reason, conversion.subject ?? patient, rule.deadlineHours, at, rule.performer);
  const asked = draftsOf(conversion, 'ServiceRequest').find(({ identity }) => isNumberOf(request, identity));
  const { system, value } = second.identity;
  const focus = asked && { focus: { reference: asked.fullUrl } };
  return named({ ...task, ...focus }, 'second-inclusion', rule.task.code ?? '', `${system}|${value}`);
}

function isNumberOf({ identifier }: ServiceRequest, { system, value }: Draft['identity']): boolean {
  return identifier?.some((one) => one.system === system && one.value === value) ?? false;
}
