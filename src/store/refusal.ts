import type { FhirResponse } from '../adapter.ts';
import { httpStatus, operationOutcome, PasserelleError } from '../errors.ts';

/** What a server answers whose place is taken here: a refusal of this house's as an OperationOutcome. @throws any other error */
export function refusalBy(error: unknown): FhirResponse {
  if (!(error instanceof PasserelleError)) throw error;
  const headers = { 'content-type': 'application/fhir+json' };
  return { status: httpStatus(error.faults), headers, body: operationOutcome(error.faults) };
}
