import type { Bundle, Resource } from '@medplum/fhirtypes';
import type { FhirResponse } from '../adapter.ts';
import type { Draft } from '../conversion.ts';
import { addressIn, readIfThere } from '../fhir-pages.ts';
import { draftAt, isNews, isWorthALook } from './follow.ts';
import type { House } from './house.ts';

/**
 * What a write of the FHIR API brings that a rule may have something to say about.
 * @param response the server's answer, which tells where each stands
 * @throws PasserelleError `fhir-unreachable`
 */
export function newsWritten(
  resource: Resource,
  response: FhirResponse,
  house: Pick<House, 'fhir' | 'pathway'>,
): Promise<Draft[]> {
  const isWanted = (one: Resource, address: string) => isNews(one) && isWorthALook([draftAt(one, address)], house);
  return writtenNow(resource, response, isWanted, house);
}

/**
 * What was written of what is wanted, as the server has it now: references in a Bundle (`urn:uuid:…`, `Patient?identifier=…`)
 * are its own by then. From what has been taken back meanwhile nothing follows any more.
 * @throws PasserelleError `fhir-unreachable`
 */
export async function writtenNow(
  resource: Resource,
  response: FhirResponse,
  isWanted: (sent: Resource, address: string) => boolean,
  { fhir }: Pick<House, 'fhir'>,
): Promise<Draft[]> {
  const found = await Promise.all(
    placed(resource, response).map(async ([sent, location]) => {
      const address = addressIn(location);
      if (!sent || !address?.startsWith(`${sent.resourceType}/`) || !isWanted(sent, address)) return [];
      const now = await readIfThere<Resource>(fhir, address);
      return now ? [draftAt(now, address)] : [];
    }),
  );
  return found.flat();
}

/** What was sent, each with the location it was given. */
function placed(resource: Resource, { headers, body }: FhirResponse): [Resource | undefined, string | undefined][] {
  if (resource.resourceType !== 'Bundle') return [[resource, headers.location]];
  const answers = (body as Bundle | undefined)?.entry ?? [];
  return (resource.entry ?? []).map((one, index) => [one.resource, answers[index]?.response?.location]);
}
