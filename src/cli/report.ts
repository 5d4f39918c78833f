import type { Bundle, Resource } from '@medplum/fhirtypes';
import type { Config } from '../config.ts';
import { activityReport, CALLS, figures, followUpDocument, followUpTable, reportCsv } from '../pathway/report.ts';
import { type Arguments, type Command, exit, type Io, shared, UsageError } from './command.ts';
import { configured } from './context.ts';
import { readAnswer, runningGateway, unreachable } from './running-gateway.ts';
import { timeInParis } from './text.ts';

/** Pages of 1000 that one question may take. */
const mostPages = 1000;

export const report: Command = {
  name: 'report',
  summary: {
    fr: 'rapport d’activité d’une période ou tableau de suivi, sans identités',
    en: 'activity report of a period or follow-up table, without identities',
  },
  usage: '[--from DATE] [--to DATE] [--csv] [--table] [--gateway URL] [--config FILE]',
  example: 'report --from 2020-11-01 --to 2020-11-15 --csv > activite.csv',
  options: [
    {
      name: 'from',
      value: 'DATE',
      meaning: { fr: 'premier jour, AAAA-MM-JJ (il y a six jours)', en: 'first day, YYYY-MM-DD (six days ago)' },
    },
    {
      name: 'to',
      value: 'DATE',
      meaning: { fr: 'dernier jour, compris (aujourd’hui)', en: 'last day, included (today)' },
    },
    { name: 'csv', meaning: { fr: 'CSV au lieu de FHIR', en: 'CSV instead of FHIR' } },
    {
      name: 'table',
      meaning: { fr: 'le tableau de suivi au dernier jour', en: 'the follow-up table on the last day' },
    },
    shared.gateway,
    shared.config,
  ],
  positionals: [0, 0],
  async run(args, io) {
    const now = new Date();
    const period = { from: day(args, 'from', now, 6), to: day(args, 'to', now, 0) };
    if (period.from > period.to) {
      throw new UsageError({ fr: '--from est après --to.', en: '--from is after --to.' });
    }
    const config = configured(args, io);
    const tasks = `Task?code=${[...CALLS, 'alert-handling', 'escalation'].join(',')}`;
    const ask = (questions: string[]) => resourcesOf(config, args.values.gateway, questions, io);
    if (args.switches.table) {
      const table = followUpTable(await ask(['CarePlan?status=active', `${tasks}&status:not=completed`]), period.to);
      io.out(args.switches.csv ? table : `${JSON.stringify(followUpDocument(table, now), null, 2)}\n`);
      return exit.done;
    }
    const list = figures(
      await ask(['ServiceRequest?code=inclusion', tasks, 'Observation?category=laboratory']),
      period,
    );
    const text = args.switches.csv
      ? reportCsv(list, period)
      : JSON.stringify(activityReport(list, period, now), null, 2);
    io.out(args.switches.csv ? text : `${text}\n`);
    return exit.done;
  },
};

/** A day that was given, or the one so many days ago in Paris. */
function day(args: Arguments, name: string, now: Date, ago: number): string {
  const text = args.values[name] ?? timeInParis(now.getTime() - ago * 86_400_000).slice(0, 10);
  const time = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(text) : Number.NaN;
  // 30 February is read as 1 March.
  if (!Number.isNaN(time) && new Date(time).toISOString().startsWith(text)) return text;
  throw new UsageError({
    fr: `--${name} : attendu un jour, AAAA-MM-JJ.`,
    en: `--${name}: expected a day, YYYY-MM-DD.`,
  });
}

async function resourcesOf(
  config: Config,
  address: string | undefined,
  questions: string[],
  io: Io,
): Promise<Resource[]> {
  const gateway = await runningGateway(config, address, 'passerelle-report', io.language);
  const found: Resource[] = [];
  for (const question of questions) {
    let next: string | undefined = `${question}&_count=1000`;
    for (let page = 0; next && page < mostPages; page++) {
      const { status, text } = await gateway.get(next);
      const bundle = readAnswer<Bundle>(gateway.fhir, { status, text });
      if (status !== 200) throw unreachable(gateway.fhir, String(status));
      for (const { resource } of bundle.entry ?? []) if (resource) found.push(resource);
      const link: string | undefined = bundle.link?.find((one) => one.relation === 'next')?.url;
      // Only the query: the token goes to the gateway asked and to nobody its answer names.
      next = link && `${question.split('?')[0]}${new URL(link, gateway.fhir).search}`;
    }
  }
  return found;
}
