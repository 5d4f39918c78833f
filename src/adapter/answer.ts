import type { Request, Response } from 'express';
import { type Fault, httpStatus, operationOutcome } from '../errors.ts';

/** The language of sentences: French when the caller asks for it first, else English. */
export function languageOf(request: Request): 'fr' | 'en' {
  return /^\s*fr\b/i.test(request.headers['accept-language'] ?? '') ? 'fr' : 'en';
}

/** Answers a refusal over HTTP: an OperationOutcome with the codes of the register, and the status of the first error. */
export function refuse(request: Request, response: Response, faults: Fault[], status = httpStatus(faults)): void {
  if (status === 503 && !response.hasHeader('Retry-After')) response.set('Retry-After', '5');
  response
    .status(status)
    .type('application/fhir+json')
    .send(JSON.stringify(operationOutcome(faults, languageOf(request))));
}
