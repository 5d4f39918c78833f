import type { Bundle, Resource } from '@medplum/fhirtypes';
import type { Conversion } from '../conversion.ts';
import { type Fault, fault } from '../errors.ts';
import { retryMoment } from '../journal/backoff.ts';
import type { Message, Settlement } from '../journal/journal.ts';
import type { House } from './house.ts';

/** Hands the transaction to the FHIR server and says how the message ended, or when it is to be tried again. */
export async function deliver(
  bundle: Bundle,
  message: Message,
  conversion: Conversion,
  patient: string | undefined,
  faults: Fault[],
  house: House,
): Promise<Settlement> {
  const outcome = await house.deliver({
    id: message.id,
    messageId: message.id,
    destination: 'fhir',
    kind: 'bundle',
    payload: bundle,
    attempt: message.attempts,
    ambiguous: message.ambiguous,
  });
  const record = { unmapped: conversion.unmapped, maps: conversion.maps };
  switch (outcome.outcome) {
    case 'delivered': {
      // The patient comes first: it is written before the rest, or was there, and is what everybody asks for.
      const references = [...new Set([...(patient ? [patient] : []), ...(outcome.references ?? [])])];
      const deliveries = house.consequences({
        messageId: message.id,
        sender: message.sender,
        receivedAt: new Date(message.receivedAt),
        orders: conversion.orders,
        patient,
        references,
        documents: transmitted(bundle, outcome.references ?? []),
      });
      return { state: 'delivered', faults, references, response: outcome.response, deliveries, ...record };
    }
    case 'permanent':
      return { state: 'dead', faults: [...outcome.faults, ...faults], references: [], ...record };
    default:
      return {
        state: 'accepted',
        faults: outcome.faults.length > 0 ? outcome.faults : [fault('fhir-unreachable')],
        retryAt: retryAt(message, outcome.retryAfterSeconds, house),
        ambiguous: outcome.outcome === 'ambiguous',
      };
  }
}

/**
 * The documents that a message brings, for doors that pass documents on: those with bytes here. A picture inside a document
 * is added to it by the same message, and a report that is only mentioned has its bytes elsewhere: they are none. What
 * identifies a document is its sender's business: one without masterIdentifier is a document too, and a door that needs one
 * says so.
 */
export function transmitted({ entry = [] }: Bundle, written: string[]): string[] {
  const own = new Set(entry.flatMap(({ fullUrl }) => fullUrl ?? []));
  const isDocument = (resource: Resource | undefined) =>
    resource?.resourceType === 'DocumentReference' &&
    !resource.relatesTo?.some(({ code, target }) => code === 'appends' && own.has(target.reference ?? '')) &&
    resource.content.some(
      ({ attachment }) => /(^|\/)Binary\/[^/]+$|^urn:uuid:/.test(attachment.url ?? '') || attachment.data,
    );
  // Where the server tells less than it was sent, nobody knows which is which.
  const told = entry.length === written.length;
  return written.filter(
    (one, index) => one.startsWith('DocumentReference/') && (!told || isDocument(entry[index]?.resource)),
  );
}

function retryAt(message: Message, seconds: number | undefined, house: House): number {
  const now = house.now().getTime();
  return seconds === undefined ? retryMoment(message.attempts, now) : now + seconds * 1000;
}
