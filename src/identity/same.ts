import type { Patient } from '@medplum/fhirtypes';
import { type Fault, fault, warning } from '../errors.ts';
import { identifierKey, insOf, localIdentifiers } from './ins.ts';
import { compare, type Trait, traitsOf, traitsThat } from './traits.ts';

/** What two claims about one patient say of each other. */
export interface Sameness {
  same: boolean;
  /** `identity-mismatch` when not the same; a warning when a trait differs that does not decide. */
  faults: Fault[];
}

/**
 * Whether two claims name the same patient: the PID of a message and the recordTarget of the document inside, compared
 * before anything is acknowledged or written.
 *
 * The same means: one INS in common (matricule and authority), or, when one side has none, one local identifier with its
 * issuer in common; and no strict trait against it. The place of birth alone only warns: official samples write the
 * commune's old code on one side. Numbers are compared as they stand, also when their key is wrong.
 * @param places where the two claims stood, for the fault (`PID`, `/ClinicalDocument/recordTarget`).
 */
export function sameIdentity(a: Patient, b: Patient, places: [string, string] = ['', '']): Sameness {
  const place = places[1] || places[0] || undefined;
  const comparison = compare(traitsOf(a), traitsOf(b));
  const against = traitsThat(comparison, 'differ').filter((trait) => trait !== 'birthPlace');
  const elements = [...identifierContradiction(a, b), ...against];
  if (elements.length > 0) {
    const mismatch = fault('identity-mismatch', {
      place,
      params: { elements: elements.join(', ') },
      detail: JSON.stringify([describe(a, places[0]), describe(b, places[1])]),
    });
    return { same: false, faults: [mismatch] };
  }
  const odd: Trait[] = comparison.birthPlace === 'differ' ? ['birthPlace'] : [];
  if (comparison.swapped) odd.push('birthName', 'given');
  return {
    same: true,
    faults: odd.map((trait) => warning('identity-traits-differ', { place, params: { elements: trait } })),
  };
}

/** Empty when the identifiers name one person; otherwise which of them do not. */
function identifierContradiction(a: Patient, b: Patient): string[] {
  const [ours, theirs] = [currentNumbers(a), currentNumbers(b)];
  if (ours.length > 0 && theirs.length > 0) return shares(ours, theirs) ? [] : ['ins'];
  return shares(localIdentifiers(a).map(identifierKey), localIdentifiers(b).map(identifierKey)) ? [] : ['identifier'];
}

function currentNumbers(patient: Patient): string[] {
  return insOf(patient)
    .filter((ins) => ins.current)
    .map(identifierKey);
}

function shares(a: string[], b: string[]): boolean {
  return a.some((key) => b.includes(key));
}

/** Both identities in full: for the quarantine and the person who looks into it, never for a log or a sender. */
function describe(patient: Patient, place: string): object {
  return { place, identifiers: (patient.identifier ?? []).map(identifierKey), traits: traitsOf(patient) };
}
