import { Readable } from 'node:stream';
import { type AddressObject, type Attachment, type ParsedMail, simpleParser } from 'mailparser';
import type { Decoded, Part } from '../../conversion.ts';
import { type Fault, fault } from '../../errors.ts';
import { readArchive } from '../xdm/index.ts';
import { headOf } from './disposition.ts';
import { bare, deliveryReport, dispositionReport } from './report.ts';
import type { MailedDocument, MailHead, MailReport, MailTree } from './tree.ts';

export { type Disposition, writeDisposition } from './disposition.ts';
export type { MailedDocument, MailHead, MailReport, MailResult, MailTree } from './tree.ts';

/** Most attachments that are looked at. */
const MOST_ATTACHMENTS = 50;
/** Bytes that the parser is given at a time. */
const PIECE = 64 * 1024;

/**
 * Mail (RFC 5322, MIME) → plain tree; the parts are the documents of its XDM archive, else the PDF files beside. Wrong
 * archives are faults; never throws.
 */
export async function read(bytes: Uint8Array): Promise<Decoded<MailTree>> {
  let mail: ParsedMail;
  try {
    mail = await simpleParser(Readable.from(piecesOf(bytes), { objectMode: false }), {
      // As an attachment, not as words for a reader.
      keepDeliveryStatus: true,
      skipHtmlToText: true,
      skipTextToHtml: true,
      skipImageLinks: true,
      skipTextLinks: true,
      maxHtmlLengthToParse: 1_000_000,
    });
  } catch (error) {
    const tree: MailTree = { to: [], documents: [], archived: false };
    return { format: 'mail', tree, parts: [], faults: [fault('mail-unreadable', { detail: String(error) })] };
  }
  const attachments = mail.attachments.slice(0, MOST_ATTACHMENTS);
  const report = reportOf(mail, attachments);
  const found = report ? { parts: [], documents: [], faults: [], archived: false } : await documentsOf(attachments);
  const { parts, documents, faults, archived } = found;
  if (!report && documents.length === 0 && faults.length === 0) faults.push(fault('mail-without-document'));
  const taken = documents.filter(({ action }) => action === 'D').length;
  if (taken > 0 && taken < documents.length) faults.push(fault('xdm-actions-mixed'));
  return {
    format: 'mail',
    tree: {
      ...headIn(mail),
      documents,
      ...(taken > 0 ? { withdraws: true } : {}),
      archived,
      ...(report ? { report } : {}),
    },
    parts,
    faults,
  };
}

/** Given as a whole, the parser has it in memory twice more: 25 MB took 4.6 times their size, so they take 2. */
function* piecesOf({ buffer, byteOffset, byteLength }: Uint8Array): Generator<Buffer> {
  for (let at = 0; at < byteLength; at += PIECE) {
    yield Buffer.from(buffer, byteOffset + at, Math.min(PIECE, byteLength - at));
  }
}

/** What the head of a mail says, without a look at what it carries. Never throws. */
export async function readHead(bytes: Uint8Array): Promise<MailHead> {
  try {
    return headIn(await simpleParser(headOf(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))));
  } catch {
    return { to: [] };
  }
}

function headIn(mail: ParsedMail): MailHead {
  const subject = mail.subject?.slice(0, 500);
  const notification = mail.headers.get('disposition-notification-to');
  const optional = {
    messageId: bare(mail.messageId),
    inReplyTo: bare(mail.inReplyTo),
    from: addressesOf(mail.from)[0],
    subject,
    title: subject
      ?.replace(/XDM\/1\.0\/DDM\+?/i, '')
      .replace(/\s+/g, ' ')
      .trim(),
    sentAt: mail.date && !Number.isNaN(mail.date.getTime()) ? mail.date.toISOString() : undefined,
    text: mail.text?.slice(0, 100_000),
    notificationTo: addressesOf(notification as AddressObject | undefined)[0],
    returnPath: addressesOf(mail.headers.get('return-path') as AddressObject | undefined)[0],
    originalRecipient: textOf(mail.headers.get('original-recipient')),
  };
  const there = Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined));
  return { ...there, to: addressesOf(mail.to) };
}

/** A header that nobody takes apart, on one line. */
function textOf(header: unknown): string | undefined {
  return typeof header === 'string' && /^[\x20-\x7e]{1,320}$/.test(header) ? header : undefined;
}

function addressesOf(written: AddressObject | AddressObject[] | undefined): string[] {
  const lists = Array.isArray(written) ? written : written ? [written] : [];
  return lists.flatMap(({ value }) => (value ?? []).flatMap(({ address }) => address ?? [])).slice(0, 100);
}

async function documentsOf(attachments: Attachment[]) {
  const parts: Part[] = [];
  const documents: MailedDocument[] = [];
  const faults: Fault[] = [];
  const archives = attachments.filter(isArchive);
  for (const { content, filename } of archives) {
    const archive = await readArchive(content);
    const carrier = filename ?? 'IHE_XDM.zip';
    faults.push(...archive.faults.map((one) => ({ ...one, place: [carrier, one.place].filter(Boolean).join('/') })));
    for (const { bytes, ...document } of archive.documents) {
      const place = `${carrier}/${document.path}`;
      parts.push({ place, contentType: document.mimeType, bytes });
      documents.push({ ...document, place, contentType: document.mimeType, size: bytes.length });
    }
  }
  if (archives.length > 0) return { parts, documents, faults, archived: true };
  for (const [index, { content, contentType, filename }] of attachments.entries()) {
    if (!content.subarray(0, 1024).includes('%PDF-')) continue;
    const place = `attachment[${index + 1}]`;
    parts.push({ place, contentType: 'application/pdf', bytes: content });
    const name = filename ? { filename: filename.slice(0, 200) } : {};
    documents.push({
      place,
      contentType: contentType === 'application/pdf' ? contentType : 'application/pdf',
      size: content.length,
      ...name,
    });
  }
  return { parts, documents, faults, archived: false };
}

/** By its first bytes: senders name archives and their type as they like. */
function isArchive({ content, filename }: Attachment): boolean {
  const isZip = content.subarray(0, 4).equals(Buffer.from([0x50, 0x4b, 3, 4]));
  return isZip && /\.zip$|^$/i.test(filename ?? '');
}

/** RFC 6522: a report says what kind it is; some programs leave the announcement out. */
function reportOf(mail: ParsedMail, attachments: Attachment[]): MailReport | undefined {
  const part = (type: string) => attachments.find((one) => one.contentType === type)?.content;
  const disposition = part('message/disposition-notification');
  if (disposition) return dispositionReport(disposition);
  const delivery = part('message/delivery-status');
  if (!delivery) return undefined;
  const report = deliveryReport(delivery);
  return report.originalMessageId?.includes('@') ? report : withOriginal(report, mail, attachments);
}

/** The mail that came back names itself when the envelope did not. */
function withOriginal(report: MailReport, mail: ParsedMail, attachments: Attachment[]): MailReport {
  const original = attachments.find(({ contentType }) => /^(message\/rfc822|text\/rfc822-headers)$/.test(contentType));
  const head = original?.content
    .subarray(0, 65_536)
    .toString('latin1')
    .split(/\r?\n\r?\n/, 1)[0];
  const named = head && /^message-id:\s*<([^<>\s]{1,300})>/im.exec(head)?.[1];
  const id = named || bare(mail.inReplyTo) || report.originalMessageId;
  return { ...report, ...(id ? { originalMessageId: id } : {}) };
}
