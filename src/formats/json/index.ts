import type { Decoded } from '../../conversion.ts';
import { fault } from '../../errors.ts';
import { parseJson } from '../fhir/json.ts';

/**
 * Reads a vendor's JSON payload: an object or a list, bounded in size and depth, without properties that could reach an
 * object's prototype. Its shape is judged by the route's schema, not here.
 */
export function read(bytes: Uint8Array): Decoded<object> {
  const parsed = parseJson(bytes);
  if (parsed.fault) return { format: 'json', tree: {}, faults: [parsed.fault], parts: [] };
  if (typeof parsed.value !== 'object' || parsed.value === null) {
    return { format: 'json', tree: {}, faults: [fault('fhir-syntax', { params: { reason: 'no object' } })], parts: [] };
  }
  return { format: 'json', tree: parsed.value, faults: [], parts: [] };
}
