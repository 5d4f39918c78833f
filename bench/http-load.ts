import { type Agent, request } from 'undici';
import { percentile } from './result.ts';

/** What is asked over HTTP, and how often. */
export interface HttpLoad {
  /** Address of the request of this number. */
  url(at: number): string;
  token?: string;
  /** Number of the first request. */
  first?: number;
  count: number;
  /** Bytes an answer has at the least: one that shows nothing is no answer. */
  least?: number;
  /** Requests at a time. */
  width: number;
}

/** Answers a second, and times in milliseconds. */
export interface HttpFigures {
  perSecond: number;
  p50: number;
  p99: number;
}

/** Asks as fast as answers come. @throws Error when one is not 200, or too short */
export async function loadHttp(
  agent: Agent,
  { url, token, first = 0, count, least = 1, width }: HttpLoad,
): Promise<HttpFigures> {
  const headers: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {};
  const took: number[] = [];
  let next = first;
  const since = performance.now();
  const one = async () => {
    while (next < first + count) {
      const at = performance.now();
      const { statusCode, body } = await request(url(next++), { dispatcher: agent, headers });
      const { byteLength } = await body.arrayBuffer();
      if (statusCode !== 200 || byteLength < least) throw new Error(`status ${statusCode}, ${byteLength} bytes`);
      took.push(performance.now() - at);
    }
  };
  await Promise.all(Array.from({ length: width }, one));
  const perSecond = (count / (performance.now() - since)) * 1000;
  return { perSecond, p50: percentile(took, 0.5), p99: percentile(took, 0.99) };
}
