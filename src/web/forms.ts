import type { Binary, Resource } from '@medplum/fhirtypes';
import type { Router } from 'express';
import { fhirBase } from '../access/demands.ts';
import { refuse } from '../adapter/answer.ts';
import { answer } from '../adapter/fhir-answer.ts';
import type { FhirEndpoint, FhirResponse } from '../adapter.ts';
import type { Fault } from '../errors.ts';

/** Writes the form a resource stands for, as `formOf` of the pipeline does; a refusal is the FHIR server's own. */
export type WriteForm = (question: {
  reference: string;
  name?: string;
  fhir: FhirEndpoint;
  sees(resource: Resource): boolean;
  at: Date;
}) => Promise<{ refusal: FhirResponse } | { form?: object; name?: string; faults: Fault[] }>;

/**
 * `GET [type]/[id]/$form`: the partner's form that a resource stands for, written from what is known now. The form's own JSON,
 * or a Binary that holds it when FHIR is asked for. Access is that of every read: what the caller may not see is left out,
 * and a form that cannot be whole without it is refused.
 */
export function formRoutes(router: Router, fhir: FhirEndpoint, write: WriteForm): void {
  router.get(`${fhirBase}/:type/:id/$form`, async (request, response) => {
    const { caller } = request;
    const { type, id } = request.params as { type: string; id: string };
    const written = await write({
      reference: `${type}/${id}`,
      name: new URLSearchParams(request.url.split('?')[1] ?? '').get('name') ?? undefined,
      fhir: caller?.fhir ?? fhir,
      sees: (resource) => caller?.sees(resource) ?? false,
      at: new Date(),
    });
    if ('refusal' in written) return answer(request, response, written.refusal);
    if (!written.form) return refuse(request, response, written.faults);
    const text = JSON.stringify(written.form);
    response.set('Content-Disposition', `inline; filename="${written.name}.json"`);
    if (!/fhir\+/.test(request.get('accept') ?? '')) return void response.type('application/json').send(text);
    const data = Buffer.from(text).toString('base64');
    const body: Binary = { resourceType: 'Binary', contentType: 'application/json', data };
    answer(request, response, { status: 200, headers: {}, body });
  });
}
