import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent } from 'undici';
import { startGateway } from './gateway-process.ts';
import { loadHttp } from './http-load.ts';
import { type BenchOptions, type BenchResult, row } from './result.ts';

const connections = 32;

/**
 * The gateway as a process of its own in front of a FHIR server that always answers the same Bundle of 5 kB: token, scopes,
 * audit, rewriting of addresses, at 32 connections; beside it the same server asked directly.
 */
export async function run(options: BenchOptions = {}): Promise<BenchResult> {
  const folder = mkdtempSync(join(tmpdir(), 'passerelle-bench-'));
  const upstream = await fixedServer();
  const server = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}/fhir`;
  const agent = new Agent({ connections });
  options.progress?.('waiting for the gateway');
  const gateway = await startGateway(folder, { fhir: { server, connections } });
  try {
    const token = await gateway.mint({ clientId: 'bench', scope: 'system/Observation.rs' });
    const count = options.quick ? 4000 : 30_000;
    const through = { url: () => `${gateway.url}/fhir/R4/Observation?patient=1`, token, width: connections };
    await loadHttp(agent, { ...through, count: 2000 });
    const before = gateway.usage();
    const whole = await loadHttp(agent, { ...through, count });
    const after = gateway.usage();
    const bare = await loadHttp(agent, { url: () => `${server}/Observation?patient=1`, count, width: connections });
    const of = 'the server asked directly';
    return {
      bench: 'porter-http',
      rows: [
        row('reads through the gateway', whole.perSecond, '/s', bare.perSecond, of),
        row('processor time of the gateway for one', ((after.cpuSeconds - before.cpuSeconds) * 1000) / count, 'ms'),
        row('p50', whole.p50, 'ms', bare.p50, of),
        row('p99', whole.p99, 'ms', bare.p99, of),
      ],
      notes: [
        `${connections} connections, Bundle of ${body.length} bytes; open files ${before.files} before, ${after.files} after`,
      ],
    };
  } finally {
    await agent.close();
    await gateway.stop();
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
