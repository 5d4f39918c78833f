import { getStatus, type Operation } from '@medplum/core';
import type { FhirRouter, FhirRequest as RouterRequest } from '@medplum/fhir-router';
import type { Binary, Bundle, BundleEntry, Observation, OperationOutcome, Resource } from '@medplum/fhirtypes';
import type { FhirEndpoint, FhirRequest, FhirResponse, Find, Reading } from '../adapter.ts';
import { type Fault, fault, httpStatus, operationOutcome, PasserelleError } from '../errors.ts';
import type { Lookup } from './lookup.ts';
import { pairsOf } from './query.ts';
import type { ShelfRepository } from './repository.ts';
import { view } from './view.ts';

/** Bounds of a request before it is routed. */
export interface ServerLimits {
  /** Characters of path and query. */
  maxUrl: number;
  /** Entries of a batch or transaction. */
  maxEntries: number;
}

const JSON_TYPE = 'application/fhir+json; charset=utf-8';

/** Answers FHIR REST requests in process; never throws for what a request asks, the response says it. */
export class StoreEndpoint implements FhirEndpoint {
  readonly #router: FhirRouter;
  readonly #repository: ShelfRepository;
  readonly #limits: ServerLimits;
  readonly #report: (error: unknown) => void;
  readonly #lookup: Lookup;

  constructor(
    router: FhirRouter,
    repository: ShelfRepository,
    lookup: Lookup,
    limits: ServerLimits,
    report: (error: unknown) => void,
  ) {
    this.#lookup = lookup;
    this.#router = router;
    this.#repository = repository;
    this.#limits = limits;
    this.#report = report;
  }

  find(type: string, parameter: string, values: string[], limit?: number): Resource[] {
    return this.#lookup.find(type, parameter, values, limit);
  }

  findAll(finds: Find[]): Resource[][] {
    return this.#lookup.findAll(finds);
  }

  readings(asked: Reading): Observation[] {
    return this.#lookup.readings(asked);
  }

  async send(request: FhirRequest): Promise<FhirResponse> {
    try {
      return await this.#answer({ ...request, path: request.path.replace(/^\//, '') });
    } catch (error) {
      if (error instanceof PasserelleError) return refusal(error.faults);
      this.#report(error);
      return refusal([fault('internal')]);
    }
  }

