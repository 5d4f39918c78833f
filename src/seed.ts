import { createHash } from 'node:crypto';

/** System of identifiers that are made from a message and a place in it, where the source gives none. */
export const PLACE_SYSTEM = 'http://passerelle.example/fhir/NamingSystem/place';

/**
 * A name derived from what it names: the same parts always give the same text, so a message processed twice names its
 * resources alike. Parts are kept apart: ('ab', 'c') and ('a', 'bc') differ.
 * @returns 64 hexadecimal digits (SHA-256).
 */
export function seedHash(...parts: string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

/** The same as a UUID (version 8, https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-8), lower case. */
export function seedUuid(...parts: string[]): string {
  const hash = seedHash(...parts);
  const variant = ((Number.parseInt(hash[16]!, 16) & 3) | 8).toString(16);
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-${variant}${hash.slice(17, 20)}-${hash.slice(20, 32)}`;
}
