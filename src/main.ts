import { run } from './cli/run.ts';

/** The only file that touches `process`: what the command line knows of the world is made here. */

// Whatever is written holds patient data: nobody else on the machine reads it.
process.umask(0o077);

/** A terminal's Ctrl-C reaches this process directly and once more through npm: that is one wish. */
const oneWishMs = 500;

function onStop(handler: () => void): void {
  let asked: number | undefined;
  const stop = () => {
    // Whoever asks twice does not want to wait.
    if (asked !== undefined && performance.now() - asked > oneWishMs) process.exit(130);
    if (asked === undefined) handler();
    asked ??= performance.now();
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  onParentGone(stop);
}

/**
 * npm starts this process by a shell that passes no signal on: who ends npm ends the shell, and would leave a gateway behind that
 * nobody sees and that keeps its ports. Started otherwise, the parent may go (`nohup`).
 */
function onParentGone(stop: () => void): void {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const looking = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(looking);
    stop();
  }, 500);
  looking.unref();
}

async function input(): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** A crash says what kind it was and nothing of what was being worked on; the journal takes it up at the next start. */
function crash(error: unknown): void {
  const { name = 'Error', code = '', stack } = (error ?? {}) as NodeJS.ErrnoException;
  process.stderr.write(`passerelle: ${name} ${code}, stopped. PASSERELLE_LOG=debug shows more.\n`);
  if (process.env.PASSERELLE_LOG === 'debug') process.stderr.write(`${stack}\n`);
  process.exit(1);
}

process.on('uncaughtException', crash);
process.on('unhandledRejection', crash);
// `passerelle messages | head` ends the pipe early; that is no fault.
process.stdout.on('error', ({ code = '' }: NodeJS.ErrnoException) => {
  if (code === 'EPIPE') process.exit(0);
  process.stderr.write(`passerelle: stdout: ${code}\n`, () => process.exit(3));
});
// Nobody reads what goes wrong any more: the work itself goes on.
process.stderr.on('error', () => undefined);

process.exitCode = await run(process.argv.slice(2), {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  terminal: {
    out: process.stdout.isTTY === true,
    err: process.stderr.isTTY === true,
    columns: process.stdout.columns,
  },
  environment: process.env,
  cwd: process.cwd(),
  onStop,
  input,
});
// Whatever still holds the event loop is not worth waiting for, except output that is still being read.
const leave = () => (process.stdout.writableLength > 0 ? process.stdout.once('drain', leave) : process.exit());
setTimeout(leave, 300).unref();
