import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A shared record that keeps what it is given, and answers as it is told to. */
export async function startRecord() {
  const record = { stored: [] as any[], provides: 0, answer: undefined as undefined | 'silent' | [number, object?] };
  const server: Server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const answer = (status: number, body: object) =>
      response.writeHead(status, { 'content-type': 'application/fhir+json' }).end(JSON.stringify(body));
    if (request.method === 'GET') {
      const entry = record.stored.map((resource) => ({ resource }));
      return void answer(200, { resourceType: 'Bundle', type: 'searchset', entry });
    }
    record.provides++;
    const told = record.answer;
    record.answer = undefined;
    const bundle = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    const isKept = told === undefined || told === 'silent' || told[0] >= 500;
    if (isKept) record.stored.push(bundle.entry[1].resource);
    if (told === 'silent') return;
    if (told) return void answer(told[0], told[1] ?? {});
    answer(200, { resourceType: 'Bundle', type: 'transaction-response' });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(record, {
    base: `http://127.0.0.1:${(server.address() as AddressInfo).port}/fhir`,
    stop: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  });
}
