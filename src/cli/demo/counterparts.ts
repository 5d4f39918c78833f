import { createRequire } from 'node:module';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { acknowledge } from '../../formats/hl7v2/index.ts';
import { frame, frameDecoder } from '../../formats/hl7v2/mllp.ts';
import { UsageError } from '../command.ts';

const HOST = '127.0.0.1';

/** The hospital's own listener: acknowledges whatever comes, and keeps it. */
export interface Listener {
  address: string;
  heard: string[];
  stop(): Promise<void>;
}

/** A hospital's MLLP listener on a free loopback port: acknowledges everything and keeps what it heard. */
export async function startListener(): Promise<Listener> {
  const heard: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    const decoder = frameDecoder({ maxBytes: 1 << 20 });
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      for (const { bytes } of decoder.push(chunk)) {
        heard.push(Buffer.from(bytes).toString('utf8'));
        const answer = { code: 'AA' as const, faults: [], controlId: `H${heard.length}`, at: new Date() };
        socket.write(frame(acknowledge(bytes, answer)));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  return {
    address: `mllp://${HOST}:${(server.address() as AddressInfo).port}`,
    heard,
    stop: async () => {
      for (const one of sockets) one.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** A mailbox behind an IMAP server of its own. */
export interface Mailbox {
  address: string;
  port: number;
  user: string;
  password: string;
  put(mail: string): void;
  stop(): Promise<void>;
}

interface ImapServer {
  listen(port: number, host: string, ready: () => void): void;
  close(done: () => void): void;
  server: { address(): AddressInfo };
  appendMessage(mailbox: string, flags: string[], date: Date, mail: string): void;
}

/** An IMAP mailbox in process, on a free loopback port. */
export async function startMailbox(address: string): Promise<Mailbox> {
  const make = needed('hoodiecrow-imap') as (options: object) => ImapServer;
  const server = make({ plugins: ['IDLE', 'UIDPLUS'], storage: { INBOX: {} } });
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  return {
    address,
    port: server.server.address().port,
    user: 'testuser',
    password: 'testpass',
    put: (mail) => void server.appendMessage('INBOX', [], new Date(), mail),
    stop: () => new Promise<void>((resolve) => server.close(resolve)),
  };
}

/** The operator of secure mail: takes mails by SMTP and puts them into the mailboxes they are for. */
export interface Operator {
  port: number;
  /** What was taken, in its order. */
  taken: { from: string; to: string[]; mail: string }[];
  stop(): Promise<void>;
}

/** @param mailboxes those that mail is put into at once; that of every other address is only kept in `taken` */
export async function startOperator(mailboxes: Mailbox[]): Promise<Operator> {
  const { SMTPServer } = needed('smtp-server') as typeof import('smtp-server');
  const taken: Operator['taken'] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    disableReverseLookup: true,
    onData(stream, { envelope }, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const mail = Buffer.concat(chunks).toString('latin1');
        const to = envelope.rcptTo.map((one) => one.address);
        taken.push({ from: envelope.mailFrom ? envelope.mailFrom.address : '', to, mail });
        for (const one of mailboxes) if (to.includes(one.address)) one.put(mail);
        done();
      });
    },
  });
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  return {
    port: (server.server.address() as AddressInfo).port,
    taken,
    stop: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

/** Servers that only the demo and the tests need are packages for development. */
function needed(name: string): unknown {
  try {
    return createRequire(import.meta.url)(name);
  } catch {
    throw new UsageError({
      fr: `La démonstration des portes demande le paquet de développement ${name} : lancez npm ci, puis recommencez.`,
      en: `The demonstration of the doors needs the development package ${name}: run npm ci, then try again.`,
    });
  }
}
