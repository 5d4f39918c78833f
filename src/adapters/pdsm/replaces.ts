import type { BundleEntry, DocumentReference, DocumentReferenceRelatesTo, Patient } from '@medplum/fhirtypes';
import { type Fault, fault } from '../../errors.ts';
import { statusPatch } from './submission.ts';
import type { Target, Targets } from './targets.ts';

/** What a document owes the one it replaces. */
export interface Superseding {
  /** The document, its related ones named so that they can be searched for. */
  document: DocumentReference;
  /** Patches that supersede. */
  entries: BundleEntry[];
  faults: Fault[];
}

/** What a document replaces must be known, be the latest, be about the same patient. */
export async function superseding(
  document: DocumentReference,
  subject: Target<Patient> | undefined,
  targets: Targets,
  place: string,
): Promise<Superseding> {
  const [entries, faults, relatesTo]: [BundleEntry[], Fault[], DocumentReferenceRelatesTo[]] = [[], [], []];
  for (const [index, one] of (document.relatesTo ?? []).entries()) {
    const at = `${place}.relatesTo[${index}].target`;
    const parent = await targets.document(one.target);
    relatesTo.push(parent?.known ? { ...one, target: { ...one.target, reference: parent.known } } : one);
    if (!parent) faults.push(fault('provide-parent-unknown', { place: at }));
    else if (one.code === 'replaces' && parent.known) {
      if (subject && parent.resource.subject?.reference !== subject.known) {
        faults.push(fault('document-other-patient', { place: at }));
      } else if (parent.resource.status !== 'current') faults.push(fault('document-not-latest', { place: at }));
      entries.push(supersede(parent.known, parent.resource.meta?.versionId));
    }
  }
  return { document: relatesTo.length > 0 ? { ...document, relatesTo } : document, entries, faults };
}

function supersede(reference: string, version: string | undefined): BundleEntry {
  const ifMatch = version && `W/"${version}"`;
  return {
    resource: statusPatch('superseded'),
    request: { method: 'PATCH', url: reference, ...(ifMatch ? { ifMatch } : {}) },
  };
}
