import type { Resource } from '@medplum/fhirtypes';
import { readJson, readXml } from '../formats/fhir/index.ts';

/** The resource in a body, JSON or XML; undefined when there is none that can be read. */
export function readResource(body: Uint8Array, contentType = ''): Resource | undefined {
  if (body.length === 0) return undefined;
  const { tree } = /xml/i.test(contentType) ? readXml(body) : readJson(body);
  const resource = tree as Resource | undefined;
  return typeof resource?.resourceType === 'string' ? resource : undefined;
}
