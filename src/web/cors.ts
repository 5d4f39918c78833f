import type { RequestHandler } from 'express';
import { fhirBase } from '../access/demands.ts';
import type { Config } from '../config/shape.ts';

const allowed = 'authorization, content-type, accept, prefer, if-match, if-none-match, if-none-exist, idempotency-key';
const exposed = 'etag, last-modified, location, content-location, retry-after, www-authenticate';

/**
 * Browsers let programs of other origins ask here when these are the origins of registered redirect addresses; cookies are
 * not part of it. https://fetch.spec.whatwg.org/#http-cors-protocol
 */
export function crossOrigin({ access }: Config): RequestHandler {
  const origins = new Set(access.clients.flatMap((one) => one.redirect_uris ?? []).map((one) => new URL(one).origin));
  const paths = [fhirBase, '/.well-known/', '/oauth2/token', '/oauth2/jwks'];
  return (request, response, next) => {
    const origin = request.get('origin');
    if (origin === undefined || !paths.some((one) => request.path.startsWith(one))) return next();
    response.vary('Origin');
    if (!origins.has(origin)) return next();
    response.set({ 'Access-Control-Allow-Origin': origin, 'Access-Control-Expose-Headers': exposed });
    if (request.method !== 'OPTIONS') return next();
    response.set({
      'Access-Control-Allow-Methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
      'Access-Control-Allow-Headers': allowed,
      'Access-Control-Max-Age': '600',
    });
    response.status(204).end();
  };
}
