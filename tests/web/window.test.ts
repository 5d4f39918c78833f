import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import request from 'supertest';
import type { Door } from '../../src/adapter.ts';
import { fault, PasserelleError } from '../../src/errors.ts';
import { listen } from '../../src/web/listener.ts';
import { type House, openHouse, outcome, settleAll } from './house.ts';

/** A door where things go wrong. */
const broken: Door = {
  http(router) {
    router.get('/fhir/R4/Basic/own', () => {
      throw new PasserelleError(fault('fhir-unreachable'));
    });
    router.get('/fhir/R4/Basic/library', async () => {
      throw new Error('Jeanne MARTIN, 255069999999999');
    });
  },
};

let house: House;
let token: string;
beforeAll(async () => {
  house = await openHouse(undefined, { more: [broken] });
  token = await house.token();
});
afterAll(() => house.close());

const read = (path: string, as = token) => request(house.app).get(path).set('Authorization', as);

describe('health', () => {
  test('alive, and ready only when messages can be taken', async () => {
    expect((await request(house.app).get('/health')).body).toEqual({ state: 'alive' });
    for (const state of ['starting', 'draining', 'not-durable', 'ready'] as const) {
      house.state.now = state;
      const answer = await request(house.app).get('/ready');
      expect([answer.status, answer.body]).toEqual([state === 'ready' ? 200 : 503, { state }]);
    }
  });

  test('metrics say what happened and what waits', async () => {
    await request(house.app).post('/in/cda').set('Authorization', token).type('text/plain').send('x');
    house.metrics.accepted('http-in');
    house.metrics.refused('mllp', 'format-unknown');
    house.metrics.delivery('fhir', 'transient');
    const [message] = await house.journal.claim(1, 10_000);
    await house.journal.settle(message?.id as string, {
      state: 'delivered',
      faults: [],
      references: [],
      unmapped: [{ code: 'X1', table: 'codes-lab', place: 'OBX-3' }],
    });
    await request(house.app).post('/in/cda').set('Authorization', token).type('text/plain').send('y');
    const answer = await request(house.app).get('/metrics');
    expect(answer.headers['content-type']).toMatch(/^text\/plain/);
    for (const line of [
      /^passerelle_messages_accepted_total\{door="http-in"\} 1$/m,
      /^passerelle_messages_refused_total\{door="mllp",code="format-unknown"\} 1$/m,
      /^passerelle_deliveries_total\{destination="fhir",outcome="transient"\} 1$/m,
      /^passerelle_deliveries_total\{destination="fhir",outcome="delivered"\} 0$/m,
      /^passerelle_deliveries_waiting\{destination="fhir"\} \d+$/m,
      /^passerelle_oldest_waiting_seconds\{destination="[a-z-]+"\} [0-9.e-]+$/m,
      /^passerelle_unmapped_codes_total\{sender="tester"\} 1$/m,
      /^passerelle_messages\{state="accepted"\} 1$/m,
    ]) {
      expect(answer.text).toMatch(line);
    }
  });
});

test('protective headers are on every answer', async () => {
  for (const answer of [
    await request(house.app).get('/health'),
    await request(house.app).get('/x'),
    await read('/x'),
  ]) {
    expect(answer.headers).toMatchObject({
      'content-security-policy': expect.stringContaining("default-src 'none'"),
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
    });
    expect(answer.headers).not.toHaveProperty('x-powered-by');
  }
});

describe('messages', () => {
  let id: string;
  let theirs: string;
  beforeAll(async () => {
    const send = async (as: string) => {
      const answer = await request(house.app).post('/in/cda').set('Authorization', as).type('text/plain').send('z');
      return answer.body.id as string;
    };
    id = await send(await house.token('system/Bundle.c', { clientId: 'hospital' }));
    theirs = await send(await house.token('system/Bundle.c', { clientId: 'lab' }));
    await settleAll(house.journal, ['Patient/1']);
  });

  test('its sender sees a message whole', async () => {
    const answer = await read(`/messages/${id}`, await house.token('system/Bundle.c', { clientId: 'hospital' }));
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      id,
      state: 'delivered',
      kind: 'test',
      door: 'http-in',
      sender: 'hospital',
      format: 'cda',
      size: 1,
      receivedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      settledAt: expect.any(String),
      attempts: 1,
      references: ['Patient/1'],
      issues: [],
      maps: {},
      deliveries: [],
    });
  });

  test('also when the message itself names another sender', async () => {
    const hospital = await house.token('system/Bundle.c', { clientId: 'hospital' });
    const sent = await request(house.app)
      .post('/in/hl7v2')
      .set('Authorization', hospital)
      .type('text/plain')
      .send('MSH|');
    const answer = await read(`/messages/${sent.body.id}`, hospital);
    expect(answer.body).toMatchObject({ id: sent.body.id, sender: 'DPI/HOP' });
    expect(
      (await read(`/messages/${sent.body.id}`, await house.token('system/Bundle.c', { clientId: 'DPI/HOP' }))).status,
    ).toBe(404);
  });

  test('to another it is not there, as if it did not exist', async () => {
    const hospital = await house.token('system/Bundle.c', { clientId: 'hospital' });
    const [other, unknown, nonsense] = [
      await read(`/messages/${theirs}`, hospital),
      await read('/messages/00000000-0000-0000-0000-000000000000', hospital),
      await read('/messages/x', hospital),
    ];
    expect([other.status, unknown.status, nonsense.status]).toEqual([404, 404, 404]);
    expect(other.body).toEqual(unknown.body);
    expect(other.body.issue[0].details.coding[0].code).toBe('message-unknown');
    expect((await read('/messages', hospital)).status).toBe(403);
  });

  test('an operator sees all, by state', async () => {
    const operator = await house.token('system/AuditEvent.rs', { clientId: 'ops' });
    expect((await read(`/messages/${id}`, operator)).status).toBe(200);
    const list = await read('/messages?state=delivered&limit=2', operator);
    expect(list.body.messages).toHaveLength(2);
    expect(list.body.messages[0].id).toBe(theirs);
    const next = await read(`/messages?state=delivered&limit=2&before=${list.body.messages[1].id}`, operator);
    expect(next.body.messages[0].id).not.toBe(id);
    expect((await read('/messages?state=dead', operator)).body).toEqual({ messages: [] });
    for (const query of ['state=odd', 'limit=0', 'limit=x', 'before=x', 'state=dead&state=dead']) {
      expect((await read(`/messages?${query}`, operator)).status).toBe(400);
    }
  });
});

