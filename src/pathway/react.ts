import type { Condition, Observation, Task } from '@medplum/fhirtypes';
import type { Conversion, Draft } from '../conversion.ts';
import { isAgreement, isDocument, isInclusion, onsetSaid } from './admit.ts';
import { alertDrafts, levelOf, newSignals, type Signal } from './alerts.ts';
import { close, continueEpisodes, exitOf } from './close.ts';
import { dayOf } from './days.ts';
import { draftsOf, resourcesOf } from './drafts.ts';
import { hitsOf, type LookBack, lookBacks } from './evaluate.ts';
import { isPractitionerSearch, sourcesOf } from './expand.ts';
import { fulfil, isReport, isRetraction } from './fulfil.ts';
import type { PathwayRules } from './load.ts';
import { isStay, pauseOrResume } from './pause.ts';
import { phases } from './phases.ts';
import { type Reading, readingsOf } from './readings.ts';
import { reconsider } from './reconsider.ts';
import { riskOf } from './risk.ts';
import type { RuleSet } from './rules.ts';
import { keepOneEpisode } from './second.ts';
import { type Needs, onsetOf, type Surroundings } from './surroundings.ts';

/**
 * What follows from a message once it is known whose it is: alerts for readings and answers that a rule speaks for, open
 * tasks moved to a corrected J1, everything closed on exit, follow-up paused during a hospital stay, a planned call that was
 * made completed. Drafts of the
 * conversion that are on the server already are taken out of it or made to change what is there. What the sender should know
 * is added to its faults.
 *
 * A SpO2 below the configured limit gives one DetectedIssue and one Task, whose identity is rule, patient and day.
 */
export function react(conversion: Conversion, surroundings: Surroundings, pathway: PathwayRules): Draft[] {
  const second = keepOneEpisode(conversion, surroundings, pathway.rules);
  continueEpisodes(conversion, surroundings);
  dropFoundPractitioner(conversion, surroundings);
  const exit = exitOf(conversion, surroundings.at);
  return lastWord([
    ...second,
    ...reconsider(conversion, surroundings, pathway),
    ...alerts(conversion, surroundings, pathway.rules),
    ...(exit ? close(surroundings, exit) : pauseOrResume(conversion, surroundings)),
    ...fulfil(conversion, surroundings, pathway.rules),
  ]);
}

/** One change of a resource a message: what closes or pauses comes after what moves, what was done after both. */
function lastWord(drafts: Draft[]): Draft[] {
  const last = new Map(drafts.flatMap((draft) => (draft.current ? [[draft.current.reference, draft] as const] : [])));
  return drafts.filter((draft) => !draft.current || last.get(draft.current.reference) === draft);
}

/** What has to be read of the patient before {@link react}: nothing for a reading that is as it should be. */
export function needsOf(conversion: Conversion, rules: RuleSet, known: Observation[] = []): Needs {
  if (isInclusion(conversion) || dayOf(onsetSaid(conversion, rules)) || touchesEpisode(conversion)) return 'all';
  if (isRetraction(conversion, rules)) return 'all';
  const fresh = freshReadings(conversion);
  if (hitsOf(fresh, storedReadings(known), rules).length > 0) return 'all';
  const changesTasks = resourcesOf(conversion, 'Encounter').some(isStay) || isReport(conversion, rules);
  if (lookBacks(fresh, rules).length > 0) return changesTasks ? 'all' : 'readings';
  return changesTasks ? 'tasks' : 'nothing';
}

/** The earlier readings that {@link react} looks at. */
export function lookBacksOf(conversion: Conversion, rules: RuleSet): LookBack[] {
  return lookBacks(freshReadings(conversion), rules);
}

function touchesEpisode(conversion: Conversion): boolean {
  return resourcesOf(conversion, 'EpisodeOfCare').length > 0 || resourcesOf(conversion, 'Consent').some(isAgreement);
}

function alerts(conversion: Conversion, surroundings: Surroundings, rules: RuleSet): Draft[] {
  const since = isDocument(conversion) ? surroundings.at.getTime() - rules.readings.documentHours * 3_600_000 : 0;
  const fresh = freshReadings(conversion).filter((one) => one.at >= since);
  const hits = hitsOf(fresh, storedReadings(surroundings.observations), rules);
  if (hits.length === 0) return [];
  const conditions: Condition[] = [...resourcesOf(conversion, 'Condition'), ...surroundings.conditions];
  const j1 = onsetOf(conditions, rules);
  const signals = hits.map((hit): Signal => {
    const { effective } = hit.readings.at(-1)!;
    const phase = phases(j1, effective, rules.days);
    return {
      ...hit,
      effective,
      phase,
      level: levelOf(hit.rule, phase, riskNow(conversion, surroundings, rules, effective)),
    };
  });
  return alertDrafts(newSignals(signals, surroundings), surroundings, rules, surroundings.at);
}

function riskNow(conversion: Conversion, surroundings: Surroundings, rules: RuleSet, effective: string) {
  const said = sourcesOf(conversion);
  const sources = {
    record: surroundings.record ?? said.record,
    conditions: [...said.conditions, ...surroundings.conditions],
    flags: [...said.flags, ...surroundings.flags],
    assessments: [...said.assessments, ...surroundings.assessments],
  };
  return riskOf(sources, rules, dayOf(effective) ?? dayOf(surroundings.at.toISOString())!);
}

/** Readings about the patient of the message; those about somebody else in it are not theirs. */
function freshReadings(conversion: Conversion): Reading[] {
  const own = draftsOf(conversion, 'Observation').filter(
    ({ resource }) => !resource.subject?.reference || resource.subject.reference === conversion.subject,
  );
  return readingsOf(own.map(({ resource, fullUrl }) => ({ resource, reference: fullUrl })));
}

function storedReadings(observations: Observation[]): Reading[] {
  return readingsOf(observations.map((resource) => ({ resource, reference: `Observation/${resource.id}` })));
}

/** The message did not name a treating physician, but the record has one: nobody needs to look for one. */
function dropFoundPractitioner(conversion: Conversion, surroundings: Surroundings): void {
  if (!surroundings.record?.generalPractitioner?.length) return;
  conversion.drafts = conversion.drafts.filter(
    ({ resource }) => resource.resourceType !== 'Task' || !isPractitionerSearch(resource as Task),
  );
}
