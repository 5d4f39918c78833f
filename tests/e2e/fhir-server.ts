import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '../../src/store/index.ts';

/** A FHIR server elsewhere: the embedded one behind a socket that can lose answers. */
export async function startFhirServer() {
  const folder = mkdtempSync(join(tmpdir(), 'passerelle-elsewhere-'));
  const { endpoint, close } = openStore({ file: join(folder, 'fhir.sqlite') });
  const server = { endpoint, requests: [] as string[], loses: (_request: string) => false };
  const listener = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const method = request.method as 'GET' | 'POST' | 'PUT';
    const path = request.url!.replace(/^\/fhir\/?/, '');
    const text = Buffer.concat(chunks).toString('utf8');
    const isJson = request.headers['content-type']?.includes('json');
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
    const answer = await endpoint.send({ method, path, body: isJson ? JSON.parse(text) : text || undefined, headers });
    server.requests.push(`${method} ${path}`);
    if (server.loses(`${method} ${path}`)) return void response.writeHead(500).end();
    response.writeHead(answer.status, { 'content-type': 'application/fhir+json', ...answer.headers });
    response.end(answer.body === undefined ? undefined : JSON.stringify(answer.body));
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
