import { Pool } from 'undici';
import { fault, PasserelleError } from '../errors.ts';
import type { Connection } from './load.ts';

/** Where `send http` posts, and how long it waits for an answer, in milliseconds. */
export interface HttpTarget {
  url: URL;
  token?: string;
  contentType: string;
  answerMs: number;
}

/** Connections to an HTTP door; each sends one message at a time and keeps its socket. */
export function openHttp({ url, token, contentType, answerMs }: HttpTarget, count: number): Connection[] {
  const pool = new Pool(url.origin, { connections: count, headersTimeout: answerMs, bodyTimeout: answerMs });
  const headers = { 'content-type': contentType, ...(token ? { authorization: `Bearer ${token}` } : {}) };
  const connection: Connection = {
    async send(bytes) {
      try {
        const answer = await pool.request({
          method: 'POST',
          path: url.pathname + url.search,
          headers,
          body: Buffer.from(bytes),
        });
        const text = await answer.body.text();
        return { code: String(answer.statusCode), errors: answer.statusCode < 300 ? [] : errorsOf(text) };
      } catch (error) {
        const reason = (error as NodeJS.ErrnoException).code ?? 'no answer';
        throw new PasserelleError(fault('server-unreachable', { params: { address: url.origin, reason } }));
      }
    },
    close: () => void pool.destroy(),
  };
  return Array.from({ length: count }, () => connection);
}

/** The register's codes in an OperationOutcome. */
function errorsOf(text: string): string[] {
  try {
    const { issue } = JSON.parse(text) as { issue?: { details?: { coding?: { code?: string }[] } }[] };
    return (issue ?? []).map((one) => one.details?.coding?.[0]?.code ?? 'unknown');
  } catch {
    return [];
  }
}
