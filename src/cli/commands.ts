import { access } from './access.ts';
import { audit } from './audit.ts';
import { bench } from './bench.ts';
import { check } from './check.ts';
import type { Command } from './command.ts';
import { convert } from './convert.ts';
import { demo } from './demo.ts';
import { explain } from './explain.ts';
import { message, messages } from './messages.ts';
import { replay } from './replay.ts';
import { report } from './report.ts';
import { send } from './send.ts';
import { start } from './start.ts';
import { token } from './token.ts';
import { validate } from './validate.ts';

/** Every command, in the order `--help` lists them. */
export const commands: Command[] = [
  start,
  check,
  demo,
  convert,
  validate,
  send,
  messages,
  message,
  replay,
  explain,
  report,
  access,
  token,
  audit,
  bench,
];
