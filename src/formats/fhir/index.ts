import type { Resource } from '@medplum/fhirtypes';
import type { Decoded } from '../../conversion.ts';
import { readJson } from './json.ts';
import { readXml } from './read-xml.ts';

export { readJson } from './json.ts';
export { localise } from './localise.ts';
export { readXml } from './read-xml.ts';
export { writeXml } from './write-xml.ts';

/** Reads FHIR in whichever of the two forms it is written. */
export function read(bytes: Uint8Array): Decoded<Resource> {
  return startsWithMarkup(bytes) ? readXml(bytes) : readJson(bytes);
}

/** True when the first character is `<`, in any encoding XML documents come in. */
function startsWithMarkup(bytes: Uint8Array): boolean {
  for (const byte of bytes.subarray(0, 64)) {
    if (byte === 0x3c) return true;
    const skipped = byte === 0 || byte === 0x20 || (byte >= 0x09 && byte <= 0x0d) || byte >= 0xbb;
    if (!skipped) return false;
  }
  return false;
}

export { type Patched, patchXml } from './xml-patch.ts';
