import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Command, exit, type Io, shared, UsageError } from './command.ts';
import { table } from './text.ts';

/** What a file of `bench/` answers; the same shape as `bench/result.ts`, which the program does not depend on. */
interface BenchResult {
  bench: string;
  rows: { name: string; value: number; unit: string; baseline?: number; baselineName?: string; ratio?: number }[];
  notes?: string[];
}

interface BenchModule {
  run(options: { quick?: boolean; hapi?: boolean; progress?: (what: string) => void }): Promise<BenchResult>;
}

const folder = new URL('../../bench/', import.meta.url);

export const bench: Command = {
  name: 'bench',
  summary: {
    fr: 'mesure, chaque mesure à côté de sa référence ; toutes les mesures sans NAME',
    en: 'runs a benchmark beside its baseline; all of them without NAME',
  },
  usage: '[NAME] [--quick] [--hapi] [--list] [--json]',
  example: 'bench journal --json',
  options: [
    { name: 'quick', meaning: { fr: 'moins de données, plus court', en: 'less data, shorter' } },
    {
      name: 'hapi',
      meaning: {
        fr: 'deliver et drain : vers un vrai HAPI sur PostgreSQL (../shared/tools/hapi, Java et Maven)',
        en: 'deliver and drain: to a real HAPI on PostgreSQL (../shared/tools/hapi, Java and Maven)',
      },
    },
    { name: 'list', meaning: { fr: 'nomme les mesures', en: 'names the benchmarks' } },
    shared.json,
  ],
  positionals: [0, 1],
  async run(args, io) {
    const names = await benchmarks();
    const [name] = args.positionals;
    if (args.switches.list) {
      io.out(args.switches.json ? `${JSON.stringify(names)}\n` : `${names.join('\n')}\n`);
      return exit.done;
    }
    if (name !== undefined && !names.includes(name)) {
      const list = names.join(', ') || '-';
      throw new UsageError({
        fr: `Mesure inconnue : ${name}. Mesures : ${list}.`,
        en: `Unknown benchmark: ${name}. Benchmarks: ${list}.`,
      });
    }
    const results: BenchResult[] = [];
    for (const one of name === undefined ? names : [name]) {
      const { run } = await load(one);
      const result = await run({
        quick: args.switches.quick,
        hapi: args.switches.hapi,
        progress: (what) => io.err(`${one}: ${what}\n`),
      });
      results.push(result);
      if (!args.switches.json) io.out(report(result, io));
    }
    if (args.switches.json) io.out(`${JSON.stringify(name === undefined ? results : results[0], null, 2)}\n`);
    return exit.done;
  },
};

/** A benchmark is a file of `bench/` that exports `run`; others there are what benchmarks are made of. */
async function benchmarks(): Promise<string[]> {
  if (!existsSync(fileURLToPath(folder))) return [];
  const files = readdirSync(fileURLToPath(folder))
    .filter((file) => file.endsWith('.ts'))
    .sort();
  const names = files.map((file) => file.slice(0, -3));
  const modules = await Promise.all(names.map((name) => load(name).catch(() => undefined)));
  return names.filter((_, at) => typeof modules[at]?.run === 'function');
}

function load(name: string): Promise<BenchModule> {
  return import(new URL(`${name}.ts`, folder).href);
}

function report({ bench, rows, notes = [] }: BenchResult, io: Io): string {
  const headings = {
    fr: [bench, 'valeur', 'unité', 'référence', 'valeur', 'rapport'],
    en: [bench, 'value', 'unit', 'baseline', 'value', 'ratio'],
  }[io.language];
  const cells = rows.map((one) => [
    one.name,
    String(one.value),
    one.unit,
    one.baselineName ?? '',
    one.baseline === undefined ? '' : String(one.baseline),
    one.ratio === undefined ? '' : String(one.ratio),
  ]);
  return `${table(headings, cells, io.terminal.columns)}${notes.map((note) => `  ${note}\n`).join('')}\n`;
}
