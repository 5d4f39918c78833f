/** MSH in words, and what the gateway wants to know of a message before anything is converted. */
import { hash } from 'node:crypto';
import type { HumanName, Identifier, Patient } from '@medplum/fhirtypes';
import { say } from './ready.ts';
import type { Hl7v2Tree, MessageHeader, Repetition, Segment } from './tree.ts';

/** MSH as the message's header; what is missing is empty, inspection says so. */
export function headerOf(msh: Segment | undefined): MessageHeader {
  const [kind] = msh?.f9 ?? [];
  const [profile] = msh?.f21 ?? [];
  const header: MessageHeader = {
    type: say(kind?.c1)?.toUpperCase() ?? '',
    event: say(kind?.c2)?.toUpperCase() ?? '',
    controlId: one(msh?.f10) ?? '',
  };
  set(header, 'structure', say(kind?.c3));
  set(header, 'processingId', one(msh?.f11));
  set(header, 'version', one(msh?.f12));
  set(header, 'application', one(msh?.f3));
  set(header, 'facility', one(msh?.f4));
  set(header, 'receivingApplication', one(msh?.f5));
  set(header, 'receivingFacility', one(msh?.f6));
  set(header, 'dateTime', msh?.f7?.[0]?.dateTime);
  set(header, 'profile', [say(profile?.c1), say(profile?.c2)].filter((part) => part !== undefined).join('^'));
  return header;
}

/** First component of the first repetition. */
const one = (field: Repetition[] | undefined): string | undefined => say(field?.[0]?.c1);

function set<K extends keyof MessageHeader>(header: MessageHeader, name: K, value: MessageHeader[K] | undefined): void {
  if (value) header[name] = value;
}

/** `MDM^T02`, for lists; `ACK` when there is no event. */
export function kind(tree: Hl7v2Tree): string {
  const { type, event } = tree.message;
  return event ? `${type}^${event}` : type;
}

/** `MSH-3|MSH-4`, the sending application and facility. */
export function sender(tree: Hl7v2Tree): string {
  return `${tree.message.application ?? ''}|${tree.message.facility ?? ''}`;
}

/**
 * Identity for duplicate detection. The control id alone is not enough (official samples all say `015`), so sender, time and
 * content take part; the same bytes always give the same key.
 */
export function dedupeKey(tree: Hl7v2Tree, bytes: Uint8Array): string {
  const said = [tree.message.application, tree.message.facility, tree.message.controlId, tree.message.dateTime];
  return `${said.map((part) => encodeURIComponent(part ?? '')).join('|')}|${hash('sha256', bytes, 'hex')}`;
}

/** The patient of the message as claims that can be compared: identifiers, birth and used names, birth date, sex. */
export function claims(tree: Hl7v2Tree): Patient {
  return claimsOf(tree.PID?.[0]);
}

/** The record that a merge retires (MRG, or the second PID of A24), as claims. */
export function retiredClaims(tree: Hl7v2Tree): Patient | undefined {
  const mrg = tree.MRG?.[0];
  if (mrg) return { resourceType: 'Patient', identifier: identifiers(mrg.f1, mrg.f4) };
  return tree.PID?.[1] && claimsOf(tree.PID[1]);
}

const FR_CORE = 'https://hl7.fr/ig/fhir/core/StructureDefinition/';
const BIRTH_PLACE = 'http://hl7.org/fhir/StructureDefinition/patient-birthPlace';
const genders: Record<string, NonNullable<Patient['gender']>> = {
  F: 'female',
  M: 'male',
  O: 'other',
  U: 'unknown',
  A: 'other',
};

function claimsOf(pid: Segment | undefined): Patient {
  const names = (pid?.f5 ?? []).flatMap((one) =>
    one.name ? [birthName(one.name, useOf(say(one.c7)), one.givenNames)] : [],
  );
  const sex = say(pid?.f8?.[0]?.c1)?.toUpperCase();
  const birth = pid?.f7?.[0]?.date;
  return {
    resourceType: 'Patient',
    identifier: identifiers(pid?.f3, undefined),
    ...(names.length > 0 ? { name: names } : {}),
    ...(birth ? { birthDate: birth } : {}),
    ...(sex && Object.hasOwn(genders, sex) ? { gender: genders[sex] } : {}),
    ...birthPlace(pid),
  };
}

/** PID-11 repetition BDL: the INSEE code of the commune of birth. */
function birthPlace(pid: Segment | undefined): Pick<Patient, 'extension'> {
  const code = pid?.f11?.find((one) => say(one.c7) === 'BDL')?.insee;
  if (code === undefined) return {};
  const insee = { url: `${FR_CORE}fr-core-address-insee-code`, valueCoding: { code } };
  return { extension: [{ url: BIRTH_PLACE, valueAddress: { extension: [insee] } }] };
}

function birthName(name: HumanName, use: 'official' | 'usual' | 'old', givenNames: string | undefined): HumanName {
  if (use !== 'official' || givenNames === undefined) return { ...name, use };
  return {
    ...name,
    use,
    extension: [{ url: `${FR_CORE}fr-core-patient-birth-list-given-name`, valueString: givenNames }],
  };
}

/** Table 0200 as PAM.fr uses it: L the birth name, D the name in use; a name without a type is the birth name. */
function useOf(type: string | undefined): 'official' | 'usual' | 'old' {
  if (type === undefined || type === 'L' || type === 'B') return 'official';
  return type === 'D' ? 'usual' : 'old';
}

function identifiers(first: Segment['f3'] | undefined, second: Segment['f3'] | undefined): Identifier[] {
  return [...(first ?? []), ...(second ?? [])].flatMap((one) => (one.identifier ? [one.identifier] : []));
}
