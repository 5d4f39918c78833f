import type { Request, Response } from 'express';
import type { DoorContext, FhirResponse } from '../adapter.ts';
import { type Fault, fault, operationOutcome } from '../errors.ts';
import type { Interaction } from '../message.ts';
import { languageOf, refuse } from './answer.ts';
import { answer } from './fhir-answer.ts';
import { isRefusal } from './intake.ts';
import { withheld } from './withheld.ts';

/** A write as it is to be written down: the bytes may be the sender's own, or what a door has made of them. */
export interface FhirWrite extends Pick<Interaction, 'method' | 'path'> {
  bytes: Uint8Array;
  contentType?: string;
}

/**
 * A write: written down, then applied. Answers what the FHIR server said, as far as its caller may read it; `202` with
 * `Content-Location` of the message when the server cannot be reached just now, because what is written down will be applied.
 *
 * @param shaped makes another answer of the FHIR server's own, for transactions whose answer is not that of a plain write
 */
export async function applyWrite(
  request: Request,
  response: Response,
  write: FhirWrite,
  context: DoorContext<{ waitSeconds: number }>,
  shaped: (from: FhirResponse) => FhirResponse | Promise<FhirResponse> = (from) => from,
): Promise<void> {
  const { bytes, contentType, method, path } = write;
  const key = request.get('idempotency-key');
  const faults = keyFaults(key);
  if (faults.length > 0) return refuse(request, response, faults);
  const sender = request.caller?.clientId;
  const verdict = await context.accept({
    door: context.name,
    bytes,
    format: 'fhir',
    contentType,
    sender,
    interaction: { method, path, headers: headersOf(request, contentType) },
    ...(key ? { idempotencyKey: `${sender ?? ''}/${key}` } : {}),
    ...traceOf(request),
  });
  if (isRefusal(verdict)) return refuse(request, response, verdict.faults);
  const outcome = await context.outcome(verdict.id, context.config.waitSeconds);
  if (outcome?.response) return answer(request, response, withheld(request, write, await shaped(outcome.response)));
  if (outcome && outcome.faults.length > 0) return refuse(request, response, outcome.faults);
  const waiting: Fault = { code: 'write-waiting', severity: 'information' };
  response.status(202).set('Content-Location', `/messages/${verdict.id}`);
  response
    .type('application/fhir+json')
    .send(JSON.stringify(operationOutcome([waiting, ...verdict.faults], languageOf(request))));
}

function keyFaults(key: string | undefined): Fault[] {
  if (key === undefined || /^[\x21-\x7e]{1,255}$/.test(key)) return [];
  return [fault('parameter-invalid', { params: { name: 'Idempotency-Key', expected: '1-255 ASCII' } })];
}

function headersOf(request: Request, contentType: string | undefined): Interaction['headers'] {
  return {
    ifMatch: request.get('if-match'),
    ifNoneExist: request.get('if-none-exist'),
    contentType,
    prefer: request.get('prefer'),
  };
}

function traceOf(request: Request): { traceparent?: string } {
  const trace = request.get('traceparent');
  return trace && trace.length <= 64 && /^[0-9a-f]{2}(-[0-9a-f]+){3}$/.test(trace) ? { traceparent: trace } : {};
}
