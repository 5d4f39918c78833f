import type { Bundle, Resource } from '@medplum/fhirtypes';
import type { FhirResponse } from '../adapter.ts';
import type { Draft } from '../conversion.ts';
import { expectOk } from '../fhir-pages.ts';
import { draftAt, isNews, isWorthALook } from './follow.ts';
import type { House } from './house.ts';

/**
 * What a write of the FHIR API brings that a rule may have something to say about, as the server has it now: references in a
 * Bundle (`urn:uuid:…`, `Patient?identifier=…`) are its own by then.
 * @param response the server's answer, which tells where each stands
 * @throws PasserelleError `fhir-unreachable`
 */
export async function newsWritten(
  resource: Resource,
  response: FhirResponse,
  house: Pick<House, 'fhir' | 'pathway'>,
): Promise<Draft[]> {
  const news: Draft[] = [];
  for (const [one, location] of placed(resource, response)) {
    const address = /(?:^|\/)([A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64})(?:\/_history|$)/.exec(location ?? '')?.[1];
    if (!one || !address?.startsWith(`${one.resourceType}/`) || !isNews(one)) continue;
    if (!isWorthALook([draftAt(one, address)], house)) continue;
    const { status, body } = await house.fhir.send({ method: 'GET', path: address });
    // Taken back meanwhile: nothing follows from it any more.
    if (status === 404 || status === 410) continue;
    news.push(draftAt(expectOk({ status, headers: {}, body }).body as Resource, address));
  }
  return news;
}

/** What was sent, each with the address it has now. */
export function placed(
  resource: Resource,
  { headers, body }: FhirResponse,
): [Resource | undefined, string | undefined][] {
  if (resource.resourceType !== 'Bundle') return [[resource, headers.location]];
  const answers = (body as Bundle | undefined)?.entry ?? [];
  return (resource.entry ?? []).map((one, index) => [one.resource, answers[index]?.response?.location]);
}
