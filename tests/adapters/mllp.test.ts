import { afterEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { fault, PasserelleError } from '../../src/errors.ts';
import { frame } from '../../src/formats/hl7v2/mllp.ts';
import type { Incoming, Verdict } from '../../src/message.ts';
import { type Accept, accepted, admission, type Listening, listening, Peer } from './mllp-peer.ts';

const open: Listening[] = [];
const peers: Peer[] = [];

async function start(accept: Accept, config: Parameters<typeof listening>[1] = {}): Promise<number> {
  const one = await listening(accept, config);
  open.push(one);
  return one.port;
}

async function peer(port: number): Promise<Peer> {
  const one = await Peer.to(port);
  peers.push(one);
  return one;
}

afterEach(async () => {
  for (const one of peers.splice(0)) one.socket.destroy();
  for (const one of open.splice(0)) await one.door.stop?.();
});

const verdict = (state: Verdict['state'], faults: Verdict['faults'] = []): Verdict => ({
  id: '00000000-0000-4000-8000-000000000001',
  state,
  duplicate: false,
  faults,
});

describe('acknowledgement', () => {
  test('AA with sender and receiver swapped, type of the event, control id and version of the request', async () => {
    const seen: Incoming[] = [];
    const sender = await peer(
      await start((incoming) => {
        seen.push(incoming);
        return accepted(incoming);
      }),
    );
    sender.send(admission('C-1'));
    const [msh, msa] = await sender.answer(0);
    expect(msh!.slice(2, 6)).toEqual(['PASSERELLE', 'CH-BETA', 'GAM', 'CH-ALPHA']);
    expect(msh![8]).toBe('ACK^A01^ACK');
    expect(msh![9]).toMatch(/^[0-9A-Z]{1,20}$/);
    expect(msh!.slice(10, 12)).toEqual(['P', '2.5^FRA^2.11']);
    expect(msh!.slice(16, 18)).toEqual(['FRA', 'UNICODE UTF-8']);
    expect(msa).toEqual(['MSA', 'AA', 'C-1']);
    expect(seen[0]).toMatchObject({ door: 'mllp', format: 'hl7v2' });
    expect(Buffer.from(seen[0]!.bytes).toString()).toBe(admission('C-1'));
  });

  test('AE with one ERR a fault: location, table 0357, severity, application code, sentence', async () => {
    const faults = [
      fault('payload-not-cda', { place: 'OBX[1]-5' }),
      fault('hl7-field-missing', { place: 'PID-3[2].4.2', params: { field: 'PID-3' } }),
    ];
    const sender = await peer(await start(async () => verdict('refused', faults)));
    sender.send(admission('C-2'));
    const [, msa, first, second] = await sender.answer(0);
    expect(msa!.slice(1, 3)).toEqual(['AE', 'C-2']);
    expect(first!.slice(0, 6)).toEqual([
      'ERR',
      '',
      'OBX^1^5',
      '102^Data type error^HL70357',
      'E',
      'payload-not-cda^^passerelle',
    ]);
    expect(first![8]).toContain('CDA');
    expect(second![2]).toBe('PID^1^3^2^4^2');
    expect(second![3]).toBe('101^Required field missing^HL70357');
  });

  test('AR with 904 when the document names another patient, also among other errors', async () => {
    const faults = [
      fault('hl7-field-missing', { place: 'TXA-12', params: { field: 'TXA-12' } }),
      fault('identity-mismatch', { place: 'OBX[1]-5', params: { elements: 'ins' } }),
    ];
    const sender = await peer(await start(async () => verdict('quarantined', faults)));
    sender.send(admission('C-3'));
    const [, msa, , err] = await sender.answer(0);
    expect(msa![1]).toBe('AR');
    expect(err![5]).toMatch(/^904\^/);
  });

  test('a rejected accept is AR not-durable, faults it names are told instead', async () => {
    let attempt = 0;
    const sender = await peer(
      await start(async () => {
        attempt++;
        throw attempt === 1 ? new Error('disk full') : new PasserelleError(fault('draining'));
      }),
    );
    sender.send(admission('C-4'));
    sender.send(admission('C-5'));
    const [, firstMsa, firstErr] = await sender.answer(0);
    expect([firstMsa![1], firstErr![5]]).toEqual(['AR', 'not-durable^^passerelle']);
    const [, secondMsa, secondErr] = await sender.answer(1);
    expect([secondMsa![1], secondErr![5]]).toEqual(['AR', 'draining^^passerelle']);
  });

  test('a message that was accepted before and died since is still acknowledged AA', async () => {
    const sender = await peer(
      await start(async () => ({ ...verdict('dead', [fault('payload-not-cda')]), duplicate: true })),
    );
    sender.send(admission('C-6'));
    expect((await sender.answer(0))[1]![1]).toBe('AA');
  });

  test('enhanced mode as MSH-15 and MSH-16 ask', async () => {
    const sender = await peer(
      await start(async ({ bytes }) =>
        Buffer.from(bytes).includes('BAD') ? verdict('refused', [fault('hl7-event')]) : accepted({} as Incoming),
      ),
    );
    sender.send(admission('E-1', { mode: ['AL', 'NE'] }));
    sender.send(admission('E-BAD-2', { mode: ['ER', 'NE'] }));
    sender.send(admission('E-3', { mode: ['ER', 'NE'] }));
    sender.send(admission('E-4', { mode: ['AL', 'AL'] }));
    sender.send(admission('E-5', { mode: ['', 'AL'] }));
    const codes = [];
    for (let i = 0; i < 5; i++) codes.push((await sender.answer(i))[1]!.slice(1, 3).join(' '));
    expect(codes).toEqual(['CA E-1', 'CR E-BAD-2', 'CA E-4', 'AA E-4', 'AA E-5']);
  });

  test('the answer comes in the sender’s character set', async () => {
    const sender = await peer(
      await start(async () => verdict('refused', [fault('hl7-event', { params: { type: 'ADT' } })])),
    );
    const raw: Buffer[] = [];
    sender.socket.on('data', (chunk: Buffer) => raw.push(chunk));
    sender.send(Buffer.from(admission('L-1', { charset: '8859/15' }).replace('GAM', 'GAMÉ'), 'latin1'));
    await sender.answer(0);
    const answer = Buffer.concat(raw).toString('latin1');
    expect(answer).toContain('|GAMÉ|');
    expect(answer).toContain('|8859/15');
    expect(answer).toContain("L'événement");
  });
});

describe('framing', () => {
  test('many messages in one write are acknowledged in their order, whatever order the journal answers in', async () => {
    const release: (() => void)[] = [];
    const port = await start(
      (incoming) => new Promise((resolve) => release.push(() => resolve(accepted(incoming) as unknown as Verdict))),
    );
    const sender = await peer(port);
    sender.raw(Buffer.concat(Array.from({ length: 20 }, (_, i) => frame(Buffer.from(admission(`P-${i}`))))));
    while (release.length < 20) await new Promise((resolve) => setImmediate(resolve));
    for (const one of release.reverse()) one();
    const ids = [];
    for (let i = 0; i < 20; i++) ids.push((await sender.answer(i))[1]![2]);
    expect(ids).toEqual(Array.from({ length: 20 }, (_, i) => `P-${i}`));
  });

  test('however the bytes are cut, every message arrives once and whole', async () => {
    const seen: string[] = [];
    const port = await start((incoming) => {
      seen.push(Buffer.from(incoming.bytes).toString());
      return accepted(incoming);
    });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 30 }), async (cuts) => {
        seen.length = 0;
        const sender = await Peer.to(port);
        const messages = Array.from({ length: 3 }, (_, i) => admission(`F-${i}`));
        const stream = Buffer.concat(messages.map((one) => frame(Buffer.from(one))));
        let at = 0;
        for (let i = 0; at < stream.length; i++) {
          const next = Math.min(stream.length, at + cuts[i % cuts.length]!);
          sender.raw(stream.subarray(at, next));
          await new Promise((resolve) => setImmediate(resolve));
          at = next;
        }
        await sender.answer(2);
        sender.socket.destroy();
        expect(seen).toEqual(messages);
      }),
      { numRuns: 20 },
    );
  });

  test('bytes outside a frame, a missing end and a missing CR harm only themselves', async () => {
    const sender = await peer(await start(accepted));
    sender.raw('\r\n \r\n');
    sender.raw(`${admission('N-1')}\x1c\r`);
    sender.raw(`\x0b${admission('N-2')}`);
    sender.raw(`\x0b${admission('N-3')}\x1c`);
    sender.send(admission('N-4'));
    const told = [];
    for (let i = 0; i < 4; i++) {
      const [, msa, err] = await sender.answer(i);
      told.push([msa![1], msa![2], err?.[5]?.split('^')[0] ?? '']);
    }
    expect(told).toEqual([
      ['AR', 'N-1', 'mllp-unframed'],
      ['AR', 'N-2', 'mllp-truncated'],
      ['AA', 'N-3', ''],
      ['AA', 'N-4', ''],
    ]);
  });

  test('a message over the limit is skipped without being kept, answered AR, and the next one is taken', async () => {
    const seen: number[] = [];
    const port = await start(
      (incoming) => {
        seen.push(incoming.bytes.length);
        return accepted(incoming);
      },
      {
        maxBytes: 100_000,
      },
    );
    const sender = await peer(port);
    const head = Buffer.from(`\x0b${admission('BIG').slice(0, -1)}OBX|1|ED|11488-4^X^LN||^TEXT^XML^Base64^`);
    const block = Buffer.alloc(1024 * 1024, 0x41);
    await write(sender, head);
    for (let i = 0; i < 200; i++) await write(sender, block);
    await write(sender, Buffer.from('\x1c\r'));
    sender.send(admission('AFTER'));
    const [, msa, err] = await sender.answer(0);
    expect([msa![1], msa![2], err![5]]).toEqual(['AR', 'BIG', 'too-large^^passerelle']);
    expect((await sender.answer(1))[1]!.slice(1, 3)).toEqual(['AA', 'AFTER']);
    expect(seen).toEqual([admission('AFTER').length]);
  });
});

