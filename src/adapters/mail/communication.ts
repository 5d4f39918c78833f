import type { Bundle, Communication } from '@medplum/fhirtypes';
import type { Delivery, DeliveryOutcome, DoorContext, Receipt, Wanted } from '../../adapter.ts';
import { fault, PasserelleError } from '../../errors.ts';
import { sourceOf } from '../../message.ts';
import type { Dossier } from './dossier.ts';
import type { MailPayload } from './wants.ts';

type Room = Pick<DoorContext, 'fhir' | 'log'>;

/** What is known of a mail, for those who read the FHIR server: one Communication for each delivery, by its id. */
export function sendingOf(delivery: Delivery, outcome: DeliveryOutcome, at: Date): Communication {
  const { patient, documents, sender, messageId } = delivery.payload as MailPayload;
  return {
    resourceType: 'Communication',
    id: delivery.id,
    meta: { source: sourceOf(delivery.messageId) },
    identifier: [midOf(messageId)],
    status: outcome.outcome === 'delivered' ? 'completed' : 'not-done',
    ...(outcome.outcome === 'permanent' ? { statusReason: { text: outcome.faults[0]?.code ?? 'mail-refused' } } : {}),
    category: [{ text: 'MSSanté' }],
    medium: [{ text: 'MSSanté' }],
    ...(patient ? { subject: { reference: patient } } : {}),
    about: documents.map((reference) => ({ reference })),
    ...(outcome.outcome === 'delivered' ? { sent: at.toISOString() } : {}),
    recipient: [addressee(delivery.payload as MailPayload)],
    payload: documents.map((reference) => ({ contentReference: { reference } })),
    ...(sender?.organization?.name ? { sender: { display: sender.organization.name } } : {}),
  };
}

/**
 * Writes it, or says what is left to do: the mail has left, and what fails here must not send it again. It waits for the FHIR
 * server as a delivery of its own, {@link deliverSending}.
 */
export async function noteSending(note: Communication, room: Room): Promise<Wanted[]> {
  try {
    await put(note, room);
    return [];
  } catch (err) {
    room.log.warn({ err, delivery: note.id }, 'communication waits');
    return [{ part: `communication ${note.id}`, kind: 'communication', payload: note }];
  }
}

/** A Communication that could not be written when its mail had left; one that is there has been written meanwhile. */
export async function deliverSending(note: Communication, room: Room): Promise<DeliveryOutcome> {
  const path = `Communication/${note.id}`;
  const { status } = await room.fhir.send({ method: 'GET', path });
  const written =
    status === 404 || status === 410 ? await room.fhir.send({ method: 'PUT', path, body: note }) : { status };
  if (written.status < 300) return { outcome: 'delivered', references: [path] };
  const about = { params: { status: written.status }, detail: `answered ${written.status}` };
  const isRefused = written.status < 500 && ![401, 403, 408, 409, 412, 429].includes(written.status);
  if (isRefused) return { outcome: 'permanent', faults: [fault('fhir-refused', about)] };
  return { outcome: 'transient', faults: [fault('fhir-unreachable', about)] };
}

/** Whom a mail is for; no address, since that may be on a red list. */
function addressee({ recipient, audience, patient }: MailPayload): NonNullable<Communication['recipient']>[number] {
  const { person, organization } = recipient ?? {};
  const display = [person?.given, person?.family].filter(Boolean).join(' ') || organization?.name;
  const identifier = person?.identifier ?? organization?.identifier;
  if (identifier || display) return { ...(identifier ? { identifier } : {}), ...(display ? { display } : {}) };
  return audience === 'patient' && patient ? { reference: patient } : { display: 'MSSanté' };
}

/**
 * RFC 5322, 3.6.4: Message-IDs of the mails by which the same recipient got what is now replaced or taken back, oldest first.
 * @throws PasserelleError `fhir-unreachable`: the mail waits until that can be found out.
 */
export async function threadOf(
  payload: MailPayload,
  patient: string,
  dossiers: Dossier[],
  fhir: Room['fhir'],
): Promise<string[]> {
  if (!payload.replaces && !payload.withdraws) return [];
  const before = dossiers.flatMap(({ reference }) => [
    `DocumentReference/${reference.id}`,
    ...(reference.relatesTo ?? []).flatMap(({ target }) => target.reference ?? []),
  ]);
  const about = new Set([...before, ...payload.documents]);
  const path = `Communication?subject=${patient}&status=completed&_sort=sent&_count=200`;
  const notes = await found(path, fhir);
  const to = JSON.stringify(addressee(payload));
  const mine = notes.filter(
    (note) =>
      note.about?.some(({ reference }) => about.has(reference ?? '')) && JSON.stringify(note.recipient?.[0]) === to,
  );
  const ids = mine.flatMap(({ identifier }) => /^mid:(.+)$/.exec(identifier?.[0]?.value ?? '')?.[1] ?? []);
  return ids.filter((id) => id !== payload.messageId).map((id) => `<${id}>`);
}

/**
 * Notes a late answer on the mail's Communication: read is `received`, refused is `not-done`.
 * @throws PasserelleError `fhir-unreachable`: whoever brought the answer keeps it and brings it again.
 */
export async function noteReceipt(messageId: string, receipt: Receipt, room: Room): Promise<void> {
  const { system, value } = midOf(messageId);
  const path = `Communication?identifier=${encodeURIComponent(`${system}|${value}`)}`;
  const [note] = await found(path, room.fhir);
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

async function found(path: string, fhir: Room['fhir']): Promise<Communication[]> {
  const { status, body } = await fhir.send({ method: 'GET', path });
  if (status !== 200) throw unreachable(status);
  return ((body as Bundle<Communication>).entry ?? []).flatMap(({ resource, search }) =>
    resource && search?.mode !== 'outcome' ? [resource] : [],
  );
}

async function put(note: Communication, { fhir }: Room): Promise<void> {
  const { status } = await fhir.send({ method: 'PUT', path: `Communication/${note.id}`, body: note });
  if (status >= 300) throw unreachable(status);
}

function unreachable(status: number): PasserelleError {
  return new PasserelleError(fault('fhir-unreachable', { detail: `answered ${status}` }));
}
