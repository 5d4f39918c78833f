import { afterEach, expect, test } from '@jest/globals';
import type { DoorContext, Receipt } from '../../src/adapter.ts';
import type { MailConfig } from '../../src/adapters/mail/config.ts';
import { checkMailbox, openReceiver, type Receiver } from '../../src/adapters/mail/receive.ts';
import { fault, PasserelleError } from '../../src/errors.ts';
import { createLog } from '../../src/log.ts';
import type { Incoming } from '../../src/message.ts';
import { type Mailbox, startLine, startMailbox } from '../e2e/mailboxes.ts';
import { until } from '../e2e/running.ts';

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function wireTo(port: number) {
  const line = await startLine(port);
  closing.push(line.stop);
  return line;
}

async function mailbox(): Promise<Mailbox> {
  const server = await startMailbox();
  closing.push(() => new Promise<void>((resolve) => server.close(resolve)));
  return server;
}

function receiver(port: number, accept: (incoming: Incoming) => Promise<void>, maxBytes = 100_000): Receiver {
  const imap = { host: '127.0.0.1', port, security: 'none', user: 'testuser', password: 'testpass', mailbox: 'INBOX' };
  const context = {
    name: 'mss',
    config: { imap: { ...imap, maxBytes } } as MailConfig,
    log: createLog({ level: 'silent', stream: { write: () => {} } }),
    accept: async (incoming: Incoming) => {
      await accept(incoming);
      return { id: 'x', state: 'accepted', duplicate: false, faults: [] };
    },
    receipt: async (_key: string, _receipt: Receipt) => {},
    fhir: { send: async () => ({ status: 404, headers: {} }) },
  } as unknown as DoorContext<MailConfig>;
  const made = openReceiver(context);
  closing.push(() => made.stop());
  made.start();
  return made;
}

const mail = (id: string, text = 'texte') =>
  `From: a@b.test\r\nMessage-ID: <${id}@b.test>\r\nSubject: x\r\n\r\n${text}\r\n`;
const put = (server: Mailbox, raw: string) => server.appendMessage('INBOX', [], new Date(), raw);
const seen = (server: Mailbox) => server.getMailbox('INBOX').messages.map((one) => one.flags.includes('\\Seen'));

test('a mail is seen after the journal has it, and only then; its Message-ID is its identity', async () => {
  const server = await mailbox();
  put(server, mail('one'));
  const keys: (string | undefined)[] = [];
  const atAccept: boolean[][] = [];
  let failing = 1;
  receiver(server.port, async ({ idempotencyKey }) => {
    atAccept.push(seen(server));
    if (failing-- > 0) throw new PasserelleError(fault('not-durable'));
    keys.push(idempotencyKey);
  });
  await until(async () => seen(server)[0]);
  expect(keys).toEqual(['one@b.test']);
  expect(atAccept).toEqual([[false], [false]]);
});

test('new mail is told while waiting, and after the connection was lost', async () => {
  const server = await mailbox();
  const wire = await wireTo(server.port);
  const keys: (string | undefined)[] = [];
  receiver(wire.port, async ({ idempotencyKey }) => void keys.push(idempotencyKey));
  put(server, mail('one'));
  await until(async () => seen(server).length === 1 && seen(server).every(Boolean));
  put(server, mail('two'));
  await until(async () => seen(server).length === 2 && seen(server).every(Boolean));
  wire.cut();
  put(server, mail('three'));
  await until(async () => seen(server).length === 3 && seen(server).every(Boolean));
  expect(keys).toEqual(['one@b.test', 'two@b.test', 'three@b.test']);
});

test('cut off while the journal writes: fetched again, with the same identity, so nothing is lost or doubled', async () => {
  const server = await mailbox();
  const wire = await wireTo(server.port);
  const keys: (string | undefined)[] = [];
  put(server, mail('one'));
  receiver(wire.port, async ({ idempotencyKey }) => {
    if (keys.push(idempotencyKey) === 1) wire.cut();
  });
  await until(async () => seen(server)[0]);
  expect(keys).toEqual(['one@b.test', 'one@b.test']);
});

test('check: nothing to say of a mailbox that opens, what is wrong of one that does not', async () => {
  const { port } = await mailbox();
  const imap = { host: '127.0.0.1', port, security: 'none', user: 'testuser', mailbox: 'INBOX', maxBytes: 1024 };
  const check = (more: object) => checkMailbox({ config: { imap: { ...imap, ...more } } as MailConfig });
  expect(await check({ password: 'testpass' })).toEqual([]);
  expect(await check({ password: 'testpass', mailbox: 'ELSEWHERE' })).toMatchObject([{ code: 'mail-unreachable' }]);
  expect(await check({ password: 'wrong' })).toMatchObject([{ code: 'mail-unreachable' }]);
  expect(await check({ password: 'testpass', port: 1 })).toMatchObject([{ code: 'mail-unreachable' }]);
});

test('a mail that is too long stays unread and holds nobody up', async () => {
  const server = await mailbox();
  const keys: (string | undefined)[] = [];
  put(server, mail('long', 'x'.repeat(5000)));
  put(server, mail('short'));
  receiver(server.port, async ({ idempotencyKey }) => void keys.push(idempotencyKey), 2000);
  await until(async () => seen(server)[1]);
  expect(keys).toEqual(['short@b.test']);
  expect(seen(server)).toEqual([false, true]);
});
