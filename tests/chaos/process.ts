import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Disk } from './disk.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'main.ts');
const SKEW = join(import.meta.dirname, 'skew.ts');
const NODE = ['--disable-warning=ExperimentalWarning', '--import', SKEW, MAIN];

/** A gateway in a process of its own that can be killed at any moment and started again on the same ports and folder. */
export class GatewayProcess {
  readonly disk = new Disk();
  readonly http: number;
  readonly mllp: number;
  /** What the wall clock of the next start is off by. */
  skewMs = 0;
  readonly #settings: object;
  #process: ChildProcess | undefined;

  constructor(ports: [http: number, mllp: number], settings: object = {}) {
    [this.http, this.mllp] = ports;
    this.#settings = settings;
  }

  get url(): string {
    return `http://127.0.0.1:${this.http}`;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Starts it and does not wait. */
  launch(): void {
    const file = join(this.disk.folder, 'config.json');
    writeFileSync(file, JSON.stringify(this.#settings));
    const env = {
      ...process.env,
      CHAOS_SKEW_MS: String(this.skewMs),
      PASSERELLE_CONFIG: file,
      PASSERELLE_DATA: join(this.disk.folder, 'data'),
      PASSERELLE_HTTP: `127.0.0.1:${this.http}`,
      PASSERELLE_MLLP: `127.0.0.1:${this.mllp}`,
      PASSERELLE_LOG: process.env.CHAOS_LOG ?? 'silent',
    };
    this.#process = spawn(process.execPath, [...NODE, 'start'], { env, stdio: ['ignore', 'inherit', 'inherit'] });
  }

  /** Starts it, again when it gives up, and waits until it is ready to accept. */
  async start(): Promise<void> {
    this.launch();
    for (let tries = 0; tries < 1200; tries++) {
      const ready = await fetch(`${this.url}/ready`).then(
        (answer) => answer.ok,
        () => false,
      );
      if (ready) return;
      // As whoever supervises it would: its disk may be full just now, or its database gone.
      if (this.#process?.exitCode != null) this.launch();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error('the gateway was not ready after 60 s');
  }

  signal(name: NodeJS.Signals): void {
    this.#process?.kill(name);
  }

  /** Ends it without a word, as a power failure would. */
  async kill(): Promise<void> {
    const running = this.#process;
    if (!running || running.exitCode !== null || running.signalCode !== null) return;
    const gone = new Promise((resolve) => running.once('exit', resolve));
    running.kill('SIGKILL');
    await gone;
  }

  /** A token that holds whatever the clocks of the gateways say: given two hours ago, for a day. */
  token(): string {
    return this.command(['token', '--client', 'chaos', '--ttl', '86400'], -7_200_000).trim();
  }

  /** What a command of the program says that an operator gives beside it. */
  command(args: string[], skewMs = 0): string {
    const env = {
      ...process.env,
      CHAOS_SKEW_MS: String(skewMs),
      PASSERELLE_DATA: join(this.disk.folder, 'data'),
    };
    return execFileSync(process.execPath, [...NODE, ...args], { env, encoding: 'utf8', maxBuffer: 1 << 26 });
  }

  /** Where senders find it, with a token for everything. */
  doors(): { mllp: string; url: string; token: string } {
    return { mllp: `mllp://127.0.0.1:${this.mllp}`, url: this.url, token: this.token() };
  }

  remove(): void {
    this.disk.remove();
  }
}

/** One on free ports, ready to accept. */
export async function startProcess(settings: object = {}): Promise<GatewayProcess> {
  const [http, mllp] = (await freePorts(2)) as [number, number];
  const gateway = new GatewayProcess([http, mllp], settings);
  await gateway.start();
  return gateway;
}

/** Ports nobody listens on just now. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, () => {
      const { promise, resolve } = Promise.withResolvers<import('node:net').Server>();
      const server = createServer().listen(0, '127.0.0.1', () => resolve(server));
      return promise;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
