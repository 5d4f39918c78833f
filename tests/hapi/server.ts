import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Behind } from '../e2e/behind.ts';

const POM = join(import.meta.dirname, '..', '..', '..', 'shared', 'tools', 'hapi', 'pom.xml');

/** Why a real HAPI cannot be had here; undefined when it can. */
export function whyNoHapi(): string | undefined {
  if (!existsSync(POM)) return 'the folder ../shared/tools/hapi is not here';
  if (spawnSync('mvn', ['--version']).status !== 0) return 'there is no Maven (mvn) with Java 17';
  return undefined;
}

/** A real HAPI FHIR R4 server whose database survives a restart. */
export class Hapi {
  readonly #folder = mkdtempSync(join(tmpdir(), 'passerelle-hapi-'));
  #process: ChildProcess | undefined;
  #port = 0;

  get base(): string {
    return `http://127.0.0.1:${this.#port}/fhir`;
  }

  /** Starts on a free port, and on the same one again after `stop`. */
  async start(): Promise<void> {
    const env = {
      ...process.env,
      HAPI_PORT: String(this.#port),
      HAPI_JDBC_URL: `jdbc:h2:file:${join(this.#folder, 'hapi')}`,
      MAVEN_OPTS: '-Xmx1500m -XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m',
    };
    const started = spawn('mvn', ['-q', '-f', POM, `-Dout=${join(this.#folder, 'classes')}`], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#process = started;
    await new Promise<void>((resolve, reject) => {
      let said = '';
      started.stdout?.on('data', (chunk: Buffer) => {
        said += chunk.toString('utf8');
        const port = /ready http:\/\/127\.0\.0\.1:(\d+)\/fhir/.exec(said)?.[1];
        if (!port) return;
        this.#port = Number(port);
        resolve();
      });
      started.once('exit', (code) => reject(new Error(`HAPI ended with ${code}`)));
    });
  }

  async stop(): Promise<void> {
    const running = this.#process;
    if (!running || running.exitCode !== null) return;
    const gone = new Promise((resolve) => running.once('exit', resolve));
    running.kill('SIGTERM');
    await gone;
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** A HAPI of its own behind a gateway. */
export async function hapiBehind(): Promise<Behind> {
  const hapi = new Hapi();
  await hapi.start();
  return { settings: { PASSERELLE_FHIR: hapi.base }, stop: () => hapi.remove() };
}
