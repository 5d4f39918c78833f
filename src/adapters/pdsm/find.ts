import type { Bundle } from '@medplum/fhirtypes';
import type { NextFunction, Request, Response } from 'express';
import { languageOf, refuse } from '../../adapter/answer.ts';
import { answer } from '../../adapter/fhir-answer.ts';
import { asked } from '../../adapter/fhir-asked.ts';
import type { DoorContext } from '../../adapter.ts';
import { fault, operationOutcome, warning } from '../../errors.ts';

const FORM = 'application/x-www-form-urlencoded';

/**
 * ITI-66 and ITI-67: a search must name the patient (or the document itself); without a status it is refused under
 * `Prefer: handling=strict` and answered with a warning otherwise, because general FHIR clients use the same base.
 */
export async function find(request: Request, response: Response, next: NextFunction, context: DoorContext) {
  const { path, accept } = asked(request);
  const isForm = request.method === 'POST' && (request.get('content-type') ?? FORM).startsWith(FORM);
  const body = isForm && request.body instanceof Uint8Array ? Buffer.from(request.body).toString('utf8') : '';
  const names = [path.split(/\?(.*)/s)[1] ?? '', body].flatMap((text) => [...new URLSearchParams(text).keys()]);
  const has = (shape: RegExp) => names.some((name) => shape.test(name));
  // A page's address is the server's own.
  if (has(/^_(cursor|page|getpages)/)) return next();
  if (!has(/^(patient|subject)([.:]|$)/) && !has(/^(_id|identifier)$/)) {
    return refuse(request, response, [fault('find-patient-missing')]);
  }
  if (has(/^(status|_id|identifier)(:|$)/)) return next();
  const prefer = request.get('prefer') ?? '';
  if (/handling=strict/.test(prefer)) return refuse(request, response, [fault('find-status-missing')]);

  const headers = { accept, ...(prefer ? { prefer } : {}) };
  const found = isForm
    ? await context.fhir.send({ method: 'POST', path, body, headers: { ...headers, 'content-type': FORM } })
    : await context.fhir.send({ method: 'GET', path, headers });
  const bundle = found.body as Bundle | undefined;
  if (found.status !== 200 || bundle?.resourceType !== 'Bundle') return answer(request, response, found);
  const resource = operationOutcome([warning('find-status-missing')], languageOf(request));
  const entry = [...(bundle.entry ?? []), { resource, search: { mode: 'outcome' as const } }];
  answer(request, response, { ...found, body: { ...bundle, entry } });
}
