import type { MailReport, MailResult } from './tree.ts';

/** Longest part that is read, and most recipients. */
const MOST = 64 * 1024;
const MOST_RECIPIENTS = 100;

type Fields = Map<string, string>;

/** RFC 3464: fields of the message, then a group for each recipient. */
export function deliveryReport(part: Uint8Array): MailReport {
  const [message, ...recipients] = groupsOf(part);
  const original = bare(message?.get('original-envelope-id'));
  const results = recipients.slice(0, MOST_RECIPIENTS).map(deliveryResult);
  return { kind: 'delivery', ...(original ? { originalMessageId: original } : {}), results };
}

const actions: Record<string, MailResult['outcome']> = {
  delivered: 'received',
  relayed: 'received',
  expanded: 'received',
  failed: 'failed',
};

function deliveryResult(fields: Fields): MailResult {
  const outcome = actions[fields.get('action')?.trim().toLowerCase() ?? ''] ?? 'pending';
  const status = /^[245]\.\d{1,3}\.\d{1,3}/.exec(fields.get('status') ?? '')?.[0];
  const smtp = /^smtp\s*;\s*(\d{3})/i.exec(fields.get('diagnostic-code') ?? '')?.[1];
  return { ...recipientOf(fields), outcome, ...given('code', outcome === 'failed' ? (smtp ?? status) : undefined) };
}

/**
 * RFC 8098, with both ways a receiving program tells an error (CI-SIS "Transmission aux LPS d’un document CDA reçu par
 * courriel"): inside `Disposition` after `processed/Error:`, or in a field `Error` of its own.
 */
export function dispositionReport(part: Uint8Array): MailReport {
  const fields: Fields = new Map(groupsOf(part).flatMap((group) => [...group]));
  const [kind = '', ...modifiers] = (fields.get('disposition') ?? '').split(';').slice(1).join(';').trim().split('/');
  const type = kind.trim().toLowerCase();
  const modifier = modifiers.join('/').trim();
  const isError = /^(error|failure)/i.test(modifier) || fields.has('error') || fields.has('failure');
  const told = `${modifier} ${fields.get('error') ?? ''} ${fields.get('failure') ?? ''}`;
  const code = /\b(9\d{2})\b/.exec(told)?.[1];
  const done = /^(displayed|processed|dispatched)$/.test(type);
  const outcome = isError || type === 'deleted' ? 'failed' : done ? 'read' : 'pending';
  const result: MailResult = {
    ...recipientOf(fields),
    outcome,
    ...given('code', outcome === 'failed' ? (code ?? (isError ? '906' : type)) : undefined),
  };
  const original = bare(fields.get('original-message-id'));
  return { kind: 'disposition', ...(original ? { originalMessageId: original } : {}), results: [result] };
}

function recipientOf(fields: Fields) {
  const written = fields.get('final-recipient') ?? fields.get('original-recipient') ?? '';
  return given('recipient', /^[^;]{0,40};\s*<?([^\s<>]{1,254}@[^\s<>]{1,254}?)>?\s*$/.exec(written)?.[1]);
}

/** Groups of header fields, set apart by empty lines; folded lines are joined. */
function groupsOf(part: Uint8Array): Fields[] {
  const groups: Fields[] = [];
  let fields: Fields | undefined;
  let last = '';
  for (const line of Buffer.from(part.subarray(0, MOST)).toString('utf8').split(/\r?\n/)) {
    const at = line.indexOf(':');
    if (line.trim() === '') fields = undefined;
    else if (/^[ \t]/.test(line) && fields && last) fields.set(last, `${fields.get(last)} ${line.trim()}`);
    else if (at > 0) {
      if (!fields) {
        fields = new Map();
        groups.push(fields);
      }
      last = line.slice(0, at).trim().toLowerCase();
      if (!fields.has(last)) fields.set(last, line.slice(at + 1).trim());
    }
  }
  return groups;
}

/** A Message-ID without its angle brackets. */
export function bare(id: string | undefined): string | undefined {
  return id?.trim().replace(/^<|>$/g, '') || undefined;
}

function given<K extends string, V>(name: K, value: V | undefined): { [N in K]?: V } {
  return (value === undefined ? {} : { [name]: value }) as { [N in K]?: V };
}
