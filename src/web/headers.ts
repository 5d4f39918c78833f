import type { RequestHandler } from 'express';

/** Nothing this server answers is ever to be run, framed, sniffed or cached by a browser on the way. */
const headers: Record<string, string> = {
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Cache-Control': 'no-store',
};

/** Protective headers on every answer; a page that needs more sets its own policy afterwards. */
export function protectiveHeaders(tls: boolean): RequestHandler {
  const all = Object.entries(tls ? { ...headers, 'Strict-Transport-Security': 'max-age=31536000' } : headers);
  return (_request, response, next) => {
    for (const [name, value] of all) response.setHeader(name, value);
    next();
  };
}
