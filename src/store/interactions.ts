import { allOk, created } from '@medplum/core';
import { type FhirRequest, type FhirResponse, type FhirRouteHandler, FhirRouter } from '@medplum/fhir-router';
import type { Bundle, OperationOutcome, Resource } from '@medplum/fhirtypes';
import { fault, PasserelleError } from '../errors.ts';
import { createUnless, patchMatching, patchOne, removeMatching, updateMatching } from './conditional.ts';
import { everything } from './everything.ts';
import { history } from './history.ts';
import { pairsOf } from './query.ts';
import type { ShelfRepository } from './repository.ts';
import type { Written } from './shelf.ts';
import { transact, versions } from './transaction.ts';
import { judge, type Validate } from './validate.ts';
import { view } from './view.ts';

/** What the routes of the FHIR API need besides the store itself. */
export interface RouteOptions {
  maxEntries: number;
  validate?: Validate;
  capabilities(): Resource;
  /** Carries out each entry of a batch as a request of its own. */
  batch(bundle: Bundle): Promise<Bundle>;
}

type Handler = (request: FhirRequest, repository: ShelfRepository) => Promise<FhirResponse>;
type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** What the router's own handlers do right: read, vread and delete of one resource. */
const KEPT = new Set(['GET :resourceType/:id', 'GET :resourceType/:id/_history/:vid', 'DELETE :resourceType/:id']);

/**
 * Medplum's router with the interactions of this store: which one answers which address, at a glance.
 * https://hl7.org/fhir/R4/http.html#summary
 */
export function storeRouter(options: RouteOptions): FhirRouter {
  const router = new FhirRouter();
  const own = router.router.routes.splice(0);
  const routes: [Method, string, string, Handler][] = [
    ['GET', 'metadata', 'capabilities', async () => [allOk, options.capabilities()]],
    ['GET', ':resourceType', 'search-type', searchByGet],
    ['POST', ':resourceType/_search', 'search-type', searchByPost],
    ['GET', ':resourceType/_history', 'history-type', readHistory],
    ['GET', ':resourceType/:id/_history', 'history-instance', readHistory],
    ['GET', '_history', 'history-system', readHistory],
    ['POST', ':resourceType', 'create', create],
    ['PUT', ':resourceType/:id', 'update', update],
    ['PUT', ':resourceType', 'update', conditionalUpdate],
    ['PATCH', ':resourceType/:id', 'patch', patch],
    ['PATCH', ':resourceType', 'patch', conditionalPatch],
    ['DELETE', ':resourceType', 'delete', conditionalDelete],
    ['POST', '', 'transaction', (request, repository) => bundle(request, repository, options)],
    ['GET', 'Patient/:id/$everything', 'operation', readEverything],
    ['POST', 'Patient/:id/$everything', 'operation', readEverything],
    ['POST', ':resourceType/$validate', 'operation', (request) => validate(request, options)],
    ['POST', ':resourceType/:id/$validate', 'operation', (request) => validate(request, options)],
  ];
  for (const [method, path, interaction, handler] of routes) {
    router.add(method, path, handler as unknown as FhirRouteHandler, interaction as never);
  }
  const pathOf = (route: (typeof own)[number]) =>
    `${route.method} ${route.path.map((part) => (part.param ? `:${part.value}` : part.value)).join('/')}`;
  router.router.routes.push(...own.filter((route) => KEPT.has(pathOf(route))));
  return router;
}

const queryOf = (request: FhirRequest) => request.url.split('?').slice(1).join('?');
const pairs = (request: FhirRequest) => pairsOf(queryOf(request));
const type = (request: FhirRequest) => request.params.resourceType!;
const header = (request: FhirRequest, name: string) => request.headers?.[name] as string | undefined;

function expected(request: FhirRequest): string[] | undefined {
  const ifMatch = header(request, 'if-match');
  return ifMatch === undefined ? undefined : versions(ifMatch);
}

const isStrict = (request: FhirRequest) => /handling=strict/.test(header(request, 'prefer') ?? '');

function invalid(reason: string): PasserelleError {
  return new PasserelleError(fault('fhir-request-invalid', { params: { reason } }));
}

/** The resource in the body, of the type the address names. */
function body(request: FhirRequest): Resource {
  const resource = request.body as Resource | undefined;
  if (!resource || typeof resource !== 'object') throw invalid('the body is not a resource');
  if (resource.resourceType !== type(request)) throw invalid('the body and the address are of different types');
  return resource;
}

function written(result: Written): FhirResponse {
  return [result.created ? created : allOk, result.resource];
}

async function searchByGet(request: FhirRequest, repository: ShelfRepository): Promise<FhirResponse> {
  return [allOk, repository.find(type(request), pairs(request), isStrict(request))];
}

/** The body is the form, as text or taken apart. */
async function searchByPost(request: FhirRequest, repository: ShelfRepository): Promise<FhirResponse> {
  const form = request.body as string | Record<string, string | string[]> | undefined;
  const further =
    typeof form === 'string' ? pairsOf(form) : Object.entries(form ?? {}).flatMap(([name, value]) => each(name, value));
  return [allOk, repository.find(type(request), [...pairs(request), ...further], isStrict(request))];
}

