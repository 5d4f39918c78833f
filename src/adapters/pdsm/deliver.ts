import type { Bundle, DocumentReference, Identifier, Patient } from '@medplum/fhirtypes';
import { transmittedBy } from '../../adapter/documents.ts';
import { type Elsewhere, faultOf } from '../../adapter/elsewhere.ts';
import { insOf, isQualified } from '../../adapter/ins.ts';
import type { Delivery, DeliveryOutcome, FhirEndpoint, Wanted, Written } from '../../adapter.ts';
import { type ErrorCode, type Fault, fault, PasserelleError } from '../../errors.ts';
import type { PdsmConfig, ServerConfig } from './config.ts';
import { isOpposed, readDossier, readOne, readPatient } from './dossier.ts';
import { provideBundle, statusPatch } from './submission.ts';

/** What a delivery to the shared record carries: references and the event; documents are read when it is sent. */
export interface SharePayload {
  event: 'new' | 'replace' | 'withdraw';
  /** `DocumentReference/id` of the message. */
  documents: string[];
  /** `Patient/id` */
  patient?: string;
}

/** What sending to the shared record works with. */
export interface Sharing {
  config: PdsmConfig & { server: ServerConfig };
  fhir: FhirEndpoint;
  record: Elsewhere;
}

/** A document goes to the shared record when its sender asked for it (`DESTDMP`). */
export function wantsOf(written: Written): Wanted[] {
  const { orders, patient } = written;
  const documents = transmittedBy(written);
  if (!orders?.dmp || documents.length === 0) return [];
  const payload: SharePayload = { event: orders.event, documents, ...(patient ? { patient } : {}) };
  return [{ part: 'document', kind: 'document', payload }];
}

const passing: ReadonlySet<ErrorCode> = new Set(['share-unreachable', 'share-waiting', 'fhir-unreachable']);

/** Provides, replaces or withdraws; what may have arrived before is looked for first. */
export async function share(delivery: Delivery, sharing: Sharing): Promise<DeliveryOutcome> {
  try {
    const { event } = delivery.payload as SharePayload;
    await (event === 'withdraw' ? withdraw(delivery, sharing) : provide(delivery, sharing));
    return { outcome: 'delivered' };
  } catch (error) {
    if (!(error instanceof PasserelleError)) throw error;
    return outcomeOf(error.faults);
  }
}

function outcomeOf(faults: Fault[]): DeliveryOutcome {
  if (faults.some((one) => one.code === 'share-unconfirmed')) return { outcome: 'ambiguous', faults };
  return { outcome: faults.some((one) => passing.has(one.code)) ? 'transient' : 'permanent', faults };
}

async function provide(delivery: Delivery, sharing: Sharing): Promise<void> {
  const { fhir, config, record } = sharing;
  const payload = delivery.payload as SharePayload;
  const documents = await documentsOf(payload, fhir);
  const patient = await patientOf(payload, documents, fhir);
  const ins = insOf(patient);
  if (!ins || !isQualified(patient)) return stop('share-unqualified');
  const sent = documents.find((one) => one.status === 'current');
  // It may have been superseded here since: what matters is whether the first attempt arrived.
  const tried = sent ?? documents[0];
  if (tried && (delivery.ambiguous || delivery.attempt > 1) && (await find(tried, patient, record))) return;
  if (!sent) return stop('share-document-gone');
  if (await isOpposed(`Patient/${patient.id}`, fhir)) return stop('share-opposed');

  const parent = payload.event === 'replace' ? await parentOf(sent, documents, fhir) : undefined;
  const replaced = parent && (await find(parent, patient, record));
  // Its own delivery may still be on the way; a parent that never went there is no reason to keep the new version back.
  if (parent && !replaced && delivery.attempt <= 3) return stop('share-waiting');
  const bundle = provideBundle(
    {
      seed: delivery.id,
      dossier: await readDossier(sent, fhir),
      patient,
      ins,
      at: new Date(),
      ...(replaced ? { replaces: `DocumentReference/${replaced.id}` } : {}),
    },
    config.server,
  );
  const answer = await record.send('POST', '', bundle, delivery.id);
  if (answer.status === 200 || answer.status === 201) return;
  const refusal = faultOf(answer);
  // It may have come there by another way: the same bytes under the same identifier are what was to be sent.
  if (refusal.code === 'share-refused' && (await hasSameBytes(bundle, sent, patient, record))) return;
  throw new PasserelleError(refusal);
}

