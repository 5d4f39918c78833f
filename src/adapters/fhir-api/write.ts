import type { Request, Response } from 'express';
import { languageOf, refuse } from '../../adapter/answer.ts';
import { isRefusal } from '../../adapter/intake.ts';
import type { DoorContext } from '../../adapter.ts';
import { type Fault, fault, operationOutcome } from '../../errors.ts';
import type { Interaction } from '../../message.ts';
import { answer } from './answer.ts';
import { writeBody } from './body.ts';

export interface FhirApiConfig {
  /** Longest wait for a write to be applied before 202 is answered. */
  waitSeconds: number;
}

export interface FhirApiConfig {
  /** Longest wait for a write to be applied before 202 is answered. */
  waitSeconds: number;
}

type Target = Pick<Interaction, 'method' | 'path'>;

/**
 * A write: written down, then applied. Answers what the FHIR server said; `202` with `Content-Location` of the message when
 * the server cannot be reached just now, because what is written down will be applied.
 */
export async function write(
  request: Request,
  response: Response,
  target: Target,
  context: DoorContext<FhirApiConfig>,
): Promise<void> {
  const body = writeBody(request, target.path);
  const key = request.get('idempotency-key');
  const faults = 'faults' in body ? body.faults : keyFaults(key);
  if (faults.length > 0 || 'faults' in body) return refuse(request, response, faults);
  const sender = request.caller?.clientId;
  const verdict = await context.accept({
    door: context.name,
    bytes: body.bytes,
    format: 'fhir',
    contentType: body.contentType,
    sender,
    interaction: { ...target, headers: headersOf(request, body.contentType) },
    ...(key ? { idempotencyKey: `${sender ?? ''}/${key}` } : {}),
    ...traceOf(request),
  });
  if (isRefusal(verdict)) return refuse(request, response, verdict.faults);
  const outcome = await context.outcome(verdict.id, context.config.waitSeconds);
  if (outcome?.response) return answer(request, response, outcome.response);
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
