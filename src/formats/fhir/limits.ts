import { type Fault, fault } from '../../errors.ts';

/** Bounds of a FHIR payload; beyond one of them it is refused. */
export const fhirLimits = { bytes: 256 * 1024 * 1024, depth: 64 };

/** The fault of a resource that is larger or deeper than allowed. */
export function limitFault(what: string, limit: number): Fault {
  return fault('fhir-limit', { params: { what, limit } });
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** True when JSON objects and arrays are nested deeper than allowed; looks at the bytes only. */
export function tooDeep(bytes: Uint8Array, limit: number): boolean {
  let depth = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) {
      at = stringEnd(bytes, at);
    } else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > limit) return true;
    } else if (byte === 0x7d || byte === 0x5d) depth--;
  }
  return false;
}

/** Offset of the quote that ends the string beginning at `start`; long strings are searched natively. */
function stringEnd(bytes: Uint8Array, start: number): number {
  for (let at = bytes.indexOf(QUOTE, start + 1); at >= 0; at = bytes.indexOf(QUOTE, at + 1)) {
    let slashes = 0;
    while (bytes[at - 1 - slashes] === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return at;
  }
  return bytes.length;
}

const UNSAFE = new Set(['__proto__', 'constructor', 'prototype']);

/** The first property whose name could reach an object's prototype, as a JSON pointer. */
export function unsafeProperty(value: unknown, place = ''): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    if (UNSAFE.has(key)) return `${place}/${key}`;
    const found = unsafeProperty(inner, `${place}/${key}`);
    if (found) return found;
  }
  return undefined;
}
