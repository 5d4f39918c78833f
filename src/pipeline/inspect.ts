import { hash } from 'node:crypto';
import type { Patient } from '@medplum/fhirtypes';
import type { Decoded } from '../conversion.ts';
import { type Fault, fault, isError } from '../errors.ts';
import * as cda from '../formats/cda/index.ts';
import * as hl7v2 from '../formats/hl7v2/index.ts';
import type { MailTree } from '../formats/mail/index.ts';
import { sameIdentity, strongestKey } from '../identity/index.ts';
import type { NewMessage } from '../journal/journal.ts';
import type { Incoming, MessageState } from '../message.ts';
import { expand } from '../pathway/index.ts';
import type { House } from './house.ts';
import { judge } from './judge.ts';
import type { Mapped } from './prepared.ts';
import { translate } from './translate.ts';
import { type EmbeddedDocument, letGo, type Unwrapped, unwrap } from './unwrap.ts';

/** What is known of a message before it is acknowledged; the journal writes it down with the bytes. */
export type Inspection = Omit<NewMessage, 'id' | 'incoming' | 'receivedAt'> & {
  /** Lanes that are one from this message on: it merges two records (A40, A24). */
  ties?: { lane: string; into: string };
  /** What it was mapped to already. */
  mapped?: Mapped;
};

/**
 * What must be said to the sender at once: can it be read, is it complete, does the message name the same patient as the
 * document inside. Messages of the FHIR and vendor doors are small, so they are mapped here already and their sender hears
 * of a wrong unit or a missing agreement in the answer; the others are mapped after the acknowledgement.
 */
export async function inspect(incoming: Incoming, receivedAt: Date, house: House): Promise<Inspection> {
  if (incoming.interaction) return interactionOf(incoming);
  const unwrapped = await unwrap(incoming, 'inspection');
  if (!unwrapped.decoded) return summary(incoming, 'unknown', incoming.sender ?? incoming.door, unwrapped.faults);
  switch (unwrapped.format) {
    case 'hl7v2':
      return inspectHl7v2(incoming, unwrapped);
    case 'cda':
      return inspectCda(incoming, unwrapped);
    case 'mail':
      return inspectMail(incoming, unwrapped);
    default:
      return inspectByMapping(incoming, unwrapped, receivedAt, house);
  }
}

function inspectHl7v2(incoming: Incoming, unwrapped: Unwrapped): Inspection {
  const tree = unwrapped.decoded!.tree as hl7v2.Hl7v2Tree;
  const faults = [...unwrapped.faults, ...inspectBeforeMapping(unwrapped)];
  const dedupeKey = `hl7v2|${hl7v2.dedupeKey(tree, incoming.bytes)}`;
  const lane = laneOf(hl7v2.claims(tree));
  const ties = tiesOf(tree, lane);
  for (const { bytes } of unwrapped.decoded!.parts) letGo(bytes);
  return { ...summary(incoming, hl7v2.kind(tree), hl7v2.sender(tree), faults, dedupeKey), lane, ties };
}

/** A merge ties the lane of the retired number to that of the survivor, so that their messages keep one order. */
function tiesOf(tree: hl7v2.Hl7v2Tree, into: string): Inspection['ties'] {
  const retired = hl7v2.retiredClaims(tree);
  const lane = retired && laneOf(retired);
  return lane && into && lane !== into ? { lane, into } : undefined;
}

/** What can be said of a message before it is mapped: its own rules, and whether its documents are about its patient. */
export function inspectBeforeMapping({ format, decoded, parts }: Unwrapped): Fault[] {
  if (format === 'mail' && decoded) return contradictions(decoded.tree as MailTree, parts);
  if (format !== 'hl7v2' || !decoded) return [];
  const tree = decoded.tree as hl7v2.Hl7v2Tree;
  // A document that is broken has said so itself; only its place is known here.
  const documents = parts.map(({ place, decoded: document }) =>
    document.faults.some(isError) ? { place } : inspected(place, document.tree as cda.CdaTree),
  );
  return hl7v2.inspect(tree, documents, { sameIdentity });
}

/** A document inside as the inspection of its carrier wants it. */
function inspected(place: string, tree: cda.CdaTree): hl7v2.InspectedDocument {
  const { patient, document } = cda.identity(tree);
  const { birthPlace: _inComparisonElsewhere, ...claims } = patient;
  return {
    place,
    patient: { resourceType: 'Patient', ...claims },
    id: document.id,
    setId: document.setId,
    replaces: document.related.filter((one) => one.typeCode === 'RPLC').flatMap((one) => one.id),
    type: document.type?.coding?.[0]?.code,
  };
}

/** A mail is of its mailbox: who wrote it is in it, and what tells it from others is its Message-ID. */
function inspectMail(incoming: Incoming, unwrapped: Unwrapped): Inspection {
  const [first] = unwrapped.parts.filter((one) => one.decoded.format === 'cda');
  const { patient, document } = first ? cda.identity(first.decoded.tree as cda.CdaTree) : {};
  const kind = `mail ${document?.type?.coding?.[0]?.code ?? ''}`.trim();
  const faults = [...unwrapped.faults, ...inspectBeforeMapping(unwrapped)];
  return {
    ...summary(incoming, kind, incoming.sender ?? incoming.door, faults),
    lane: laneOf(patient && { resourceType: 'Patient', identifier: patient.identifier }),
  };
}

