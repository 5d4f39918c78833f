import { createHash } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { Request } from 'express';

/**
 * SHA-256 of the certificate the caller showed on this connection, base64url (RFC 8705, `x5t#S256`); undefined when it showed
 * none that one of the configured authorities has signed.
 */
export function certificateOf({ socket }: Pick<Request, 'socket'>): string | undefined {
  const { authorized, getPeerX509Certificate } = socket as TLSSocket;
  if (!authorized || typeof getPeerX509Certificate !== 'function') return undefined;
  const certificate = (socket as TLSSocket).getPeerX509Certificate();
  return certificate && createHash('sha256').update(certificate.raw).digest('base64url');
}
