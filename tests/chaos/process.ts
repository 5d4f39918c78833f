import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mintToken } from '../../src/access/index.ts';
import { loadConfig } from '../../src/config.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'main.ts');

/** A gateway in a process of its own that can be killed at any moment and started again on the same ports and folder. */
export class GatewayProcess {
  readonly folder = mkdtempSync(join(tmpdir(), 'passerelle-chaos-'));
  readonly http: number;
  readonly mllp: number;
  readonly #settings: object;
  #process: ChildProcess | undefined;

  constructor(ports: [http: number, mllp: number], settings: object = {}) {
    [this.http, this.mllp] = ports;
    this.#settings = settings;
  }

  get url(): string {
    return `http://127.0.0.1:${this.http}`;
  }

  /** Starts it and waits until it is ready to accept. */
  async start(): Promise<void> {
    const file = join(this.folder, 'config.json');
    writeFileSync(file, JSON.stringify(this.#settings));
    const env = {
      ...process.env,
      PASSERELLE_CONFIG: file,
      PASSERELLE_DATA: join(this.folder, 'data'),
      PASSERELLE_HTTP: `127.0.0.1:${this.http}`,
      PASSERELLE_MLLP: `127.0.0.1:${this.mllp}`,
      PASSERELLE_LOG: 'error',
    };
    this.#process = spawn(process.execPath, [MAIN, 'start'], { env, stdio: ['ignore', 'ignore', 'inherit'] });
    for (let tries = 0; tries < 1200; tries++) {
      const ready = await fetch(`${this.url}/ready`).then(
        (answer) => answer.ok,
        () => false,
      );
      if (ready) return;
      if (this.#process.exitCode !== null) throw new Error(`the gateway ended with ${this.#process.exitCode}`);
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

  async token(): Promise<string> {
    const environment = { PASSERELLE_DATA: join(this.folder, 'data') };
    const { config } = loadConfig({ environment, cwd: this.folder });
    return (await mintToken(config!, { clientId: 'chaos', seconds: 86_400 })) ?? '';
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
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
