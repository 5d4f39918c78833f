import type { Account, Trace } from '../conversion.ts';
import { operationOutcome } from '../errors.ts';
import { tableFormat } from '../formats/table/index.ts';
import { type Command, exit, type Language, shared } from './command.ts';
import { configured, readBytes } from './context.ts';
import { checkRoute, convertBy, convertSheet } from './pure.ts';
import { faultLine } from './text.ts';

export const convert: Command = {
  name: 'convert',
  summary: {
    fr: 'convertit un fichier en Bundle FHIR, sans rien stocker ni envoyer',
    en: 'converts one file into a FHIR Bundle, without storing or sending anything',
  },
  usage: 'FILE [--route R] [--explain] [--account] [--config FILE]',
  example: 'convert compte-rendu.xml > bundle.json',
  options: [
    {
      name: 'route',
      value: 'R',
      meaning: {
        fr: 'route de mappings/routes.json, pour un format d’éditeur',
        en: 'route of mappings/routes.json, for a vendor’s format',
      },
    },
    {
      name: 'explain',
      meaning: { fr: 'd’où vient chaque élément, sur stderr', en: 'where each element came from, on stderr' },
    },
    {
      name: 'account',
      meaning: {
        fr: 'ce que devient chaque valeur de la source (reprise, gardée, ignorée et pourquoi), sur stderr',
        en: 'what became of each value of the source (mapped, kept, ignored and why), on stderr',
      },
    },
    shared.config,
  ],
  positionals: [1, 1],
  async run(args, io) {
    const config = configured(args, io);
    const bytes = await readBytes(args.positionals[0] as string, io);
    const { route } = args.values;
    const format = tableFormat('', args.positionals[0]);
    if (format) return convertSheet(config, bytes, format, route, io);
    await checkRoute(config, route);
    const converted = await convertBy(config, bytes, {
      route,
      now: new Date(),
      account: args.switches.account,
    });
    for (const issue of converted.issues) io.err(`${faultLine(issue, io.language)}\n`);
    if (args.switches.explain)
      for (const trace of converted.conversion?.traces ?? []) io.err(`${traceLine(trace, io.language)}\n`);
    if (converted.conversion?.account) io.err(accountText(converted.conversion.account, io.language));
    const result = converted.bundle ?? operationOutcome(converted.issues, io.language);
    io.out(`${JSON.stringify(result, null, 2)}\n`);
    return converted.bundle ? exit.done : exit.refused;
  },
};

function traceLine({ target, path, place, map, rule, translation }: Trace, language: Language): string {
  const translated = translation ? ` (${translation.table}: ${translation.from} → ${translation.to})` : '';
  return `${target}#${path} ← ${place} ${language === 'fr' ? 'par' : 'by'} ${map}#${rule}${translated}`;
}

const fates = {
  fr: { mapped: 'reprise', kept: 'gardée', ignored: 'ignorée', fallen: 'PERDUE', of: 'valeurs' },
  en: { mapped: 'mapped', kept: 'kept', ignored: 'ignored', fallen: 'FALLEN', of: 'values' },
};

/** A line a value: what became of it, its place, and where it went or why it did not; then the sum. */
function accountText({ mapped, kept, ignored, fallen }: Account, language: Language): string {
  const said = fates[language];
  const lines = [
    ...mapped.map(({ place, target }) => `${said.mapped}\t${place}\t${target}`),
    ...kept.map(({ place, where }) => `${said.kept}\t${place}\t${where}`),
    ...ignored.map(({ place, rule, reason }) => `${said.ignored}\t${place}\t${rule}: ${reason}`),
    ...fallen.map(({ place }) => `${said.fallen}\t${place}`),
  ];
  const counts = [
    `${lines.length} ${said.of}`,
    `${mapped.length} ${said.mapped}`,
    `${kept.length} ${said.kept}`,
    `${ignored.length} ${said.ignored}`,
    `${fallen.length} ${said.fallen}`,
  ];
  return `${[...lines, counts.join(', ')].join('\n')}\n`;
}
