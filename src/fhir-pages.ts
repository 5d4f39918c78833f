import type { Bundle, Resource } from '@medplum/fhirtypes';
import type { FhirEndpoint, FhirResponse } from './adapter.ts';
import { fault, PasserelleError } from './errors.ts';

/**
 * All pages of a search or of `$everything`, at most `limit` resources, https://hl7.org/fhir/R4/http.html#paging
 * @param path relative to the server's base. @throws PasserelleError `fhir-unreachable` when a page does not come.
 */
export async function searchAll<R extends Resource>(endpoint: FhirEndpoint, path: string, limit: number): Promise<R[]> {
  const found: R[] = [];
  let next: string | undefined = path;
  while (next && found.length < limit) {
    const bundle = expectOk(await endpoint.send({ method: 'GET', path: next })).body as Bundle;
    found.push(...resourcesIn<R>(bundle));
    const link: string | undefined = bundle.link?.find((one) => one.relation === 'next')?.url;
    next = link ? relative(link) : undefined;
  }
  return found.slice(0, limit);
}

/** A resource as the server has it now; undefined when it is not there (any more). @throws PasserelleError `fhir-unreachable`. */
export async function readIfThere<R extends Resource>(endpoint: FhirEndpoint, path: string): Promise<R | undefined> {
  const response = await endpoint.send({ method: 'GET', path });
  if (response.status === 404 || response.status === 410) return undefined;
  return expectOk(response).body as R;
}

/**
 * What several reads and searches bring, asked for in one batch, in their order; undefined for one that brings nothing.
 * @throws PasserelleError `fhir-unreachable` when one of them could not be answered.
 */
export async function readTogether(endpoint: FhirEndpoint, paths: string[]): Promise<(Resource | undefined)[]> {
  const entry = paths.map((url) => ({ request: { method: 'GET' as const, url } }));
  const body: Bundle = { resourceType: 'Bundle', type: 'batch', entry };
  const response = await endpoint.send({ method: 'POST', path: '', body });
  const answer = response.body as Bundle | undefined;
  if (response.status !== 200 || answer?.resourceType !== 'Bundle')
    throw new PasserelleError(fault('fhir-unreachable', { detail: `status ${response.status}` }));
  const failed = answer.entry?.find((one) => one.response?.status?.startsWith('5'));
  if (failed) throw new PasserelleError(fault('fhir-unreachable', { detail: `status ${failed.response?.status}` }));
  return (answer.entry ?? []).map((one) => one.resource);
}

/** The resources of a searchset; what the server says about the search itself is left out. */
export function resourcesIn<R extends Resource>(bundle: Bundle | undefined): R[] {
  return (bundle?.entry ?? []).flatMap((entry) => {
    const isAnswer =
      entry.resource && entry.search?.mode !== 'outcome' && entry.resource.resourceType !== 'OperationOutcome';
    return isAnswer ? [entry.resource as R] : [];
  });
}

/** `Type/id` in the location that a server answers a write with, https://hl7.org/fhir/R4/http.html#create */
export function addressIn(location: string | undefined): string | undefined {
  return /(?:^|\/)([A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64})(?:\/_history|$)/.exec(location ?? '')?.[1];
}

/** Throws what makes the caller wait and try again: a server that does not answer as it should. */
export function expectOk(response: FhirResponse): FhirResponse {
  if (response.status >= 200 && response.status < 300) return response;
  throw new PasserelleError(fault('fhir-unreachable', { detail: `status ${response.status}` }));
}

/** A server's `next` link is absolute; requests here are relative to its base, which ends before a type or the query. */
function relative(link: string): string {
  const query = link.indexOf('?');
  const path = query < 0 ? link : link.slice(0, query);
  const inside = /(?:^|\/)([A-Z][A-Za-z]+(?:\/[A-Za-z0-9.-]+)?(?:\/\$[a-z-]+)?)$/.exec(path)?.[1] ?? '';
  return inside + (query < 0 ? '' : link.slice(query));
}
