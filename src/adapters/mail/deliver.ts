import type { Communication } from '@medplum/fhirtypes';
import type { Delivery, DeliveryOutcome } from '../../adapter.ts';
import { type ErrorCode, type Fault, fault, PasserelleError } from '../../errors.ts';
import { type AnswerPayload, deliverAnswer } from './answer.ts';
import { deliverSending, noteSending, sendingOf, threadOf } from './communication.ts';
import type { MailConfig } from './config.ts';
import { addressOf, type Directory } from './directory.ts';
import { type Dossier, readDossiers } from './dossier.ts';
import { addressIn, compose } from './letter.ts';
import { type PatientTraits, traitsOf } from './patient.ts';
import type { Post } from './post.ts';
import { type Mail, sizeOf } from './smtp.ts';
import { isPatientAddress, type MailPayload } from './wants.ts';

/** Faults that pass: the delivery waits. */
const passing: ReadonlySet<ErrorCode> = new Set(['mail-unreachable', 'fhir-unreachable', 'fhir-busy', 'fhir-timeout']);

/** Reads what is to be sent as it stands now, makes the mail, hands it to the operator, and notes how that went. */
export async function deliverMail(delivery: Delivery, post: Post): Promise<DeliveryOutcome> {
  if (delivery.kind === 'notification') {
    return deliverAnswer(delivery.payload as AnswerPayload, delivery.messageId, post);
  }
  if (delivery.kind === 'communication') return deliverSending(delivery.payload as Communication, post.context);
  const at = new Date();
  const outcome = await attempt(delivery.payload as MailPayload, at, post);
  if (outcome.outcome !== 'delivered' && outcome.outcome !== 'permanent') return outcome;
  return { ...outcome, left: await noteSending(sendingOf(delivery, outcome, at), post.context) };
}

async function attempt(payload: MailPayload, at: Date, post: Post): Promise<DeliveryOutcome> {
  let mail: Mail;
  try {
    mail = await mailFor(payload, at, post);
  } catch (error) {
    if (!(error instanceof PasserelleError)) throw error;
    const passes = error.faults.some((one) => passing.has(one.code));
    return { outcome: passes ? 'transient' : 'permanent', faults: error.faults };
  }
  return post.sender.send(mail);
}

async function mailFor(payload: MailPayload, at: Date, { context, directories }: Post): Promise<Mail> {
  const { config, fhir } = context;
  const { patient, dossiers } = await readDossiers(
    payload.documents,
    payload.patient,
    fhir,
    payload.withdraws ? 'entered-in-error' : 'current',
  );
  const traits = traitsOf(patient);
  const hidden = payload.hiddenFromPatient || dossiers.some(isHiddenFromPatient);
  const to = await recipientOf({ ...payload, hiddenFromPatient: hidden }, traits, config, directories);
  const from = config.from ?? '';
  const thread = await threadOf(payload, `Patient/${patient.id}`, dossiers, fhir);
  const pieces = await compose({ from, to, payload, traits, dossiers, thread, at }, config);
  if (sizeOf(pieces) > config.maxBytes) stop(fault('mail-too-large', { params: { limit: config.maxBytes } }));
  return { from: addressIn(from), to: addressIn(to), messageId: payload.messageId, pieces };
}

/** What was asked for when the document came may have been forbidden while its mail waited: the label of now counts. */
function isHiddenFromPatient({ reference }: Dossier): boolean {
  return (reference.securityLabel ?? []).some((one) => one.coding?.some(({ code }) => code === 'INVISIBLE_PATIENT'));
}

/** One address on one line; nothing that could be read as two, or as a header. */
const ADDRESS = /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,190}$/;

async function recipientOf(
  payload: MailPayload,
  traits: PatientTraits,
  config: MailConfig,
  directories: Directory[],
): Promise<string> {
  const { audience, recipient } = payload;
  if (audience === 'patient') return patientAddress(payload, traits, config);
  if (!recipient) return stop(fault('mail-no-recipient'));
  const identifier = recipient.person?.identifier ?? recipient.organization?.identifier;
  const found = recipient.mail ?? (identifier && (await addressOf(identifier, directories)));
  const address = found?.trim();
  if (!address || !ADDRESS.test(address)) return stop(fault('mail-no-address'));
  // A patient's mailbox is never a professional's, whoever put it there.
  if (isPatientAddress(address, config)) return stop(fault('mail-hidden-from-patient'));
  return address;
}

/** ECO.2.2.6: INS@domain, from a qualified INS only; minors use the address they have, with a qualified INS as well. */
function patientAddress(
  { hiddenFromPatient, recipient }: MailPayload,
  traits: PatientTraits,
  config: MailConfig,
): string {
  if (hiddenFromPatient) return stop(fault('mail-hidden-from-patient'));
  if (!traits.qualified || !traits.ins) return stop(fault('mail-patient-unqualified'));
  const own = `${traits.ins.value}@${config.patientDomain}`;
  const given = recipient?.mail?.trim();
  const named = recipient?.person?.identifier;
  // An address given for somebody else's number would send one patient's documents to another.
  if (!given || (named && named.value !== traits.ins.value)) return own;
  if (/^[1-8]\d{4}(\d{2}|2[AB])\d{8}@/.test(given)) return own;
  return ADDRESS.test(given) ? given : own;
}

function stop(found: Fault): never {
  throw new PasserelleError(found);
}
