import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';

/** A policy server as Postfix asks it (SMTPD_POLICY_README): puts off the first attempts to the addresses it is told. */
export interface Greylist {
  port: number;
  /** How many more attempts to an address are put off. */
  deferred: Map<string, number>;
  stop(): Promise<void>;
}

export async function startGreylist(): Promise<Greylist> {
  const deferred = new Map<string, number>();
  const server = createServer((socket) => {
    let text = '';
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const recipient = /^recipient=(.*)$/m.exec(text.slice(0, end))?.[1] ?? '';
        text = text.slice(end + 2);
        const left = deferred.get(recipient) ?? 0;
        deferred.set(recipient, left - 1);
        socket.write(`action=${left > 0 ? '450 4.2.0 Greylisted, try again later' : 'DUNNO'}\n\n`);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    deferred,
    stop: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}
