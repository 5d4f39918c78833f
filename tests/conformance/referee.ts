import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

const root = join(import.meta.dirname, '../..');
const source = join(root, '../shared/tools/referee');
const copy = join(root, '.cache/referee');

/** HL7's own validator, served on the loopback by `../shared/tools/referee`. */
export interface Referee {
  /** The first errors it finds, empty for a valid resource. */
  errors(resource: unknown): Promise<string[]>;
  stop(): void;
}

function has(command: string): boolean {
  try {
    execFileSync(command, ['-version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Why the referee cannot be asked here; undefined when it can. */
export function refereeMissing(): string | undefined {
  if (!existsSync(join(source, 'pom.xml'))) {
    return 'the folder ../shared/tools/referee is not there';
  }
  return has('java') && has('mvn') ? undefined : 'java and mvn are needed';
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/**
 * Starts the referee with some folders of definitions. It is built in a copy, so that the tools' own folder stays as it
 * is; the first build fetches its dependencies from Maven Central, later ones work offline.
 */
export async function startReferee(folders: string[]): Promise<Referee> {
  mkdirSync(copy, { recursive: true });
  cpSync(join(source, 'pom.xml'), join(copy, 'pom.xml'));
  cpSync(join(source, 'src'), join(copy, 'src'), { recursive: true });
  const build = ['-q', '-f', join(copy, 'pom.xml'), 'compile'];
  try {
    execFileSync('mvn', ['-o', ...build], { stdio: 'ignore' });
  } catch {
    execFileSync('mvn', build, { stdio: 'inherit' });
  }
  const port = await freePort();
  const options = `-Dexec.args=--profiles ${folders.join(',')} --serve ${port}`;
  // Not offline: compiling does not fetch what is needed to run only.
  const child = spawn('mvn', ['-q', '-f', join(copy, 'pom.xml'), 'exec:java', options], {
    stdio: ['ignore', 'ignore', 'inherit'],
    detached: true,
  });
  child.unref();
  const stop = () => {
    process.off('exit', stop);
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      process.kill(-child.pid);
    }
  };
  process.on('exit', stop);
  try {
    await ready(port, child);
  } catch (error) {
    stop();
    throw error;
  }
  return { errors: (resource) => ask(port, resource), stop };
}

async function ready(port: number, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (child.exitCode !== null) {
      throw new Error(`the referee ended with ${child.exitCode} before it was ready`);
    }
    const answer = await fetch(`http://127.0.0.1:${port}/health`, { headers: { connection: 'close' } }).catch(
      () => undefined,
    );
    if (answer?.ok) {
      return;
    }
    await wait(500);
  }
  throw new Error('the referee was not ready within five minutes');
}

interface Outcome {
  issue?: { severity: string; expression?: string[]; location?: string[]; diagnostics?: string }[];
}

async function ask(port: number, resource: unknown): Promise<string[]> {
  const answer = await fetch(`http://127.0.0.1:${port}/validate`, {
    method: 'POST',
    body: JSON.stringify(resource),
    headers: { connection: 'close' },
  });
  const outcome = (await answer.json()) as Outcome;
  return (outcome.issue ?? [])
    .filter((one) => one.severity === 'error' || one.severity === 'fatal')
    .map((one) => `${(one.expression ?? one.location ?? ['?'])[0]} ${one.diagnostics ?? ''}`.slice(0, 300));
}
