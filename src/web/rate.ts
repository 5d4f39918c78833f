import type { RequestHandler } from 'express';
import { refuse } from '../adapter/answer.ts';
import { fault } from '../errors.ts';

const windowMs = 60_000;
const mostClients = 10_000;

/** At most `perMinute` requests of one client in a minute, then 429 with `Retry-After`; 0: no limit. */
export function rateLimit(perMinute: number): RequestHandler {
  const windows = new Map<string, { since: number; count: number }>();
  return (request, response, next) => {
    const client = request.caller?.clientId;
    if (perMinute === 0 || client === undefined) return next();
    const now = Date.now();
    let window = windows.get(client);
    if (!window || now - window.since >= windowMs) {
      windows.delete(client);
      if (windows.size >= mostClients) windows.delete(windows.keys().next().value as string);
      window = { since: now, count: 0 };
      windows.set(client, window);
    }
    window.count += 1;
    if (window.count <= perMinute) return next();
    const seconds = Math.max(1, Math.ceil((window.since + windowMs - now) / 1000));
    response.set('Retry-After', String(seconds));
    refuse(request, response, [fault('too-many-requests', { params: { seconds } })]);
  };
}
