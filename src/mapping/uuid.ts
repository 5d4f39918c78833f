import { hash } from 'node:crypto';

/**
 * A UUID made from a text, the same for the same text (RFC 9562, version 5's idea over SHA-256, marked version 8 because
 * the hash is our own choice).
 */
export function uuidOf(seed: string): string {
  const hex = hash('sha256', seed);
  const variant = '89ab'[Number.parseInt(hex[16]!, 16) & 3];
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
