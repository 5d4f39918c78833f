import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createNetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Agent, request } from 'undici';
import { mintToken } from '../src/access/index.ts';
import { loadConfig } from '../src/config.ts';
import { type BenchOptions, type BenchResult, percentile, row } from './result.ts';

const connections = 32;

/**
 * The gateway as a process of its own in front of a FHIR server that always answers the same Bundle of 5 kB: token, scopes,
 * audit, rewriting of addresses, at 32 connections; beside it the same server asked directly.
 */
export async function run(options: BenchOptions = {}): Promise<BenchResult> {
  const folder = mkdtempSync(join(tmpdir(), 'passerelle-bench-'));
  const upstream = await fixedServer();
  const port = await freePort();
  const environment = {
    PASSERELLE_DATA: folder,
    PASSERELLE_HTTP: `127.0.0.1:${port}`,
    PASSERELLE_MLLP: '127.0.0.1:0',
    PASSERELLE_FHIR: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}/fhir`,
    PASSERELLE_LOG: 'warn',
  };
  const gateway = start(environment);
  const agent = new Agent({ connections });
  try {
    const direct = `${environment.PASSERELLE_FHIR}/Observation?patient=1`;
    const through = `http://127.0.0.1:${port}/fhir/R4/Observation?patient=1`;
    options.progress?.('waiting for the gateway');
    await ready(`http://127.0.0.1:${port}/ready`);
    const { config } = loadConfig({ environment, cwd: folder });
    const token = await mintToken(config!, { clientId: 'bench', scope: 'system/Observation.rs' });
    const requests = options.quick ? 4000 : 30_000;
    await load(agent, through, token, 2000);
    const files = openFiles(gateway);
    const cpu = cpuOf(gateway);
    const whole = await load(agent, through, token, requests);
    const spent = cpuOf(gateway) - cpu;
    const bare = await load(agent, direct, undefined, requests);
    const of = 'the server asked directly';
    return {
      bench: 'porter-http',
      rows: [
        row('reads through the gateway', whole.perSecond, '/s', bare.perSecond, of),
        row('processor time of the gateway for one', spent / requests, 'ms'),
        row('p50', whole.p50, 'ms', bare.p50, of),
        row('p99', whole.p99, 'ms', bare.p99, of),
      ],
      notes: [
        `${connections} connections, Bundle of ${body.length} bytes; open files ${files} before, ${openFiles(gateway)} after`,
      ],
    };
  } finally {
    await agent.close();
    gateway.kill('SIGTERM');
    upstream.closeAllConnections();
    upstream.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

const body = JSON.stringify({
  resourceType: 'Bundle',
  type: 'searchset',
  total: 12,
  entry: Array.from({ length: 12 }, (_one, at) => ({
    fullUrl: `Observation/${at}`,
    resource: {
      resourceType: 'Observation',
      id: `${at}`,
      status: 'final',
      category: [
        { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'vital-signs' }] },
      ],
      code: {
        coding: [{ system: 'http://loinc.org', code: '2708-6', display: 'Oxygen saturation in Arterial blood' }],
      },
      subject: { reference: 'Patient/1' },
      valueQuantity: { value: 95, unit: '%', system: 'http://unitsofmeasure.org', code: '%' },
    },
    search: { mode: 'match' },
  })),
});

async function fixedServer(): Promise<Server> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/fhir+json', 'content-length': Buffer.byteLength(body) });
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

async function freePort(): Promise<number> {
  const server = createNetServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function start(environment: Record<string, string>): ChildProcess {
  const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
  const env = { ...environment, PASSERELLE__fhir__connections: '32' };
  return spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, 'start'], { env, stdio: 'ignore' });
}

async function ready(url: string): Promise<void> {
  const end = Date.now() + 60_000;
  for (;;) {
    const status = await request(url).then(
      ({ statusCode, body: answered }) => answered.dump().then(() => statusCode),
      () => 0,
    );
    if (status === 200) return;
    if (Date.now() > end) throw new Error('the gateway was not ready within a minute');
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

async function load(agent: Agent, url: string, token: string | undefined, requests: number) {
  const took: number[] = [];
  let left = requests;
  const since = performance.now();
  const one = async () => {
    while (left-- > 0) {
      const at = performance.now();
      const { statusCode, body: answered } = await request(url, {
        dispatcher: agent,
        ...(token ? { headers: { authorization: `Bearer ${token}` } } : {}),
      });
      await answered.arrayBuffer();
      if (statusCode !== 200) throw new Error(`status ${statusCode}`);
      took.push(performance.now() - at);
    }
  };
  await Promise.all(Array.from({ length: connections }, one));
  const perSecond = (requests / (performance.now() - since)) * 1000;
  return { perSecond, p50: percentile(took, 0.5), p99: percentile(took, 0.99) };
}

/** Milliseconds of processor time so far, in steps of 10; not a number where that cannot be seen. */
function cpuOf({ pid }: ChildProcess): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return Number.NaN;
  }
}

/** Descriptors of the gateway; 0 where that cannot be seen. */
function openFiles({ pid }: ChildProcess): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return 0;
  }
}
