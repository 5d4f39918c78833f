import type { Bundle, BundleEntry, Patient, Resource, Task } from '@medplum/fhirtypes';
import type { FhirResponse } from '../adapter.ts';
import type { Draft } from '../conversion.ts';
import { type Fault, fault } from '../errors.ts';
import { addressIn, readIfThere, resourcesIn } from '../fhir-pages.ts';
import { type Decision, identityKeys, resolve } from '../identity/index.ts';
import type { Message } from '../journal/journal.ts';
import { sourceOf } from '../message.ts';
import type { House } from './house.ts';
import { type Asked, isBatch, ownId } from './own-ids.ts';
import { answerOf } from './written-before.ts';

/** A write of the FHIR API once it is known who the Patients are that it would create. */
export interface Registration {
  /** With the records of known persons in the place of creates. */
  asked: Asked;
  /** The write was one Patient whose record says all of it already: the answer. */
  done?: FhirResponse;
  /** Versions that were read here are named in the write: when one has been overtaken it is worth another look. */
  isVersioned: boolean;
  /** Questions that hold up nothing, each by the place of its Patient in the Bundle (0 for a Patient alone). */
  questions: { index: number; tasks: Draft<Task>[] }[];
  /** A person must decide before anything is written; the questions to ask. */
  held?: Draft<Task>[];
  faults: Fault[];
}

type RegisteringHouse = Pick<House, 'fhir'>;

/** Identifiers of the Patients that a write may create, for the lock that is held until they are written. */
export function claimedKeys(asked: Asked): string[] {
  return claimsOf(asked).flatMap(({ patient }) => identityKeys(patient));
}

/**
 * Asks the registrar who the Patients are that a write of the FHIR API would create, so that a person who is known gets no
 * second record by this door either. Known: the create is answered as a conditional one that found its match
 * (https://hl7.org/fhir/R4/http.html#ccreate), and the record learns what it did not know yet. A condition of the caller's
 * own that finds something counts before the registrar's opinion; an update by id is the caller's own doing and is left alone.
 * Reads the FHIR server, writes nothing; call it within the lock of {@link claimedKeys}.
 * @throws PasserelleError `fhir-unreachable`
 */
export async function register(asked: Asked, message: Message, house: RegisteringHouse): Promise<Registration> {
  const registration: Registration = { asked, isVersioned: false, questions: [], faults: [] };
  const claims = claimsOf(asked);
  const again = twice(claims);
  if (again) return { ...registration, faults: [again] };
  for (const claim of claims) {
    if (await meetsOwnCondition(claim, house)) continue;
    const decision = await resolve(subjectOf(claim, message), house.fhir, contextOf(message));
    registration.faults.push(...decision.faults);
    if (decision.outcome === 'review') registration.held = [...(registration.held ?? []), ...decision.tasks];
    else if (isWrittenHere(decision, claim, message)) continue;
    else await settle(registration, claim, decision, house);
  }
  return registration;
}

/** The questions about what was written, now that it has its place on the server. */
export function askedAbout({ questions }: Registration, message: Message, response: FhirResponse): Draft<Task>[] {
  const entries = (response.body as Bundle | undefined)?.entry;
  return questions.flatMap(({ index, tasks }) => {
    const location = entries ? entries[index]?.response?.location : response.headers.location;
    const reference = addressIn(location);
    if (!reference) return [];
    const called = JSON.stringify(nameOf(message, index));
    return tasks.map((task) => ({
      ...task,
      resource: JSON.parse(JSON.stringify(task.resource).replaceAll(called, JSON.stringify(reference))) as Task,
    }));
  });
}

/** A Patient that would be created. */
interface Claim {
  patient: Patient;
  index: number;
  /** What the caller makes it depend on, `identifier=…`. */
  condition?: string;
}

function claimsOf({ interaction, resource }: Asked): Claim[] {
  if (!resource) return [];
  const { method, path, headers } = interaction;
  if (!isBatch(resource)) return claimIn(resource, { method, url: path, ifNoneExist: headers.ifNoneExist }, 0);
  return (resource.entry ?? []).flatMap((one, index) =>
    one?.request && one.resource ? claimIn(one.resource, one.request, index) : [],
  );
}

