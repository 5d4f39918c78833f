import { isIP } from 'node:net';
import { ImapFlow } from 'imapflow';
import type { DoorContext, Receipt } from '../../adapter.ts';
import { type Fault, fault } from '../../errors.ts';
import { type MailTree, read } from '../../formats/mail/index.ts';
import { noteReceipt } from './communication.ts';
import type { MailConfig } from './config.ts';

/** Pauses before a lost connection is opened again, in milliseconds. */
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 60_000;
/** Even when no word comes of new mail, the mailbox is looked through now and then. */
const LOOK_MS = 120_000;

type Context = DoorContext<MailConfig>;

/** Empties one IMAP mailbox into the gateway for as long as it runs. */
export interface Receiver {
  start(): void;
  /** Finishes the mail in hand. */
  stop(): Promise<void>;
}

/**
 * IMAP4rev1 with IDLE. A mail is marked `\Seen` after the journal has it, never before: killed between, the gateway takes it
 * again, and its Message-ID says that it is the same. A UID means something only within one UIDVALIDITY, so nothing is
 * remembered from one connection to the next: what is not yet seen is what is left to do.
 */
export function openReceiver(context: Context): Receiver {
  let stopping = false;
  let client: ImapFlow | undefined;
  let wake = () => {};
  /** Something came since the mailbox was looked through: a word that comes while a mail is taken must not be lost. */
  let fresh = false;
  let running: Promise<void> = Promise.resolve();
  const rest = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  const run = async () => {
    let pause = FIRST_PAUSE;
    while (!stopping) {
      client = clientOf(context);
      client.on('error', (err) => context.log.debug({ err }, 'mailbox connection failed'));
      client.on('exists', () => {
        fresh = true;
        wake();
      });
      client.on('close', () => wake());
      try {
        await client.connect();
        await client.mailboxOpen(context.config.imap!.mailbox);
        context.log.info('mailbox open');
        pause = FIRST_PAUSE;
        await drain(client);
      } catch (error) {
        context.log.warn({ reason: (error as { code?: string }).code ?? (error as Error).message }, 'mailbox lost');
      }
      client.close();
      if (stopping) return;
      await rest(pause);
      pause = Math.min(LONGEST_PAUSE, pause * 2);
    }
  };

  const drain = async (open: ImapFlow) => {
    while (!stopping && open.usable) {
      fresh = false;
      const waiting = (await open.search({ seen: false }, { uid: true })) || [];
      let kept = 0;
      for (const uid of waiting) {
        if (stopping || !open.usable) return;
        if (!(await takeOne(open, uid, context))) kept++;
      }
      if (stopping || !open.usable) return;
      if (fresh) continue;
      // Whoever was not taken because the journal could not is tried again soon.
      const again = rest(kept > 0 ? 2000 : LOOK_MS);
      void open.idle().catch(() => wake());
      await again;
    }
  };

  return {
    start() {
      running = run();
    },
    async stop() {
      stopping = true;
      wake();
      await Promise.race([running, new Promise((resolve) => setTimeout(resolve, 8000).unref())]);
      client?.close();
    },
  };
}

/** What keeps the mailbox from being read just now; leaves it as it is. */
export async function checkMailbox(context: Pick<Context, 'config'>): Promise<Fault[]> {
  const client = clientOf(context);
  client.on('error', () => {});
  try {
    await client.connect();
    await client.mailboxOpen(context.config.imap!.mailbox, { readOnly: true });
    return [];
  } catch (error) {
    const { code, responseText, message } = error as { code?: string; responseText?: string; message: string };
    const reason = `IMAP: ${code ?? responseText ?? message}`.slice(0, 200);
    return [fault('mail-unreachable', { params: { reason } })];
  } finally {
    client.close();
  }
}

function clientOf({ config }: Pick<Context, 'config'>): ImapFlow {
  const { host, port, security, user = '', password, accessToken, cert, key, ca } = config.imap!;
  return new ImapFlow({
    host,
    port,
    secure: security === 'tls',
    // Left out, it would be tried wherever the server offers it.
    doSTARTTLS: security === 'starttls',
    auth: { user, ...(accessToken ? { accessToken } : { pass: password ?? '' }) },
    tls: { minVersion: 'TLSv1.2', ...(isIP(host) ? {} : { servername: host }), cert, key, ca },
    logger: false,
    disableAutoIdle: true,
  } as ConstructorParameters<typeof ImapFlow>[0]);
}

/** True when the mail needs no further look. */
async function takeOne(client: ImapFlow, uid: number, context: Context): Promise<boolean> {
  const { maxBytes } = context.config.imap!;
  const head = await client.fetchOne(String(uid), { size: true }, { uid: true });
  if (!head) return true;
  if ((head.size ?? 0) > maxBytes) {
    context.log.warn({ errorCode: 'too-large', size: head.size, uid }, 'mail left unread');
    return true;
  }
  const fetched = await client.fetchOne(String(uid), { source: true }, { uid: true });
  const source = fetched ? fetched.source : undefined;
  if (!source) return true;
  try {
    await take(source, context);
  } catch (err) {
    context.log.warn({ err, uid }, 'mail not taken, it stays unread');
    return false;
  }
  await client.messageFlagsAdd(String(uid), ['\\Seen'], { uid: true });
  return true;
}

/** Reports are filed with what they answer; every other mail is a message. Resolves once that is on disk. */
export async function take(source: Uint8Array, context: Context): Promise<void> {
  const { tree } = await read(source);
  if (tree.report) return file(tree, context);
  await context.accept({
    door: context.name,
    format: 'mail',
    contentType: 'message/rfc822',
    bytes: source,
    ...(tree.messageId ? { idempotencyKey: tree.messageId } : {}),
  });
}

async function file({ report, sentAt }: MailTree, context: Context): Promise<void> {
  const { originalMessageId, results } = report!;
  if (!originalMessageId) return void context.log.warn('report about an unnamed mail');
  const at = sentAt ?? new Date().toISOString();
  for (const { outcome, code, recipient } of results) {
    if (outcome === 'pending') continue;
    const receipt: Receipt = {
      kind: outcome,
      at,
      ...(code ? { code } : {}),
      ...(recipient ? { detail: recipient } : {}),
    };
    await context.receipt(originalMessageId, receipt);
    await noteReceipt(originalMessageId, receipt, context);
  }
}
