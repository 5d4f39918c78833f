import type { ArchivedDocument } from '../xdm/index.ts';

/** What stands in a mail's head. Times are FHIR instants, addresses bare. */
export interface MailHead {
  messageId?: string;
  inReplyTo?: string;
  from?: string;
  to: string[];
  /** As written. */
  subject?: string;
  /** The subject without what only programs need (`XDM/1.0/DDM+`). */
  title?: string;
  sentAt?: string;
  text?: string;
  /** Address that asks to be told how processing went (RFC 8098). */
  notificationTo?: string;
  /** Where the mail came from, as the delivering server wrote it down. */
  returnPath?: string;
  /** RFC 8098, 2.3, as written: `rfc822;address`. */
  originalRecipient?: string;
}

/** A mail as maps see it. */
export interface MailTree extends MailHead {
  /** Documents inside, in the order of the parts. */
  documents: MailedDocument[];
  /** True when the documents are taken back. */
  withdraws?: true;
  /** True when the documents come out of an XDM archive. */
  archived: boolean;
  /** What became of a mail sent from here. */
  report?: MailReport;
}

/** One document of a mail, attached or inside its archive. */
export interface MailedDocument extends Partial<ArchivedDocument> {
  place: string;
  contentType: string;
  size: number;
  filename?: string;
}

/** RFC 3464 (delivery) and RFC 8098 (disposition), in the words they share. */
export interface MailReport {
  kind: 'delivery' | 'disposition';
  originalMessageId?: string;
  results: MailResult[];
}

/** What a report (DSN, MDN) says of one recipient. */
export interface MailResult {
  recipient?: string;
  /** `pending`: nothing has been decided yet (delayed), or nothing is said of the processing. */
  outcome: 'received' | 'read' | 'failed' | 'pending';
  /** Enhanced status (`5.1.1`), or the code 900 … 906 of the receiving program. */
  code?: string;
}