describe('what goes wrong', () => {
  test('nothing there', async () => {
    const answer = await read('/nowhere');
    expect(answer.status).toBe(404);
    expect(answer.body).toEqual(outcome({ code: 'path-unknown', issue: 'not-found', text: expect.any(String) }));
  });

  test('a fault of the register is answered as it stands there', async () => {
    const answer = await read('/fhir/R4/Basic/own');
    expect(answer.status).toBe(503);
    expect(answer.headers['retry-after']).toBe('5');
    expect(answer.body.issue[0].details.coding[0].code).toBe('fhir-unreachable');
  });

  test('anything else has a reference, and says nothing of a patient, neither to the caller nor to the log', async () => {
    const answer = await read('/fhir/R4/Basic/library');
    expect(answer.status).toBe(500);
    expect(answer.body).toEqual(outcome({ code: 'internal', issue: 'exception', text: expect.any(String) }));
    const line = house.lines.at(-1) as string;
    const reference = JSON.parse(line).reference as string;
    expect(answer.body.issue[0].details.text).toContain(reference);
    for (const text of [answer.text, line]) expect(text).not.toMatch(/MARTIN|25506|\.ts:/);
  });
});

test('a client that asks too often is told when to come back; others are not', async () => {
  const busy = await openHouse((config) => {
    config.limits.requestsPerMinute = 3;
  });
  const ask = async (clientId: string) =>
    request(busy.app)
      .get('/messages')
      .set('Authorization', await busy.token(undefined, { clientId }));
  for (let at = 0; at < 3; at += 1) expect((await ask('a')).status).toBe(200);
  const answer = await ask('a');
  expect(answer.status).toBe(429);
  expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  expect((await ask('b')).status).toBe(200);
  await busy.close();
});

describe('the listener', () => {
  test('says where it listens, and why it cannot', async () => {
    const { http } = house.config;
    const first = await listen(house.app, { ...http, listen: '127.0.0.1:0' });
    expect(first.url).toBe(`http://127.0.0.1:${first.port}`);
    const taken = `127.0.0.1:${first.port}`;
    await expect(listen(house.app, { ...http, listen: taken })).rejects.toMatchObject({
      faults: [{ code: 'listen-failed', params: { address: taken, reason: 'EADDRINUSE' } }],
    });
    await first.close(1000);
    await expect(fetch(`${first.url}/health`)).rejects.toThrow();
  });

  const openssl = spawnSync('openssl', ['version']).status === 0;
  (openssl ? test : test.skip)('speaks TLS, and asks for a certificate when told to (needs openssl)', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'passerelle-tls-'));
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const subject = ['-subj', '/CN=localhost', '-days', '2', '-keyout', key, '-out', cert];
    spawnSync('openssl', [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      ...subject,
    ]);
    const tls = { cert, key, ca: cert, clientCertificate: 'require', minVersion: 'TLSv1.2' } as const;
    const status = async (change: object) => {
      const server = await listen(house.app, {
        ...house.config.http,
        listen: '127.0.0.1:0',
        tls: { ...tls, ...change },
      });
      expect(server.url).toMatch(/^https:/);
      const answer = await new Promise<number | string>((resolve) => {
        get(`${server.url}/health`, { rejectUnauthorized: false, agent: false }, (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        }).on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
      });
      await server.close(1000);
      return answer;
    };
    expect(await status({ clientCertificate: 'none' })).toBe(200);
    expect(await status({})).not.toBe(200);
    await rm(folder, { recursive: true });
  });
});