function claimIn(resource: Resource, request: NonNullable<BundleEntry['request']>, index: number): Claim[] {
  if (resource.resourceType !== 'Patient') return [];
  const [path = '', query] = (request.url ?? '').replace(/^\//, '').split(/\?(.*)/s);
  if (path !== 'Patient') return [];
  if (request.method === 'POST') {
    return [{ patient: resource, index, condition: request.ifNoneExist?.replace(/^[^?=]*\?/, '') }];
  }
  return request.method === 'PUT' && query ? [{ patient: resource, index, condition: query }] : [];
}

/**
 * Two entries of one Bundle that name one person would make two records, or leave open which of them counts; under one
 * condition they are one create said twice.
 */
function twice(claims: Claim[]): Fault | undefined {
  const seen = new Map<string, Claim>();
  for (const claim of claims) {
    for (const key of identityKeys(claim.patient)) {
      const before = seen.get(key) ?? claim;
      const isSame = before === claim || (claim.condition !== undefined && claim.condition === before.condition);
      if (!isSame) return fault('identity-twice', { place: `Bundle.entry[${claim.index}].resource` });
      seen.set(key, before);
    }
  }
  return undefined;
}

/** The server answers such a write by itself: with what was found, or that it is not unique, or no condition at all. */
async function meetsOwnCondition({ condition }: Claim, { fhir }: RegisteringHouse): Promise<boolean> {
  if (condition === undefined) return false;
  const { status, body } = await fhir.send({ method: 'GET', path: `Patient?${condition}&_count=1` });
  return status !== 200 || resourcesIn(body as Bundle).length > 0;
}

function subjectOf({ patient, index }: Claim, message: Message): Draft<Patient> {
  const fullUrl = nameOf(message, index);
  const identity = { system: 'urn:ietf:rfc:3986', value: fullUrl };
  return { key: `entry[${index}]/Patient`, fullUrl, resource: patient, write: 'create', identity };
}

const nameOf = ({ id }: Message, index: number) => `urn:uuid:${ownId(id, index)}`;

function contextOf({ id, receivedAt }: Message) {
  const at = new Date(receivedAt);
  return { asOf: at.toISOString(), receivedAt: at, source: sourceOf(id) };
}

/** An earlier attempt of the same message made the record. */
function isWrittenHere({ reference, enrolled }: Decision, { index }: Claim, { id }: Message): boolean {
  return enrolled === true || reference === `Patient/${ownId(id, index)}`;
}

/** Somebody new is written as sent, who is known keeps one record, and what a person has decided is done. */
async function settle(
  registration: Registration,
  claim: Claim,
  { outcome, reason, reference = '', patient, tasks, ifNoneExist }: Decision,
  house: RegisteringHouse,
): Promise<void> {
  if (tasks.length > 0) registration.questions.push({ index: claim.index, tasks });
  if (outcome === 'link' && patient) {
    const version = patient.current?.version;
    const ifMatch = version ? { ifMatch: `W/"${version}"` } : {};
    const request = { method: 'PUT' as const, url: reference, ...ifMatch };
    registration.isVersioned = true;
    registration.asked = replaced(registration.asked, claim, { resource: patient.resource, request });
  } else if (outcome === 'link' && !isInBundle(registration)) {
    const known = await readIfThere<Patient>(house.fhir, reference);
    if (known) registration.done = answerOf(known);
  } else if (outcome === 'link' || reason === 'decided') {
    const condition = outcome === 'link' ? `_id=${reference.slice('Patient/'.length)}` : ifNoneExist;
    const request = { method: 'POST' as const, url: 'Patient', ifNoneExist: condition };
    const resource = patient?.resource ?? claim.patient;
    registration.asked = replaced(registration.asked, claim, { resource, request });
  }
}

const isInBundle = ({ asked: { resource } }: Registration) => resource !== undefined && isBatch(resource);

type Written = Required<Pick<BundleEntry<Patient>, 'resource' | 'request'>>;

/** The write with another in the place of one Patient's. */
function replaced({ interaction, resource }: Asked, claim: Claim, one: Written): Asked {
  if (resource && isBatch(resource)) {
    const entry = resource.entry?.map((before, index) => (index === claim.index ? { ...before, ...one } : before));
    return { interaction, resource: { ...resource, entry } };
  }
  const { method, url, ifMatch, ifNoneExist } = one.request;
  const headers = { ...interaction.headers, ifMatch, ifNoneExist };
  return { interaction: { method: method as 'PUT' | 'POST', path: url!, headers }, resource: one.resource };
}
