/**
 * The registrar: who is who. Pure comparison (ins, traits, match, reconcile, same, merge) and, at the edge, what reads the
 * FHIR server (lookup, registrar, merges, decisions). Nothing here writes except `enrol`, which makes a new patient.
 */
export { type Asked, askedDecision } from './asked.ts';
export { keepApart, mergePatients, mergeRecords, postpone, unmerge } from './decisions.ts';
export { doubleOf } from './doubles.ts';
export {
  currentIns,
  identifierKey,
  identityKeys,
  insOf,
  insSystems,
  isValidMatricule,
  localIdentifiers,
  nirKey,
  strongestKey,
} from './ins.ts';
export { createLocks, type IdentityLocks } from './locks.ts';
export { recordOf } from './lookup.ts';
export { type Match, match } from './match.ts';
export type { Author, Side } from './merge.ts';
export { carryOutMerge, type Merged } from './merges.ts';
export { reconcile } from './reconcile.ts';
export { type Decision, enrol, type RegistrarContext, resolve } from './registrar.ts';
export { patientReliability, type Reliability, reliabilityOf } from './reliability.ts';
export { decisionOf, REVIEW_SYSTEM } from './review.ts';
export { type Sameness, sameIdentity } from './same.ts';
export { compare, normalise, type Traits, traitsOf } from './traits.ts';
