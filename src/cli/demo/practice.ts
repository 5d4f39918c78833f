import { randomUUID } from 'node:crypto';
import { ImapFlow } from 'imapflow';
import { createTransport } from 'nodemailer';
import { type MailTree, read } from '../../formats/mail/index.ts';
import type { Mailbox } from './counterparts.ts';

/** A mail as the GP's software has taken it. */
export interface TakenMail {
  tree: MailTree;
  /** Contents of its documents, in their order. */
  documents: Uint8Array[];
  /** What is wrong with the archive: hash, size, patient, METADATA against the document. */
  problems: string[];
}

/** Looks into the mailbox as the GP's software does; the first mail that is not seen yet, if there is one. */
export async function takeMail({ port, user, password }: Mailbox): Promise<TakenMail | undefined> {
  const client = new ImapFlow({
    host: '127.0.0.1',
    port,
    secure: false,
    auth: { user, pass: password },
    logger: false,
    disableAutoIdle: true,
  });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.mailboxOpen('INBOX');
    const [uid] = (await client.search({ seen: false }, { uid: true })) || [];
    if (uid === undefined) return undefined;
    const fetched = await client.fetchOne(String(uid), { source: true }, { uid: true });
    const source = fetched ? fetched.source : undefined;
    if (!source) return undefined;
    await client.messageFlagsAdd(String(uid), ['\\Seen'], { uid: true });
    const { tree, parts, faults } = await read(source);
    return { tree, documents: parts.map((one) => one.bytes), problems: faults.map((one) => one.code) };
  } finally {
    client.close();
  }
}

/** Tells the sender that the mail was taken into the patient's file, RFC 8098. */
export async function tellRead(mail: MailTree, from: string, port: number): Promise<void> {
  const transport = createTransport({ host: '127.0.0.1', port, secure: false, ignoreTLS: true });
  const to = mail.notificationTo ?? mail.from ?? '';
  const boundary = randomUUID();
  const lines = [
    `From: ${from}`,
    `To: ${to}`,
    'Subject: Lu',
    `Message-ID: <${randomUUID()}@practice.example>`,
    `Date: ${new Date().toUTCString().replace('GMT', '+0000')}`,
    'MIME-Version: 1.0',
    `Content-Type: multipart/report; report-type=disposition-notification; boundary="${boundary}"`,
    '',
    `--${boundary}`,
    'Content-Type: text/plain; charset=utf-8',
    '',
    'Le message a été lu.',
    `--${boundary}`,
    'Content-Type: message/disposition-notification',
    '',
    `Final-Recipient: rfc822;${from}`,
    `Original-Message-ID: <${mail.messageId ?? ''}>`,
    'Disposition: automatic-action/MDN-sent-automatically; processed',
    '',
    `--${boundary}--`,
    '',
  ];
  try {
    await transport.sendMail({ envelope: { from: '', to }, raw: lines.join('\r\n') });
  } finally {
    transport.close();
  }
}
