import { connect, createServer, type Server, type Socket } from 'node:net';

/** A wire to an IMAP server (without TLS) that knows when a mail passes. */
export interface Wire {
  port: number;
  /** Called for each chunk of a mail that passes on: how much of it has, and how long it is. */
  onMail: (passed: number, size: number) => void;
  /** How many more mails pass only to their half before the line breaks. */
  cuts: number;
  stop(): Promise<void>;
}

/** Watches for literals of FETCH answers (RFC 3501, 4.3), from `BODY[] {size}` on. */
export async function wireTo(target: number): Promise<Wire> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((near) => {
    const far = connect(target, '127.0.0.1');
    const cut = () => {
      near.destroy();
      far.destroy();
    };
    for (const one of [near, far]) {
      sockets.add(one);
      one.on('error', cut);
      one.on('close', () => {
        sockets.delete(one);
        cut();
      });
    }
    near.pipe(far);
    let size = 0;
    let passed = 0;
    far.on('data', (chunk: Buffer) => {
      if (!near.writable) return;
      const found = size === 0 && /BODY\[\] \{(\d+)\}\r\n/.exec(chunk.toString('latin1'));
      const start = found ? found.index + found[0].length : 0;
      if (found) [size, passed] = [Number(found[1]), 0];
      const inside = size === 0 ? 0 : chunk.length - start;
      if (size > 0 && wire.cuts > 0 && passed + inside >= size / 2) {
        wire.cuts--;
        near.write(chunk.subarray(0, start + Math.floor(size / 2) - passed), cut);
        return;
      }
      near.write(chunk);
      if (size === 0) return;
      passed += inside;
      wire.onMail(Math.min(passed, size), size);
      if (passed >= size) size = 0;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const wire: Wire = {
    port: (server.address() as { port: number }).port,
    onMail: () => {},
    cuts: 0,
    async stop() {
      for (const one of sockets) one.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  return wire;
}
