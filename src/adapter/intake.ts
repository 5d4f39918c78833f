import type { Request, RequestHandler, Response } from 'express';
import type { DoorContext } from '../adapter.ts';
import { type Fault, fault, isError, operationOutcome } from '../errors.ts';
import type { Incoming, Outcome, Verdict } from '../message.ts';
import { languageOf, refuse } from './answer.ts';

/** What a door over HTTP knows about a request, besides what every request says. */
export type Described = Pick<Incoming, 'format' | 'route'> | Fault;

/** Answers in another form than JSON, when the caller asked for it; false when it did not. */
export type OtherAnswer = (request: Request, response: Response, verdict: Verdict) => boolean;

/**
 * Takes one message over HTTP, as every `POST /in/…` does: `202` with id and `Location` once it is on disk; with
 * `?wait=SECONDS` `200` and the outcome as soon as there is one. A repeated message is answered like the first. The body is
 * the exact bytes (`request.body` is a Buffer), the sender is the client of the token.
 */
export function intake(
  context: DoorContext<{ waitSeconds: number }>,
  describe: (request: Request) => Described,
  otherAnswer: OtherAnswer = () => false,
): RequestHandler {
  return async (request, response) => {
    const described = describe(request);
    const wait = waitOf(request, context.config.waitSeconds);
    const key = request.get('idempotency-key');
    const faults = [
      ...('code' in described ? [described] : []),
      ...(wait === undefined ? [invalid('wait', '0 … 3600')] : []),
      ...(key === undefined || /^[\x21-\x7e]{1,255}$/.test(key) ? [] : [invalid('Idempotency-Key', '1-255 ASCII')]),
      ...(request.body instanceof Uint8Array && request.body.length > 0 ? [] : [fault('body-empty')]),
    ];
    if (faults.length > 0 || wait === undefined || 'code' in described) return refuse(request, response, faults);

    const verdict = await context.accept(incomingOf(context, request, described, key));
    response.location(`/messages/${verdict.id}`);
    if (otherAnswer(request, response, verdict)) return;
    if (isRefusal(verdict)) return refuse(request, response, verdict.faults);
    const outcome = wait > 0 ? await context.outcome(verdict.id, wait) : undefined;
    if (outcome) response.status(200).json(outcomeView(outcome, languageOf(request)));
    else response.status(202).json({ id: verdict.id, state: 'accepted' });
  };
}

/** True when the sender must be told no; a message that died later was accepted once, and still is to its sender. */
export function isRefusal({ state, faults }: Verdict): boolean {
  const refused = state === 'refused' || state === 'quarantined';
  return refused && faults.some(isError);
}

function invalid(name: string, expected: string): Fault {
  return fault('parameter-invalid', { params: { name, expected } });
}

/** Seconds to wait, at most `most`; 0 when not asked for, undefined when it is not a number of seconds. */
function waitOf(request: Request, most: number): number | undefined {
  const { wait } = request.query;
  if (wait === undefined) return 0;
  return typeof wait === 'string' && /^\d{1,4}(\.\d{1,3})?$/.test(wait) ? Math.min(Number(wait), most) : undefined;
}

function incomingOf(context: DoorContext, request: Request, described: Described, key?: string): Incoming {
  const sender = request.caller?.clientId;
  const traceparent = request.get('traceparent');
  return {
    ...(described as Pick<Incoming, 'format' | 'route'>),
    door: context.name,
    bytes: request.body as Uint8Array,
    contentType: request.get('content-type'),
    sender,
    // Two clients may well number their messages alike.
    ...(key === undefined ? {} : { idempotencyKey: `${sender ?? ''}/${key}` }),
    ...(traceparent && /^[0-9a-f]{2}(-[0-9a-f]+){3}$/.test(traceparent) && traceparent.length <= 64
      ? { traceparent }
      : {}),
  };
}

function outcomeView({ id, state, references, faults }: Outcome, language: 'fr' | 'en') {
  return { id, state, references, issues: operationOutcome(faults, language).issue };
}
