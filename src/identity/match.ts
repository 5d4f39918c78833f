import type { Patient } from '@medplum/fhirtypes';
import { type Fault, warning } from '../errors.ts';
import { currentIns, type Ins, identifierKey, insOf, localIdentifiers } from './ins.ts';
import { type Comparison, compare, type Trait, traitsOf, traitsThat } from './traits.ts';

/**
 * Why a match came out as it did:
 * - `ins`, `local`: the identifier that linked
 * - `ins-replaced`: the claim names the known INS as superseded by its own
 * - `unknown`: no record carries any of the identifiers
 * - `ins-several-claimed`: the claim itself carries two INS
 * - `ins-several-records`, `local-several-records`: more than one record answers to the identifiers
 * - `traits`: the identifier is known, the traits contradict
 * - `other-ins`: the local number belongs to a record with another INS
 */
export type Reason =
  | 'ins'
  | 'local'
  | 'ins-replaced'
  | 'unknown'
  | 'ins-several-claimed'
  | 'ins-several-records'
  | 'local-several-records'
  | 'traits'
  | 'other-ins';

/** What the registrar makes of one claim beside the records that could be the same person. Records only, never written. */
export interface Match {
  outcome: 'link' | 'new' | 'review';
  reason: Reason;
  /** The record to link to. */
  patient?: Patient;
  /** For a review: the records a person has to look at. */
  candidates: Patient[];
  /** Elements that contradict (traits, `ins`, `localIdentifier`); names only. */
  elements: string[];
  /** Records that may be the same person although the outcome stands: kept apart, shown to a person. */
  duplicates: Patient[];
  /** `system|value` of identifiers that belong to another record and must not be added to this one. */
  contested: string[];
  faults: Fault[];
}

/**
 * Decides who a claimed Patient is. Pure; the order of the candidates does not matter.
 * @param candidates active records that share an identifier with the claim, merged ones already followed to their survivor.
 * @param namesakes active records that share name and birth date; they never link, they only raise a question.
 */
export function match(claim: Patient, candidates: Patient[], namesakes: Patient[] = []): Match {
  const faults = keyWarnings(claim);
  const claimed = currentIns(claim);
  const byIns = candidates.filter((known) => sharesIns(known, claimed));
  const byLocal = candidates.filter((known) => sharesLocal(known, claim));
  const twoClaimed = claimed.some((ins) =>
    claimed.some((other) => other.system === ins.system && other.value !== ins.value),
  );
  if (twoClaimed) return review('ins-several-claimed', candidates, ['ins'], faults);
  if (byIns.length > 1) return review('ins-several-records', byIns, ['ins'], faults);
  if (byIns.length === 1) return byKnownIns(claim, byIns[0]!, byLocal, faults);
  if (byLocal.length > 1) return review('local-several-records', byLocal, ['localIdentifier'], faults);
  if (byLocal.length === 1) return byKnownLocal(claim, byLocal[0]!, faults);
  return unknown(claim, namesakes, faults);
}

/**
 * The INS is known: it links unless a trait contradicts. Another birth place alone is a warning: communes merge and senders
 * keep their old codes. A number the record knows as superseded still finds it, but does not become current again.
 */
function byKnownIns(claim: Patient, known: Patient, byLocal: Patient[], faults: Fault[]): Match {
  const comparison = compare(traitsOf(claim), traitsOf(known));
  const against = traitsThat(comparison, 'differ').filter((trait) => trait !== 'birthPlace');
  if (against.length > 0) return review('traits', [known, ...others(byLocal, known)], against, faults);
  const rivals = others(byLocal, known);
  const outdated = insRivals(claim, known) ? currentIns(claim).map(identifierKey) : [];
  const contested = [...outdated, ...rivals.flatMap((rival) => sharedLocalKeys(rival, claim))];
  return {
    ...linked('ins', known, comparison, faults),
    duplicates: rivals,
    contested,
    elements: rivals.length > 0 ? ['localIdentifier'] : [],
  };
}

/** A local number with its issuer is known. It links when what makes a person is the same, never across two INS. */
function byKnownLocal(claim: Patient, known: Patient, faults: Fault[]): Match {
  const comparison = compare(traitsOf(claim), traitsOf(known));
  const replaced = replacesIns(claim, known);
  if (insRivals(claim, known) && !replaced) return review('other-ins', [known], ['ins'], faults);
  const bringsIns = currentIns(claim).length > 0 && !sharesIns(known, currentIns(claim));
  const against = bringsIns ? traitsThat(comparison, 'differ') : contradictions(comparison);
  if (against.length > 0) return review('traits', [known], against, faults);
  if (bringsIns && !isSupported(comparison)) {
    const contested = currentIns(claim).map(identifierKey);
    return { ...linked('local', known, comparison, [...faults, ...missing(claim)]), contested };
  }
  return linked(replaced ? 'ins-replaced' : 'local', known, comparison, faults);
}

