import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Express } from 'express';
import { formatListen, parseListen } from '../config/listen.ts';
import type { HttpConfig } from '../config/shape.ts';
import { fault, PasserelleError } from '../errors.ts';

/** An HTTP server that listens. */
export interface Listening {
  /** Port it got, when 0 was asked for. */
  port: number;
  /** `http://127.0.0.1:8080`. */
  url: string;
  /** Takes no new connection, lets requests under way finish for at most `graceMs`, then cuts them off. */
  close(graceMs: number): Promise<void>;
}

/** Suites with forward secrecy and authenticated encryption only, in the order ANSSI's TLS guide recommends. */
const ciphers = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_AES_128_GCM_SHA256',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES128-GCM-SHA256',
].join(':');

/** Starts to listen; throws `listen-failed` when the address cannot be had. */
export async function listen(app: Express, http: HttpConfig): Promise<Listening> {
  const at = parseListen(http.listen);
  const unable = (reason: string) =>
    new PasserelleError(fault('listen-failed', { params: { address: http.listen, reason } }));
  if (!at) throw unable('not an address');
  const server = http.tls ? createTlsServer(tlsOptions(http), app) : createServer(app);
  server.requestTimeout = http.requestSeconds * 1000;
  server.headersTimeout = http.headerSeconds * 1000;
  server.keepAliveTimeout = http.idleSeconds * 1000;
  // Held a while longer than announced: a request sent at the last moment, or read late, still finds its connection open.
  server.keepAliveTimeoutBuffer = 5000;
  server.maxConnections = http.connections;
  server.maxHeadersCount = 100;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(unable(error.code ?? 'unknown reason')));
    server.listen(at.port, at.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  const scheme = http.tls ? 'https' : 'http';
  return {
    port,
    url: `${scheme}://${formatListen({ host: at.host, port })}`,
    close: (graceMs) => close(server, graceMs),
  };
}

function tlsOptions({ tls }: HttpConfig): ServerOptions {
  if (!tls) return {};
  return {
    cert: readFileSync(tls.cert),
    key: readFileSync(tls.key),
    ca: tls.ca ? readFileSync(tls.ca) : undefined,
    requestCert: tls.clientCertificate !== 'none',
    rejectUnauthorized: tls.clientCertificate === 'require',
    minVersion: tls.minVersion,
    ciphers,
    honorCipherOrder: true,
  };
}

async function close(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearTimeout(timer);
}
