/** What the steps of an inspection share. */
import type { Identifier, Patient } from '@medplum/fhirtypes';
import { type Fault, fault } from '../../errors.ts';
import type { Hl7v2Tree } from './tree.ts';

/** What is known of a document inside, once it has been read by its own format. */
export interface InspectedDocument {
  /** That of its part: `OBX[1]-5`. */
  place: string;
  /** The patient it is about, as claims. */
  patient?: Patient;
  /** ClinicalDocument/id. */
  id?: Identifier;
  /** relatedDocument RPLC/parentDocument/id. */
  replaces?: Identifier[];
  setId?: Identifier;
  /** ClinicalDocument/code. */
  type?: string;
}

/** What inspection needs from outside, and how strict it is. */
export interface InspectOptions {
  /** How two claims about the patient are compared (`src/identity`); without it identities are not compared. */
  sameIdentity?: (a: Patient, b: Patient, places: [string, string]) => { faults: Fault[] };
  /** Document types beside those of JDV_J07. */
  documentTypes?: ReadonlySet<string>;
  /** Refuse what is outside the published MSSanté combinations; otherwise a warning. */
  strictMss?: boolean;
}

/** Everything an inspection step looks at. */
export interface Inspection {
  tree: Hl7v2Tree;
  documents: InspectedDocument[];
  options: InspectOptions;
}

/** The fault of a field that must be there. */
export function missing(segment: string, number: number): Fault {
  return fault('hl7-field-missing', { place: `${segment}-${number}`, params: { field: `${segment}-${number}` } });
}

/** The fault of a segment that must be there. */
export function missingSegment(segment: string): Fault {
  return fault('hl7-segment-missing', { place: segment, params: { segment } });
}
