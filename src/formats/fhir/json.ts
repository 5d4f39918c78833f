import type { Resource } from '@medplum/fhirtypes';
import type { Decoded } from '../../conversion.ts';
import type { Words } from '../../errors/entry.ts';
import { type Fault, fault } from '../../errors.ts';
import { isResourceType } from './elements.ts';
import { fhirLimits, limitFault, tooDeep, unsafeProperty } from './limits.ts';

/**
 * Reads FHIR JSON (https://hl7.org/fhir/R4/json.html) of one resource or Bundle. Only what would endanger the reader is
 * judged here (size, depth, property names, resource type); the rest is the examiner's.
 */
export function readJson(bytes: Uint8Array): Decoded<Resource> {
  const read = parseJson(bytes);
  if (read.fault) return refused(read.fault);
  const type = (read.value as { resourceType?: unknown } | null)?.resourceType;
  if (typeof type !== 'string' || !isResourceType(type)) {
    return refused(
      fault('fhir-resource-type', { place: '/resourceType', params: { type: String(type ?? '').slice(0, 60) } }),
    );
  }
  return { format: 'fhir', tree: read.value as Resource, faults: [], parts: [] };
}

/** What reading answers when there is nothing to go on with. */
export function refused(found: Fault): Decoded<Resource> {
  return { format: 'fhir', tree: {} as Resource, faults: [found], parts: [] };
}

/** Bytes → JSON value within the limits, or the fault that says why not. */
export function parseJson(bytes: Uint8Array): { value: unknown; fault?: undefined } | { fault: Fault } {
  if (bytes.length > fhirLimits.bytes) return { fault: limitFault('bytes', fhirLimits.bytes) };
  if (tooDeep(bytes, fhirLimits.depth)) return { fault: limitFault('depth', fhirLimits.depth) };
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return { fault: fault('charset-invalid', { params: { charset: 'utf-8' } }) };
  }
  try {
    const value: unknown = JSON.parse(text);
    const unsafe = /__proto__|constructor|prototype|\\u/.test(text) ? unsafeProperty(value) : undefined;
    return unsafe
      ? { fault: fault('fhir-element', { place: unsafe, params: { element: unsafe.slice(0, 80) } }) }
      : { value };
  } catch (error) {
    return { fault: fault('fhir-syntax', { params: { reason: positionOf(error, text) } }) };
  }
}

/** Where JSON.parse stopped, without the excerpt of the content its own message carries. */
function positionOf(error: unknown, text: string): Words {
  const message = error instanceof Error ? error.message : '';
  const at = /at position (\d+)/.exec(message)?.[1];
  const offset = at === undefined ? text.length : Number(at);
  const before = text.slice(0, offset);
  const [line, column] = [before.split('\n').length, offset - before.lastIndexOf('\n')];
  return { fr: `ligne ${line}, colonne ${column}`, en: `line ${line}, column ${column}` };
}
