import { type Command, exit, shared } from './command.ts';
import { configured, withJournal } from './context.ts';
import { table } from './text.ts';

export const unmapped: Command = {
  name: 'unmapped',
  summary: {
    fr: 'codes locaux qu’aucune table ne connaît encore : émetteur, table à compléter, nombre, place, dernier message',
    en: 'local codes no table knows yet: sender, table to extend, count, place, last message',
  },
  usage: '[--json] [--config FILE]',
  example: 'unmapped',
  options: [shared.json, shared.config],
  positionals: [0, 0],
  async run(args, io) {
    const codes = await withJournal(configured(args, io), (journal) => journal.unmapped());
    codes.sort((a, b) => b.count - a.count || (a.code < b.code ? -1 : 1));
    if (args.switches.json) {
      io.out(`${JSON.stringify(codes, null, 2)}\n`);
      return exit.done;
    }
    const headings = {
      fr: ['émetteur', 'code', 'système', 'table', 'nombre', 'place', 'dernier message'],
      en: ['sender', 'code', 'system', 'table', 'count', 'place', 'last message'],
    };
    const rows = codes.map((one) => [
      one.sender,
      one.display ? `${one.code} (${one.display})` : one.code,
      one.system ?? '',
      `codes-${one.table}.json`,
      String(one.count),
      one.place,
      one.lastMessageId,
    ]);
    io.out(table(headings[io.language], rows, io.terminal.columns));
    return exit.done;
  },
};
