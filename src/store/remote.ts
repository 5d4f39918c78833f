import { Agent, request as httpRequest } from 'undici';
import type { FhirEndpoint, FhirRequest, FhirResponse } from '../adapter.ts';
import { type ErrorCode, fault, operationOutcome, PasserelleError } from '../errors.ts';

export interface RemoteOptions {
  /** Base URL of an R4 server, with or without a final slash. */
  base: string;
  /** Sent with every request: authorization and the like. */
  headers: Record<string, string>;
  timeoutSeconds: number;
  /** Connections kept open at the most. */
  connections: number;
}

/** An answer larger than this is not read. */
const LARGEST_ANSWER = 256 * 1024 * 1024;

/** Errors of a socket before the request can have been read: nothing has happened on the other side. */
const NOT_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/**
 * A FHIR R4 server elsewhere (HAPI, Medplum …) over kept-open connections. Redirects are not followed: credentials go to the
 * configured origin only. `send` answers `503` when the server cannot be reached, and `504` when a request was sent and no
 * answer came, so that a caller knows whether it must look before it repeats.
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
    maxResponseSize: LARGEST_ANSWER,
  });
  const send = async (request: FhirRequest): Promise<FhirResponse> => {
    try {
      return await exchange(base, request, options.headers, agent);
    } catch (error) {
      const code = (error as { code?: string }).code ?? '';
      return failure(NOT_SENT.has(code) ? 'fhir-unreachable' : 'fhir-timeout', NOT_SENT.has(code) ? 503 : 504);
    }
  };
  return { endpoint: { send }, close: () => void agent.destroy() };
}

async function exchange(
  base: string,
  request: FhirRequest,
  common: Record<string, string>,
  dispatcher: Agent,
): Promise<FhirResponse> {
  const url = localUrl(base, request.path);
  const body = bodyOf(request.body);
  const answer = await httpRequest(url, {
    method: request.method,
    dispatcher,
    headers: {
      accept: 'application/fhir+json',
      // HAPI answers identical searches from a cache of a minute otherwise.
      ...(request.method === 'GET' ? { 'cache-control': 'no-cache' } : {}),
      ...(body === undefined ? {} : { 'content-type': 'application/fhir+json' }),
      ...common,
      ...request.headers,
    },
    ...(body === undefined ? {} : { body }),
  });
  const headers = Object.fromEntries(
    Object.entries(answer.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  );
  const bytes = new Uint8Array(await answer.body.arrayBuffer());
  return {
    status: answer.statusCode,
    headers: withLocalLocation(headers, base),
    body: read(bytes, headers['content-type'] ?? ''),
  };
}

/** Absolute paths are only those of the server itself: the `next` link of a searchset. */
function localUrl(base: string, path: string): string {
  if (!/^https?:/i.test(path)) return path.startsWith('?') || path === '' ? `${base}${path}` : `${base}/${path}`;
  if (new URL(path).origin === new URL(base).origin) return path;
  throw new PasserelleError(fault('fhir-request-invalid', { detail: 'address of another server' }));
}

function withLocalLocation(headers: Record<string, string>, base: string): Record<string, string> {
  const { location } = headers;
  return location?.startsWith(`${base}/`) ? { ...headers, location: location.slice(base.length + 1) } : headers;
}

function bodyOf(body: unknown): string | Uint8Array | undefined {
  if (body === undefined || typeof body === 'string' || body instanceof Uint8Array) return body;
  return JSON.stringify(body);
}

function read(bytes: Uint8Array, type: string): unknown {
  if (bytes.length === 0) return undefined;
  return /\bjson\b/.test(type) ? JSON.parse(Buffer.from(bytes).toString('utf8')) : bytes;
}

function failure(code: ErrorCode, status: number): FhirResponse {
  return { status, headers: { 'content-type': 'application/fhir+json' }, body: operationOutcome([fault(code)]) };
}