async function hasSameBytes(bundle: Bundle, sent: DocumentReference, patient: Patient, record: Elsewhere) {
  const found = await find(sent, patient, record).catch(() => undefined);
  const hashes = (document: DocumentReference | undefined) =>
    document?.content?.map((one) => one.attachment?.hash) ?? [];
  const ours = bundle.entry?.find((one) => one.resource?.resourceType === 'DocumentReference')?.resource;
  return hashes(ours as DocumentReference).some((one) => one !== undefined && hashes(found).includes(one));
}

/** The document is no longer to be used: its status there changes, or it is deleted, as the operator of the server wants. */
async function withdraw(delivery: Delivery, { fhir, config, record }: Sharing): Promise<void> {
  const payload = delivery.payload as SharePayload;
  const documents = await documentsOf(payload, fhir);
  const patient = await patientOf(payload, documents, fhir);
  for (const one of documents) {
    const found = await find(one, patient, record);
    // What was never there needs no withdrawal; its own delivery, if it waits, finds it withdrawn here.
    if (!found || found.status === 'entered-in-error') continue;
    const answer =
      config.withdraw === 'delete'
        ? await record.send('DELETE', `DocumentReference/${found.id}`)
        : await record.send('PATCH', conditional(identifierOf(one)), statusPatch(config.withdraw));
    if (answer.status !== 200 && answer.status !== 204) throw new PasserelleError(faultOf(answer));
  }
}

async function documentsOf({ documents }: SharePayload, fhir: FhirEndpoint): Promise<DocumentReference[]> {
  const found: DocumentReference[] = [];
  for (const reference of documents) {
    const one = await readOne<DocumentReference>(reference, fhir);
    if (one) found.push(one);
  }
  return found.length > 0 ? found : stop('share-document-gone');
}

async function patientOf(payload: SharePayload, documents: DocumentReference[], fhir: FhirEndpoint): Promise<Patient> {
  const found = await readPatient(documents[0]?.subject?.reference ?? payload.patient, fhir);
  return found ?? stop('share-unqualified');
}

/** The document that this one replaces: named by it, or made obsolete by the same message. */
async function parentOf(sent: DocumentReference, documents: DocumentReference[], fhir: FhirEndpoint) {
  const target = sent.relatesTo?.find((one) => one.code === 'replaces')?.target;
  const named = await readOne<DocumentReference>(target?.reference, fhir);
  return named ?? documents.find((one) => one.id !== sent.id && one.status === 'superseded');
}

/** ITI-67: the same document on the server elsewhere. */
async function find(
  document: DocumentReference,
  patient: Patient,
  record: Elsewhere,
): Promise<DocumentReference | undefined> {
  const ins = insOf(patient);
  const identifier = identifierOf(document);
  const query = new URLSearchParams({
    ...(ins ? { 'patient.identifier': `${ins.system}|${ins.value}` } : {}),
    identifier: `${identifier.system ?? ''}|${identifier.value}`,
    status: 'current,superseded,entered-in-error',
  });
  const answer = await record.send('GET', `DocumentReference?${query}`);
  if (answer.status !== 200) {
    const { code, params } = faultOf(answer);
    // Nothing was sent: a search that fails is never a reason to fear a second document.
    throw new PasserelleError(fault(code === 'share-unconfirmed' ? 'share-unreachable' : code, { params }));
  }
  const entries = (answer.body as Bundle | undefined)?.entry ?? [];
  return entries
    .map((one) => one.resource)
    .find((one): one is DocumentReference => one?.resourceType === 'DocumentReference' && isSame(one, identifier));
}

function isSame({ masterIdentifier, identifier = [] }: DocumentReference, { system, value }: Identifier): boolean {
  return [masterIdentifier, ...identifier].some((one) => one?.value === value && one?.system === system);
}

function identifierOf({ masterIdentifier, identifier }: DocumentReference): Identifier {
  return masterIdentifier ?? identifier?.[0] ?? stop('share-document-gone');
}

function conditional({ system = '', value = '' }: Identifier): string {
  return `DocumentReference?identifier=${encodeURIComponent(`${system}|${value}`)}`;
}

function stop(code: ErrorCode): never {
  throw new PasserelleError(fault(code));
}
