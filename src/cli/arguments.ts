import { parseArgs } from 'node:util';
import { type Arguments, type Command, UsageError } from './command.ts';

/** What was typed after the name of a command; throws UsageError that names the option or argument. */
export function argumentsOf(command: Command, argv: string[]): Arguments {
  const options = optionsOf(command);
  let parsed: ReturnType<typeof parseArgs>;
  try {
    parsed = parseArgs({ args: argv, options, allowPositionals: true, strict: true });
  } catch {
    throw misunderstood(command, argv);
  }
  const [fewest, most] = command.positionals;
  const { positionals } = parsed;
  if (positionals.length < fewest || positionals.length > most) {
    const one = positionals[most];
    throw one === undefined
      ? new UsageError({ fr: 'Un argument manque.', en: 'An argument is missing.' })
      : new UsageError({ fr: `Un argument de trop : ${one}.`, en: `An argument too many: ${one}.` });
  }
  const entries = Object.entries(parsed.values);
  return {
    positionals,
    values: Object.fromEntries(entries.filter(([, value]) => typeof value === 'string')) as Record<string, string>,
    switches: Object.fromEntries(entries.filter(([, value]) => typeof value === 'boolean')) as Record<string, boolean>,
  };
}

/** The command's options as `parseArgs` wants them. */
function optionsOf(command: Command) {
  return Object.fromEntries(
    command.options.map((one) => [one.name, { type: one.value === undefined ? 'boolean' : 'string' } as const]),
  );
}

/** Says which option it was, as Node's own message does not speak the caller's language. */
function misunderstood(command: Command, argv: string[]): UsageError {
  const options = optionsOf(command);
  const { tokens } = parseArgs({ args: argv, options, allowPositionals: true, strict: false, tokens: true });
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const known = command.options.find((one) => one.name === token.name);
    if (!known) return unknown(command, token.rawName);
    const { name, value } = known;
    if (value === undefined && token.value !== undefined) {
      return new UsageError({
        fr: `Une option ne prend pas de valeur : --${name}.`,
        en: `An option takes no value: --${name}.`,
      });
    }
    // `--limit --json`: what follows is the next option.
    if (value !== undefined && (token.value === undefined || (!token.inlineValue && token.value.startsWith('-')))) {
      return new UsageError({
        fr: `Une option attend une valeur : --${name} ${value}.`,
        en: `An option lacks its value: --${name} ${value}.`,
      });
    }
  }
  return new UsageError({ fr: 'Options incompréhensibles.', en: 'The options cannot be understood.' });
}

function unknown(command: Command, typed: string): UsageError {
  const name = typed.replace(/^--?/, '');
  const list = [...command.options.map((one) => `--${one.name}`), '--lang', '--help'].join(', ');
  return new UsageError({
    fr: `Option inconnue : ${name}. Options : ${list}.`,
    en: `Unknown option: ${name}. Options: ${list}.`,
  });
}
