import { createHash } from 'node:crypto';
import type { Binary, DocumentReference, Patient } from '@medplum/fhirtypes';
import { transmittedBy } from '../../adapter/documents.ts';
import type { Delivery, DeliveryOutcome, DoorContext, FhirEndpoint, Wanted, Written } from '../../adapter.ts';
import type { Party } from '../../conversion.ts';
import { fault, PasserelleError } from '../../errors.ts';
import { type MailTree, read as readMail } from '../../formats/mail/index.ts';
import type { MllpClient } from './client.ts';
import type { MllpOutConfig } from './config.ts';
import { type Letter, mdm } from './mdm.ts';

/** What is to be told to the practice software; the documents themselves stay on the FHIR server. */
export interface PracticePayload {
  /** `DocumentReference/id` */
  document: string;
  patient?: string;
  sender?: Party;
  recipients: Party[];
  replyTo?: Party;
  body?: string;
  /** MSH-10 of the message that brought the document; a mail brings its own id. */
  request?: string;
}

/**
 * A document for one whose software wants HL7 v2, CI-SIS "Transmission au LPS d’un document CDA reçu par messagerie": of the
 * senders that are named, or to a recipient that is named by a national number.
 */
export function documentsFor(written: Written, { practice }: MllpOutConfig): Wanted[] {
  if (!practice) return [];
  const { orders, sender, patient } = written;
  const recipients = orders?.recipients ?? [];
  const mine = recipients.filter(({ person, organization }) =>
    [person?.identifier?.value, organization?.identifier?.value].some(
      (one) => one && practice.recipients.includes(one),
    ),
  );
  if (mine.length === 0 && !practice.senders.includes(sender)) return [];
  return transmittedBy(written).map((document, index) => {
    const payload: PracticePayload = {
      document,
      ...(patient ? { patient } : {}),
      recipients: mine,
      ...(orders?.sender ? { sender: orders.sender } : {}),
      ...(orders?.replyTo ? { replyTo: orders.replyTo } : {}),
      ...(orders?.bodyProfessional ? { body: orders.bodyProfessional } : {}),
      ...(orders?.request ? { request: orders.request.controlId } : {}),
    };
    return { part: `practice-${index + 1}`, kind: 'practice', payload };
  });
}

type Room = Pick<DoorContext<MllpOutConfig>, 'fhir' | 'config' | 'original'>;

/** Reads the document as it stands now and hands it over; one that was superseded meanwhile is the next message's business. */
export async function deliverDocument(delivery: Delivery, room: Room, client: MllpClient): Promise<DeliveryOutcome> {
  const payload = delivery.payload as PracticePayload;
  try {
    const letter = await letterOf(payload, delivery, room);
    if (!letter) return { outcome: 'delivered' };
    const controlId = createHash('sha256').update(delivery.id).digest('hex').slice(0, 20).toUpperCase();
    return await client.send(controlId, mdm(letter, controlId, room.config));
  } catch (error) {
    if (!(error instanceof PasserelleError)) throw error;
    const passes = error.faults.every((one) => one.code === 'fhir-unreachable');
    return { outcome: passes ? 'transient' : 'permanent', faults: error.faults };
  }
}

async function letterOf(payload: PracticePayload, delivery: Delivery, room: Room): Promise<Letter | undefined> {
  const reference = await read<DocumentReference>(payload.document, room.fhir);
  if (reference?.status === 'superseded') return undefined;
  const content = reference?.content.find(({ attachment }) => /xml/.test(attachment.contentType ?? ''));
  const path = /(Binary\/[A-Za-z0-9.-]{1,64})$/.exec(content?.attachment.url ?? '')?.[1];
  const binary = path ? await room.fhir.send({ method: 'GET', path, headers: { accept: 'text/xml' } }) : undefined;
  if (binary && binary.status >= 500) throw away(binary.status);
  const body = binary?.status === 200 ? binary.body : undefined;
  const bytes = body instanceof Uint8Array ? body : Buffer.from((body as Binary | undefined)?.data ?? '', 'base64');
  if (!reference || bytes.length === 0) throw new PasserelleError(fault('practice-without-document'));
  const parent = reference.relatesTo?.find(({ code }) => code === 'replaces')?.target;
  const replaced = parent?.reference ? await read<DocumentReference>(parent.reference, room.fhir) : undefined;
  const patient = await read<Patient>(reference.subject?.reference ?? payload.patient, room.fhir);
  const { sender, recipients, replyTo, body: words, request } = payload;
  const replaces = replaced?.masterIdentifier ?? parent?.identifier;
  const told = { patient, replaces, sender, replyTo, request, body: words };
  const there = Object.fromEntries(Object.entries(told).filter(([, value]) => value !== undefined));
  return { reference, bytes, recipients, ...there, ...(await mailOf(delivery.messageId, room)) };
}

/** What a mail says of itself: the message that brought the document is one, or is not. */
async function mailOf(messageId: string, { original }: Room): Promise<Pick<Letter, 'mail'>> {
  const bytes = await original(messageId);
  if (!bytes || Buffer.from(bytes.subarray(0, 8)).toString('latin1').includes('MSH')) return {};
  const { tree } = await readMail(bytes);
  const { messageId: id = '', subject = '', text = '', from, to } = tree as MailTree;
  return { mail: { id, subject, text, ...(from ? { from } : {}), to } };
}

async function read<R>(path: string | undefined, fhir: FhirEndpoint): Promise<R | undefined> {
  if (!path || !/^[A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64}$/.test(path)) return undefined;
  const { status, body } = await fhir.send({ method: 'GET', path });
  if (status === 404 || status === 410) return undefined;
  if (status !== 200) throw away(status);
  return body as R;
}

function away(status: number): PasserelleError {
  return new PasserelleError(fault('fhir-unreachable', { detail: `answered ${status}` }));
}
