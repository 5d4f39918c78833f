import type { Command, Language, Option } from './command.ts';

/** The list of commands, for `passerelle --help`. */
export function overview(commands: Command[], language: Language): string {
  const width = Math.max(...commands.map((one) => one.name.length));
  const lines = commands.map((one) => `  ${one.name.padEnd(width)}  ${one.summary[language]}`);
  const text = {
    fr: [
      'Passerelle entre l’hôpital et la ville.',
      'Usage : npx passerelle COMMANDE …',
      'Aide d’une commande : npx passerelle COMMANDE --help',
    ],
    en: [
      'Gateway between hospital and city care.',
      'Usage: npx passerelle COMMAND …',
      'Help for a command: npx passerelle COMMAND --help',
    ],
  }[language];
  const codes = {
    fr: 'Codes de sortie : 0 fait · 1 refusé ou échec sur le contenu · 2 usage ou configuration · 3 serveur ou fichier injoignable',
    en: 'Exit codes: 0 done · 1 refused or failed on the content · 2 usage or configuration · 3 server or file not reached',
  }[language];
  return `${text[0]}\n${text[1]}\n\n${lines.join('\n')}\n\n${text[2]}\n${codes}\n`;
}

/** What `passerelle COMMAND --help` prints. */
export function helpOf(command: Command, general: Option[], language: Language): string {
  const options = [...command.options, ...general];
  const names = options.map((one) => `--${one.name}${one.value === undefined ? '' : ` ${one.value}`}`);
  const width = Math.max(...names.map((one) => one.length));
  const lines = options.map((one, at) => `  ${(names[at] as string).padEnd(width)}  ${one.meaning[language]}`);
  const [usage, example] = language === 'fr' ? ['Usage :', 'Exemple :'] : ['Usage:', 'Example:'];
  return [
    command.summary[language],
    '',
    `${usage} npx passerelle ${`${command.name} ${command.usage}`.trim()}`,
    '',
    ...lines,
    '',
    `${example} npx passerelle ${command.example}`,
    '',
  ].join('\n');
}
