import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FhirEndpoint, FhirRequest, FhirResponse } from '../../src/adapter.ts';
import { openStore } from '../../src/store/index.ts';

/** Answers a request in the place of the server; undefined: the server answers. */
export type Before = (request: FhirRequest, endpoint: FhirEndpoint) => Promise<FhirResponse | undefined>;

/** A FHIR server elsewhere: the embedded one behind a socket that can lose answers. */
export async function startFhirServer(before: Before = async () => undefined) {
  const folder = mkdtempSync(join(tmpdir(), 'passerelle-elsewhere-'));
  const { endpoint, close } = openStore({ file: join(folder, 'fhir.sqlite') });
  const server = { endpoint, before, requests: [] as string[], loses: (_request: string) => false };
  const listener = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const method = request.method as 'GET' | 'POST' | 'PUT';
    const path = request.url!.replace(/^\/fhir\/?/, '');
    const text = Buffer.concat(chunks).toString('utf8');
    const isJson = request.headers['content-type']?.includes('json');
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
    const asked = { method, path, body: isJson ? JSON.parse(text) : text || undefined, headers };
    const answer = (await server.before(asked, endpoint)) ?? (await endpoint.send(asked));
    server.requests.push(`${method} ${path}`);
    if (server.loses(`${method} ${path}`)) return void response.writeHead(500).end();
    response.writeHead(answer.status, { 'content-type': 'application/fhir+json', ...answer.headers });
    const isText = answer.body !== undefined && !(answer.body instanceof Uint8Array);
    response.end(isText ? JSON.stringify(answer.body) : answer.body);
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  return Object.assign(server, {
    base: `http://127.0.0.1:${(listener.address() as AddressInfo).port}/fhir`,
    async stop() {
      listener.closeAllConnections();
      await new Promise((resolve) => listener.close(resolve));
      await close();
      rmSync(folder, { recursive: true, force: true });
    },
  });
}
