import type { FhirEndpoint } from '../adapter.ts';
import { pairsOf } from './query.ts';
import { refusalBy } from './refusal.ts';
import { judge, type Validate } from './validate.ts';

/**
 * A server elsewhere whose `$validate` is this house's: it would judge by the profiles it happens to know, while a write is
 * judged here before it gets there (https://hl7.org/fhir/R4/resource-operation-validate.html).
 */
export function judging(endpoint: FhirEndpoint, validate: Validate): FhirEndpoint {
  return {
    ...endpoint,
    async send(request) {
      const asked = /^\/?([A-Z][A-Za-z]+)(?:\/[A-Za-z0-9.-]{1,64})?\/\$validate(?:\?(.*))?$/.exec(request.path);
      if (request.method !== 'POST' || !asked) return endpoint.send(request);
      const headers = { 'content-type': 'application/fhir+json' };
      try {
        return { status: 200, headers, body: judge(request.body, pairsOf(asked[2] ?? ''), asked[1]!, validate) };
      } catch (error) {
        return refusalBy(error);
      }
    },
  };
}
