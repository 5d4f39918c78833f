import { readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { type Fault, fault, PasserelleError } from '../errors.ts';
import type { Journal, MessageRecord } from '../journal/journal.ts';
import type { Difference, Translator } from '../mapping/index.ts';
import type { Format } from '../message.ts';
import type { Converted, PureHouse } from '../pipeline/convert-bytes.ts';
import { type Command, exit, type Io, shared, UsageError, wholeNumber } from './command.ts';
import { configured, withJournal } from './context.ts';
import { faultLine } from './text.ts';

/** What a changed file changes on one stored message. */
interface Seen {
  message: string;
  kind: string;
  differences: Difference[];
  /** Codes of what is found only before, only after. */
  faults: { before: string[]; after: string[] };
}

export const preview: Command = {
  name: 'preview',
  summary: {
    fr: 'essaie une table ou un map modifié sur les derniers messages, sans rien activer ni écrire',
    en: 'tries a changed map or table on the last messages, without activating or writing anything',
  },
  usage: 'FILE… [--last N] [--json] [--config FILE]',
  example: 'preview /tmp/covidom-daily.map --last 50',
  options: [
    {
      name: 'last',
      value: 'N',
      meaning: {
        fr: 'les N derniers messages que le fichier concerne (20)',
        en: 'the last N messages it concerns (20)',
      },
    },
    shared.json,
    shared.config,
  ],
  positionals: [1, 50],
  async run(args, io) {
    const config = configured(args, io);
    const last = wholeNumber(args, 'last', 20, [1, 10_000]);
    const instead = Object.fromEntries(args.positionals.map((file) => readChanged(file, io)));
    const [{ furnished }, { loadMappings }] = await Promise.all([
      import('../gateway/furnish.ts'),
      import('../mapping/index.ts'),
    ]);
    const house = furnished(config.folders);
    const { translator, faults } = loadMappings(config.folders.mappings, instead);
    if (!translator) {
      for (const one of faults) io.err(`${faultLine(one, io.language)}\n`);
      return exit.usage;
    }
    const seen = await withJournal(config, (journal) => tryOn(journal, house, translator, last));
    if (args.switches.json) io.out(`${JSON.stringify(seen, null, 2)}\n`);
    else io.out(report(seen, io));
    return exit.done;
  },
};

function readChanged(file: string, io: Io): [string, string] {
  const name = basename(file);
  if (!/^(.+\.map|(codes|ignore|schema|sheet)-.+\.json|(routes|forms)\.json)$/.test(name)) {
    throw new UsageError({
      fr: `Attendu : un fichier de mappings/ (NOM.map, codes-NOM.json, routes.json), pas ${name}.`,
      en: `Expected: a file of mappings/ (NAME.map, codes-NAME.json, routes.json), not ${name}.`,
    });
  }
  try {
    return [name, readFileSync(resolve(io.cwd, file), 'utf8')];
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? 'unknown reason';
    throw new PasserelleError(fault('file-unreadable', { params: { file, reason } }));
  }
}

/** Messages whose maps are another version afterwards, newest first, each converted both ways. */
async function tryOn(journal: Journal, before: PureHouse, translator: Translator, last: number): Promise<Seen[]> {
  const { compare } = await import('../mapping/index.ts');
  const after = { ...before, translator };
  const seen: Seen[] = [];
  let from: string | undefined;
  for (;;) {
    const page = await journal.list({ limit: 500, before: from });
    for (const record of page) {
      if (seen.length === last) return seen;
      const bytes = await journal.bytes(record.id);
      if (!bytes) continue;
      const [old, young] = [await converted(record, bytes, before), await converted(record, bytes, after)];
      if (!concerns(old, before.translator, translator) && !concerns(young, before.translator, translator)) continue;
      seen.push({
        message: record.id,
        kind: record.kind,
        differences: compare({ drafts: old.conversion?.drafts ?? [] }, { drafts: young.conversion?.drafts ?? [] }),
        faults: onlyOnce(old.issues, young.issues),
      });
    }
    if (page.length === 0) return seen;
    from = page.at(-1)!.id;
  }
}

async function converted(record: MessageRecord, bytes: Uint8Array, house: PureHouse): Promise<Converted> {
  const { convertBytes } = await import('../pipeline/convert-bytes.ts');
  const { id, route, format, sender, receivedAt } = record;
  const now = new Date(receivedAt);
  // The same identity both times: keys and references differ only where the maps do.
  return convertBytes(
    bytes,
    { route, format: format as Format, sender, now, messageId: id, idempotencyKey: id },
    house,
  );
}

function concerns({ conversion }: Converted, before: Translator, after: Translator): boolean {
  return Object.keys(conversion?.maps ?? {}).some((name) => before.maps[name] !== after.maps[name]);
}

function onlyOnce(before: Fault[], after: Fault[]): Seen['faults'] {
  const names = (list: Fault[]) => list.map(({ code, place }) => (place ? `${code} ${place}` : code));
  const [old, young] = [names(before), names(after)];
  return { before: old.filter((one) => !young.includes(one)), after: young.filter((one) => !old.includes(one)) };
}

function report(seen: Seen[], io: Io): string {
  const lines: string[] = [];
  for (const { message, kind, differences, faults } of seen) {
    if (differences.length + faults.before.length + faults.after.length === 0) continue;
    lines.push(`${message} (${kind})`);
    for (const one of differences) lines.push(`  ${line(one)}`);
    for (const one of faults.before) lines.push(`  - ${one}`);
    for (const one of faults.after) lines.push(`  + ${one}`);
  }
  const changed = seen.filter((one) => one.differences.length > 0).length;
  const sum = {
    fr: `${seen.length} messages essayés, ${changed} changeraient. Rien n’a été activé ni écrit.`,
    en: `${seen.length} messages tried, ${changed} would change. Nothing was activated or written.`,
  };
  return `${[...lines, sum[io.language]].join('\n')}\n`;
}

const SIGNS = { added: '+', removed: '-', changed: '~' };

function line({ key, change, path, before, after }: Difference): string {
  const where = path === '' ? key : `${key}#${path}`;
  const shown = (value: unknown) => (typeof value === 'object' && value !== null ? '…' : JSON.stringify(value));
  if (path === '') return `${SIGNS[change]} ${where}`;
  return change === 'changed'
    ? `~ ${where}: ${shown(before)} → ${shown(after)}`
    : `${SIGNS[change]} ${where}: ${shown(change === 'added' ? after : before)}`;
}