/**
 * What speaks against a link by local number. A hospital corrects its own spelling, so one of the two names may change;
 * a second difference, another birth date or another sex is another person.
 */
function contradictions(comparison: Comparison): Trait[] {
  const against = traitsThat(comparison, 'differ').filter((trait) => trait !== 'birthPlace');
  const oneName = against.length === 1 && (against[0] === 'birthName' || against[0] === 'given');
  return oneName ? [] : against;
}

/** An INS is taken over by a record only when name and birth date speak for it. */
function isSupported(comparison: Comparison): boolean {
  return comparison.birthName !== 'unknown' && comparison.birthDate !== 'unknown';
}

function unknown(claim: Patient, namesakes: Patient[], faults: Fault[]): Match {
  const traits = traitsOf(claim);
  const duplicates = namesakes.filter((known) => {
    const comparison = compare(traits, traitsOf(known));
    const same = comparison.birthName === 'agree' && comparison.given === 'agree' && comparison.birthDate === 'agree';
    return same && comparison.sex !== 'differ' && comparison.birthPlace !== 'differ' && !insRivals(claim, known);
  });
  return {
    outcome: 'new',
    reason: 'unknown',
    candidates: [],
    elements: duplicates.length > 0 ? ['homonym'] : [],
    duplicates,
    contested: [],
    faults: [...faults, ...missing(claim)],
  };
}

function linked(reason: Reason, patient: Patient, comparison: Comparison, faults: Fault[]): Match {
  const odd = [...traitsThat(comparison, 'differ'), ...(comparison.swapped ? ['birthName', 'given'] : [])];
  const said = odd.length > 0 ? [warning('identity-traits-differ', { params: { elements: odd.join(', ') } })] : [];
  const all = [...faults, ...said];
  return { outcome: 'link', reason, patient, candidates: [], elements: [], duplicates: [], contested: [], faults: all };
}

function review(reason: Reason, candidates: Patient[], elements: string[], faults: Fault[]): Match {
  return { outcome: 'review', reason, candidates, elements, duplicates: [], contested: [], faults };
}

/** Both carry a current valid INS of the same authority kind and they are not the same one. */
export function insRivals(claim: Patient, known: Patient): boolean {
  const [ours, theirs] = [currentIns(claim), currentIns(known)];
  if (ours.length === 0 || theirs.length === 0) return false;
  return !ours.some((ins) => theirs.some((other) => sameIns(ins, other)));
}

/** The claim lists every current INS of the record as superseded: the authority gave the person a new number. */
function replacesIns(claim: Patient, known: Patient): boolean {
  const superseded = insOf(claim).filter((ins) => ins.valid && !ins.current);
  const theirs = currentIns(known);
  return theirs.length > 0 && theirs.every((ins) => superseded.some((old) => sameIns(old, ins)));
}

function sameIns(a: Ins, b: Ins): boolean {
  return a.system === b.system && a.value === b.value;
}

function sharesIns(known: Patient, claimed: Ins[]): boolean {
  return insOf(known).some((ins) => ins.valid && claimed.some((other) => sameIns(ins, other)));
}

function sharedLocalKeys(known: Patient, claim: Patient): string[] {
  const theirs = new Set(localIdentifiers(known).map(identifierKey));
  return localIdentifiers(claim)
    .map(identifierKey)
    .filter((key) => theirs.has(key));
}

/** Also by a superseded INS the claim lists, so that a replaced number still finds its record. */
function sharesLocal(known: Patient, claim: Patient): boolean {
  if (sharedLocalKeys(known, claim).length > 0) return true;
  const old = insOf(claim).filter((ins) => ins.valid && !ins.current);
  return old.some((ins) => insOf(known).some((other) => sameIns(ins, other)));
}

function others(list: Patient[], one: Patient): Patient[] {
  return list.filter((patient) => patient !== one && patient.id !== one.id);
}

function keyWarnings(claim: Patient): Fault[] {
  const wrong = insOf(claim).some((ins) => !ins.valid);
  return wrong ? [warning('ins-key-invalid', { place: 'Patient.identifier' })] : [];
}

function missing(claim: Patient): Fault[] {
  const traits = traitsOf(claim);
  const absent = (['birthName', 'given', 'birthDate', 'sex'] as const).filter((trait) => !traits[trait]);
  return absent.length > 0 ? [warning('identity-traits-missing', { params: { elements: absent.join(', ') } })] : [];
}