/** Documents of one mail name one patient, the one its metadata name, and have the numbers that these give them. */
function contradictions(tree: MailTree, parts: EmbeddedDocument[]): Fault[] {
  const claims = parts.flatMap(({ place, decoded: document }) => {
    if (document.faults.some(isError)) return [];
    const { patient: named, document: inside } = cda.identity(document.tree as cda.CdaTree);
    const { birthPlace: _, ...patient } = named;
    return [{ place, id: inside.id, patient: { resourceType: 'Patient', ...patient } as Patient }];
  });
  return claims.flatMap(({ place, id, patient }, index) => {
    const { patientId, uniqueId } = tree.documents.find((one) => one.place === place) ?? {};
    const [value, , , authority] = patientId?.split('^') ?? [];
    const system = `urn:oid:${authority?.split('&')[1]}`;
    const announced: Patient = { resourceType: 'Patient', identifier: [{ system, value }] };
    const first = claims[0]!;
    return [
      ...(uniqueId && id && !cda.sameDocument(uniqueId, id)
        ? [fault('document-id-differs', { place, params: { field: 'METADATA.XML' } })]
        : []),
      ...(value && authority ? sameIdentity(announced, patient, ['METADATA.XML', place]).faults : []),
      ...(index > 0 ? sameIdentity(first.patient, patient, [first.place, place]).faults : []),
    ];
  });
}

function inspectCda(incoming: Incoming, { decoded, faults }: Unwrapped): Inspection {
  const { patient, document } = cda.identity(decoded!.tree as cda.CdaTree);
  const kind = `CDA ${document.type?.coding?.[0]?.code ?? ''}`.trim();
  return {
    ...summary(incoming, kind, incoming.sender ?? incoming.door, faults),
    lane: laneOf({ resourceType: 'Patient', identifier: patient.identifier }),
  };
}

function inspectByMapping(incoming: Incoming, unwrapped: Unwrapped, receivedAt: Date, house: House): Inspection {
  const sender = incoming.sender ?? incoming.door;
  const conversion = translate(unwrapped, { incoming, sender, receivedAt: receivedAt.getTime() }, house);
  expand(conversion, house.pathway, receivedAt);
  const subject = conversion.drafts.find((draft) => draft.fullUrl === conversion.subject)?.resource as
    | Patient
    | undefined;
  const kind = kindOf(unwrapped.decoded!, incoming);
  const faults = [...unwrapped.faults, ...conversion.faults];
  const said = { lane: laneOf(subject), mapped: { unwrapped, conversion } };
  if (unwrapped.format !== 'fhir' || faults.some(isError))
    return { ...summary(incoming, kind, sender, faults), ...said };
  // Whoever sends FHIR has made the resources and can mend them: they are judged while the sender still listens.
  const judged = judge(conversion, house);
  const inspection = summary(incoming, kind, sender, [...faults, ...judged]);
  if (judged.some(isError) && house.nonconforming !== 'refuse') inspection.state = 'quarantined';
  return { ...inspection, ...said, mapped: { ...said.mapped, judged } };
}

/** A write of the FHIR API; ordered by the resource it names, so that two updates of one keep their order. */
function interactionOf(incoming: Incoming): Inspection {
  const { method, path } = incoming.interaction!;
  const [target = ''] = path.split('?');
  const type = /^[A-Z][A-Za-z]+/.exec(target)?.[0] ?? 'Bundle';
  const one = /^[A-Z][A-Za-z]+\/[A-Za-z0-9.-]+/.exec(target)?.[0];
  return {
    ...summary(incoming, `FHIR ${method} ${type}`, incoming.sender ?? incoming.door, []),
    dedupeKey: incoming.idempotencyKey && `${incoming.door}|${incoming.idempotencyKey}`,
    ...(one ? { lane: `resource|${one}` } : {}),
  };
}

function summary(
  incoming: Incoming,
  kind: string,
  sender: string,
  faults: Fault[],
  dedupeKey = `${incoming.door}|${sender}|${incoming.idempotencyKey ?? hash('sha256', incoming.bytes)}`,
): Inspection {
  const sorted = [...faults].sort((a, b) => rank(a) - rank(b));
  return {
    state: stateOf(sorted),
    faults: sorted,
    dedupeKey,
    lane: '',
    kind,
    sender,
  };
}

/** Two patients in one message is nothing a sender can simply mend: it is refused, and kept for a person to look into. */
function stateOf(faults: Fault[]): MessageState {
  const errors = faults.filter(isError);
  if (errors.some((one) => one.code === 'identity-mismatch')) return 'quarantined';
  return errors.length > 0 ? 'refused' : 'accepted';
}

/** Messages about one patient form one ordered row; a message about nobody is a row of its own ('' for the journal). */
function laneOf(patient: Patient | undefined): string {
  return (patient && strongestKey(patient)) ?? '';
}

function kindOf(decoded: Decoded, incoming: Incoming): string {
  if (incoming.route) return `${decoded.format} ${incoming.route}`;
  const type = (decoded.tree as { resourceType?: string } | undefined)?.resourceType;
  return type ? `FHIR ${type}` : decoded.format;
}

const order = { error: 0, warning: 1, information: 2 };

function rank(one: Fault): number {
  return order[one.severity];
}
