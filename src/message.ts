import type { Meta } from '@medplum/fhirtypes';
import type { Fault } from './errors.ts';

/** The alphabets the gateway reads; each is a folder of `src/formats/`. */
export type Format = 'hl7v2' | 'cda' | 'fhir' | 'json' | 'csv' | 'xlsx' | 'mail';

/** What a door hands to the gateway: the exact bytes and what is known about them. Nothing is decoded yet. */
export interface Incoming {
  /** Name of the door instance in the configuration. */
  door: string;
  bytes: Uint8Array;
  /** When the door knows it; otherwise the bytes are recognised. */
  format?: Format;
  /** MIME type as announced by the sender. */
  contentType?: string;
  /** Name of a route of `mappings/routes.json`, when the door's path or configuration says it. */
  route?: string;
  /** Sending system as the door knows it (client id of the token, certificate); MSH-3/MSH-4 are read from the bytes. */
  sender?: string;
  /** `Idempotency-Key` header or an identity the transport guarantees. */
  idempotencyKey?: string;
  /** A write of the FHIR API: applied as it is once it is on disk. */
  interaction?: Interaction;
  /** W3C trace context, kept with the message. */
  traceparent?: string;
}

/** A FHIR REST write, https://hl7.org/fhir/R4/http.html */
export interface Interaction {
  method: 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path and query below the base, `Patient?identifier=…`; empty for a transaction or batch. */
  path: string;
  headers: { ifMatch?: string; ifNoneExist?: string; contentType?: string; prefer?: string };
}

/**
 * - `accepted`: on disk, waiting or being processed (also while a destination is down)
 * - `delivered`: converted and written to every destination it had
 * - `quarantined`: on disk and acknowledged or refused, held for a person; nothing was written
 * - `refused`: the sender was told no; the bytes are kept
 * - `dead`: gave up after a permanent failure; `replay` takes it up again
 */
export type MessageState = 'accepted' | 'delivered' | 'quarantined' | 'refused' | 'dead';

/** What `accept` answers once the journal has committed. */
export interface Verdict {
  /** The message id: a lower-case UUID, also `urn:passerelle:message:ID` in `meta.source`. */
  id: string;
  state: MessageState;
  /** The same message was here before; `id` is that of the first. */
  duplicate: boolean;
  /** All of them, worst first. An `error` among them means refused or quarantined. */
  faults: Fault[];
}

/** How a message ended, for those who wait for it. */
export interface Outcome {
  id: string;
  state: MessageState;
  /** References of what was written, `Type/id`, in the order of the bundle. */
  references: string[];
  faults: Fault[];
  /** The FHIR server's own answer to an interaction. */
  response?: { status: number; headers: Record<string, string>; body?: unknown };
}

const SOURCE = 'urn:passerelle:message:';

/** `meta.source` of everything that a message writes. */
export function sourceOf(messageId: string): string {
  return `${SOURCE}${messageId}`;
}

/** `meta.source` as the writer gave it; HAPI puts the number of the request behind it, or gives that alone. */
export function sourceIn({ meta }: { meta?: Pick<Meta, 'source'> }): string | undefined {
  return meta?.source?.split('#')[0] || undefined;
}

/** Id of the message that wrote a resource last; undefined when it came by another way. */
export function messageIn(resource: { meta?: Pick<Meta, 'source'> }): string | undefined {
  const source = sourceIn(resource);
  return source?.startsWith(SOURCE) ? source.slice(SOURCE.length) : undefined;
}
