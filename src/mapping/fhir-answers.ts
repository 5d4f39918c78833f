import type { QuestionnaireResponse, Reference } from '@medplum/fhirtypes';
import { PLACE_SYSTEM } from '../seed.ts';
import type { BundleIndex } from './fhir-references.ts';
import { businessIdentifiers } from './identity.ts';
import type { Entry, Run } from './run.ts';
import { uuidOf } from './uuid.ts';

/**
 * Adds to a message what its finished answers give (SDC `$extract`), as if the sender had written it beside them. Not where the
 * message brings resources derived from the answers: then somebody has extracted them already.
 * @param entry the draft of the response
 * @param original the response as it came
 */
export function takeAnswers(entry: Entry, original: QuestionnaireResponse, run: Run, index: BundleIndex): void {
  const { session, document } = run;
  const { extract, sender, messageIdentity } = session.context;
  if (!extract || isDerivedFrom(entry, session.entries, index)) return;
  const id = original.id ?? uuidOf(`${messageIdentity}\n${document.placeAt(entry.path, entry.owner)}`);
  index.name(`QuestionnaireResponse/${id}`, entry.resource!);
  const response = { ...original, id };
  const found = extract(response);
  if (!found) return;
  const place = document.placeAt(entry.path, entry.owner);
  session.faults.push(...found.faults.map((one) => ({ ...one, place: place || '/' })));
  session.maps[found.map] = found.version;
  const whose = [sender, identityOf(original) ?? messageIdentity, JSON.stringify(original.subject ?? '')].join('\n');
  for (const one of found.extracted) {
    const owner = one.source === response ? original : one.source;
    const step = 'answer' in owner ? 'answer' : 'item';
    const resource = index.copy(one.resource, one.request);
    delete resource.id;
    const rule = { map: found.map, rule: one.template };
    const at = { path: document.path(owner, step), owner, document, rule };
    const own: Entry = { ...at, resource, key: `${place}/${one.key}`, write: 'update' };
    // Bound to sender and patient, so that nobody's answers come over another's by taking their number.
    const value = uuidOf(`${whose}\n${one.key}`);
    if (businessIdentifiers(resource).length === 0) own.identity = { system: PLACE_SYSTEM, value };
    session.entries.push(own);
    const reads = run.reads && [owner, step];
    for (const property in resource) {
      session.traces.push({ target: resource, property, owner, key: step, rule, document, reads });
    }
  }
}

function identityOf({ identifier }: QuestionnaireResponse): string | undefined {
  return identifier?.system && identifier.value ? `${identifier.system}|${identifier.value}` : undefined;
}

function isDerivedFrom(answers: Entry, entries: Entry[], index: BundleIndex): boolean {
  return entries.some(({ resource }) => {
    const { derivedFrom } = (resource ?? {}) as { derivedFrom?: Reference[] };
    return (
      Array.isArray(derivedFrom) &&
      derivedFrom.some(({ reference }) => reference && index.resolve(reference) === answers.resource)
    );
  });
}