  async #answer(request: FhirRequest): Promise<FhirResponse> {
    if (request.path.length > this.#limits.maxUrl) {
      throw new PasserelleError(fault('url-too-long', { params: { limit: this.#limits.maxUrl } }));
    }
    const route = this.#router.find(request.method, request.path);
    const type = request.path.split(/[/?]/)[0] ?? '';
    if (!route) throw unsupported(request, this.#repository.reading.context.parameters.types);
    const { resourceType } = route.params;
    const { types } = this.#repository.reading.context.parameters;
    if (resourceType !== undefined && !types.has(resourceType)) throw unsupported(request, types);
    if (route.params.id?.startsWith('$')) throw unsupported(request, types);
    const interaction = String(route.data?.interaction);
    if (interaction === 'read' && type === 'Binary' && wantsBytes(request))
      return this.#bytes(route.params.id!, request);
    const routed: RouterRequest = {
      method: request.method,
      url: request.path,
      pathname: route.path,
      params: route.params,
      query: route.query ?? {},
      body: bodyOf(request, resourceType),
      headers: request.headers ?? {},
    };
    const [outcome, resource] = await route.handler(routed, this.#repository, this.#router);
    return respond(interaction, outcome, resource, request);
  }

  #bytes(id: string, request: FhirRequest): FhirResponse {
    const { bytes, contentType, stored } = this.#repository.reading.shelf.binary('Binary', id);
    const headers = { ...metaHeaders(stored.resource), 'content-type': contentType };
    if (isUnchanged(headers, request)) return { status: 304, headers };
    return { status: 200, headers, body: bytes };
  }

  /** Entries of a batch are requests of their own; their writes meet in one commit. https://hl7.org/fhir/R4/http.html#transaction */
  async batch(bundle: Bundle): Promise<Bundle> {
    const entries = bundle.entry ?? [];
    if (entries.length > this.#limits.maxEntries) {
      throw new PasserelleError(fault('transaction-too-large', { params: { limit: this.#limits.maxEntries } }));
    }
    const answers = await Promise.all(entries.map((entry) => this.#batchEntry(entry ?? {})));
    return { resourceType: 'Bundle', type: 'batch-response', ...(answers.length ? { entry: answers } : {}) };
  }

  async #batchEntry({ request, resource }: BundleEntry): Promise<BundleEntry> {
    const path = typeof request?.url === 'string' ? request.url : '';
    if (path === '' || path === '/') {
      return entryOf(refusal([fault('fhir-request-invalid', { params: { reason: 'request.url is missing' } })]));
    }
    const headers: Record<string, string> = { accept: JSON_TYPE };
    if (request?.ifMatch) headers['if-match'] = request.ifMatch;
    if (request?.ifNoneMatch) headers['if-none-match'] = request.ifNoneMatch;
    if (request?.ifModifiedSince) headers['if-modified-since'] = request.ifModifiedSince;
    if (request?.ifNoneExist) headers['if-none-exist'] = request.ifNoneExist;
    const method = request?.method as FhirRequest['method'];
    return entryOf(await this.send({ method, path, headers, body: method === 'PATCH' ? patchOf(resource) : resource }));
  }
}

function patchOf(resource: Resource | undefined): Operation[] | Resource | undefined {
  if (resource?.resourceType !== 'Binary') return resource;
  try {
    return JSON.parse(Buffer.from((resource as Binary).data ?? '', 'base64').toString());
  } catch {
    return undefined;
  }
}

function entryOf({ status, headers, body }: FhirResponse): BundleEntry {
  const resource = body as Resource | undefined;
  const isOutcome = resource?.resourceType === 'OperationOutcome';
  return {
    ...(resource && !isOutcome ? { resource } : {}),
    response: {
      status: String(status),
      ...(headers.location ? { location: headers.location } : {}),
      ...(headers.etag ? { etag: headers.etag } : {}),
      ...(resource?.meta?.lastUpdated ? { lastModified: resource.meta.lastUpdated } : {}),
      ...(isOutcome ? { outcome: resource } : {}),
    },
  };
}

/** A Binary may come as its bytes, of whatever type. */
function bodyOf(request: FhirRequest, type: string | undefined): unknown {
  if (type !== 'Binary' || !(request.body instanceof Uint8Array)) return request.body;
  const context = request.headers?.['x-security-context'];
  return {
    resourceType: 'Binary',
    contentType: request.headers?.['content-type'] ?? 'application/octet-stream',
    ...(context ? { securityContext: { reference: context } } : {}),
    data: Buffer.from(request.body).toString('base64'),
  };
}

/** Whoever does not ask for FHIR gets the document itself. In process, without Accept, FHIR is meant. */
function wantsBytes(request: FhirRequest): boolean {
  const accept = request.headers?.accept;
  return accept !== undefined && !/application\/(fhir\+(json|xml)|json)/.test(accept);
}

function respond(
  interaction: string,
  outcome: OperationOutcome,
  resource: Resource | undefined,
  request: FhirRequest,
): FhirResponse {
  if (interaction === 'delete') return { status: 204, headers: {} };
  const status = getStatus(outcome);
  if (!resource) return { status, headers: { 'content-type': JSON_TYPE }, body: outcome };
  const single = ['create', 'update', 'patch', 'read', 'vread'].includes(interaction);
  const headers = { 'content-type': JSON_TYPE, ...(single ? metaHeaders(resource) : {}) } as Record<string, string>;
  if (['create', 'update', 'patch'].includes(interaction)) {
    headers.location = `${resource.resourceType}/${resource.id}/_history/${resource.meta?.versionId}`;
    return preferred(status, headers, resource, request);
  }
  if (interaction === 'read' || interaction === 'vread') {
    if (isUnchanged(headers, request)) return { status: 304, headers };
    return { status, headers, body: view(resource, shape(request)) };
  }
  return { status, headers, body: resource };
}

/** https://hl7.org/fhir/R4/http.html#ops; the content of a Binary is not sent back to who has just sent it. */
function preferred(
  status: number,
  headers: Record<string, string>,
  resource: Resource,
  request: FhirRequest,
): FhirResponse {
  const prefer = request.headers?.prefer ?? '';
  const minimal =
    resource.resourceType === 'Binary' ? !/return=(repr|Oper)/.test(prefer) : /return=minimal/.test(prefer);
  if (minimal) return { status, headers };
  if (!/return=OperationOutcome/.test(prefer)) return { status, headers, body: resource };
  return { status, headers, body: operationOutcome([{ code: 'resource-valid', severity: 'information' }]) };
}

function metaHeaders(resource: Resource): Record<string, string> {
  const { versionId, lastUpdated } = resource.meta ?? {};
  return {
    ...(versionId ? { etag: `W/"${versionId}"` } : {}),
    ...(lastUpdated ? { 'last-modified': new Date(lastUpdated).toUTCString() } : {}),
  };
}

/** https://hl7.org/fhir/R4/http.html#cread */
function isUnchanged(headers: Record<string, string>, request: FhirRequest): boolean {
  const known = request.headers?.['if-none-match'];
  if (known !== undefined) return known.split(',').some((one) => one.trim() === headers.etag);
  const since = Date.parse(request.headers?.['if-modified-since'] ?? '');
  return !Number.isNaN(since) && Date.parse(headers['last-modified'] ?? '') <= since;
}

function shape(request: FhirRequest) {
  const asked = new Map(pairsOf(request.path.split('?')[1] ?? ''));
  const summary = asked.get('_summary');
  return {
    ...(summary && /^(true|text|data)$/.test(summary) ? { summary: summary as 'true' | 'text' | 'data' } : {}),
    ...(asked.has('_elements') ? { elements: asked.get('_elements')!.split(',') } : {}),
  };
}

function unknownType(type: string): PasserelleError {
  return new PasserelleError(
    fault('type-unknown', { params: { type: /^\w{1,64}$/.test(type) ? type : '(unreadable)' } }),
  );
}

/** No route: an operation that is not offered, a type R4 does not have, or a method that does not fit the address. */
function unsupported(request: FhirRequest, types: ReadonlySet<string>): PasserelleError {
  const parts = request.path.split('?')[0]!.split('/');
  const operation = parts.find((part) => part.startsWith('$'));
  if (operation) {
    const name = /^\$[\w-]{1,64}$/.test(operation) ? operation : '(unreadable)';
    return new PasserelleError(fault('operation-unsupported', { params: { operation: name } }));
  }
  const type = parts[0] ?? '';
  if (type && !types.has(type) && type !== 'metadata' && type !== '_history') return unknownType(type);
  return new PasserelleError(fault('interaction-unsupported', { params: { method: request.method } }));
}

function refusal(faults: Fault[]): FhirResponse {
  return { status: httpStatus(faults), headers: { 'content-type': JSON_TYPE }, body: operationOutcome(faults) };
}
