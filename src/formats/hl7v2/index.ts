/** HL7 v2: bytes ⇄ plain tree, acknowledgements, inspection. What maps see is described in the README of this folder. */
export { type AcknowledgementCode, type Answer, acknowledge } from './acknowledge.ts';
export { type Envelope, envelope } from './envelope.ts';
export { escapeText } from './escape.ts';
export { claims, dedupeKey, kind, retiredClaims, sender } from './header.ts';
export { inspect } from './inspect.ts';
export type { InspectedDocument, InspectOptions } from './inspection.ts';
export { read, readForInspection } from './read.ts';
export type * from './tree.ts';
export { compose, type Written, type WrittenComponent, write } from './write.ts';
