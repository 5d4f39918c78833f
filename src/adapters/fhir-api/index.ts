// FHIR R4 REST API, https://hl7.org/fhir/R4/http.html
import type { Request, Response, Router } from 'express';
import { refuse } from '../../adapter/answer.ts';
import type { DoorContext, DoorType, FhirRequest } from '../../adapter.ts';
import { fault } from '../../errors.ts';
import { answer } from './answer.ts';
import { readBody } from './body.ts';
import { type FhirApiConfig, write } from './write.ts';

const BASE = '/fhir/R4';

/**
 * The door for software that speaks FHIR. Reads and searches are answered by the FHIR server; writes go the way of every
 * message: written down first, then applied.
 */
export const door: DoorType<FhirApiConfig> = {
  configSchema: {
    type: 'object',
    additionalProperties: false,
    properties: {
      waitSeconds: { type: 'number', minimum: 1, maximum: 300, default: 20, description: 'Longest wait for a write.' },
    },
  },
  create: (context) => ({
    http(router: Router) {
      router.use(BASE, (request, response) => route(request, response, context));
    },
  }),
};

async function route(request: Request, response: Response, context: DoorContext<FhirApiConfig>): Promise<void> {
  const { method } = request;
  const path = request.url.replace(/^\//, '');
  if (method === 'GET' || method === 'HEAD') return read(request, response, { method: 'GET', path }, context);
  // By the path alone: a query that looks like one of these must not turn a write, which the gate allowed, into a search.
  const [steps = ''] = path.split('?');
  if (method === 'POST' && /(^|\/)_search$/.test(steps)) return search(request, response, path, context);
  if (method === 'POST' && /(^|\/)\$[a-z-]+$/.test(steps)) return operation(request, response, path, context);
  if (method === 'POST' || method === 'PUT' || method === 'PATCH' || method === 'DELETE') {
    return write(request, response, { method, path }, context);
  }
  response.set('Allow', 'GET, HEAD, POST, PUT, PATCH, DELETE');
  refuse(request, response, [
    fault('method-unknown', { params: { method, allowed: 'GET, POST, PUT, PATCH, DELETE' } }),
  ]);
}

async function read(request: Request, response: Response, asked: FhirRequest, { fhir }: DoorContext): Promise<void> {
  const [path = '', query] = asked.path.split('?');
  const parameters = new URLSearchParams(query);
  for (const name of ['_format', '_pretty']) parameters.delete(name);
  const rest = parameters.toString();
  answer(
    request,
    response,
    await fhir.send({ ...asked, path: rest ? `${path}?${rest}` : path, headers: passed(request) }),
  );
}

/** The parameters of a posted search are those of the body and of the URL, https://hl7.org/fhir/R4/http.html#search */
function search(request: Request, response: Response, path: string, context: DoorContext): Promise<void> {
  const [target = '', query = ''] = path.split('?');
  const form = request.body instanceof Uint8Array ? Buffer.from(request.body).toString('utf8') : '';
  const all = [query, form].filter(Boolean).join('&');
  const type = target.replace(/\/?_search$/, '');
  return read(request, response, { method: 'GET', path: all ? `${type}?${all}` : type }, context);
}

/** Operations change nothing, so nothing is written down. */
async function operation(request: Request, response: Response, path: string, context: DoorContext): Promise<void> {
  const body = readBody(request);
  if ('faults' in body) return refuse(request, response, body.faults);
  answer(
    request,
    response,
    await context.fhir.send({ method: 'POST', path, body: body.resource, headers: passed(request) }),
  );
}

/** What a reader may say to the FHIR server itself. */
function passed(request: Request): Record<string, string> {
  const names = ['prefer', 'if-none-match', 'if-modified-since', 'accept'];
  return Object.fromEntries(names.flatMap((name) => (request.get(name) ? [[name, request.get(name) as string]] : [])));
}