function each(name: string, value: unknown): [string, string][] {
  return (Array.isArray(value) ? value : [value]).map((one) => [name, String(one)]);
}

async function readHistory(request: FhirRequest, repository: ShelfRepository): Promise<FhirResponse> {
  const { resourceType, id } = request.params;
  const { defaultCount, maxCount } = repository.limits;
  const options = { type: resourceType, id, pairs: pairs(request), defaultCount, maxCount };
  const { shelf } = repository.reading;
  return [allOk, shelf.connection.snapshot(() => history(shelf, options))];
}

async function create(request: FhirRequest, repository: ShelfRepository): Promise<FhirResponse> {
  const resource = body(request);
  const criteria = header(request, 'if-none-exist')?.replace(/^[^?=]*\?/, '');
  return written(await repository.write((desk) => createUnless(resource, criteria, desk)));
}

async function update(request: FhirRequest, repository: ShelfRepository): Promise<FhirResponse> {
  const resource = body(request);
  const id = request.params.id!;
  if (resource.id !== undefined && resource.id !== id)
    throw invalid('the id of the resource is not that of the address');
  const onlyNew = header(request, 'if-none-match') === '*';
  return written(
    await repository.write((desk) => {
      const reference = `${resource.resourceType}/${id}`;
      if (onlyNew && desk.shelf.has(reference)) {
        const params = { reference: `${resource.resourceType}/[id]` };
        throw new PasserelleError(fault('resource-exists', { params }));
      }
      return desk.shelf.update(resource, id, expected(request));
    }),
  );
}

async function conditionalUpdate(request: FhirRequest, repository: ShelfRepository): Promise<FhirResponse> {
  const resource = body(request);
  const criteria = queryOf(request);
  return written(await repository.write((desk) => updateMatching(resource, criteria, expected(request), desk)));
}

async function patch(request: FhirRequest, repository: ShelfRepository): Promise<FhirResponse> {
  const id = request.params.id!;
  const result = await repository.write((desk) => patchOne(type(request), id, request.body, expected(request), desk));
  return [allOk, result.resource];
}

async function conditionalPatch(request: FhirRequest, repository: ShelfRepository): Promise<FhirResponse> {
  const criteria = queryOf(request);
  const result = await repository.write((desk) =>
    patchMatching(type(request), criteria, request.body, expected(request), desk),
  );
  return [allOk, result.resource];
}

async function conditionalDelete(request: FhirRequest, repository: ShelfRepository): Promise<FhirResponse> {
  const criteria = queryOf(request);
  await repository.write((desk) => removeMatching(type(request), criteria, expected(request), desk));
  return [allOk];
}

async function readEverything(request: FhirRequest, repository: ShelfRepository): Promise<FhirResponse> {
  const { shelf, context } = repository.reading;
  const read = () => everything(request.params.id!, pairs(request), repository.limits, shelf, context);
  return [allOk, shelf.connection.snapshot(read)];
}

async function bundle(request: FhirRequest, repository: ShelfRepository, options: RouteOptions): Promise<FhirResponse> {
  const given = request.body as Bundle | undefined;
  if (given?.resourceType !== 'Bundle') throw invalid('the body is not a Bundle');
  if (given.entry !== undefined && !Array.isArray(given.entry)) throw invalid('Bundle.entry is not an array');
  if (given.type === 'batch') return [allOk, await options.batch(given)];
  if (given.type !== 'transaction') throw invalid('the Bundle is neither a transaction nor a batch');
  const representation = /return=representation/.test(header(request, 'prefer') ?? '');
  const answer = await repository.write((desk) =>
    transact(given, desk, {
      maxEntries: options.maxEntries,
      representation,
      read: (url) => ({ status: 200, resource: readInside(url, repository, desk) }),
    }),
  );
  return [allOk, answer];
}

/** A GET inside a transaction sees what the transaction wrote. */
function readInside(url: string, repository: ShelfRepository, desk: ShelfRepository['reading']): Resource {
  const [path = '', query = ''] = url.split('?', 2);
  const [resourceType = '', id, historyPart, version] = path.split('/');
  if (!desk.context.parameters.types.has(resourceType)) {
    throw new PasserelleError(fault('type-unknown', { params: { type: 'of this name' } }));
  }
  if (id === undefined) return repository.findAt(desk, resourceType, pairsOf(query));
  if (historyPart === '_history' && version) return desk.shelf.readVersion(resourceType, id, version);
  if (historyPart !== undefined)
    throw new PasserelleError(fault('interaction-unsupported', { params: { method: 'GET' } }));
  return view(desk.shelf.read(resourceType, id).resource, {});
}

/** https://hl7.org/fhir/R4/resource-operation-validate.html; nothing is stored. */
async function validate(request: FhirRequest, options: RouteOptions): Promise<FhirResponse> {
  const outcome: OperationOutcome = judge(request.body, pairs(request), type(request), options.validate);
  return [allOk, outcome];
}
