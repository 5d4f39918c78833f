import type { Bundle, Resource } from '@medplum/fhirtypes';
import { Agent, request as httpRequest } from 'undici';
import { neverSent } from '../adapter/sent.ts';
import type { FhirEndpoint, FhirRequest, FhirResponse } from '../adapter.ts';
import { type Fault, fault, httpStatus, operationOutcome, PasserelleError } from '../errors.ts';

/** How a FHIR server elsewhere is reached. */
export interface RemoteOptions {
  /** Base URL of an R4 server, with or without a final slash. */
  base: string;
  /** Sent with every request: authorization and the like. */
  headers: Record<string, string>;
  timeoutSeconds: number;
  /** Connections kept open at the most. */
  connections: number;
  /** Bytes of an answer at the most; 256 MB when not said. */
  largestAnswer?: number;
}

const LARGEST_ANSWER = 256 * 1024 * 1024;

/**
 * A FHIR R4 server elsewhere (HAPI, Medplum …) over kept-open connections. Redirects are not followed: credentials go to the
 * configured origin only. Addresses in the answers are made relative to the base, as the embedded server has them.
 *
 * `send` answers `503` when the server cannot be reached, `504` when a request was sent and no answer came (a caller must
 * look before it repeats), `502` when the answer is none of a FHIR server.
 */
export function openRemote(options: RemoteOptions): { endpoint: FhirEndpoint; close(): void } {
  const base = options.base.replace(/\/*$/, '');
  const timeout = options.timeoutSeconds * 1000;
  const agent = new Agent({
    connections: options.connections,
    pipelining: 1,
    connect: { timeout: Math.min(timeout, 5000) },
    headersTimeout: timeout,
    bodyTimeout: timeout,
    maxResponseSize: options.largestAnswer ?? LARGEST_ANSWER,
  });
  const send = async (request: FhirRequest): Promise<FhirResponse> => {
    try {
      return await exchange(base, request, options.headers, agent);
    } catch (error) {
      return failure(error instanceof PasserelleError ? error.faults : [faultOf(error)]);
    }
  };
  return { endpoint: { send }, close: () => void agent.destroy() };
}

/** Anything that is not known to have happened before sending may have happened after it. */
function faultOf(error: unknown): Fault {
  const code = (error as { code?: string }).code ?? '';
  if (neverSent(code)) return fault('fhir-unreachable', { detail: code });
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') {
    return fault('fhir-answer-unusable', { params: { reason: 'it is larger than the limit' } });
  }
  return fault('fhir-timeout', { detail: code });
}

async function exchange(
  base: string,
  request: FhirRequest,
  common: Record<string, string>,
  dispatcher: Agent,
): Promise<FhirResponse> {
  const url = localUrl(base, request.path);
  const { body, type } = bodyOf(request);
  const answer = await httpRequest(url, {
    method: request.method,
    dispatcher,
    headers: {
      accept: 'application/fhir+json',
      // HAPI answers identical searches from a cache of a minute otherwise, those inside a batch too.
      'cache-control': 'no-cache',
      ...(type ? { 'content-type': type } : {}),
      ...request.headers,
      ...common,
    },
    ...(body === undefined ? {} : { body }),
  });
  const given = localHeaders(answer.headers, base);
  const bytes = new Uint8Array(await answer.body.arrayBuffer());
  if (answer.statusCode >= 300 && answer.statusCode < 400 && answer.statusCode !== 304) {
    const reason = `a redirect, status ${answer.statusCode}`;
    throw new PasserelleError(fault('fhir-answer-unusable', { params: { reason } }));
  }
  const content = withLocalAddresses(read(bytes, given['content-type'] ?? ''), base);
  const headers = answer.statusCode < 300 ? located(request, given, content) : given;
  return { status: answer.statusCode, headers, body: content };
}

/**
 * Where a write stands. HAPI says it of an update, and of a create by an id of ours, only as the address of the content it
 * sends back (https://hl7.org/fhir/R4/http.html#create wants `Location`); without it nothing would follow from the write.
 */
function located({ method, path }: FhirRequest, headers: Record<string, string>, body: unknown): typeof headers {
  const [type, id] = /^[A-Z][A-Za-z]+(?:\/[A-Za-z0-9.-]{1,64})?(?=\?|$)/.exec(path)?.[0].split('/') ?? [];
  if (headers.location || !type || !['POST', 'PUT', 'PATCH'].includes(method)) return headers;
  const { resourceType, id: given, meta } = (body ?? {}) as Partial<Resource>;
  const isSent = resourceType === type && given !== undefined;
  const version = isSent && meta?.versionId ? `/_history/${meta.versionId}` : '';
  const address = isSent ? `${type}/${given}${version}` : id && `${type}/${id}`;
  const location = headers['content-location'] ?? address;
  return location ? { ...headers, location } : headers;
}

/** Absolute addresses are only those of the server itself: what it gave as a `next` link. */
function localUrl(base: string, path: string): string {
  if (/^[a-z][a-z\d+.-]*:/i.test(path) || path.startsWith('//')) {
    if (URL.canParse(path) && new URL(path).origin === new URL(base).origin) return path;
    throw new PasserelleError(
      fault('fhir-request-invalid', { params: { reason: 'the address is that of another server' } }),
    );
  }
  const relative = path.replace(/^\/+/, '');
  return relative === '' || relative.startsWith('?') ? `${base}${relative}` : `${base}/${relative}`;
}

function bodyOf({ body, method, headers }: FhirRequest): { body?: string | Uint8Array; type?: string } {
  if (body === undefined) return {};
  if (typeof body === 'string') return { body, type: 'application/x-www-form-urlencoded' };
  if (body instanceof Uint8Array) return { body, type: headers?.['content-type'] ?? 'application/octet-stream' };
  const isJsonPatch = method === 'PATCH' && Array.isArray(body);
  return { body: JSON.stringify(body), type: isJsonPatch ? 'application/json-patch+json' : 'application/fhir+json' };
}

function localHeaders(given: Record<string, string | string[] | undefined>, base: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => {
      const text = Array.isArray(value) ? value.join(', ') : (value ?? '');
      return [name, name === 'location' || name === 'content-location' ? local(text, base) : text];
    }),
  );
}

/** A FHIR server answers JSON; what else comes is the content of a Binary. */
function read(bytes: Uint8Array, type: string): unknown {
  if (bytes.length === 0) return undefined;
  if (!/\bjson\b/.test(type)) return bytes;
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8'));
  } catch {
    throw new PasserelleError(fault('fhir-answer-unusable', { params: { reason: 'it says it is JSON and is not' } }));
  }
}

/** Links, fullUrls and locations of a Bundle, relative to the base. */
function withLocalAddresses(body: unknown, base: string): unknown {
  const bundle = body as Bundle | undefined;
  if (bundle?.resourceType !== 'Bundle') return body;
  for (const link of bundle.link ?? []) link.url = local(link.url, base);
  for (const entry of bundle.entry ?? []) {
    if (entry.fullUrl) entry.fullUrl = local(entry.fullUrl, base);
    if (entry.response?.location) entry.response.location = local(entry.response.location, base);
  }
  return bundle;
}

function local(address: string, base: string): string {
  if (!address.startsWith(base)) return address;
  const rest = address.slice(base.length);
  if (rest === '' || rest.startsWith('?')) return rest;
  return rest.startsWith('/') ? rest.slice(1) : address;
}

function failure(faults: Fault[]): FhirResponse {
  const headers = { 'content-type': 'application/fhir+json' };
  return { status: httpStatus(faults), headers, body: operationOutcome(faults) };
}
