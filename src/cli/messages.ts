import { type Fault, fault, PasserelleError } from '../errors.ts';
import type { MessageRecord } from '../journal/journal.ts';
import type { MessageState } from '../message.ts';
import { messageView } from '../web/messages.ts';
import { type Command, exit, type Io, shared, UsageError, wholeNumber } from './command.ts';
import { configured, withJournal } from './context.ts';
import { faultLine, sizeText, table, timeInParis } from './text.ts';

const states: MessageState[] = ['accepted', 'delivered', 'quarantined', 'refused', 'dead'];

/** The state an option names; undefined when it was not given. */
export function stateOf(text: string | undefined): MessageState | undefined {
  if (text === undefined || states.includes(text as MessageState)) return text as MessageState | undefined;
  const list = states.join(', ');
  throw new UsageError({ fr: `--state : un de ${list}.`, en: `--state: one of ${list}.` });
}

export const messages: Command = {
  name: 'messages',
  summary: { fr: 'liste le journal, les derniers messages d’abord', en: 'lists the journal, newest messages first' },
  usage: '[--state S] [--limit N] [--json] [--config FILE]',
  example: 'messages --state dead',
  options: [
    { name: 'state', value: 'S', meaning: { fr: states.join(', '), en: states.join(', ') } },
    { name: 'limit', value: 'N', meaning: { fr: 'au plus N (50)', en: 'at most N (50)' } },
    shared.json,
    shared.config,
  ],
  positionals: [0, 0],
  async run(args, io) {
    const state = stateOf(args.values.state);
    const limit = wholeNumber(args, 'limit', 50, [1, 1000]);
    const records = await withJournal(configured(args, io), (journal) => journal.list({ state, limit }));
    if (args.switches.json)
      io.out(
        `${JSON.stringify(
          records.map((one) => messageView(one, io.language)),
          null,
          2,
        )}\n`,
      );
    else io.out(listing(records, io));
    return exit.done;
  },
};

export const message: Command = {
  name: 'message',
  summary: { fr: 'montre un message et chacune de ses livraisons', en: 'shows one message and each of its deliveries' },
  usage: 'ID [--detail] [--json] [--config FILE]',
  example: 'message 019345f2-7a3c-7b5e-8c8e-2f6c1d9a4b11',
  options: [
    {
      name: 'detail',
      meaning: {
        fr: 'aussi ce qu’un autre serveur a répondu, dans ses mots : ils peuvent nommer le patient',
        en: 'also what another server answered, in its own words: they may name the patient',
      },
    },
    shared.json,
    shared.config,
  ],
  positionals: [1, 1],
  async run(args, io) {
    const id = args.positionals[0] as string;
    const record = await withJournal(configured(args, io), (journal) => journal.get(id));
    if (!record) throw new PasserelleError(fault('message-unknown'));
    const view = {
      ...messageView(record, io.language),
      ...(args.switches.detail ? { details: privateOf(record) } : {}),
    };
    if (args.switches.json) io.out(`${JSON.stringify(view, null, 2)}\n`);
    else io.out(details(record, io) + (args.switches.detail ? privateLines(record) : ''));
    return exit.done;
  },
};

/** What is told to nobody but who may open the journal itself. */
function privateOf({ faults, deliveries }: MessageRecord): { code: string; detail: string; destination?: string }[] {
  const own = (list: Fault[], destination?: string) =>
    list.flatMap(({ code, detail }) => (detail ? [{ code, detail, ...(destination ? { destination } : {}) }] : []));
  return [...own(faults), ...deliveries.flatMap((one) => own(one.faults, one.destination))];
}

function privateLines(record: MessageRecord): string {
  return privateOf(record)
    .map(({ code, detail, destination }) => `\n${destination ? `${destination} ` : ''}${code}:\n  ${detail}\n`)
    .join('');
}

const headings = {
  fr: ['message', 'reçu', 'porte', 'émetteur', 'contenu', 'taille', 'état', 'essais'],
  en: ['message', 'received', 'door', 'sender', 'content', 'size', 'state', 'attempts'],
};

function listing(records: MessageRecord[], io: Io): string {
  const rows = records.map((one) => [
    one.id,
    timeInParis(one.receivedAt),
    one.door,
    one.sender,
    one.kind,
    sizeText(one.size),
    one.state,
    String(one.attempts),
  ]);
  return table(headings[io.language], rows, io.terminal.columns);
}

const words = {
  fr: {
    next: 'prochain essai',
    settled: 'terminé',
    written: 'écrit',
    deliveries: ['destination', 'contenu', 'état', 'essais', 'prochain essai', 'réponses'],
  },
  en: {
    next: 'next attempt',
    settled: 'settled',
    written: 'written',
    deliveries: ['destination', 'content', 'state', 'attempts', 'next attempt', 'receipts'],
  },
};

function details(record: MessageRecord, io: Io): string {
  const text = words[io.language];
  const lines = [listing([record], io)];
  if (record.settledAt !== undefined) lines.push(`${text.settled}: ${timeInParis(record.settledAt)}\n`);
  if (record.nextAttemptAt !== undefined) lines.push(`${text.next}: ${timeInParis(record.nextAttemptAt)}\n`);
  if (record.references.length > 0) lines.push(`${text.written}: ${record.references.join(' ')}\n`);
  for (const one of record.faults) lines.push(`${faultLine(one, io.language)}\n`);
  if (record.deliveries.length === 0) return lines.join('');
  const rows = record.deliveries.map((one) => [
    one.destination,
    one.kind,
    one.state,
    String(one.attempts),
    timeInParis(one.nextAttemptAt),
    one.receipts.map((receipt) => receipt.kind).join(' '),
  ]);
  lines.push('\n', table(text.deliveries, rows, io.terminal.columns));
  for (const one of record.deliveries.flatMap((delivery) => delivery.faults))
    lines.push(`${faultLine(one, io.language)}\n`);
  return lines.join('');
}
