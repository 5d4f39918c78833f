import type { Resource } from '@medplum/fhirtypes';
import type { Router } from 'express';
import { refuse } from '../adapter/answer.ts';
import { fault } from '../errors.ts';

/** Where an element came from, as `explainResource` of the pipeline answers; undefined when nobody knows the message. */
export type Explain = (question: {
  reference: string;
  resource: Resource;
  path?: string;
}) => Promise<{ message: { id: string }; elements: object[] } | undefined>;

/**
 * `GET /explain/TYPE/ID?path=valueQuantity`: message, place in it, map, rule, version and code translation of each element.
 * Only for resources that the caller may read: it is read first, through the caller's own view of the FHIR server.
 */
export function explainRoutes(router: Router, explain: Explain): void {
  router.get('/explain/:type/:id', async (request, response) => {
    const { type, id } = request.params;
    const reference = `${type}/${id}`;
    const wellFormed = /^[A-Z][A-Za-z]{1,40}$/.test(type) && /^[A-Za-z0-9.-]{1,64}$/.test(id);
    const found = wellFormed ? await request.caller?.fhir?.send({ method: 'GET', path: reference }) : undefined;
    if (found?.status !== 200) return refuse(request, response, [fault('resource-unknown', { params: { reference } })]);
    const { path } = request.query;
    const origin = await explain({
      reference,
      resource: found.body as Resource,
      path: typeof path === 'string' && path !== '' ? path.slice(0, 500) : undefined,
    });
    if (!origin) return refuse(request, response, [fault('message-unknown')]);
    response.json({ resource: reference, message: origin.message.id, elements: origin.elements });
  });
}
