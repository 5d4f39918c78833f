import type { Request, Response } from 'express';
import type { Config } from '../config/shape.ts';

/** The parameters of a form; undefined when it is none, or one is given twice. */
export function formOf(request: Request): URLSearchParams | undefined {
  if (!request.is('application/x-www-form-urlencoded')) return undefined;
  const form = new URLSearchParams((request.body as Buffer).toString('utf8'));
  const names = [...form.keys()];
  return new Set(names).size === names.length ? form : undefined;
}

/** RFC 6749 section 5.2. */
export function failed(response: Response, status: number, error: string, description: string): void {
  response.status(status).json({ error, error_description: description });
}

/** How the caller reached us; only for display, a forged Host header harms nobody but its sender. */
export function baseUrl({ http }: Config, request: Request): string {
  if (http.publicUrl) return http.publicUrl.replace(/\/$/, '');
  const host = /^[A-Za-z0-9.:[\]-]{1,255}$/.test(request.get('host') ?? '') ? request.get('host') : 'localhost';
  return `${http.tls ? 'https' : 'http'}://${host}`;
}

/**
 * The audiences an assertion may name. Without a public URL these are the names of this machine's own loopback and the port
 * the connection came in by: what the caller claims in `Host` must not decide.
 */
export function tokenEndpoints({ http }: Config, request: Request): string[] {
  if (http.publicUrl) return [`${http.publicUrl.replace(/\/$/, '')}/oauth2/token`];
  const port = request.socket.localPort;
  return ['127.0.0.1', 'localhost', '[::1]'].map(
    (host) => `${http.tls ? 'https' : 'http'}://${host}:${port}/oauth2/token`,
  );
}
