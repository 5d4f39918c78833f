import type { Request, Response } from 'express';
import { languageOf, refuse } from '../../adapter/answer.ts';
import { isRefusal } from '../../adapter/intake.ts';
import type { DoorContext } from '../../adapter.ts';
import { operationOutcome } from '../../errors.ts';
import type { Interaction } from '../../message.ts';
import { answer } from './answer.ts';

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
  const bytes = request.body instanceof Uint8Array ? request.body : new Uint8Array(0);
  const sender = request.caller?.clientId;
  const key = request.get('idempotency-key');
  const verdict = await context.accept({
    door: context.name,
    bytes,
    format: 'fhir',
    contentType: request.get('content-type'),
    sender,
    interaction: { ...target, headers: headersOf(request) },
    ...(key ? { idempotencyKey: `${sender ?? ''}/${key}` } : {}),
  });
  if (isRefusal(verdict)) return refuse(request, response, verdict.faults);
  const outcome = await context.outcome(verdict.id, context.config.waitSeconds);
  if (outcome?.response) return answer(request, response, outcome.response);
  if (outcome) return refuse(request, response, outcome.faults);
  response.status(202).set('Content-Location', `/messages/${verdict.id}`);
  response.type('application/fhir+json').send(JSON.stringify(operationOutcome(verdict.faults, languageOf(request))));
}

function headersOf(request: Request): Interaction['headers'] {
  return {
    ifMatch: request.get('if-match'),
    ifNoneExist: request.get('if-none-exist'),
    contentType: request.get('content-type'),
    prefer: request.get('prefer'),
  };
}
