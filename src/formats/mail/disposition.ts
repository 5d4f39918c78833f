import { isAscii } from 'node:buffer';
import MimeNode from 'nodemailer/lib/mime-node';

/** What a disposition notification says. Addresses are bare but for `from`. */
export interface Disposition {
  from: string;
  to: string;
  messageId: string;
  /** Message-ID of the mail that it is about, bare. */
  original: string;
  /** Subject of that mail. */
  subject: string;
  /** In whose name it is sent. */
  recipient: string;
  originalRecipient?: string;
  at: Date;
  error?: { code: string; label: string; sentences: string[] };
}

/**
 * RFC 8098 and CI-SIS "Transmission aux LPS d’un document CDA reçu par courriel": three parts, for people, for programs, and
 * the mail itself with what was attached to it; its head alone where the whole would be longer than `maxBytes`. The error is
 * a field of its own, as RFC 8098 has it.
 */
export async function writeDisposition(
  about: Disposition,
  mail: Uint8Array,
  { maxBytes }: { maxBytes: number },
): Promise<Buffer> {
  const { error, original } = about;
  const root = new MimeNode('multipart/report; report-type=disposition-notification', { disableFileAccess: true });
  root.setHeader({
    From: about.from,
    To: about.to,
    Subject: error ? `[KO Intégration système !][${error.code}] ${about.subject}` : about.subject,
    Date: about.at.toUTCString().replace(/GMT$/, '+0000'),
    'Message-ID': `<${about.messageId}>`,
    'In-Reply-To': `<${original}>`,
    References: `<${original}>`,
    'Auto-Submitted': 'auto-replied',
    'MIME-Version': '1.0',
  });
  root.createChild('text/plain; charset=utf-8').setContent(wordsOf(about));
  root.createChild('message/disposition-notification').setContent(`${fieldsOf(about).join('\r\n')}\r\n`);
  const whole = Buffer.from(mail.buffer, mail.byteOffset, mail.byteLength);
  const fits = whole.length + 16_384 <= maxBytes;
  const returned = fits ? whole : headOf(whole);
  const part = root.createChild(fits ? 'message/rfc822' : 'text/rfc822-headers');
  part.setHeader('Content-Transfer-Encoding', isAscii(returned) ? '7bit' : '8bit');
  part.setContent(returned);
  return root.build();
}

function wordsOf({ error, recipient }: Disposition): string {
  if (!error) return `Le document a été intégré par le système de ${recipient}.\r\n`;
  const { code, label, sentences } = error;
  return [
    'Le message ci-dessous n’a pas pu être intégré automatiquement pour la raison suivante :',
    `${code} ${label}`,
    '',
    ...sentences,
    '',
  ].join('\r\n');
}

function fieldsOf({ recipient, originalRecipient, original, error }: Disposition): string[] {
  return [
    ...(originalRecipient ? [`Original-Recipient: ${originalRecipient}`] : []),
    `Final-Recipient: rfc822;${recipient}`,
    `Original-Message-ID: <${original}>`,
    `Disposition: automatic-action/MDN-sent-automatically; processed${error ? '/error' : ''}`,
    ...(error ? [`Error: ${error.code}^${error.label}^messageErrorCondition`] : []),
  ];
}

/** Everything before the first empty line. */
export function headOf(mail: Buffer): Buffer {
  const ends = [mail.indexOf('\r\n\r\n'), mail.indexOf('\n\n')].filter((at) => at >= 0);
  return mail.subarray(0, ends.length > 0 ? Math.min(...ends) + 2 : Math.min(mail.length, 65_536));
}
