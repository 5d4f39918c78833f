import type { Resource } from '@medplum/fhirtypes';
import { read } from '../formats/fhir/index.ts';

/**
 * The resource in a body, JSON or XML; undefined when there is none that can be read. Told by the bytes, as the pipeline
 * tells them: what the gate judges must be what will be written.
 */
export function readResource(body: Uint8Array): Resource | undefined {
  if (body.length === 0) return undefined;
  const resource = read(body).tree as Resource | undefined;
  return typeof resource?.resourceType === 'string' ? resource : undefined;
}
