import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mintToken } from '../../src/access/index.ts';
import { openMllp } from '../../src/cli/send-mllp.ts';
import { type Config, loadConfig } from '../../src/config.ts';
import { type Gateway, runGateway } from '../../src/gateway.ts';
import { createLog } from '../../src/log.ts';

/** A gateway on free loopback ports with a data folder of its own, as a test uses it. */
export interface RunningGateway extends Gateway {
  config: Config;
  mllp: string;
  token(client?: string, scope?: string): Promise<string>;
  /** GET of the FHIR API with a token for everything; the parsed answer. */
  get(path: string): Promise<{ status: number; body: any }>;
  post(
    path: string,
    body: unknown,
    headers?: Record<string, string>,
  ): Promise<{ status: number; headers: Headers; body: any }>;
  /** Sends one HL7 v2 message and answers the acknowledgement's code and error codes. */
  send(message: string | Uint8Array): Promise<{ code: string; errors: string[]; said: string[] }>;
  /** All log lines so far. */
  lines: string[];
  remove(): Promise<void>;
}

export async function startGateway(environment: Record<string, string> = {}): Promise<RunningGateway> {
  const data = environment.PASSERELLE_DATA ?? mkdtempSync(join(tmpdir(), 'passerelle-test-'));
  const settings = {
    PASSERELLE_HTTP: '127.0.0.1:0',
    PASSERELLE_MLLP: '127.0.0.1:0',
    ...environment,
    PASSERELLE_DATA: data,
  };
  const { config, faults } = loadConfig({ environment: settings, cwd: data });
  if (!config) throw new Error(JSON.stringify(faults));
  const lines: string[] = [];
  const log = createLog({ level: 'info', stream: { write: (line: string) => void lines.push(line) } });
  const gateway = await runGateway(config, log);
  const mllp = gateway.addresses.mllp?.[0] ?? '';
  const token = async (client = 'test', scope?: string) => (await mintToken(config, { clientId: client, scope })) ?? '';
  const authorization = `Bearer ${await token()}`;
  const parsed = async (response: Response) => {
    const text = await response.text();
    return text.startsWith('{') ? JSON.parse(text) : text;
  };
  return {
    ...gateway,
    config,
    mllp,
    token,
    lines,
    async get(path) {
      const response = await fetch(`${gateway.url}${path}`, { headers: { authorization } });
      return { status: response.status, body: await parsed(response) };
    },
    async post(path, body, headers = {}) {
      const text = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body);
      const response = await fetch(`${gateway.url}${path}`, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json', ...headers },
        body: text as string,
      });
      return { status: response.status, headers: response.headers, body: await parsed(response) };
    },
    async send(message) {
      const connection = await openMllp(mllp, 20_000);
      try {
        return await connection.send(typeof message === 'string' ? Buffer.from(message) : message);
      } finally {
        connection.close();
      }
    },
    async remove() {
      await gateway.stop();
      rmSync(data, { recursive: true, force: true });
    },
  };
}

/** Asks until the answer is there, at most `seconds`. */
export async function until<T>(look: () => Promise<T | undefined | false>, seconds = 60): Promise<T> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`not there after ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
