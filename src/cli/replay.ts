import { setTimeout as sleep } from 'node:timers/promises';
import { fault, PasserelleError } from '../errors.ts';
import type { Journal, MessageRecord } from '../journal/journal.ts';
import { type Command, exit, shared, UsageError, wholeNumber } from './command.ts';
import { configured, withJournal } from './context.ts';
import { stateOf } from './messages.ts';
import { table } from './text.ts';

/** With --state, at most this many at a time are told one by one. */
const mostTold = 1000;

export const replay: Command = {
  name: 'replay',
  summary: {
    fr: 'refait passer des messages ; ne crée jamais une ressource une seconde fois',
    en: 'takes messages through the pipeline again; never creates a second resource',
  },
  usage: 'ID… | --state dead [--wait SECONDS] [--json] [--config FILE]',
  example: 'replay --state dead --wait 30',
  options: [
    { name: 'state', value: 'S', meaning: { fr: 'tous les messages dans cet état', en: 'all messages in this state' } },
    {
      name: 'wait',
      value: 'SECONDS',
      meaning: {
        fr: 'attend le résultat, si la passerelle tourne (0)',
        en: 'waits for the outcome, if the gateway runs (0)',
      },
    },
    shared.json,
    shared.config,
  ],
  positionals: [0, 1000],
  async run(args, io) {
    const state = stateOf(args.values.state);
    const ids = args.positionals;
    const wait = wholeNumber(args, 'wait', 0, [0, 86_400]);
    if (ids.length > 0 === (state !== undefined)) {
      throw new UsageError({ fr: 'Donnez des numéros de messages, ou --state.', en: 'Give message ids, or --state.' });
    }
    return withJournal(configured(args, io), async (journal) => {
      const before = state ? await journal.list({ state, limit: mostTold }) : await all(journal, ids);
      const count = await journal.replay(state ? { state } : { ids });
      const after = await settled(
        journal,
        before.map((one) => one.id),
        wait,
      );
      const rows = before.map((one, at) => ({
        id: one.id,
        kind: one.kind,
        before: one.state,
        after: after[at]?.state ?? '',
      }));
      if (args.switches.json) io.out(`${JSON.stringify({ replayed: count, messages: rows }, null, 2)}\n`);
      else {
        const headings = {
          fr: ['message', 'contenu', 'avant', 'après'],
          en: ['message', 'content', 'before', 'after'],
        };
        io.out(
          table(
            headings[io.language],
            rows.map((one) => [one.id, one.kind, one.before, one.after]),
            io.terminal.columns,
          ),
        );
        const total = { fr: `${count} message(s) repris`, en: `${count} message(s) taken up again` };
        io.out(`${total[io.language]}\n`);
      }
      return exit.done;
    });
  },
};

async function all(journal: Journal, ids: string[]): Promise<MessageRecord[]> {
  const records = await Promise.all(ids.map((id) => journal.get(id)));
  if (records.some((one) => one === undefined)) throw new PasserelleError(fault('message-unknown'));
  return records as MessageRecord[];
}

/** Looks again until none is under way, at most `seconds`. */
async function settled(journal: Journal, ids: string[], seconds: number): Promise<MessageRecord[]> {
  const until = Date.now() + seconds * 1000;
  for (;;) {
    const records = await all(journal, ids);
    if (Date.now() >= until || !records.some((one) => one.state === 'accepted')) return records;
    await sleep(200);
  }
}
