import { createHash } from 'node:crypto';
import type { DeliveryOutcome, Ended, Wanted } from '../../adapter.ts';
import { fault, isError, register, sentence } from '../../errors.ts';
import { readHead, writeDisposition } from '../../formats/mail/index.ts';
import type { MailConfig } from './config.ts';
import { addressIn } from './letter.ts';
import type { Post } from './post.ts';

/** What the sender of a mail is told about its processing; the mail itself stays in the journal. */
export interface AnswerPayload {
  to: string;
  messageId: string;
  original: string;
  subject: string;
  originalRecipient?: string;
  /** 900 … 906 when the documents were not taken. */
  error?: { code: string; label: string; sentences: string[] };
}

/** CI-SIS "Transmission aux LPS d’un document CDA reçu par courriel", application error codes. */
const labels: Record<string, string> = {
  '900': 'La version visee n’est pas la derniere',
  '901': 'Auteur non autorise a remplacer ou supprimer',
  '902': 'Patient inconnu',
  '903': 'Identifiants de patient sans INS',
  '904': 'INS ou traits differents de ceux enregistres',
  '905': 'INS sans tous ses traits',
  '906': 'Autre erreur',
};

/**
 * RFC 8098: one notification for a mail whose sender asked, once its end is known. None goes out by itself to an address
 * that is not the one the mail came from, nor about a report.
 */
export async function answersOf(ended: Ended, config: MailConfig): Promise<Wanted[]> {
  // Dead is our own failure: who sent the mail can do nothing about it, and it will be tried again.
  if (!config.smtp || !config.from || !config.answer || ended.format !== 'mail' || ended.state === 'dead') return [];
  const head = await readHead(ended.bytes);
  const { messageId: original, notificationTo: to } = head;
  if (!to || !original || !isSender(to, head)) return [];
  const messageId = `${hashOf(`${original}|${addressIn(config.from)}`)}@${config.messageIdDomain}`;
  const payload: AnswerPayload = {
    to,
    messageId,
    original,
    subject: head.subject ?? '',
    ...(head.originalRecipient ? { originalRecipient: head.originalRecipient } : {}),
    ...(ended.state === 'delivered' ? {} : { error: errorOf(ended) }),
  };
  return [{ part: 'notification', kind: 'notification', payload }];
}

/** Against loops and misuse: the address that asks is the one the mail came from. */
function isSender(to: string, { from, returnPath }: { from?: string; returnPath?: string }): boolean {
  const came = returnPath ?? from;
  return came?.toLowerCase() === to.toLowerCase();
}

function errorOf({ faults }: Ended): AnswerPayload['error'] {
  const errors = faults.filter(isError);
  const codes = errors.map((one) => (register[one.code] as { err5?: string }).err5 ?? '906');
  // What says most: 906 means only that something else was wrong.
  const code = codes.find((one) => one !== '906') ?? '906';
  const sentences = [...new Set(errors.map((one) => sentence(one, 'fr')))].slice(0, 10);
  return { code, label: (labels[code] ?? labels['906']!).replaceAll('’', "'"), sentences };
}

/** Sends the notification with an empty envelope sender, so that nothing can come back for it. */
export async function deliverAnswer(
  payload: AnswerPayload,
  received: string,
  { context, sender }: Post,
): Promise<DeliveryOutcome> {
  const { config } = context;
  const bytes = await context.original(received);
  if (!bytes) return { outcome: 'permanent', faults: [fault('mail-document-gone')] };
  const from = config.from ?? '';
  const report = await writeDisposition({ ...payload, from, recipient: addressIn(from), at: new Date() }, bytes, {
    maxBytes: config.maxBytes,
  });
  return sender.send({ from: '', to: payload.to, messageId: payload.messageId, pieces: [report], report: true });
}

function hashOf(text: string): string {
  return createHash('sha256').update(`notification|${text}`).digest('hex').slice(0, 40);
}
