import type { Bundle, Communication } from '@medplum/fhirtypes';
import type { Delivery, DeliveryOutcome, DoorContext, Receipt } from '../../adapter.ts';
import type { MailPayload } from './wants.ts';

type Room = Pick<DoorContext, 'fhir' | 'log'>;

/** What is known of a mail, for those who read the FHIR server: one Communication for each delivery, by its id. */
export async function noteSending(delivery: Delivery, outcome: DeliveryOutcome, at: Date, room: Room): Promise<void> {
  const { recipient, patient, documents, sender, messageId, audience } = delivery.payload as MailPayload;
  const { person, organization } = recipient ?? {};
  const display = [person?.given, person?.family].filter(Boolean).join(' ') || organization?.name;
  const identifier = person?.identifier ?? organization?.identifier;
  const note: Communication = {
    resourceType: 'Communication',
    id: delivery.id,
    meta: { source: `urn:passerelle:message:${delivery.messageId}` },
    identifier: [midOf(messageId)],
    status: outcome.outcome === 'delivered' ? 'completed' : 'not-done',
    ...(outcome.outcome === 'permanent' ? { statusReason: { text: outcome.faults[0]?.code ?? 'mail-refused' } } : {}),
    category: [{ text: 'MSSanté' }],
    medium: [{ text: 'MSSanté' }],
    ...(patient ? { subject: { reference: patient } } : {}),
    about: documents.map((reference) => ({ reference })),
    ...(outcome.outcome === 'delivered' ? { sent: at.toISOString() } : {}),
    recipient: [
      identifier || display
        ? { ...(identifier ? { identifier } : {}), ...(display ? { display } : {}) }
        : { ...(audience === 'patient' && patient ? { reference: patient } : { display: 'MSSanté' }) },
    ],
    payload: documents.map((reference) => ({ contentReference: { reference } })),
    ...(sender?.organization?.name ? { sender: { display: sender.organization.name } } : {}),
  };
  // The mail has left: what fails here must not send it again.
  await put(note, room).catch((err) => room.log.warn({ err, delivery: delivery.id }, 'communication not written'));
}

/** Notes a late answer on the mail's Communication: read is `received`, refused is `not-done`. */
export async function noteReceipt(messageId: string, receipt: Receipt, room: Room): Promise<void> {
  const { system, value } = midOf(messageId);
  const path = `Communication?identifier=${encodeURIComponent(`${system}|${value}`)}`;
  const { status, body } = await room.fhir.send({ method: 'GET', path });
  const note = status === 200 ? ((body as Bundle).entry?.[0]?.resource as Communication | undefined) : undefined;
  if (!note) return;
  if (receipt.kind === 'read') note.received = receipt.at;
  if (receipt.kind === 'failed') {
    note.status = 'not-done';
    note.statusReason = { text: receipt.code ?? 'failed' };
  }
  await put(note, room);
}

/** RFC 2392 */
function midOf(messageId: string) {
  return { system: 'urn:ietf:rfc:3986', value: `mid:${messageId}` };
}

async function put(note: Communication, { fhir, log }: Room): Promise<void> {
  const { status } = await fhir.send({ method: 'PUT', path: `Communication/${note.id}`, body: note });
  if (status >= 300) log.warn({ status }, 'communication not written');
}
