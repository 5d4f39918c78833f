import type { OperationOutcome } from '@medplum/fhirtypes';
import { Pool } from 'undici';
import { fault, PasserelleError } from '../errors.ts';
import type { Answered, Connection } from './load.ts';

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
        return {
          code: String(answer.statusCode),
          ...(answer.statusCode < 300 ? { errors: [], said: [] } : told(text)),
        };
      } catch (error) {
        const reason = (error as NodeJS.ErrnoException).code ?? 'no answer';
        throw new PasserelleError(fault('server-unreachable', { params: { address: url.origin, reason } }));
      }
    },
    close: () => void pool.destroy(),
  };
  return Array.from({ length: count }, () => connection);
}

/** What an OperationOutcome says: the register's codes, and for people the place and the sentence as well. */
function told(text: string): Pick<Answered, 'errors' | 'said'> {
  const issues = (resourceIn(text)?.issue ?? []).map(({ details, expression }) => ({
    code: details?.coding?.[0]?.code ?? 'unknown',
    place: expression?.[0] ? ` [${expression[0]}]` : '',
    sentence: details?.text ?? '',
  }));
  return {
    errors: issues.map((one) => one.code),
    said: issues.map(({ code, place, sentence }) => `${code}${place}: ${sentence}`),
  };
}

function resourceIn(text: string): OperationOutcome | undefined {
  try {
    return JSON.parse(text) as OperationOutcome;
  } catch {
    return undefined;
  }
}
