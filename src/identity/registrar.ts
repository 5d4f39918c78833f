import type { Patient, Reference, Task } from '@medplum/fhirtypes';
import type { FhirEndpoint, FhirResponse } from '../adapter.ts';
import type { Draft } from '../conversion.ts';
import { type Fault, fault, PasserelleError, warning } from '../errors.ts';
import { expectOk, searchAll } from '../fhir-pages.ts';
import { sourceIn } from '../message.ts';
import { identifierKey, identityKeys, insOf } from './ins.ts';
import { findByIdentifiers, findNamesakes, identifierQuery, readPatient } from './lookup.ts';
import { type Match, match } from './match.ts';
import { firstRecord, reconcile, same } from './reconcile.ts';
import { decisionOf, questionKey, REVIEW_SYSTEM, type ReviewDecision, reviewTask } from './review.ts';
import { traitsOf } from './traits.ts';

/** What the registrar needs to know of the message besides its Patient. */
export interface RegistrarContext {
  /** When the claim was true at its source (FHIR dateTime: MSH-7, effectiveTime of a document, else the reception). */
  asOf: string;
  /** When the message was received. */
  receivedAt: Date;
  /** `urn:passerelle:message:ID`. */
  source: string;
  /** The other drafts of the message: references of the Patient to them are known by their identifiers. */
  drafts?: Draft[];
}

/**
 * Who the patient of a message is.
 * - `link`: `reference` is the record; `patient` is what to write there, absent when the message brings nothing new.
 * - `create`: `patient` is to be written with `If-None-Exist: ifNoneExist`; what the message writes refers to its fullUrl.
 * - `review`: a person must decide. Nothing of the message is written but `tasks`; it waits in quarantine, and when it is
 *   taken up again after the decision the answer is `link` or `create`.
 *
 * `tasks` may also come with `link` and `create`: questions that do not hold up the message.
 */
export interface Decision {
  outcome: 'link' | 'create' | 'review';
  reason: Match['reason'] | 'decided' | 'merges-circular';
  patient?: Draft<Patient>;
  reference?: string;
  /** The record was written for this message, before the rest of it. */
  enrolled?: true;
  ifNoneExist?: string;
  tasks: Draft<Task>[];
  faults: Fault[];
}

/**
 * Finds out who the patient is: by INS with agreeing traits, else by a local identifier with its issuer, never by name.
 * Reads the FHIR server, writes nothing; call it inside the lock of the patient's {@link identityKeys}.
 * @throws PasserelleError `fhir-unreachable` when the server does not answer.
 */
export async function resolve(
  subject: Draft<Patient>,
  endpoint: FhirEndpoint,
  context: RegistrarContext,
): Promise<Decision> {
  const said = withIdentifiedReferences(subject.resource, context.drafts ?? []);
  const bare = lookupKeys(said).length === 0;
  // A claim nobody could look for is found again by the identity of its own message when that message comes again.
  const claim = bare ? withIdentity(said, subject.identity) : said;
  const found = await findByIdentifiers(endpoint, lookupKeys(claim));
  if (found.circular) return circular(claim, found.patients, context);
  const namesakes = found.patients.length === 0 ? await namesakesOf(claim, endpoint) : [];
  const verdict = match(claim, found.patients, namesakes);
  if (verdict.outcome === 'link') return link(subject, claim, verdict, context);
  if (bare) verdict.faults.push(warning('identity-unidentified'));
  if (verdict.outcome === 'new') return create(subject, claim, verdict, context);
  const decided = await decisionFor(claim, endpoint);
  return decided ? asDecided(subject, claim, verdict, decided, endpoint, context) : ask(claim, verdict, context);
}

/**
 * As {@link resolve}, and writes a new patient at once, so that the answer is always a record on the server (or a review).
 * Another message that made the record in between is noticed, and the claim is compared with that record.
 * @throws PasserelleError `identity-busy` when that keeps happening, `fhir-unreachable`.
 */
export async function enrol(
  subject: Draft<Patient>,
  endpoint: FhirEndpoint,
  context: RegistrarContext,
): Promise<Decision> {
  for (let attempt = 0; attempt < 8; attempt++) {
    const decision = await resolve(subject, endpoint, context);
    if (decision.outcome !== 'create' || !decision.patient) return decision;
    const headers = decision.ifNoneExist ? { 'if-none-exist': decision.ifNoneExist } : undefined;
    const body = withoutDraftReferences(decision.patient.resource, context.source);
    const response = await endpoint.send({ method: 'POST', path: 'Patient', body, headers });
    if (response.status === 201) return enrolled(decision, response);
    if (response.status !== 200 && response.status !== 409 && response.status !== 412) expectOk(response);
  }
  throw new PasserelleError(fault('identity-busy'));
}

