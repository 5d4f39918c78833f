/**
 * The nurse: J1 and phases, plans with dated tasks, alerts, escalation, exit. Pure but for `loadPathway` (reads data files),
 * `readSurroundings` and `round` (read the FHIR server); nothing here writes.
 */
export { admit } from './admit.ts';
export { close, EXIT_EXTENSION, type Exit } from './close.ts';
export { addDays, dateOfDay, dayNumber, dayOf, openDay } from './days.ts';
export { expand } from './expand.ts';
export { loadPathway, type PathwayRules } from './load.ts';
export { doctrine, type Phase, type PhaseOfDay, phases } from './phases.ts';
export { instantiate, type PlanRequest } from './plan.ts';
export { lookBacksOf, needsOf, react } from './react.ts';
export { reschedule } from './reschedule.ts';
export { round } from './round.ts';
export type { RuleSet } from './rules.ts';
export { scoreOf } from './score.ts';
export { noSurroundings, readSurroundings, type Surroundings } from './surroundings.ts';
export { escalate, lateTasks, silences, watch } from './watch.ts';
