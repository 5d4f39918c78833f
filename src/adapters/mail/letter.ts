import MailComposer from 'nodemailer/lib/mail-composer';
import { writePieces } from '../../formats/xdm/index.ts';
import { attachment } from './attachment.ts';
import type { MailConfig } from './config.ts';
import type { Dossier } from './dossier.ts';
import type { PatientTraits } from './patient.ts';
import { renderPdf } from './pdf.ts';
import { hl7Time, isStructured, submissionOf, titleOf } from './submission.ts';
import type { MailPayload } from './wants.ts';

/** What a mail is made from. */
export interface Letter {
  from: string;
  to: string;
  payload: MailPayload;
  traits: PatientTraits;
  dossiers: Dossier[];
  /** Message-IDs of the mails that brought this recipient what is now replaced or taken back, oldest first. */
  thread: string[];
  at: Date;
}

/** The mail as it travels, in pieces: MSSanté référentiel socle #2, ECO.2.1 to ECO.2.4, RFC 5322, RFC 8098. */
export async function compose(letter: Letter, config: MailConfig): Promise<Buffer[]> {
  const { payload, traits, dossiers, at } = letter;
  const { messageId, withdraws } = payload;
  const sending = { messageId, sourceId: config.sourceId, from: letter.from, at, withdraws };
  const archive = writePieces(submissionOf(dossiers, traits, sending));
  const attachments = [attachment('IHE_XDM.zip', 'application/zip', archive)];
  for (const [index, dossier] of dossiers.entries()) {
    const filename = pdfName(dossier, traits, dossiers.length > 1 ? index + 1 : 0);
    attachments.push(attachment(filename, 'application/pdf', [await pdfOf(dossier, traits, config.font)]));
  }
  const mail = {
    from: letter.from,
    to: letter.to,
    subject: subjectOf(letter),
    messageId: `<${messageId}>`,
    ...(letter.thread.length > 0 ? { inReplyTo: letter.thread.at(-1), references: letter.thread } : {}),
    date: at,
    ...(payload.replyTo ? { replyTo: payload.replyTo } : {}),
    text: payload.body ?? template(letter),
    textEncoding: 'base64' as const,
    headers: headersOf(letter, config),
    attachments,
    disableFileAccess: true,
    disableUrlAccess: true,
  };
  return Array.fromAsync(new MailComposer(mail).compile().createReadStream() as AsyncIterable<Buffer>);
}

/** ECO.2.1.3; `[Annule et remplace]` before it for a new version, `[Suppression]` for a document that is taken back. */
export function subjectOf({ payload, traits, dossiers }: Pick<Letter, 'payload' | 'traits' | 'dossiers'>): string {
  const words = [titleOf(dossiers[0]!), traits.family.toUpperCase(), traits.given, traits.birthDate];
  const said = words.filter(Boolean).join(' ').replace(/\s+/g, ' ');
  const mark = payload.withdraws ? '[Suppression] ' : payload.replaces ? '[Annule et remplace] ' : '';
  return `${mark}XDM/1.0/DDM+${said}`;
}

function headersOf({ payload, traits, dossiers, from }: Letter, { productNumber }: MailConfig): Record<string, string> {
  const codes = dossiers.flatMap(({ reference }) => reference.type?.coding?.[0]?.code ?? []);
  return {
    'X-MSS-CODECDA': [...new Set(codes)].join(','),
    'X-MSS-INS': traits.qualified ? 'O' : 'N',
    'X-MSS-NIL': productNumber,
    ...(payload.closes ? { 'X-MSS-MES': 'FIN' } : {}),
    ...(payload.askReading ? { 'Disposition-Notification-To': addressIn(from) } : {}),
  };
}

/** The bare address of `Name <address>`. */
export function addressIn(mailbox: string): string {
  return (/<([^<>]+)>\s*$/.exec(mailbox)?.[1] ?? mailbox).trim();
}

/** ECO.2.1.6: day of the act, label, birth name and first name. */
function pdfName(dossier: Dossier, { family, given }: PatientTraits, number: number): string {
  const { reference } = dossier;
  const day = hl7Time(reference.context?.period?.start ?? reference.date)?.slice(0, 8) ?? '';
  const label = (reference.type?.coding?.[0]?.display ?? titleOf(dossier)).slice(0, 40).trim();
  const words = [day, label, family.toUpperCase(), given, number ? String(number) : ''];
  const name = words.filter(Boolean).join('_');
  return `${name.replace(/[^\p{L}\p{N}_.'()-]+/gu, ' ').trim()}.pdf`;
}

/** The PDF inside the document when it has one, else a copy made from its sections. */
async function pdfOf(dossier: Dossier, traits: PatientTraits, font?: string): Promise<Uint8Array> {
  const own = dossier.contents.find((one) => !isStructured(one) && one.attachment.contentType === 'application/pdf');
  return own?.bytes ?? renderPdf(dossier, traits, font);
}

function template({ payload, dossiers }: Letter): string {
  const titles = dossiers.map((one) => `- ${titleOf(one)}`).join('\n');
  const { person, organization } = payload.sender ?? {};
  const signature = [person && [person.given, person.family].filter(Boolean).join(' '), organization?.name];
  const greeting = payload.audience === 'patient' ? 'Bonjour,' : 'Chère consœur, cher confrère,';
  const found = payload.withdraws
    ? 'Le document suivant est retiré par son auteur et ne doit plus être utilisé :'
    : payload.audience === 'patient'
      ? 'Vous trouverez en pièce jointe un document de votre dossier de santé :'
      : 'Veuillez trouver ci-joint :';
  return [greeting, '', found, titles, '', ...signature.filter(Boolean), ''].join('\n');
}
