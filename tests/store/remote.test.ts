import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Bundle } from '@medplum/fhirtypes';
import { openRemote } from '../../src/store/remote.ts';
import { codeOf, type Fixture, openFixture } from './fixture.ts';

let server: Server | undefined;
let seen: { method: string; url: string; headers: Record<string, unknown>; body: string }[];
let closing: (() => void)[];

beforeEach(() => {
  seen = [];
  closing = [];
});
afterEach(() => {
  for (const close of closing) close();
  server?.closeAllConnections();
  server?.close();
});

/** A server on loopback, and the endpoint that reaches it. */
async function reach(listener: RequestListener, options: { largestAnswer?: number; timeoutSeconds?: number } = {}) {
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    seen.push({
      method: request.method!,
      url: request.url!,
      headers: request.headers,
      body: Buffer.concat(chunks).toString(),
    });
    listener(request, response);
  });
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/fhir`;
  const remote = openRemote({
    base: `${base}/`,
    headers: { authorization: 'Bearer t' },
    timeoutSeconds: 2,
    connections: 2,
    ...options,
  });
  closing.push(remote.close);
  return { base, send: remote.endpoint.send };
}

const json =
  (value: unknown, status = 200, headers = {}): RequestListener =>
  (_, response) => {
    response.writeHead(status, { 'content-type': 'application/fhir+json', ...headers }).end(JSON.stringify(value));
  };

describe('a FHIR server elsewhere', () => {
  let fixture: Fixture;
  beforeEach(() => {
    fixture = openFixture();
  });
  afterEach(() => fixture.close());

  /** The embedded store behind HTTP, with the absolute addresses other servers answer with. */
  function overHttp(base: () => string): RequestListener {
    return async (request, response) => {
      const { method, url, headers, body } = seen.at(-1)!;
      const parsed = body.startsWith('{') || body.startsWith('[') ? JSON.parse(body) : body || undefined;
      const answer = await fixture.store.endpoint.send({
        method: method as 'GET',
        path: url!.replace('/fhir/', '').replace('/fhir', ''),
        body: parsed,
        headers: headers as Record<string, string>,
      });
      const absolute = JSON.parse(JSON.stringify(answer.body ?? null), (name, value) =>
        ['url', 'fullUrl', 'location'].includes(name) && typeof value === 'string' && /^[A-Z]/.test(value)
          ? `${base()}/${value}`
          : value,
      );
      const location = answer.headers.location ? { location: `${base()}/${answer.headers.location}` } : {};
      response
        .writeHead(answer.status, { ...answer.headers, ...location })
        .end(answer.body === undefined ? undefined : JSON.stringify(absolute));
      void request;
    };
  }

  test('is used like the embedded one: the same addresses, relative to the base', async () => {
    let base = '';
    const remote = await reach(overHttp(() => base));
    base = remote.base;
    const patient = { resourceType: 'Patient', id: 'p', gender: 'female' };
    const made = await remote.send({ method: 'PUT', path: 'Patient/p', body: patient });
    expect([made.status, made.headers.location]).toEqual([201, 'Patient/p/_history/1']);
    await remote.send({ method: 'POST', path: 'Patient', body: { resourceType: 'Patient', gender: 'female' } });
    const page = (await remote.send({ method: 'GET', path: 'Patient?gender=female&_count=1' })).body as Bundle;
    expect(page.entry![0]!.fullUrl).toBe('Patient/p');
    const next = page.link!.find((link) => link.relation === 'next')!.url;
    expect(next).toMatch(/^Patient\?/);
    expect(((await remote.send({ method: 'GET', path: next })).body as Bundle).entry).toHaveLength(1);
    const transaction = {
      resourceType: 'Bundle',
      type: 'transaction',
      entry: [{ resource: patient, request: { method: 'PUT', url: 'Patient/p' } }],
    };
    const answer = (await remote.send({ method: 'POST', path: '', body: transaction })).body as Bundle;
    expect(answer.entry![0]!.response!.location).toBe('Patient/p/_history/1');
    const patched = await remote.send({
      method: 'PATCH',
      path: 'Patient/p',
      body: [{ op: 'replace', path: '/gender', value: 'male' }],
    });
    expect(patched.body).toMatchObject({ gender: 'male' });
    const searched = await remote.send({ method: 'POST', path: 'Patient/_search', body: 'gender=male' });
    expect((searched.body as Bundle).entry).toHaveLength(1);
    expect(
      seen.map(({ method, headers }) => [
        method,
        headers['content-type'],
        headers['cache-control'],
        headers.authorization,
      ]),
    ).toEqual([
      ['PUT', 'application/fhir+json', 'no-cache', 'Bearer t'],
      ['POST', 'application/fhir+json', 'no-cache', 'Bearer t'],
      ['GET', undefined, 'no-cache', 'Bearer t'],
      ['GET', undefined, 'no-cache', 'Bearer t'],
      ['POST', 'application/fhir+json', 'no-cache', 'Bearer t'],
      ['PATCH', 'application/json-patch+json', 'no-cache', 'Bearer t'],
      ['POST', 'application/x-www-form-urlencoded', 'no-cache', 'Bearer t'],
    ]);
  });
});

describe('where a write stands', () => {
  const patient = { resourceType: 'Patient', id: 'p', meta: { versionId: '3' } };
  const put = { method: 'PUT', path: 'Patient/p', body: patient } as const;
  test.each([
    ['as the server says', json(patient, 200, { location: '/x/Patient/p/_history/9' }), put, '/x/Patient/p/_history/9'],
    [
      'by the address of the content',
      json(patient, 200, { 'content-location': 'Patient/p/_history/3' }),
      put,
      'Patient/p/_history/3',
    ],
    ['by the content', json(patient), put, 'Patient/p/_history/3'],
    ['by what was asked for', json(null, 200), put, 'Patient/p'],
    [
      'not after a search',
      json(patient),
      { method: 'POST', path: 'Patient/_search', body: 'name=a' } as const,
      undefined,
    ],
    ['not after an operation', json(patient), { method: 'POST', path: 'Patient/p/$everything' } as const, undefined],
    ['not after a refusal', json(patient, 412), put, undefined],
  ])('%s', async (_, listener, request, location) => {
    const { send } = await reach(listener);
    expect((await send(request)).headers.location).toBe(location);
  });
});

describe('what goes wrong', () => {
  const get = { method: 'GET', path: 'Patient/1' } as const;

  test('nobody listens: 503', async () => {
    const { endpoint, close } = openRemote({
      base: 'http://127.0.0.1:9',
      headers: {},
      timeoutSeconds: 2,
      connections: 1,
    });
    closing.push(close);
    const answer = await endpoint.send(get);
    expect([answer.status, codeOf(answer)]).toEqual([503, 'fhir-unreachable']);
  });

  test.each([
    ['no answer in time', ((_request, _response) => {}) as RequestListener, 504, 'fhir-timeout'],
    [
      'a connection cut after the request',
      ((request) => request.socket.destroy()) as RequestListener,
      504,
      'fhir-timeout',
    ],
    ['a redirect', json({}, 302, { location: 'http://elsewhere.example/' }), 502, 'fhir-answer-unusable'],
    [
      'broken JSON',
      ((_, response) =>
        response.writeHead(200, { 'content-type': 'application/json' }).end('{"a":')) as RequestListener,
      502,
      'fhir-answer-unusable',
    ],
    [
      'an answer without end',
      ((_, response) =>
        response.writeHead(200, { 'content-type': 'application/json' }).end('x'.repeat(100_000))) as RequestListener,
      502,
      'fhir-answer-unusable',
    ],
  ])('%s', async (_, listener, status, code) => {
    const { send } = await reach(listener, { largestAnswer: 50_000, timeoutSeconds: 1 });
    const answer = await send(get);
    expect([answer.status, codeOf(answer)]).toEqual([status, code]);
  });

  test('an address of another server is not asked', async () => {
    const { send, base } = await reach(json({ resourceType: 'Patient' }));
    for (const path of ['http://elsewhere.example/fhir/Patient', '//elsewhere.example/x', 'file:///etc/passwd']) {
      const answer = await send({ method: 'GET', path });
      expect([answer.status, codeOf(answer)]).toEqual([400, 'fhir-request-invalid']);
    }
    expect(seen).toEqual([]);
    expect((await send({ method: 'GET', path: `${base}?_getpages=1` })).status).toBe(200);
    expect((await send({ method: 'GET', path: '?_getpages=1' })).status).toBe(200);
    expect(seen.map((one) => one.url)).toEqual(['/fhir?_getpages=1', '/fhir?_getpages=1']);
  });
});
