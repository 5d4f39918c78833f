import type { DocumentReference, Provenance, Resource } from '@medplum/fhirtypes';
import { sourceIn } from '../message.ts';
import type { Inherited } from './porter.ts';
import { labelsOf, referenceOf } from './porter-elements.ts';
import type { Records } from './porter-records.ts';
import type { AccessRules } from './porter-rules.ts';

type Passed = { labels: string[]; authors: string[] };

const nothing: Inherited = { of: () => undefined };

/**
 * What labelled documents pass on: everything that came out of a message with one – readings, conditions, the Composition –
 * is kept as the document is. The Provenance of the message names all of it, also after a later change of the document's
 * labels; `meta.source` is asked too, for servers that lost the Provenance.
 */
export async function inheritedFrom(
  rules: AccessRules,
  documents: DocumentReference[],
  records: Records,
): Promise<Inherited> {
  if (documents.length === 0) return nothing;
  const byReference = new Map<string, Passed>();
  const bySource = new Map<string, Passed>();
  const passed = new Map<string, Passed>();
  for (const document of documents) {
    const one = { labels: labelsOf(document), authors: (document.author ?? []).map(referenceOf) };
    passed.set(`DocumentReference/${document.id}`, one);
    const source = sourceIn(document);
    if (source) add(bySource, source, one);
  }
  for (const provenance of await records.find<Provenance>('Provenance', 'target', [...passed.keys()])) {
    const targets = (provenance.target ?? []).map(referenceOf);
    const from = targets.flatMap((one) => passed.get(one) ?? []);
    for (const target of [...targets, `Provenance/${provenance.id}`]) {
      // Each document says for itself how it is to be kept.
      if (!target.startsWith('DocumentReference/')) for (const one of from) add(byReference, target, one);
    }
  }
  const isOwn = (type: string) => type === 'DocumentReference' || rules.unlabelled.includes(type);
  return {
    of(resource: Resource) {
      if (isOwn(resource.resourceType)) return undefined;
      const direct = byReference.get(`${resource.resourceType}/${resource.id}`);
      return direct ?? bySource.get(sourceIn(resource) ?? '');
    },
  };
}

function add(to: Map<string, Passed>, key: string, { labels, authors }: Passed): void {
  const known = to.get(key);
  if (!known) to.set(key, { labels: [...labels], authors: [...authors] });
  else {
    known.labels.push(...labels);
    // Who wrote only one of the documents is not the author of what came with both.
    known.authors = known.authors.filter((one) => authors.includes(one));
  }
}
