import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import request from 'supertest';
import { listen } from '../../src/web/listener.ts';
import { fault, type House, openHouse, outcome, settleAll } from './house.ts';

let house: House;
let token: string;
beforeAll(async () => {
  house = await openHouse((config) => {
    config.limits.messageBytes = 4_000_000;
    const telemonitoring = config.doors.find((one) => one.type === 'telemonitoring');
    if (telemonitoring) telemonitoring.vendors = { acme: 'acme-v2' };
  });
  token = await house.token();
});
afterAll(() => house.close());
beforeEach(() => {
  house.taken.length = 0;
  house.refuseWith.length = 0;
  house.state.now = 'ready';
});

const post = (path: string) => request(house.app).post(path).set('Authorization', token);
/** supertest would hand over an unknown type unread. */
function asText(response: request.Response, done: (error: Error | null, text: string) => void): void {
  text(response as unknown as IncomingMessage).then(
    (body) => done(null, body),
    (error) => done(error, ''),
  );
}

const hl7 = 'MSH|^~\\&|DPI|HOP|GW|GW|20240102030405||ADT^A01^ADT_A01|42|P|2.5\rPID|||1\r';

describe('a message over HTTP', () => {
  test('is answered by 202 with its id and where to look, and is on disk to the byte', async () => {
    const bytes = Buffer.from([0x4d, 0x53, 0x48, 0x00, 0xff, 0xfe, 0x0d, 0x0a]);
    const answer = await post('/in/hl7v2').type('application/octet-stream').send(bytes);
    expect(answer.status).toBe(202);
    expect(answer.body).toEqual({ id: expect.stringMatching(/^[0-9a-f-]{36}$/), state: 'accepted' });
    expect(answer.headers.location).toBe(`/messages/${answer.body.id}`);
    expect(Buffer.from((await house.journal.bytes(answer.body.id)) as Uint8Array)).toEqual(bytes);
    expect(house.taken[0]).toMatchObject({ door: 'http-in', format: 'hl7v2', sender: 'tester' });
  });

  test.each([
    ['/in/hl7v2', 'hl7v2', undefined, 'http-in'],
    ['/in/cda', 'cda', undefined, 'http-in'],
    ['/in/fhir', 'fhir', undefined, 'http-in'],
    ['/in/telemonitoring/covidom', undefined, 'telemonitoring-covidom', 'telemonitoring'],
    ['/in/telemonitoring/acme', undefined, 'acme-v2', 'telemonitoring'],
  ])('%s', async (path, format, route, door) => {
    const answer = await post(path).type('text/plain').send('x');
    expect(answer.status).toBe(202);
    expect(house.taken).toHaveLength(1);
    expect(house.taken[0]?.format).toBe(format);
    expect(house.taken[0]?.route).toBe(route);
    expect(house.taken[0]).toMatchObject({ door, contentType: 'text/plain' });
  });

  test('carries its trace along, when it is one', async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    await post('/in/cda').set('traceparent', traceparent).type('text/plain').send('x');
    await post('/in/cda').set('traceparent', 'nonsense\t').type('text/plain').send('x');
    expect(house.taken.map((one) => one.traceparent)).toEqual([traceparent, undefined]);
  });
});

describe('waiting', () => {
  test('200 with the outcome as soon as there is one', async () => {
    const waiting = post('/in/cda?wait=20')
      .type('text/plain')
      .send('x')
      .then((answer) => answer);
    while (house.taken.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    await settleAll(house.journal, ['Patient/1', 'Observation/2']);
    const answer = await waiting;
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      id: expect.any(String),
      state: 'delivered',
      references: ['Patient/1', 'Observation/2'],
      issues: [],
    });
    expect(answer.headers.location).toBe(`/messages/${answer.body.id}`);
  });

  test('202 when time is up', async () => {
    const answer = await post('/in/cda?wait=0.1').type('text/plain').send('x');
    expect(answer.status).toBe(202);
    expect(answer.body.state).toBe('accepted');
  });

  test.each(['x', '-1', '1e9', '', '99999'])('wait=%s is no time', async (wait) => {
    const answer = await post(`/in/cda?wait=${wait}`).type('text/plain').send('x');
    expect(answer.status).toBe(400);
    expect(answer.body.issue[0].details.coding[0].code).toBe('parameter-invalid');
    expect(house.taken).toEqual([]);
  });
});

