import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { fault, sentence } from '../../src/errors.ts';
import { acknowledge } from '../../src/formats/hl7v2/index.ts';
import { frame, frameDecoder } from '../../src/formats/hl7v2/mllp.ts';
import { type Listening, listen } from '../../src/web/listener.ts';
import { type House, openHouse } from '../web/house.ts';
import { inside } from './run.ts';

const message = 'MSH|^~\\&|DPI|HOP|GW|GW|20240102030405||ADT^A01^ADT_A01|MSG1|P|2.5\nPID|||1\n';

let folder: string;
let file: string;
let house: House;
let http: Listening;
let receiver: Server;
let received: Buffer[];
/** How the receiver answers the next messages. */
let answering: 'AA' | 'AE' | 'other id' | 'hang up';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'passerelle-send-'));
  file = join(folder, 'message.hl7');
  await writeFile(file, message);
  house = await openHouse();
  http = await listen(house.app, { ...house.config.http, listen: '127.0.0.1:0' });
  receiver = createServer(receive);
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  receiver.close();
  await http.close(1000);
  await house.close();
  await rm(folder, { recursive: true });
});

function receive(socket: Socket): void {
  const decoder = frameDecoder({ maxBytes: 1_000_000 });
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => {
    for (const one of decoder.push(chunk)) {
      received.push(Buffer.from(one.bytes));
      if (answering === 'hang up') return void socket.destroy();
      const code = answering === 'AE' ? 'AE' : 'AA';
      const faults = code === 'AE' ? [fault('format-unknown')] : [];
      const ack = Buffer.from(acknowledge(one.bytes, { code, faults, controlId: 'x', at: new Date() })).toString(
        'latin1',
      );
      socket.write(frame(Buffer.from(answering === 'other id' ? ack.replace('MSG1', 'MSG2') : ack, 'latin1')));
    }
  });
}

async function send(how: typeof answering, ...args: string[]) {
  received = [];
  answering = how;
  const to = `mllp://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  return inside(['send', 'mllp', file, '--to', to, ...args], { PASSERELLE_DATA: folder });
}

describe('send mllp', () => {
  test('sends, matches the acknowledgement, tells rate and times', async () => {
    const { code, out } = await send('AA', '--repeat', '20', '--connections', '3', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual({
      sent: 20,
      codes: { AA: 20 },
      errors: {},
      seconds: expect.any(Number),
      perSecond: expect.any(Number),
      p50: expect.any(Number),
      p95: expect.any(Number),
      p99: expect.any(Number),
    });
    expect(received.map(String)).toEqual(Array.from({ length: 20 }, () => message.replaceAll('\n', '\r')));
  });

  test('each repetition may be a message of its own', async () => {
    await send('AA', '--repeat', '5', '--unique');
    const ids = received.map((one) => String(one).split('|')[9]);
    expect(new Set(ids).size).toBe(5);
    expect(ids[0]).toMatch(/^MSG1-[0-9a-z]+$/);
  });

  test('bytes as they are, when asked for', async () => {
    await send('AA', '--raw');
    expect(received.map(String)).toEqual([message]);
  });

  test('a refusal is 1, with its errors in the table and what was said of them beside it', async () => {
    const { code, out, err } = await send('AE', '--repeat', '3');
    expect(code).toBe(1);
    expect(out).toMatch(/AE 3 +format-unknown 3/);
    expect(err).toContain(`format-unknown: ${sentence(fault('format-unknown'), 'fr')} (3)\n`);
  });

  test('an acknowledgement of another message is none', async () => {
    const { code, out } = await send('other id', '--json');
    expect(code).toBe(1);
    expect(JSON.parse(out).codes).toEqual({ unmatched: 1 });
  });

  test('nobody there, or gone before answering: 3', async () => {
    const gone = await send('hang up');
    expect([gone.code, gone.out]).toEqual([3, '']);
    expect(gone.err).toContain('error server-unreachable: mllp://127.0.0.1');
    const nobody = await inside(['send', 'mllp', file, '--to', 'mllp://127.0.0.1:1'], { PASSERELLE_DATA: folder });
    expect(nobody.code).toBe(3);
    expect(nobody.err).toContain('ECONNREFUSED');
  });

  test.each(['http://x', 'mllp://', '127.0.0.1:2575'])('%s is no address', async (to) => {
    expect((await inside(['send', 'mllp', file, '--to', to], { PASSERELLE_DATA: folder })).code).toBe(2);
  });
});

describe('send http', () => {
  const environment = () => ({ PASSERELLE_DATA: house.config.data });

  test('finds path and token by itself on loopback', async () => {
    const { code, out } = await inside(
      ['send', 'http', file, '--to', http.url, '--repeat', '3', '--json'],
      environment(),
    );
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ sent: 3, codes: { 202: 3 } });
    expect(house.taken.at(-1)).toMatchObject({ door: 'http-in', format: 'hl7v2', sender: 'passerelle-send' });
  });

  test('a vendor’s payload', async () => {
    const payload = join(folder, 'payload.json');
    await writeFile(payload, '{"patient": 1}');
    const { code } = await inside(['send', 'http', payload, '--to', http.url, '--vendor', 'covidom'], environment());
    expect(code).toBe(0);
    expect(house.taken.at(-1)).toMatchObject({ route: 'telemonitoring-covidom', contentType: 'application/json' });
  });

  test('a refusal is 1, with the codes of the register', async () => {
    const { code, out } = await inside(
      ['send', 'http', file, '--to', http.url, '--token', 'a.b.c', '--json'],
      environment(),
    );
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ codes: { 401: 1 }, errors: { 'token-invalid': 1 } });
  });

  test('nobody there: 3', async () => {
    expect((await inside(['send', 'http', file, '--to', 'http://127.0.0.1:1'], environment())).code).toBe(3);
  });
});
