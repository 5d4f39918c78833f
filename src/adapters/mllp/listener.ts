/** The MLLP door: listens, keeps its connections, closes them in good order. */
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from 'node:tls';
import type { Door, DoorContext } from '../../adapter.ts';
import { type Fault, fault, PasserelleError } from '../../errors.ts';
import type { MllpConfig } from './config.ts';
import { MllpConnection } from './connection.ts';

const TICK = 1000;
/** A door has ten seconds to finish, see the contract; the last of them are for the sockets. */
const DRAIN = 8000;

/** The door that listens for MLLP, with and without TLS. */
export class MllpListener implements Door {
  private readonly context: DoorContext<MllpConfig>;
  private readonly connections = new Set<MllpConnection>();
  private server: Server | undefined;
  private clock: NodeJS.Timeout | undefined;

  constructor(context: DoorContext<MllpConfig>) {
    this.context = context;
  }

  async start(): Promise<void> {
    const { config } = this.context;
    const { host, port } = this.endpoint();
    const server = config.tls
      ? createTlsServer(this.tlsOptions(), (socket) => this.greet(socket))
      : createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.connected(socket));
    server.maxConnections = config.connections;
    server.on('tlsClientError', (error) => this.context.log.warn({ err: error }, 'TLS handshake failed'));
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) =>
        reject(
          new PasserelleError(
            fault('listen-failed', { params: { address: config.listen, reason: error.code ?? 'error' } }),
            { cause: error },
          ),
        ),
      );
      server.listen({ host, port }, resolve);
    });
    this.server = server;
    this.clock = setInterval(() => this.tick(), TICK);
    this.clock.unref();
  }

  async stop(): Promise<void> {
    const { server } = this;
    if (!server) return;
    this.server = undefined;
    clearInterval(this.clock);
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const one of this.connections) one.drain();
    const late = setTimeout(() => {
      for (const one of this.connections) one.destroy();
    }, DRAIN);
    await closed;
    clearTimeout(late);
  }

  async check(): Promise<Fault[]> {
    const faults: Fault[] = [];
    try {
      this.endpoint();
    } catch (error) {
      if (error instanceof PasserelleError) faults.push(...error.faults);
    }
    const { tls } = this.context.config;
    for (const file of [tls?.cert, tls?.key, tls?.ca]) {
      if (file === undefined) continue;
      try {
        readFileSync(file);
      } catch (error) {
        const reason = (error as NodeJS.ErrnoException).code ?? 'error';
        faults.push(fault('file-unreadable', { params: { file, reason } }));
      }
    }
    return faults;
  }

  addresses(): string[] {
    const address = this.server?.address() as AddressInfo | null | undefined;
    if (!address) return [];
    const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
    return [`${this.context.config.tls ? 'mllps' : 'mllp'}://${host}:${address.port}`];
  }

  /** A certificate that was asked for may be missing, but not wrong. */
  private greet(socket: TLSSocket): void {
    const certificate = socket.getPeerCertificate();
    const shown = Object.keys(certificate).length > 0;
    if (shown && this.context.config.tls?.clientCertificate === 'request' && !socket.authorized) {
      this.context.log.warn({ errorCode: 'token-invalid' }, 'client certificate refused');
      socket.destroy();
    } else this.connected(socket, shown ? certificate.subject.CN : undefined);
  }

  private connected(socket: Socket, sender?: string | string[]): void {
    socket.setKeepAlive(true, 60_000);
    socket.setNoDelay(true);
    const connection = new MllpConnection(socket, this.context, Array.isArray(sender) ? sender[0] : sender);
    this.connections.add(connection);
    socket.on('close', () => this.connections.delete(connection));
    if (!this.server) connection.drain();
  }

  private tick(): void {
    const now = Date.now();
    for (const one of this.connections) one.tick(now);
  }

  private endpoint(): { host: string; port: number } {
    const { listen } = this.context.config;
    const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(listen);
    const host = match?.[1] ?? match?.[2];
    const port = Number(match?.[3]);
    if (host && port <= 65535) return { host, port };
    const params = { address: listen, reason: { fr: 'attendu hôte:port', en: 'host:port expected' } };
    throw new PasserelleError(fault('listen-failed', { params }));
  }

  private tlsOptions(): TlsOptions {
    const tls = this.context.config.tls!;
    const wanted = tls.clientCertificate ?? 'none';
    try {
      return {
        cert: readFileSync(tls.cert),
        key: readFileSync(tls.key),
        ...(tls.ca ? { ca: readFileSync(tls.ca) } : {}),
        allowHalfOpen: true,
        requestCert: wanted !== 'none',
        rejectUnauthorized: wanted === 'require',
        minVersion: tls.minVersion ?? 'TLSv1.2',
      };
    } catch (error) {
      const reason = (error as NodeJS.ErrnoException).code ?? 'error';
      const file = (error as NodeJS.ErrnoException).path ?? tls.cert;
      throw new PasserelleError(fault('file-unreadable', { params: { file, reason } }), { cause: error });
    }
  }
}
