import type { Bundle, Observation, Resource } from '@medplum/fhirtypes';
import type { FhirResponse } from '../adapter.ts';
import type { Draft } from '../conversion.ts';
import { expectOk } from '../fhir-pages.ts';
import { isWorthALook } from './follow.ts';
import type { House } from './house.ts';

/**
 * The readings of a write of the FHIR API that a rule may have something to say about, as the server has them now: references
 * in a Bundle (`urn:uuid:…`, `Patient?identifier=…`) are its own by then.
 * @param response the server's answer, which tells where each stands
 * @throws PasserelleError `fhir-unreachable`
 */
export async function readingsWritten(
  resource: Resource,
  response: FhirResponse,
  house: Pick<House, 'fhir' | 'pathway'>,
): Promise<Draft<Observation>[]> {
  const readings: Draft<Observation>[] = [];
  for (const [one, location] of placed(resource, response)) {
    const address = /(?:^|\/)(Observation\/[A-Za-z0-9.-]{1,64})(?:\/_history|$)/.exec(location ?? '')?.[1];
    if (!address || one?.resourceType !== 'Observation') continue;
    if (!isWorthALook([reading(one, address)], house)) continue;
    const { status, body } = await house.fhir.send({ method: 'GET', path: address });
    // Taken back meanwhile: nothing follows from it any more.
    if (status === 404 || status === 410) continue;
    readings.push(reading(expectOk({ status, headers: {}, body }).body as Observation, address));
  }
  return readings;
}

/** What was sent, each with the address it has now. */
function placed(resource: Resource, { headers, body }: FhirResponse): [Resource | undefined, string | undefined][] {
  if (resource.resourceType !== 'Bundle') return [[resource, headers.location]];
  const answers = (body as Bundle | undefined)?.entry ?? [];
  return (resource.entry ?? []).map((one, index) => [one.resource, answers[index]?.response?.location]);
}

function reading(resource: Observation, address: string): Draft<Observation> {
  const identity = { system: 'urn:ietf:rfc:3986', value: address };
  return { key: address, fullUrl: address, resource, write: 'update', identity };
}