async function write(sender: Peer, bytes: Uint8Array): Promise<void> {
  if (!sender.socket.write(bytes)) await new Promise((resolve) => sender.socket.once('drain', resolve));
}

describe('connections', () => {
  test('a message that trickles in is cut off after messageSeconds, others are not', async () => {
    const port = await start(accepted, { messageSeconds: 1 });
    const [slow, quick] = [await peer(port), await peer(port)];
    slow.raw('\x0bMSH|^~\\&|');
    const trickle = setInterval(() => slow.raw('x'), 200);
    await slow.close();
    clearInterval(trickle);
    quick.send(admission('Q-1'));
    expect((await quick.answer(0))[1]![1]).toBe('AA');
  });

  test('a message whose last CR never comes is taken when its time is up', async () => {
    const sender = await peer(await start(accepted, { messageSeconds: 1 }));
    sender.raw(`\x0b${admission('R-1')}\x1c`);
    expect((await sender.answer(0))[1]!.slice(1, 3)).toEqual(['AA', 'R-1']);
  });

  test('a silent connection is closed after idleSeconds', async () => {
    const sender = await peer(await start(accepted, { idleSeconds: 1 }));
    await sender.close();
    expect(sender.answers).toEqual([]);
  });

  test('a sender that closes its side still gets what it is owed', async () => {
    const sender = await peer(
      await start(async (incoming) => {
        await new Promise((resolve) => setTimeout(resolve, 50));
        return accepted(incoming);
      }),
    );
    sender.send(admission('H-1'));
    sender.socket.end();
    expect((await sender.answer(0))[1]!.slice(1, 3)).toEqual(['AA', 'H-1']);
    await sender.close();
  });

  test('a sender that floods is read no further than its limit while the journal is busy', async () => {
    const waiting: (() => void)[] = [];
    const port = await start(
      (incoming) => new Promise((done) => waiting.push(() => done(accepted(incoming) as never))),
    );
    const sender = await peer(port);
    const flood = Buffer.concat(Array.from({ length: 5000 }, (_, i) => frame(Buffer.from(admission(`W-${i}`)))));
    sender.raw(flood);
    let last = -1;
    while (waiting.length !== last) {
      last = waiting.length;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(last).toBeLessThan(1500);
    const release = setInterval(() => {
      for (const one of waiting.splice(0)) one();
    }, 5);
    expect((await sender.answer(4999))[1]![2]).toBe('W-4999');
    clearInterval(release);
  });

  test('stop answers what is in flight and refuses new connections', async () => {
    let release: () => void = () => undefined;
    const one = await listening(
      (incoming) => new Promise((done) => (release = () => done(accepted(incoming) as never))),
    );
    const sender = await peer(one.port);
    sender.send(admission('S-1'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    const stopped = one.door.stop?.();
    await expect(Peer.to(one.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    release();
    expect((await sender.answer(0))[1]!.slice(1, 3)).toEqual(['AA', 'S-1']);
    await stopped;
    await sender.close();
  });

  test('an address that is taken or no address is told as such', async () => {
    const port = await start(accepted);
    await expect(listening(accepted, { listen: `127.0.0.1:${port}` })).rejects.toMatchObject({
      faults: [{ code: 'listen-failed', params: { reason: 'EADDRINUSE' } }],
    });
    await expect(listening(accepted, { listen: 'nowhere' })).rejects.toBeInstanceOf(PasserelleError);
  });
});
