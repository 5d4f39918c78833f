import { isAscii } from 'node:buffer';
import { isIP } from 'node:net';
import { Readable } from 'node:stream';
import nodemailer from 'nodemailer';
import type { DeliveryOutcome } from '../../adapter.ts';
import { type Fault, fault } from '../../errors.ts';
import type { MailConfig, ServerConfig } from './config.ts';

/** Sends mails through one operator, over a few connections that stay open. RFC 5321, RFC 3207, RFC 3461. */
export interface Sender {
  /** One mail to one address; what the server said is in the outcome. */
  send(mail: Mail): Promise<DeliveryOutcome>;
  /** What keeps mails from going out just now. */
  check(): Promise<Fault[]>;
  close(): void;
}

/** One mail, ready to be sent. */
export interface Mail {
  from: string;
  to: string;
  messageId: string;
  /** One after the other the mail: a long one is not put together for its way out. */
  pieces: Uint8Array[];
  /** A report about a mail: nothing is to be reported about it in its turn (RFC 8098, 3). */
  report?: boolean;
}

/** A sender with connections that are kept. */
export function openSender(config: NonNullable<MailConfig['smtp']>): Sender {
  const transport = nodemailer.createTransport({
    pool: true,
    ...connectionOf(config),
    maxConnections: config.connections,
    maxMessages: Number.POSITIVE_INFINITY,
    // What was cut off is tried again by the worker, which knows how often and writes it down.
    maxRequeues: 0,
    connectionTimeout: Math.min(config.timeoutSeconds, 30) * 1000,
    greetingTimeout: Math.min(config.timeoutSeconds, 30) * 1000,
    socketTimeout: config.timeoutSeconds * 1000,
    logger: false,
    disableFileAccess: true,
    disableUrlAccess: true,
  } as Parameters<typeof nodemailer.createTransport>[0]);
  return {
    async send({ from, to, messageId, pieces, report }) {
      let begun = false;
      const raw = Readable.from(
        (function* () {
          begun = true;
          yield* pieces;
        })(),
        { objectMode: false },
      );
      const asked = { return: 'headers', notify: ['success', 'failure', 'delay'], recipient: `rfc822;${to}` };
      const dsn = report ? { notify: 'never' } : { id: messageId, ...asked };
      // RFC 1870: a server that knows the size says no before the mail has travelled.
      const use8BitMime = report && !pieces.every((one) => isAscii(one));
      const envelope = { from: from || false, to: [to], size: sizeOf(pieces), use8BitMime };
      try {
        await transport.sendMail({ envelope, raw, dsn } as object);
        return { outcome: 'delivered', ...(report ? {} : { key: messageId }) };
      } catch (error) {
        return outcomeOf(error as SmtpError, begun);
      } finally {
        raw.destroy();
      }
    },
    async check() {
      try {
        await transport.verify();
        return [];
      } catch (error) {
        return [unreachable(error as SmtpError)];
      }
    },
    close: () => transport.close(),
  };
}

/** Length of a mail in bytes. */
export function sizeOf(pieces: Uint8Array[]): number {
  return pieces.reduce((sum, one) => sum + one.length, 0);
}

/** How a server is reached and who we are there; SMTP and IMAP clients are told the same. */
function connectionOf(config: ServerConfig) {
  const { host, port, security, user, password, accessToken, cert, key, ca } = config;
  return {
    host,
    port,
    secure: security === 'tls',
    requireTLS: security === 'starttls',
    ignoreTLS: security === 'none',
    tls: { minVersion: 'TLSv1.2', ...(isIP(host) ? {} : { servername: host }), cert, key, ca },
    ...(user && accessToken ? { auth: { type: 'OAuth2', user, accessToken } } : {}),
    ...(user && password && !accessToken ? { auth: { user, pass: password } } : {}),
  };
}

interface SmtpError extends Error {
  code?: string;
  /** `CONN`, `EHLO`, `AUTH PLAIN`, `MAIL FROM`, `RCPT TO`, `DATA` … */
  command?: string;
  responseCode?: number;
  response?: string;
}

/** Failures before there was a mail to speak of. */
const beforeMail = new Set(['EDNS', 'ETLS', 'EAUTH', 'ECONNECTION', 'ECONNREFUSED']);

/**
 * RFC 5321, 4.2.1: 4yz passes, 5yz stays. What is said to the connection (greeting, TLS, login) is about the server or about
 * us, never about this mail. Silence after the mail has begun to leave means that nobody knows.
 */
function outcomeOf(error: SmtpError, begun: boolean): DeliveryOutcome {
  const { responseCode: status = tooLarge(error), command = '' } = error;
  const detail = `${error.code ?? ''} ${command} ${error.response ?? error.message}`.slice(0, 500);
  const aboutMail =
    /^(MAIL|RCPT|DATA)/i.test(command) || (status !== undefined && !/^(CONN|EHLO|HELO|STARTTLS|AUTH)/i.test(command));
  if (status !== undefined && status !== 421 && aboutMail && error.code !== 'EAUTH') {
    const permanent = status >= 500;
    const found = fault(permanent ? 'mail-refused' : 'mail-deferred', { params: { status }, detail });
    return { outcome: permanent ? 'permanent' : 'transient', faults: [found] };
  }
  if (status === undefined && begun && !beforeMail.has(error.code ?? '')) {
    return { outcome: 'ambiguous', faults: [fault('mail-unconfirmed', { detail })] };
  }
  return { outcome: 'transient', faults: [unreachable(error)] };
}

/** What the client finds by itself in the server's greeting (RFC 1870, 6.1) is as good as its answer. */
function tooLarge({ code, message }: SmtpError): number | undefined {
  return code === 'EMESSAGE' && /larger than allowed/i.test(message) ? 552 : undefined;
}

function unreachable(error: SmtpError): Fault {
  const reason = `${error.code ?? 'error'}${error.responseCode ? ` ${error.responseCode}` : ''}`;
  return fault('mail-unreachable', { params: { reason }, detail: error.message.slice(0, 500) });
}
