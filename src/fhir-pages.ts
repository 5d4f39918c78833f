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

/** The resources of a searchset; what the server says about the search itself is left out. */
export function resourcesIn<R extends Resource>(bundle: Bundle | undefined): R[] {
  return (bundle?.entry ?? []).flatMap((entry) => {
    const isAnswer =
      entry.resource && entry.search?.mode !== 'outcome' && entry.resource.resourceType !== 'OperationOutcome';
    return isAnswer ? [entry.resource as R] : [];
  });
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
