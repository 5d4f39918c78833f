import { existsSync, readdirSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { fault, PasserelleError } from '../errors.ts';
import { type Command, exit, shared, UsageError } from './command.ts';
import { configured } from './context.ts';
import { sizeText } from './text.ts';

/** Journal, FHIR store, audit and keys, as they stand now; the copy is a data folder that `start` takes. */
export const backup: Command = {
  name: 'backup',
  summary: {
    fr: 'copie le dossier de données pendant que la passerelle tourne',
    en: 'copies the data folder while the gateway runs',
  },
  usage: 'FOLDER [--json] [--config FILE]',
  example: 'backup /backups/2026-11-23',
  options: [shared.json, shared.config],
  positionals: [1, 1],
  async run(args, io) {
    const config = configured(args, io);
    const to = resolve(io.cwd, args.positionals[0]!);
    if (existsSync(to) && !statSync(to).isDirectory()) {
      throw new UsageError({ fr: `Pas un dossier : ${to}`, en: `Not a folder: ${to}` });
    }
    if (existsSync(to) && readdirSync(to).length > 0) {
      throw new UsageError({ fr: `Dossier non vide : ${to}`, en: `The folder is not empty: ${to}` });
    }
    if (!existsSync(config.data)) {
      throw new PasserelleError(fault('journal-absent', { params: { folder: config.data } }));
    }
    const { backUp } = await import('../gateway/backup.ts');
    let files = 0;
    let bytes = 0;
    await backUp(config.data, to, (one) => {
      files += 1;
      bytes += one.bytes;
      if (io.terminal.err && !args.switches.json) io.err(`\r\u001b[K${one.file}`);
    });
    if (io.terminal.err && !args.switches.json) io.err('\r\u001b[K');
    if (args.switches.json) io.out(`${JSON.stringify({ folder: to, files, bytes }, null, 2)}\n`);
    else io.out(done[io.language](files, sizeText(bytes), to));
    if (config.journal !== 'sqlite') io.err(journalElsewhere[io.language]);
    return exit.done;
  },
};

const done = {
  fr: (files: number, size: string, to: string) =>
    `${files} fichiers, ${size}, dans ${to}. Pour les reprendre : PASSERELLE_DATA=${to} passerelle start\n`,
  en: (files: number, size: string, to: string) =>
    `${files} files, ${size}, in ${to}. To take them up: PASSERELLE_DATA=${to} passerelle start\n`,
};

const journalElsewhere = {
  fr: 'Le journal est dans PostgreSQL : sauvegardez-le par pg_dump avant cette copie.\n',
  en: 'The journal is in PostgreSQL: back it up with pg_dump before this copy.\n',
};