/** The record is there; what it could not say yet (references into the message) is written with the message. */
function enrolled(decision: Decision, response: FhirResponse): Decision {
  const location = /Patient\/([A-Za-z0-9.-]{1,64})(?:\/_history\/([A-Za-z0-9.-]{1,64}))?/.exec(
    response.headers.location ?? '',
  );
  const stored = response.body as Patient | undefined;
  const id = location?.[1] ?? stored?.id;
  if (!id) throw new PasserelleError(fault('fhir-unreachable', { detail: 'created without location' }));
  const reference = `Patient/${id}`;
  const { resource } = decision.patient!;
  const version = location?.[2] ?? stored?.meta?.versionId;
  const rest = same(resource, withoutDraftReferences(resource))
    ? undefined
    : {
        ...decision.patient!,
        resource: { ...resource, id },
        write: 'update' as const,
        current: { reference, version },
      };
  return {
    ...decision,
    outcome: 'link',
    reference,
    enrolled: true,
    patient: rest,
    tasks: pointAt(decision, reference),
  };
}

/** A Patient written before the rest of its message cannot refer to it. */
function withoutDraftReferences(patient: Patient, source?: string): Patient {
  const isThere = (one: Reference | undefined) => one !== undefined && !one.reference?.startsWith('urn:uuid:');
  const { generalPractitioner, managingOrganization, ...rest } = patient;
  const there = generalPractitioner?.filter(isThere) ?? [];
  return {
    ...rest,
    ...(there.length > 0 ? { generalPractitioner: there } : {}),
    ...(isThere(managingOrganization) ? { managingOrganization } : {}),
    ...(source ? { meta: { ...patient.meta, source } } : {}),
  };
}

/** Tasks about a record that has just been written name it by its reference on the server. */
function pointAt(decision: Decision, reference: string): Draft<Task>[] {
  const from = decision.patient?.fullUrl ?? '';
  return decision.tasks.map((task) => ({
    ...task,
    resource: JSON.parse(JSON.stringify(task.resource).replaceAll(JSON.stringify(from), JSON.stringify(reference))),
  }));
}

/** Identifiers to look for: valid INS (superseded ones too) and local ones; */
function lookupKeys(claim: Patient): string[] {
  const old = insOf(claim).filter((ins) => ins.valid && !ins.current);
  return [...new Set([...identityKeys(claim), ...old.map(identifierKey)])];
}

async function namesakesOf(claim: Patient, endpoint: FhirEndpoint): Promise<Patient[]> {
  const traits = traitsOf(claim);
  const family = claim.name?.find((name) => name.use === 'official')?.family ?? claim.name?.[0]?.family;
  if (!family || !traits.birthName || !traits.given || traits.birthDate?.length !== 10) return [];
  return findNamesakes(endpoint, family, traits.birthDate);
}

function link(subject: Draft<Patient>, claim: Patient, verdict: Match, context: RegistrarContext): Decision {
  const known = verdict.patient!;
  const { duplicates, elements, reason } = verdict;
  const tasks =
    duplicates.length > 0 ? [question(claim, duplicates, reason, elements, context, `Patient/${known.id}`)] : [];
  const faults = [...verdict.faults, ...duplicateWarning(verdict)];
  const decision = { ...linkTo(subject, claim, known, context, verdict.contested), reason, tasks, faults };
  return isOwn(known, context) ? { ...decision, enrolled: true } : decision;
}

/** Written for this very message, whose rest could not be written then or is written once more. */
function isOwn(patient: Patient, { source }: RegistrarContext): boolean {
  return sourceIn(patient) === source;
}

function linkTo(
  subject: Draft<Patient>,
  claim: Patient,
  known: Patient,
  context: RegistrarContext,
  contested: string[],
): Decision {
  const resource = reconcile(known, claim, context.asOf, contested);
  const reference = `Patient/${known.id}`;
  const current = { reference, version: known.meta?.versionId };
  const patient = same(resource, known) ? undefined : { ...subject, resource, write: 'update' as const, current };
  return { outcome: 'link', reason: 'decided', reference, patient, tasks: [], faults: [] };
}

function create(subject: Draft<Patient>, claim: Patient, verdict: Match, context: RegistrarContext): Decision {
  const keys = lookupKeys(claim);
  const resource = firstRecord(claim, context.asOf);
  const { duplicates, elements, reason } = verdict;
  const tasks = duplicates.length > 0 ? [question(claim, duplicates, reason, elements, context, subject.fullUrl)] : [];
  return {
    outcome: 'create',
    reason,
    patient: { ...subject, resource, write: 'create' },
    ifNoneExist: identifierQuery(keys),
    tasks,
    faults: [...verdict.faults, ...duplicateWarning(verdict)],
  };
}

