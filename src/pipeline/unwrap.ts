import type { Decoded } from '../conversion.ts';
import { type Fault, fault } from '../errors.ts';
import * as cda from '../formats/cda/index.ts';
import * as fhir from '../formats/fhir/index.ts';
import * as hl7v2 from '../formats/hl7v2/index.ts';
import * as json from '../formats/json/index.ts';
import { recognise } from '../formats/recognise.ts';
import type { Format, Incoming } from '../message.ts';

/** A message read: its own tree and those of the documents it carries. */
export interface Unwrapped {
  format?: Format;
  decoded?: Decoded;
  /** The documents inside, decoded, in the order of `decoded.parts`; only those in a format the gateway reads. */
  parts: EmbeddedDocument[];
  /** Of the message and of the documents inside, with places. */
  faults: Fault[];
}

/** A place in a document inside: an XPath goes on where the payload stands, anything else (a line) is said after it. */
function placeInside(carrier: string, place: string | undefined): string {
  if (!place) return carrier;
  return place.startsWith('/') ? carrier + place : `${carrier}, ${place}`;
}

/** A document inside a message: where it stood, its exact bytes and its tree. */
export interface EmbeddedDocument {
  place: string;
  contentType: string;
  bytes: Uint8Array;
  decoded: Decoded;
}

type Reader = (bytes: Uint8Array) => Decoded | Promise<Decoded>;

const readers: Partial<Record<Format, Reader>> = {
  hl7v2: (bytes) => hl7v2.read(bytes) as Decoded,
  cda: (bytes) => cda.read(bytes) as Decoded,
  fhir: (bytes) => fhir.read(bytes) as Decoded,
  json: (bytes) => json.read(bytes) as Decoded,
  // Loaded by the first mail: what reads mails and archives takes as long to load as all other formats together.
  mail: async (bytes) => (await import('../formats/mail/index.ts')).read(bytes) as Promise<Decoded>,
};

/** Of HL7 v2 an inspection needs a few fields only; of documents all but their payloads, their faults are the sender's. */
const inspecting: typeof readers = {
  ...readers,
  hl7v2: (bytes) => hl7v2.readForInspection(bytes) as Decoded,
  cda: (bytes) => cda.readForInspection(bytes) as Decoded,
};

/** From so many bytes on a message is large: each step of its conversion is a turn of its own, so that others get theirs. */
const LARGE_BYTES = 1024 * 1024;

/** Lets others have their turn between two steps of the conversion of a large message; at once for any other. */
export async function betweenSteps({ bytes }: Pick<Incoming, 'bytes'>): Promise<void> {
  if (bytes.length >= LARGE_BYTES) await new Promise(setImmediate);
}

/**
 * Bytes → plain trees: recognises the format where the door did not say it, reads the message, then each document inside
 * it. Pure; whatever is wrong comes back as faults. It takes its turn even where the reader needs none (only archives in
 * mails do), so that messages of one connection keep their order.
 * @param purpose what is read for `inspection` serves nothing else
 */
export async function unwrap(
  incoming: Pick<Incoming, 'bytes' | 'format' | 'contentType'>,
  purpose: 'conversion' | 'inspection' = 'conversion',
): Promise<Unwrapped> {
  const format = incoming.format ?? recognise(incoming.bytes, incoming.contentType);
  const known = purpose === 'inspection' ? inspecting : readers;
  const reader = format && known[format];
  if (!format || !reader) return { parts: [], faults: [fault('format-unknown')] };
  const read = reader(incoming.bytes);
  const decoded = read instanceof Promise ? await read : read;
  const readDocument = purpose === 'inspection' ? cda.readForInspection : cda.read;
  const parts: EmbeddedDocument[] = [];
  const faults = [...decoded.faults];
  for (const part of decoded.parts) {
    if (recognise(part.bytes, part.contentType) !== 'cda') continue;
    // An inspection is one turn: messages of one connection keep their order.
    if (purpose === 'conversion') await betweenSteps(incoming);
    const document = readDocument(part.bytes) as Decoded;
    parts.push({ place: part.place, contentType: part.contentType, bytes: part.bytes, decoded: document });
    faults.push(...document.faults.map((one) => ({ ...one, place: placeInside(part.place, one.place) })));
  }
  return { format, decoded, parts, faults };
}

/**
 * Gives the memory of large bytes back that nobody needs any more, unless their buffer holds anything else. The collector comes
 * round too late: a document of 40 MB would be there as it came, decoded to be inspected, and decoded to be delivered.
 */
export function letGo({ buffer, length }: Uint8Array): void {
  const isAlone = length >= LARGE_BYTES && buffer.byteLength - length < 16;
  if (isAlone && 'transfer' in buffer) buffer.transfer(0);
}
