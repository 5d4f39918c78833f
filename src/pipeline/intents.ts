import type { Bundle, DocumentReference, Encounter, Identifier, Resource } from '@medplum/fhirtypes';
import type { Conversion, Draft, Intent } from '../conversion.ts';
import { type Fault, fault, warning } from '../errors.ts';
import { expectOk, resourcesIn } from '../fhir-pages.ts';
import { documentKey } from '../formats/cda/index.ts';
import { mayChange } from './authorship.ts';
import type { House } from './house.ts';
import type { Identity } from './identify.ts';

/** What a message changes on resources that are on the server already. */
export interface Changes {
  drafts: Draft[];
  faults: Fault[];
}

/**
 * Honours what the message wishes about things written before: a document replaced or withdrawn, an event cancelled. Each
 * time the thing must be there and be about the same patient; otherwise the message is held with the application code that
 * the CI-SIS error annex gives (900 not the latest version, 901 a foreign author, 904 another patient, 906 not known).
 */
export async function honourIntents(conversion: Conversion, identity: Identity, house: House): Promise<Changes> {
  const changes: Changes = { drafts: [], faults: [] };
  for (const intent of conversion.intents) {
    if (intent.kind === 'replace') await supersede(intent, conversion, identity, house, changes);
    if (intent.kind === 'withdraw') await withdraw(intent, conversion, identity, house, changes);
    if (intent.kind === 'cancel') await cancel(intent, identity, house, changes);
  }
  return changes;
}

type Of<K extends Intent['kind']> = Extract<Intent, { kind: K }>;

async function supersede(
  intent: Of<'replace'>,
  conversion: Conversion,
  identity: Identity,
  house: House,
  changes: Changes,
) {
  const found = await findDocument(intent.document, house);
  const at = { place: intent.place };
  const foreign = fault('document-foreign-author', at);
  // Parents differ: a CDA from elsewhere may replace a document that never came here; a hospital's own order may not.
  if (!found) {
    changes.faults.push(
      conversion.orders?.event === 'replace' ? fault('document-unknown', at) : warning('document-parent-unknown', at),
    );
    return;
  }
  const known = found.resource;
  if (!isAbout(known, identity)) return void changes.faults.push(fault('document-other-patient', at));
  const by = conversion.drafts.find((draft) => draft.fullUrl === intent.by)?.resource as DocumentReference | undefined;
  const again = by?.masterIdentifier && sameKey(by.masterIdentifier, known.masterIdentifier);
  if (again) return;
  if (known.status === 'superseded') {
    const already = by?.masterIdentifier && (await findDocument(by.masterIdentifier, house));
    if (!already) return void changes.faults.push(fault('document-not-latest', at));
    // The same message once more, unless somebody else gave a document the number of this one.
    if (!(await mayChange(already.resource, by, conversion, house.fhir))) changes.faults.push(foreign);
    return;
  }
  if (!(await mayChange(known, by, conversion, house.fhir))) return void changes.faults.push(foreign);
  changes.drafts.push(changed(known, { ...known, status: 'superseded' }));
}

async function withdraw(
  intent: Of<'withdraw'>,
  conversion: Conversion,
  identity: Identity,
  house: House,
  changes: Changes,
) {
  const found = await findDocument(intent.document, house);
  const at = { place: intent.place };
  if (!found) return void changes.faults.push(fault('document-unknown', at));
  const known = found.resource;
  if (!isAbout(known, identity)) return void changes.faults.push(fault('document-other-patient', at));
  if (known.status === 'superseded') return void changes.faults.push(fault('document-not-latest', at));
  if (!(await mayChange(known, undefined, conversion, house.fhir, intent)))
    return void changes.faults.push(fault('document-foreign-author', at));
  if (known.status !== 'entered-in-error')
    changes.drafts.push(changed(known, { ...known, status: 'entered-in-error' }));
}

async function cancel(intent: Of<'cancel'>, identity: Identity, house: House, changes: Changes) {
  const query = `identifier=${encodeURIComponent(`${intent.identifier.system ?? ''}|${intent.identifier.value ?? ''}`)}`;
  const known = (await search<Encounter>(`${intent.type}?${query}&_count=2`, house))[0];
  if (!known) return void changes.faults.push(warning('event-unknown', { place: intent.place }));
  if (!isAbout(known, identity))
    return void changes.faults.push(fault('document-other-patient', { place: intent.place }));
  if (known.status !== 'cancelled') changes.drafts.push(changed(known, { ...known, status: 'cancelled' }));
}

/** By any of the ways a document's id is written: root^extension, root.extension, urn:oid. */
async function findDocument(
  identifier: Identifier,
  house: House,
): Promise<{ resource: DocumentReference } | undefined> {
  const written = [
    `${identifier.system ?? ''}|${identifier.value ?? ''}`,
    identifier.value ?? '',
    `|${identifier.value ?? ''}`,
    `urn:ietf:rfc:3986|urn:oid:${documentKey(identifier)}`,
  ];
  const query = [...new Set(written)].map(encodeURIComponent).join(',');
  const matches = await search<DocumentReference>(`DocumentReference?identifier=${query}&_count=10`, house);
  const resource =
    matches.find((one) => sameKey(identifier, one.masterIdentifier)) ??
    matches.find((one) => one.identifier?.some((id) => sameKey(identifier, id)));
  return resource && { resource };
}

function sameKey(a: Identifier, b: Identifier | undefined): boolean {
  return b !== undefined && documentKey(a) === documentKey(b);
}

function isAbout(resource: DocumentReference | Encounter, identity: Identity): boolean {
  return resource.subject?.reference === identity.reference;
}

async function search<R extends Resource>(path: string, house: House): Promise<R[]> {
  return resourcesIn<R>(expectOk(await house.fhir.send({ method: 'GET', path })).body as Bundle<R>);
}

function changed<R extends Resource>(before: R, after: R): Draft<R> {
  const reference = `${before.resourceType}/${before.id}`;
  return {
    key: `change/${reference}`,
    fullUrl: reference,
    resource: after,
    write: 'update',
    identity: { system: 'urn:ietf:rfc:3986', value: reference },
    current: { reference, version: before.meta?.versionId },
  };
}