function withIdentity(patient: Patient, identity: Draft['identity']): Patient {
  const there = patient.identifier?.some((one) => identifierKey(one) === identifierKey(identity));
  return there ? patient : { ...patient, identifier: [...(patient.identifier ?? []), identity] };
}

function duplicateWarning(verdict: Match): Fault[] {
  if (verdict.duplicates.length === 0) return [];
  return [warning('identity-possible-duplicate', { params: { elements: verdict.elements.join(', ') } })];
}

function ask(claim: Patient, verdict: Match, context: RegistrarContext): Decision {
  const { candidates, elements, reason } = verdict;
  const faults = [...verdict.faults, fault('identity-review', { params: { elements: elements.join(', ') } })];
  return { outcome: 'review', reason, tasks: [question(claim, candidates, reason, elements, context)], faults };
}

function circular(claim: Patient, candidates: Patient[], context: RegistrarContext): Decision {
  const tasks = [question(claim, candidates, 'merges-circular', ['link'], context)];
  return { outcome: 'review', reason: 'merges-circular', tasks, faults: [fault('identity-merge-circular')] };
}

function question(
  claim: Patient,
  candidates: Patient[],
  reason: string,
  elements: string[],
  context: RegistrarContext,
  written?: string,
): Draft<Task> {
  return reviewTask({ claim, candidates, reason, elements, written, at: context.receivedAt });
}

async function decisionFor(claim: Patient, endpoint: FhirEndpoint): Promise<ReviewDecision | undefined> {
  const query = identifierQuery([identifierKey({ system: REVIEW_SYSTEM, value: questionKey(claim) })]);
  const tasks = await searchAll<Task>(endpoint, `Task?${query}`, 5);
  return tasks.map(decisionOf).find((decision) => decision !== undefined);
}

/** A person has decided: their record, or one apart, without the identifiers that belong to the others. */
async function asDecided(
  subject: Draft<Patient>,
  claim: Patient,
  verdict: Match,
  decided: ReviewDecision,
  endpoint: FhirEndpoint,
  context: RegistrarContext,
): Promise<Decision> {
  const taken = verdict.candidates.flatMap((one) => (one.identifier ?? []).map(identifierKey));
  const apartKey = { system: REVIEW_SYSTEM, value: questionKey(claim) };
  if (decided.decision === 'merge' && decided.record) {
    const known = await readPatient(endpoint, decided.record);
    if (!known) return ask(claim, verdict, context);
    const rivals = verdict.candidates.filter((one) => one.id !== known.id).flatMap((one) => one.identifier ?? []);
    return {
      ...linkTo(subject, claim, known, context, contestedBy(claim, known, rivals.map(identifierKey))),
      faults: verdict.faults,
    };
  }
  const apart = (await findByIdentifiers(endpoint, [identifierKey(apartKey)])).patients[0];
  if (apart) return { ...linkTo(subject, claim, apart, context, taken), faults: verdict.faults };
  const resource = withIdentity(firstRecord(claim, context.asOf, taken), apartKey);
  return {
    outcome: 'create',
    reason: 'decided',
    patient: { ...subject, resource, write: 'create', identity: apartKey },
    ifNoneExist: identifierQuery([identifierKey(apartKey)]),
    tasks: [],
    faults: verdict.faults,
  };
}

/** Even a person's decision does not put two current INS of one authority on a record: the known one stays. */
function contestedBy(claim: Patient, known: Patient, rivals: string[]): string[] {
  const theirs = insOf(known).filter((ins) => ins.valid && ins.current);
  const second = insOf(claim).filter((ins) =>
    theirs.some((one) => one.system === ins.system && one.value !== ins.value),
  );
  return [...rivals, ...second.map(identifierKey)];
}

/** A reference into the message also says whose it is, so that it can be compared with the one on record. */
function withIdentifiedReferences(claim: Patient, drafts: Draft[]): Patient {
  const identified = <T extends Reference>(reference: T): T => {
    const draft = reference.identifier ? undefined : drafts.find((one) => one.fullUrl === reference.reference);
    return draft ? { ...reference, identifier: { ...draft.identity } } : reference;
  };
  const practitioners = claim.generalPractitioner?.map(identified);
  const organization = claim.managingOrganization && identified(claim.managingOrganization);
  return {
    ...claim,
    ...(practitioners ? { generalPractitioner: practitioners } : {}),
    ...(organization ? { managingOrganization: organization } : {}),
  };
}
