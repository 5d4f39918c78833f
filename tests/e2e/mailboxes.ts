import { createRequire } from 'node:module';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { simpleParser } from 'mailparser';
import { SMTPServer } from 'smtp-server';

export interface Taken {
  from: string;
  to: string[];
  bytes: Buffer;
  dsn?: { envid?: string | null; ret?: string | null };
}

/** An operator's SMTP server in this process: what it takes is kept; `answer` may refuse a recipient or the data. */
export interface Operator {
  port: number;
  taken: Taken[];
  answer: { recipient?: (address: string) => number | undefined; data?: () => number | undefined };
  stop(): Promise<void>;
}

export async function startOperator(port = 0): Promise<Operator> {
  const taken: Taken[] = [];
  const operator: Pick<Operator, 'answer'> = { answer: {} };
  const refusal = (code: number) => Object.assign(new Error(`refused with ${code}`), { responseCode: code });
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    disableReverseLookup: true,
    onRcptTo({ address }, _session, done) {
      const code = operator.answer.recipient?.(address);
      done(code ? refusal(code) : null);
    },
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const code = operator.answer.data?.();
        if (code) return done(refusal(code));
        const { mailFrom, rcptTo } = session.envelope;
        taken.push({
          from: mailFrom ? mailFrom.address : '',
          to: rcptTo.map((one) => one.address),
          bytes: Buffer.concat(chunks),
          dsn: (session.envelope as { dsn?: Taken['dsn'] }).dsn,
        });
        done();
      });
    },
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return Object.assign(operator, {
    port: (server.server.address() as AddressInfo).port,
    taken,
    stop: () => new Promise<void>((resolve) => server.close(() => resolve())),
  });
}

export const parsed = (bytes: Buffer) => simpleParser(bytes);

/** A small IMAP server; messages are kept with their flags. */
export interface Mailbox {
  port: number;
  listen(port: number, host: string, ready: () => void): void;
  close(done: () => void): void;
  server: { address(): { port: number } };
  appendMessage(mailbox: string, flags: string[], date: Date, raw: string): unknown;
  getMailbox(path: string): { messages: { flags: string[] }[] };
}

interface Idling {
  socket: NodeJS.EventEmitter;
  /** Takes the next line while IDLE lasts, and stops the half hour that IDLE may last. */
  inputHandler?: ((line: string) => void) | false;
}
type Handler = (connection: Idling, ...rest: unknown[]) => void;

/** A client that goes away during IDLE ends it: the server's own half hour would keep the process from ending. */
function endIdle(server: {
  getCommandHandler(name: string): Handler;
  setCommandHandler(name: string, handler: Handler): void;
}): void {
  const idle = server.getCommandHandler('IDLE');
  const known = new WeakSet<Idling>();
  server.setCommandHandler('IDLE', (connection, ...rest) => {
    if (!known.has(connection)) {
      connection.socket.once('close', () => {
        if (connection.inputHandler) connection.inputHandler('DONE');
      });
    }
    known.add(connection);
    idle(connection, ...rest);
  });
}

/**
 * A small IMAP server in this process; what is put into INBOX is announced to whoever waits.
 * @param uidvalidity another one says that UIDs of before mean nothing any more (RFC 3501, 2.3.1.1).
 */
export async function startMailbox({ uidvalidity = 1 } = {}): Promise<Mailbox> {
  const make = createRequire(import.meta.url)('hoodiecrow-imap') as (options: object) => Mailbox;
  const server = make({ plugins: ['IDLE', endIdle, 'UIDPLUS'], storage: { INBOX: { uidvalidity } } });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(server, { port: server.server.address().port });
}

/** A line between a client and a server on this machine, which can be cut and led to another server. */
export async function startLine(target: number) {
  const sockets = new Set<Socket>();
  const listener = createServer((near) => {
    const far = connect(line.target, '127.0.0.1');
    for (const one of [near, far]) {
      sockets.add(one);
      one.on('error', () => {});
      one.on('close', () => {
        sockets.delete(one);
        near.destroy();
        far.destroy();
      });
    }
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const line = {
    port: (listener.address() as AddressInfo).port,
    /** Port of the server that new connections lead to. */
    target,
    cut() {
      for (const one of sockets) one.destroy();
    },
    async stop() {
      line.cut();
      await new Promise<void>((resolve) => listener.close(() => resolve()));
    },
  };
  return line;
}
