import { createHash } from 'node:crypto';
import { transmittedBy } from '../../adapter/documents.ts';
import { isIns } from '../../adapter/ins.ts';
import type { Wanted, Written } from '../../adapter.ts';
import type { Orders, Party } from '../../conversion.ts';
import type { MailConfig } from './config.ts';

/** What the door hands to itself through the journal: who is to get the documents of a message, and how. */
export interface MailPayload {
  audience: 'professional' | 'patient';
  /** Undefined for a patient whose address follows from the INS, and when nobody was named. */
  recipient?: Party;
  messageId: string;
  /** `Patient/id` */
  patient?: string;
  /** `DocumentReference/id`, those of the message; what is no longer current is left out on sending. */
  documents: string[];
  replaces: boolean;
  /** The documents are taken back. */
  withdraws?: boolean;
  closes: boolean;
  hiddenFromPatient: boolean;
  askReading: boolean;
  replyTo?: string;
  body?: string;
  sender?: Party;
}

/**
 * The mails a written document calls for, CI-SIS "Transmission de documents CDA en HL7 v2", rules for MSSanté: one for each
 * professional named, one for the patient. What is hidden from the patient goes to no patient's mailbox, whoever named it.
 */
export function wantsOf(written: Written, door: string, config: MailConfig): Wanted[] {
  const { orders } = written;
  if (!config.smtp || !orders) return [];
  const documents = transmittedBy(written);
  if (documents.length === 0) return [];
  const recipients = orders.recipients ?? [];
  const professionals = distinct(recipients.filter((one) => !isPatient(one, config)));
  const wanted: Wanted[] = [];
  const want = (part: string, audience: MailPayload['audience'], recipient?: Party) => {
    const messageId = messageIdOf(written.messageId, door, part, config);
    const payload: MailPayload = {
      audience,
      ...(recipient ? { recipient } : {}),
      messageId,
      ...(written.patient ? { patient: written.patient } : {}),
      documents,
      ...toldOf(orders, audience),
    };
    wanted.push({ part, kind: 'mail', payload, key: messageId, ...(recipient ? { recipient } : {}) });
  };
  if (orders.mssProfessional) {
    // By whom it is for: a circle may be listed otherwise when the message is replayed.
    for (const one of professionals) want(`professional ${nameOf(one)}`, 'professional', one);
    if (professionals.length === 0) want('professional', 'professional');
  }
  if (orders.mssPatient && !orders.hiddenFromPatient) {
    want(
      'patient',
      'patient',
      recipients.find((one) => isPatient(one, config)),
    );
  }
  return wanted;
}

function toldOf(orders: Orders, audience: MailPayload['audience']) {
  const body = audience === 'patient' ? orders.bodyPatient : orders.bodyProfessional;
  return {
    replaces: orders.event === 'replace',
    ...(orders.event === 'withdraw' ? { withdraws: true } : {}),
    closes: audience === 'patient' && orders.closePatientExchange === true,
    hiddenFromPatient: orders.hiddenFromPatient,
    askReading: orders.acknowledgeReading,
    ...(orders.replyTo?.mail ? { replyTo: orders.replyTo.mail } : {}),
    ...(body ? { body } : {}),
    ...(orders.sender ? { sender: orders.sender } : {}),
  };
}

/** A party named by a number of the national identity, or with an address of the patients' domain. */
function isPatient({ person, mail }: Party, config: MailConfig): boolean {
  return isIns(person?.identifier?.system) || isPatientAddress(mail, config);
}

/** True for an address in the patients' domain. */
export function isPatientAddress(address: string | undefined, { patientDomain }: MailConfig): boolean {
  return address?.trim().toLowerCase().endsWith(`@${patientDomain.toLowerCase()}`) ?? false;
}

/** One mail for each address, or identifier where there is no address, however often it was named. */
function distinct(parties: Party[]): Party[] {
  const seen = new Set<string>();
  return parties.filter((one) => {
    const name = nameOf(one);
    if (seen.has(name)) return false;
    seen.add(name);
    return true;
  });
}

function nameOf({ mail, person, organization }: Party): string {
  const identifier = person?.identifier ?? organization?.identifier;
  return mail?.trim().toLowerCase() ?? `${identifier?.system}|${identifier?.value}`;
}

/** The same message, door and part always give the same Message-ID: a mail that goes twice is known for the same. */
function messageIdOf(message: string, door: string, part: string, { messageIdDomain }: MailConfig): string {
  const left = createHash('sha256')
    .update(JSON.stringify([message, door, part]))
    .digest('hex')
    .slice(0, 40);
  return `${left}@${messageIdDomain}`;
}
