import type { OperationOutcome } from '@medplum/fhirtypes';
import { type Fault, fault, PasserelleError } from '../errors.ts';
import { neverSent } from './sent.ts';

/** How a FHIR server elsewhere is reached. */
export interface ElsewhereConfig {
  base: string;
  headers: Record<string, string>;
  timeoutSeconds: number;
  connections: number;
  largestAnswerBytes: number;
}

/** Settings of {@link ElsewhereConfig}, for a door's own schema. */
export const elsewhereProperties = {
  base: { type: 'string', pattern: '^https?://[^\\s]+$', description: 'FHIR base URL.' },
  headers: {
    type: 'object',
    additionalProperties: { type: 'string' },
    default: {},
    description: 'Sent with every request, for example Authorization.',
  },
  timeoutSeconds: { type: 'number', minimum: 1, maximum: 300, default: 30 },
  connections: { type: 'integer', minimum: 1, maximum: 64, default: 4, description: 'Kept open at the most.' },
  largestAnswerBytes: { type: 'integer', minimum: 1024, default: 16777216 },
} as const;

/** What the server elsewhere answered. */
export interface Answer {
  status: number;
  body?: unknown;
  retryAfterSeconds?: number;
}

/** A FHIR server that a door shares with. */
export interface Elsewhere {
  /**
   * One request; never follows a redirect. Throws PasserelleError: `share-unreachable` when nothing can have happened,
   * `share-unconfirmed` when it may have.
   */
  send(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: unknown, key?: string): Promise<Answer>;
  close(): Promise<void>;
}

/** Kept-open connections to one origin, with bounded time and size. */
export function openElsewhere(config: ElsewhereConfig): Elsewhere {
  const base = config.base.replace(/\/+$/, '');
  const timeout = config.timeoutSeconds * 1000;
  // The library is loaded by the first request: most gateways start with nobody to share with.
  const open = async () => {
    const { Agent, request: httpRequest } = await import('undici');
    const dispatcher = new Agent({
      connections: config.connections,
      pipelining: 1,
      connect: { timeout: Math.min(timeout, 5000) },
      headersTimeout: timeout,
      bodyTimeout: timeout,
      maxResponseSize: config.largestAnswerBytes,
    });
    return { dispatcher, httpRequest };
  };
  let opened: ReturnType<typeof open> | undefined;
  return {
    close: async () => (await opened)?.dispatcher.destroy(),
    async send(method, path, body, key) {
      opened ??= open();
      const { dispatcher, httpRequest } = await opened;
      try {
        const answer = await httpRequest(path ? `${base}/${path}` : base, {
          method,
          dispatcher,
          headers: {
            accept: 'application/fhir+json',
            'cache-control': 'no-cache',
            ...(body === undefined ? {} : { 'content-type': 'application/fhir+json' }),
            ...(key ? { 'idempotency-key': key } : {}),
            ...config.headers,
          },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
        const text = await answer.body.text();
        const wait = Number(answer.headers['retry-after']);
        return {
          status: answer.statusCode,
          body: parsed(text),
          ...(wait > 0 ? { retryAfterSeconds: Math.min(wait, 3600) } : {}),
        };
      } catch (error) {
        const reason = (error as { code?: string }).code ?? 'no answer';
        throw new PasserelleError(
          fault(neverSent(reason) ? 'share-unreachable' : 'share-unconfirmed', { params: { reason } }),
        );
      }
    },
  };
}

function parsed(text: string): unknown {
  try {
    return text ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
}

/** What an answer that is no success means for the delivery. */
export function faultOf({ status, body }: Answer): Fault {
  const reason = `status ${status}`;
  // A server that is being set right (token, certificate), busy or away; two at once on one document.
  if ([401, 403, 408, 409, 412, 425, 429, 502, 503].includes(status))
    return fault('share-unreachable', { params: { reason } });
  // Sent, and nobody knows what became of it; 202 is written down there and may still be refused.
  if ([202, 500, 504].includes(status)) return fault('share-unconfirmed', { params: { reason } });
  const codes = codesOf(body);
  if (/\b(DMPClosed|provide-record-closed)\b/.test(codes)) return fault('share-closed');
  return fault('share-refused', { params: { status, codes } });
}

/** The codes alone: sentences of another system may name the patient. */
function codesOf(body: unknown): string {
  const issues = (body as OperationOutcome | undefined)?.issue;
  if (!Array.isArray(issues)) return 'no OperationOutcome';
  const codes = issues
    .filter((one) => one?.severity === 'error' || one?.severity === 'fatal')
    .map((one) => one.details?.coding?.[0]?.code ?? one.code);
  const safe = codes.filter((one): one is typeof one & string => /^[a-z][a-z0-9-]{0,63}$/i.test(String(one)));
  return [...new Set(safe)].slice(0, 8).join(', ') || 'no code';
}