describe('the same message again', () => {
  test('is answered like the first', async () => {
    const send = () => post('/in/cda').set('Idempotency-Key', 'abc-1').type('text/plain').send('x');
    const [first, second] = [await send(), await send()];
    await settleAll(house.journal, []);
    const third = await send();
    expect([second.status, third.status]).toEqual([202, 202]);
    expect(second.body).toEqual(first.body);
    expect(third.body).toEqual(first.body);
    const waited = await post('/in/cda?wait=1').set('Idempotency-Key', 'abc-1').type('text/plain').send('x');
    expect(waited.body).toMatchObject({ id: first.body.id, state: 'delivered' });
  });

  test('of another client is another message', async () => {
    const first = await post('/in/cda').set('Idempotency-Key', 'abc-2').type('text/plain').send('x');
    const other = await request(house.app)
      .post('/in/cda')
      .set('Authorization', await house.token(undefined, { clientId: 'other' }))
      .set('Idempotency-Key', 'abc-2')
      .type('text/plain')
      .send('x');
    expect(other.body.id).not.toBe(first.body.id);
  });

  test('a key that is none is refused', async () => {
    const answer = await post('/in/cda').set('Idempotency-Key', 'a'.repeat(256)).type('text/plain').send('x');
    expect(answer.status).toBe(400);
  });
});

describe('a refusal', () => {
  test('is an OperationOutcome with the register’s status, and says where to look', async () => {
    house.refuseWith = [fault('format-unknown', { place: '/', detail: 'secret' })];
    const answer = await post('/in/fhir').type('text/plain').send('x');
    expect(answer.status).toBe(415);
    expect(answer.headers.location).toMatch(/^\/messages\/[0-9a-f-]{36}$/);
    expect(answer.body).toEqual({
      ...outcome(),
      issue: [
        {
          ...outcome({ code: 'format-unknown', issue: 'not-supported', text: expect.any(String) }).issue[0],
          expression: ['/'],
        },
      ],
    });
    expect(answer.text).not.toContain('secret');
  });

  test('405 for another method', async () => {
    const answer = await request(house.app).get('/in/cda').set('Authorization', token);
    expect(answer.status).toBe(405);
    expect(answer.headers.allow).toBe('POST');
  });

  test.each(['/in/telemonitoring/Covidom', '/in/telemonitoring/..covidom', '/in/telemonitoring/__proto__'])(
    '%s names no vendor',
    async (path) => {
      const answer = await post(path).type('text/plain').send('x');
      expect(answer.status).toBe(404);
      expect(answer.body.issue[0].details.coding[0].code).toBe('route-unknown');
    },
  );

  test('503 while starting, stopping, or with a full disk; reading goes on', async () => {
    for (const [state, code] of [
      ['starting', 'draining'],
      ['draining', 'draining'],
      ['not-durable', 'not-durable'],
    ] as const) {
      house.state.now = state;
      const answer = await post('/in/cda').type('text/plain').send('x');
      expect(answer.status).toBe(503);
      expect(answer.headers['retry-after']).toBe('5');
      expect(answer.body.issue[0].details.coding[0].code).toBe(code);
      expect((await request(house.app).get('/messages').set('Authorization', token)).status).toBe(200);
    }
    expect(house.taken).toEqual([]);
  });
});

