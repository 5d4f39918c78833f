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

/** Documents with an identity and bytes of their own. A picture inside a document and a report elsewhere are none. */
export function transmitted({ entry = [] }: Bundle, written: string[]): string[] {
  const isDocument = (resource: Resource | undefined) =>
    resource?.resourceType === 'DocumentReference' &&
    resource.masterIdentifier !== undefined &&
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
