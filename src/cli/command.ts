import type { Environment } from '../config.ts';

/** The two languages of the command line. */
export type Language = 'fr' | 'en';
/** A sentence in both languages. */
export type Text = Record<Language, string>;

/** All a command knows of the world; made from `process` by `src/main.ts`, and by tests. */
export interface Io {
  out(text: string): void;
  err(text: string): void;
  /** Whether a person reads it: then lines are for people, progress overwrites itself, tables keep to its width. */
  terminal: { out: boolean; err: boolean; columns?: number };
  environment: Environment;
  cwd: string;
  language: Language;
  /** Calls back at the first SIGTERM or SIGINT; a second one ends the program at once. */
  onStop(handler: () => void): void;
  /** Standard input, to its end. */
  input(): Promise<Uint8Array>;
}

/** An option of a command. */
export interface Option {
  /** Long name without dashes. */
  name: string;
  /** What stands for the value in the usage; an option without is a switch. */
  value?: string;
  meaning: Text;
}

/** What was typed after the name of the command. */
export interface Arguments {
  positionals: string[];
  values: Record<string, string | undefined>;
  switches: Record<string, boolean | undefined>;
}

/** One command: what `--help` says about it, and what it does. `run` answers the exit code, see `exit`. */
export interface Command {
  name: string;
  summary: Text;
  /** What follows the name: `FILE [--route R]`. */
  usage: string;
  /** Shown by `--help`, without `npx passerelle`. */
  example: string;
  options: Option[];
  /** Fewest and most positional arguments. */
  positionals: [fewest: number, most: number];
  run(args: Arguments, io: Io): Promise<number>;
}

/** Exit codes of the outward contract. */
export const exit = { done: 0, refused: 1, usage: 2, unreachable: 3 } as const;

/** Wrong usage that only the command can see; the sentence goes to stderr, with exit code 2. */
export class UsageError extends Error {
  readonly text: Text;
  constructor(text: Text) {
    super(text.en);
    this.name = 'UsageError';
    this.text = text;
  }
}

/** Options several commands share. */
export const shared = {
  config: {
    name: 'config',
    value: 'FILE',
    meaning: {
      fr: 'fichier de configuration (sinon PASSERELLE_CONFIG)',
      en: 'configuration file (else PASSERELLE_CONFIG)',
    },
  },
  gateway: {
    name: 'gateway',
    value: 'URL',
    meaning: {
      fr: 'passerelle qui tourne (sinon la configuration)',
      en: 'gateway that runs (else the configuration)',
    },
  },
  json: { name: 'json', meaning: { fr: 'JSON au lieu d’un tableau', en: 'JSON instead of a table' } },
} satisfies Record<string, Option>;

/** An option that must be a whole number within bounds; `otherwise` when it was not given. */
export function wholeNumber(args: Arguments, name: string, otherwise: number, [least, most]: [number, number]): number {
  const text = args.values[name];
  if (text === undefined) return otherwise;
  const number = /^\d{1,12}$/.test(text) ? Number(text) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw new UsageError({
    fr: `--${name} : attendu un nombre entier de ${least} à ${most}.`,
    en: `--${name}: expected a whole number from ${least} to ${most}.`,
  });
}
