import { hash } from 'node:crypto';
import type { Conversion } from '../conversion.ts';
import { fault } from '../errors.ts';
import type * as cda from '../formats/cda/index.ts';
import { localise } from '../formats/fhir/index.ts';
import type * as hl7v2 from '../formats/hl7v2/index.ts';
import type { MailTree } from '../formats/mail/index.ts';
import type { Incoming } from '../message.ts';
import type { House } from './house.ts';
import type { Unwrapped } from './unwrap.ts';

/** What translating needs to know of a message besides its content. */
export interface Sent {
  incoming: Incoming;
  sender: string;
  /** Milliseconds since 1970. */
  receivedAt: number;
}

/** Trees → drafts, by the map that the message's route names. Pure. */
export function translate(
  unwrapped: Unwrapped,
  sent: Sent,
  { translator, extractor, bases = [] }: Pick<House, 'translator' | 'extractor' | 'bases'>,
  account = false,
): Conversion {
  const nothing: Conversion = { drafts: [], intents: [], faults: [], unmapped: [], traces: [], maps: {} };
  const { decoded } = unwrapped;
  if (!decoded) return nothing;
  if (unwrapped.format === 'fhir') localise(decoded.tree, bases);
  const route = translator.route(decoded, sent.incoming.route);
  if (!route) {
    const name = sent.incoming.route ?? unwrapped.format ?? '';
    return { ...nothing, faults: [fault('route-unknown', { params: { route: name } })] };
  }
  return translator.convert(decoded, {
    route: route.name,
    sender: sent.sender,
    messageIdentity: messageIdentity(unwrapped, sent.incoming),
    receivedAt: new Date(sent.receivedAt),
    contentType: sent.incoming.contentType,
    bytes: sent.incoming.bytes,
    parts: unwrapped.parts,
    account,
    extract: (response) => (extractor.knows(response.questionnaire) ? extractor.extract(response) : undefined),
  });
}

/** What makes the message itself and not another: a re-send has the same, so that what it writes is found again. */
function messageIdentity({ decoded, format }: Unwrapped, incoming: Incoming): string {
  if (format === 'hl7v2') {
    const { application, facility, controlId, dateTime } = (decoded!.tree as hl7v2.Hl7v2Tree).message;
    return [application, facility, controlId, dateTime].join('|');
  }
  return incoming.idempotencyKey ?? hash('sha256', incoming.bytes);
}

/** When what a message says was true at its source: MSH-7, effectiveTime of a document, else the reception (FHIR dateTime). */
export function assertedAt({ decoded, format }: Unwrapped, receivedAt: number): string {
  const said =
    format === 'hl7v2'
      ? (decoded!.tree as hl7v2.Hl7v2Tree).message.dateTime
      : format === 'cda'
        ? (decoded!.tree as cda.CdaTree).effectiveTime
        : format === 'mail'
          ? (decoded!.tree as MailTree).sentAt
          : undefined;
  return said ?? new Date(receivedAt).toISOString();
}
