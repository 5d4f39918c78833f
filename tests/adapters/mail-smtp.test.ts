import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { openSender, type Sender } from '../../src/adapters/mail/smtp.ts';

type Config = Parameters<typeof openSender>[0];

const open: { server: SMTPServer; sender: Sender }[] = [];

/** A server that keeps what it takes, changed by `options`, and a sender to it, changed by `config`. */
async function pair(options: SMTPServerOptions = {}, config: Partial<Config> = {}) {
  const taken: string[] = [];
  const server = new SMTPServer({
    authOptional: true,
    allowInsecureAuth: true,
    disabledCommands: ['STARTTLS'],
    disableReverseLookup: true,
    closeTimeout: 10,
    onData(stream, _session, done) {
      let text = '';
      stream.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
      stream.on('end', () => {
        taken.push(text);
        done();
      });
    },
    ...options,
  });
  server.on('error', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.server.address() as AddressInfo;
  const defaults = { host: '127.0.0.1', port, security: 'none', connections: 2, timeoutSeconds: 5 } as const;
  const sender = openSender({ ...defaults, ...config });
  open.push({ server, sender });
  return { taken, sender };
}

afterEach(async () => {
  for (const { server, sender } of open.splice(0)) {
    sender.close();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
});

const mail = (messageId = 'm1@here.test') => ({
  from: 'a@here.test',
  to: 'b@there.test',
  messageId,
  pieces: [Buffer.from(`Message-ID: <${messageId}>\r\nSubject: x\r\n\r\n.texte\r\n`)],
});
const refusal = (responseCode: number) => Object.assign(new Error('no'), { responseCode });

describe('what the operator answers', () => {
  test('taken: the bytes as they were made, and the key later answers name', async () => {
    const { taken, sender } = await pair();
    expect(await sender.send(mail())).toEqual({ outcome: 'delivered', key: 'm1@here.test' });
    expect(taken).toEqual([Buffer.concat(mail().pieces).toString('latin1')]);
  });

  test.each([
    [450, 'transient', 'mail-deferred'],
    [452, 'transient', 'mail-deferred'],
    [421, 'transient', 'mail-unreachable'],
    [550, 'permanent', 'mail-refused'],
    [552, 'permanent', 'mail-refused'],
  ])('%i to the recipient is %s', async (code, outcome, fault) => {
    const { sender } = await pair({ onRcptTo: (_address, _session, done) => done(refusal(code)) });
    expect(await sender.send(mail())).toMatchObject({ outcome, faults: [{ code: fault }] });
  });

  test('silence after the mail: nobody knows, and another goes on', async () => {
    let silent = true;
    const { sender } = await pair(
      {
        onData(stream, _session, done) {
          stream.resume();
          stream.on('end', () => (silent ? undefined : done()));
        },
      },
      { timeoutSeconds: 0.5 },
    );
    expect(await sender.send(mail())).toMatchObject({ outcome: 'ambiguous', faults: [{ code: 'mail-unconfirmed' }] });
    silent = false;
    expect(await sender.send(mail())).toMatchObject({ outcome: 'delivered' });
  });

  test('nobody listens: wait', async () => {
    const { sender } = await pair({}, { port: 9 });
    expect(await sender.send(mail())).toMatchObject({ outcome: 'transient', faults: [{ code: 'mail-unreachable' }] });
    expect(await sender.check()).toMatchObject([{ code: 'mail-unreachable' }]);
  });

  test('STARTTLS is asked for and not offered: nothing is sent in the clear', async () => {
    const { taken, sender } = await pair({}, { security: 'starttls' });
    expect(await sender.send(mail())).toMatchObject({ outcome: 'transient', faults: [{ code: 'mail-unreachable' }] });
    expect(taken).toEqual([]);
  });

  test('a certificate nobody vouches for is not trusted', async () => {
    const { taken, sender } = await pair({ disabledCommands: [] }, { security: 'starttls' });
    expect(await sender.send(mail())).toMatchObject({ outcome: 'transient', faults: [{ code: 'mail-unreachable' }] });
    expect(taken).toEqual([]);
  });
});

describe('logging in', () => {
  const demanding: SMTPServerOptions = {
    authOptional: false,
    authMethods: ['PLAIN', 'XOAUTH2'],
    onAuth({ method, username, password, accessToken }, _session, done) {
      const right = method === 'XOAUTH2' ? accessToken === 'token' : password === 'secret';
      done(right && username === 'box' ? null : new Error('no'), right ? { user: username } : undefined);
    },
  };

  test('with a password, or with a token by XOAUTH2', async () => {
    const password = await pair(demanding, { user: 'box', password: 'secret' });
    expect(await password.sender.send(mail())).toMatchObject({ outcome: 'delivered' });
    const token = await pair(demanding, { user: 'box', accessToken: 'token' });
    expect(await token.sender.send(mail())).toMatchObject({ outcome: 'delivered' });
  });

  test('with the wrong one every mail waits, none dies', async () => {
    const { sender } = await pair(demanding, { user: 'box', password: 'wrong' });
    expect(await sender.send(mail())).toMatchObject({ outcome: 'transient', faults: [{ code: 'mail-unreachable' }] });
  });
});
