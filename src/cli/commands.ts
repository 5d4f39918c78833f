import type { Command } from './command.ts';

/** Every command, in the order `--help` lists them. One line loads one command: `start` does without what `send` needs. */
export const commands: Record<string, () => Promise<Command>> = {
  start: async () => (await import('./start.ts')).start,
  check: async () => (await import('./check.ts')).check,
  demo: async () => (await import('./demo.ts')).demo,
  convert: async () => (await import('./convert.ts')).convert,
  validate: async () => (await import('./validate.ts')).validate,
  send: async () => (await import('./send.ts')).send,
  messages: async () => (await import('./messages.ts')).messages,
  message: async () => (await import('./messages.ts')).message,
  replay: async () => (await import('./replay.ts')).replay,
  explain: async () => (await import('./explain.ts')).explain,
  unmapped: async () => (await import('./unmapped.ts')).unmapped,
  preview: async () => (await import('./preview.ts')).preview,
  form: async () => (await import('./form.ts')).form,
  report: async () => (await import('./report.ts')).report,
  access: async () => (await import('./access.ts')).access,
  token: async () => (await import('./token.ts')).token,
  audit: async () => (await import('./audit.ts')).audit,
  backup: async () => (await import('./backup.ts')).backup,
  bench: async () => (await import('./bench.ts')).bench,
};

/** All of them, loaded. */
export function everyCommand(): Promise<Command[]> {
  return Promise.all(Object.values(commands).map((load) => load()));
}
