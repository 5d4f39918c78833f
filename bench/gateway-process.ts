import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type MintRequest, mintToken } from '../src/access/index.ts';
import { loadConfig } from '../src/config.ts';

const MAIN = join(import.meta.dirname, '..', 'src', 'main.ts');

/** A gateway in a process of its own, as an operator runs it, with its figures. */
export interface GatewayUnderTest {
  url: string;
  mllp: string;
  /** Bearer token for everything. */
  token: string;
  /** Another token of its issuer. */
  mint(request: MintRequest): Promise<string>;
  /** `used` is what it has in memory, `cpu` seconds of processor time since it started (all its threads), `files` what it holds open. */
  usage(): { usedMb: number; cpuSeconds: number; files: number };
  /** One figure of `/metrics`, summed over its labels that contain `labels`. */
  metric(name: string, labels?: string): Promise<number>;
  stop(): Promise<void>;
}

/**
 * Starts a gateway over `folder` on free loopback ports and waits until it is ready.
 * @param settings of the configuration file, besides ports and folder
 * @param node options of the runtime (`--cpu-prof`)
 * @param script what is started in the gateway's place, with the same settings
 */
export async function startGateway(
  folder: string,
  settings: object = {},
  node: string[] = [],
  script = MAIN,
): Promise<GatewayUnderTest> {
  const file = join(folder, 'config.json');
  const data = join(folder, 'data');
  writeFileSync(file, JSON.stringify({ limits: { requestsPerMinute: 0 }, ...settings }));
  const [http, mllp] = await freePorts();
  const environment = {
    PASSERELLE_CONFIG: file,
    PASSERELLE_DATA: data,
    PASSERELLE_HTTP: `127.0.0.1:${http}`,
    PASSERELLE_MLLP: `127.0.0.1:${mllp}`,
    PASSERELLE_LOG: 'error',
  };
  const child = spawn(process.execPath, [...node, script, 'start'], {
    cwd: folder,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const url = `http://127.0.0.1:${http}`;
  await ready(url, child);
  const { config } = loadConfig({ environment, cwd: folder });
  const mint = async (request: MintRequest) => (await mintToken(config!, request)) ?? '';
  const token = await mint({ clientId: 'bench', seconds: 86_400 });
  return {
    url,
    mllp: `mllp://127.0.0.1:${mllp}`,
    token,
    mint,
    usage: () => usageOf(child.pid!),
    metric: (name, labels) => metric(url, name, labels),
    stop: () => end(child),
  };
}

async function ready(url: string, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 1200; tries++) {
    const answer = await fetch(`${url}/ready`).catch(() => undefined);
    if (answer?.ok) return;
    if (child.exitCode !== null) throw new Error(`the gateway ended with ${child.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('the gateway was not ready after 60 s');
}

/** From /proc, so that nothing has to be asked of a process that is busy; resident memory without pages of files. */
function usageOf(pid: number): ReturnType<GatewayUnderTest['usage']> {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const usedMb = Number(/RssAnon:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  const files = readdirSync(`/proc/${pid}/fd`).length;
  return { usedMb, cpuSeconds: (Number(fields[11]) + Number(fields[12])) / 100, files };
}

async function metric(url: string, name: string, labels = ''): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return text
    .split('\n')
    .filter((line) => line.startsWith(name) && /[{ ]/.test(line[name.length] ?? '') && line.includes(labels))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await gone;
}

async function freePorts(): Promise<[number, number]> {
  const servers = await Promise.all(
    [0, 1].map(
      () =>
        new Promise<import('node:net').Server>((resolve) => {
          const server = createServer().listen(0, '127.0.0.1', () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports as [number, number];
}
