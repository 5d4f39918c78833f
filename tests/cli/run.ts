import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { run } from '../../src/cli/run.ts';

export const bin = fileURLToPath(new URL('../../bin/passerelle.mjs', import.meta.url));

export interface Ran {
  code: number | null;
  out: string;
  err: string;
}

/** Runs the command as a user does, with an environment of its own. */
export function passerelle(
  args: string[],
  {
    environment = {},
    input = '',
    cwd = '/tmp',
  }: { environment?: Record<string, string>; input?: string; cwd?: string } = {},
): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [bin, ...args], {
      env: { PATH: process.env.PATH, LANG: 'en_US.UTF-8', ...environment },
      cwd,
    });
    const ran: Ran = { code: null, out: '', err: '' };
    child.stdout.on('data', (chunk) => {
      ran.out += chunk;
    });
    child.stderr.on('data', (chunk) => {
      ran.err += chunk;
    });
    child.on('close', (code) => resolve({ ...ran, code }));
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}

/** The same command line without a process of its own: what it prints and its exit code, a hundred times quicker. */
export async function inside(
  args: string[],
  environment: Record<string, string> = {},
  cwd = '/tmp',
  columns?: number,
): Promise<Ran> {
  const ran: Ran = { code: null, out: '', err: '' };
  ran.code = await run(args, {
    out: (text) => {
      ran.out += text;
    },
    err: (text) => {
      ran.err += text;
    },
    terminal: { out: false, err: false, columns },
    environment: { LANG: 'en_US.UTF-8', ...environment },
    cwd,
    onStop: () => undefined,
    input: async () => new Uint8Array(),
  });
  return ran;
}