describe('an HL7 v2 acknowledgement', () => {
  test('for those who ask for one', async () => {
    const answer = await post('/in/hl7v2')
      .set('Accept', 'x-application/hl7-v2+er7')
      .type('x-application/hl7-v2+er7')
      .buffer(true)
      .parse(asText)
      .send(hl7);
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('x-application/hl7-v2+er7');
    expect(answer.headers.location).toMatch(/^\/messages\//);
    expect(answer.body).toMatch(/^MSH\|.*\rMSA\|AA\|42\r/);
  });

  test('that says no', async () => {
    house.refuseWith = [fault('format-unknown')];
    const answer = await post('/in/hl7v2').set('Accept', 'text/plain').type('text/plain').send(hl7);
    expect(answer.status).toBe(415);
    expect(answer.text).toMatch(/\rMSA\|AR\|42\rERR\|/);
  });

  test('JSON for the others', async () => {
    const answer = await post('/in/hl7v2').set('Accept', '*/*').type('text/plain').send(hl7);
    expect(answer.body.state).toBe('accepted');
  });
});

describe('a body', () => {
  const large = Buffer.alloc(3_500_000, 'x');

  /** Sends the bytes without saying how many there are; answers the status. */
  async function inPieces(bytes: Buffer, count: number): Promise<number> {
    const listening = await listen(house.app, { ...house.config.http, listen: '127.0.0.1:0' });
    const size = Math.ceil(bytes.length / count);
    const body = new ReadableStream({
      start(stream) {
        for (let at = 0; at < bytes.length; at += size) stream.enqueue(bytes.subarray(at, at + size));
        stream.close();
      },
    });
    const init = { method: 'POST', headers: { authorization: token }, body, duplex: 'half' } as RequestInit;
    const answer = await fetch(`${listening.url}/in/cda`, init);
    await answer.arrayBuffer();
    await listening.close(1000);
    return answer.status;
  }

  test('may be compressed', async () => {
    for (const [encoding, bytes] of [
      ['gzip', gzipSync(large)],
      ['deflate', deflateSync(large)],
    ] as const) {
      const answer = await post('/in/cda').set('Content-Encoding', encoding).type('text/plain').send(bytes);
      expect(answer.status).toBe(202);
      expect(Buffer.from(house.taken.at(-1)?.bytes as Uint8Array).equals(large)).toBe(true);
    }
  });

  test('arrives whole, announced or in pieces', async () => {
    expect((await post('/in/cda').type('text/plain').send(large)).status).toBe(202);
    expect(await inPieces(large, 7)).toBe(202);
    expect(house.taken).toHaveLength(2);
    expect(house.taken.every((one) => large.equals(one.bytes))).toBe(true);
  });

  test('that is too large is refused: announced, in pieces, or once it is unpacked', async () => {
    const tooLarge = Buffer.alloc(4_000_001);
    const refused = [
      await post('/in/cda').type('text/plain').send(tooLarge),
      await post('/in/cda')
        .set('Content-Encoding', 'gzip')
        .type('text/plain')
        .send(gzipSync(Buffer.alloc(100_000_000))),
    ];
    expect(await inPieces(tooLarge, 3)).toBe(413);
    for (const answer of refused) {
      expect(answer.status).toBe(413);
      expect(answer.body).toEqual(
        outcome({ code: 'too-large', issue: 'too-long', text: expect.stringContaining('4000000') }),
      );
      expect(answer.headers.connection).toBe('close');
    }
    expect(house.taken).toEqual([]);
  });

  test.each([
    ['br', Buffer.from('x'), 415, 'encoding-unsupported'],
    ['gzip', Buffer.from('not gzip'), 400, 'body-broken'],
    ['gzip', gzipSync('truncated').subarray(0, 12), 400, 'body-broken'],
    ['identity', Buffer.alloc(0), 400, 'body-empty'],
  ])('%s %#', async (encoding, bytes, status, code) => {
    const answer = await post('/in/cda').set('Content-Encoding', encoding).type('text/plain').send(bytes);
    expect(answer.status).toBe(status);
    expect(answer.body.issue[0].details.coding[0].code).toBe(code);
  });
});
