import type { Bundle, Resource } from '@medplum/fhirtypes';
import type { Request, Response } from 'express';
import type { FhirResponse } from '../../adapter.ts';
import { writeXml } from '../../formats/fhir/index.ts';

/** Headers of the FHIR server that its client may see. */
const PASSED = ['etag', 'last-modified', 'location', 'content-location', 'allow', 'retry-after', 'accept-patch'];

const BASE = '/fhir/R4';

/** Answers with what the FHIR server said: FHIR in JSON or XML as asked for, the exact bytes of a Binary as they are. */
export function answer(request: Request, response: Response, from: FhirResponse): void {
  response.status(from.status);
  for (const name of PASSED) {
    const value = from.headers[name];
    if (value)
      response.set(name, name === 'location' || name === 'content-location' ? absolute(request, value) : value);
  }
  if (from.body === undefined) return void response.end();
  if (from.body instanceof Uint8Array) {
    response.type(from.headers['content-type'] ?? 'application/octet-stream');
    // What a sender put into a document must not run in the reader's browser.
    response.set('Content-Disposition', 'attachment');
    return void response.send(Buffer.from(from.body));
  }
  const resource = addressed(request, seen(request, from.body as Resource));
  if (wantsXml(request)) response.type('application/fhir+xml').send(Buffer.from(writeXml(resource)));
  else
    response
      .type('application/fhir+json')
      .send(JSON.stringify(resource, null, request.query._pretty === 'true' ? 2 : 0));
}

/**
 * Without what the caller's scopes do not reach: a search brings along resources of types that the gate, which saw only the
 * query, could not know. What was searched for itself has been narrowed by the gate and stays.
 */
function seen(request: Request, resource: Resource): Resource {
  const { caller } = request;
  if (resource.resourceType !== 'Bundle' || !caller || !resource.entry) return resource;
  const everything = request.path.includes('$');
  const entry = resource.entry
    .filter((one) => !one.resource || (one.search?.mode !== 'include' && !everything) || caller.sees(one.resource))
    .map((one) => (one.resource?.resourceType === 'Bundle' ? { ...one, resource: seen(request, one.resource) } : one));
  return { ...resource, entry } as Bundle;
}

/** A searchset or history as this door gives it: links and full URLs are those of the API, whatever server is behind. */
function addressed(request: Request, resource: Resource): Resource {
  if (resource.resourceType !== 'Bundle' || resource.type === 'transaction-response') return resource;
  const { link, entry } = resource;
  const bundle: Bundle = { ...resource };
  if (link) bundle.link = link.map((one) => ({ ...one, url: absolute(request, one.url) }));
  if (entry) {
    bundle.entry = entry.map((one) => (one.fullUrl ? { ...one, fullUrl: absolute(request, one.fullUrl) } : one));
  }
  return bundle;
}

/** `_format` outweighs `Accept`, https://hl7.org/fhir/R4/http.html#parameters */
export function wantsXml(request: Request): boolean {
  const asked = typeof request.query._format === 'string' ? request.query._format : (request.get('accept') ?? '');
  const xml = asked.indexOf('xml');
  const json = asked.indexOf('json');
  return xml >= 0 && (json < 0 || xml < json);
}

/** Locations are relative to the base of the FHIR server; a client needs them as they are reached here. */
export function absolute(request: Request, location: string): string {
  if (location.startsWith('/') || location.startsWith('urn:')) return location;
  const relative = location.replace(/^https?:\/\/.*?(?=([A-Z][A-Za-z]+(\/|\?|$)|\?))/, '');
  return `${request.protocol}://${request.get('host') ?? ''}${BASE}/${relative}`;
}
