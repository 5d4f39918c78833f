// FHIR R4 REST API, https://hl7.org/fhir/R4/http.html
import type { Request, Response, Router } from 'express';
import { refuse } from '../../adapter/answer.ts';
import { answer } from '../../adapter/fhir-answer.ts';
import { asked } from '../../adapter/fhir-asked.ts';
import type { DoorContext, DoorType, FhirRequest } from '../../adapter.ts';
import { fault } from '../../errors.ts';
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
  const { path } = asked(request);
  if (method === 'GET' || method === 'HEAD') return pass(request, response, { method: 'GET', path }, context);
  // By the steps alone: a query that looks like one of these must not turn a write, which the gate allowed, into a search.
  const [steps = ''] = path.split('?');
  if (method === 'POST' && /(^|\/)_search$/.test(steps)) return search(request, response, path, context);
  if (method === 'POST' && /(^|\/)\$[a-z-]+$/.test(steps)) return operation(request, response, path, context);
  if (method === 'POST' || method === 'PUT' || method === 'PATCH' || method === 'DELETE') {
    return write(request, response, { method, path }, context);
  }
  const allowed = 'GET, HEAD, POST, PUT, PATCH, DELETE';
  response.set('Allow', allowed);
  refuse(request, response, [fault('method-unknown', { params: { method: 'This method', allowed } })]);
}

/** Asks the FHIR server and hands its answer on. */
async function pass(request: Request, response: Response, to: FhirRequest, { fhir }: DoorContext): Promise<void> {
  const server = request.caller?.fhir ?? fhir;
  answer(request, response, await server.send({ ...to, headers: { ...passed(request), ...to.headers } }));
}

/** Stays a POST on its way: what is searched for must not stand in an address. https://hl7.org/fhir/R4/http.html#search */
async function search(request: Request, response: Response, path: string, context: DoorContext): Promise<void> {
  const type = request.get('content-type') ?? '';
  const bytes = request.body instanceof Uint8Array ? request.body : new Uint8Array();
  const form = 'application/x-www-form-urlencoded';
  if (bytes.length && !type.startsWith(form)) {
    return refuse(request, response, [fault('fhir-type-unsupported', { params: { expected: form } })]);
  }
  const body = Buffer.from(bytes).toString('utf8');
  await pass(request, response, { method: 'POST', path, body, headers: { 'content-type': form } }, context);
}

/** Operations change nothing, so nothing is written down. */
async function operation(request: Request, response: Response, path: string, context: DoorContext): Promise<void> {
  const empty = !(request.body instanceof Uint8Array) || request.body.length === 0;
  const body = empty && /\$everything/.test(path) ? { resource: undefined } : readBody(request);
  if ('faults' in body) return refuse(request, response, body.faults);
  await pass(request, response, { method: 'POST', path, body: body.resource }, context);
}

/** What a reader may say to the FHIR server itself. */
function passed(request: Request): Record<string, string> {
  const names = ['prefer', 'if-none-match', 'if-modified-since'];
  const given = names.flatMap((name) => (request.get(name) ? [[name, request.get(name) as string]] : []));
  return { ...Object.fromEntries(given), accept: asked(request).accept };
}
