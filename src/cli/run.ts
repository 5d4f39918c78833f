import { configErrors } from '../errors/config.ts';
import { type ErrorCode, fault, isError, PasserelleError } from '../errors.ts';
import { version } from '../version.ts';
import { argumentsOf } from './arguments.ts';
import { type Command, exit, type Io, type Language, type Option, UsageError } from './command.ts';
import { commands, everyCommand } from './commands.ts';
import { helpOf, overview } from './help.ts';
import { faultLine } from './text.ts';

const general: Option[] = [
  { name: 'help', meaning: { fr: 'cette aide', en: 'this help' } },
  { name: 'lang', value: 'fr|en', meaning: { fr: 'langue (sinon LANG)', en: 'language (else LANG)' } },
];

/** Runs one command line and answers the exit code. Never throws; nothing it prints holds a stack trace. */
export async function run(argv: string[], io: Omit<Io, 'language'>): Promise<number> {
  const language = languageOf(argv, io);
  const speaking: Io = { ...io, language };
  const asked = languageAsked(argv);
  if (asked !== undefined && !/^(fr|en)/i.test(asked)) {
    return misused(speaking, { fr: '--lang : fr ou en.', en: '--lang: fr or en.' });
  }
  const [name = '--help', ...rest] = withoutLanguage(argv);
  if (name === '--help' || name === '-h' || name === 'help') {
    return print(speaking, overview(await everyCommand(), language));
  }
  if (name === '--version') return print(speaking, `passerelle ${version}\n`);
  const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!load) {
    const list = Object.keys(commands).join(', ');
    return misused(speaking, {
      fr: `Commande inconnue : ${name}. Commandes : ${list}.`,
      en: `Unknown command: ${name}. Commands: ${list}.`,
    });
  }
  const command = await load();
  if (rest.includes('--help') || rest.includes('-h')) return print(speaking, helpOf(command, general, language));
  try {
    return await command.run(argumentsOf(command, rest), speaking);
  } catch (error) {
    return failed(error, command, speaking);
  }
}

/** Codes that mean a server or a file could not be reached; faults of the configuration are wrong usage. */
const unreachable: ErrorCode[] = [
  'listen-failed',
  'audit-absent',
  'port-unknown',
  'file-unreadable',
  'server-unreachable',
  'fhir-unreachable',
  'not-durable',
];

/** The exit code that says what kind of fault it was. */
export function exitCodeOf(code: ErrorCode | undefined): number {
  if (code === undefined) return exit.refused;
  if (unreachable.includes(code) || code.startsWith('journal-')) return exit.unreachable;
  return Object.hasOwn(configErrors, code) ? exit.usage : exit.refused;
}

function failed(error: unknown, command: Command, io: Io): number {
  if (error instanceof UsageError) return misused(io, error.text, command);
  if (error instanceof PasserelleError) {
    for (const one of error.faults) io.err(`${faultLine(one, io.language)}\n`);
    return exitCodeOf(error.faults.find(isError)?.code);
  }
  const { code, name, stack } = error as NodeJS.ErrnoException;
  const reference = [command.name, name, code].filter(Boolean).join(' ');
  io.err(`${faultLine(fault('internal', { params: { reference } }), io.language)}\n`);
  if (['debug', 'trace'].includes(io.environment.PASSERELLE_LOG ?? '')) io.err(`${stack}\n`);
  return exit.refused;
}

function misused(io: Io, text: Record<Language, string>, command?: Command): number {
  const [usage, help] = io.language === 'fr' ? ['Usage :', 'Aide :'] : ['Usage:', 'Help:'];
  io.err(`passerelle: ${text[io.language]}\n`);
  if (command) io.err(`${usage} npx passerelle ${`${command.name} ${command.usage}`.trim()}\n`);
  io.err(`${help} npx passerelle ${command ? `${command.name} ` : ''}--help\n`);
  return exit.usage;
}

function print(io: Io, text: string): number {
  io.out(text);
  return exit.done;
}

function languageOf(argv: string[], io: Omit<Io, 'language'>): Language {
  const { LC_ALL, LC_MESSAGES, LANG } = io.environment;
  // As everywhere, an empty variable is as good as none.
  const language = languageAsked(argv) || LC_ALL || LC_MESSAGES || LANG || '';
  return language.toLowerCase().startsWith('fr') ? 'fr' : 'en';
}

/** What stands behind --lang; empty when nothing does. */
function languageAsked(argv: string[]): string | undefined {
  const at = argv.findIndex((one) => one === '--lang' || one.startsWith('--lang='));
  return at < 0 ? undefined : (argv[at]?.split('=')[1] ?? argv[at + 1] ?? '');
}

function withoutLanguage(argv: string[]): string[] {
  const at = argv.findIndex((one) => one === '--lang' || one.startsWith('--lang='));
  return at < 0 ? argv : argv.toSpliced(at, argv[at] === '--lang' ? 2 : 1);
}
