import { connect, createServer, type Server, type Socket } from 'node:net';

/** A wire to an IMAP server (without TLS) that knows when a mail passes. */
export interface Wire {
  port: number;
  /** Called for each chunk of a mail that passes on: how much of it has, and how long it is. */
  onMail: (passed: number, size: number, cut: () => void) => void;
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
      near.write(chunk);
      if (size === 0) {
        const found = /BODY\[\] \{(\d+)\}\r\n/.exec(chunk.toString('latin1'));
        if (!found) return;
        size = Number(found[1]);
        passed = chunk.length - (found.index + found[0].length);
      } else passed += chunk.length;
      wire.onMail(Math.min(passed, size), size, cut);
      if (passed >= size) size = 0;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const wire: Wire = {
    port: (server.address() as { port: number }).port,
    onMail: () => {},
    async stop() {
      for (const one of sockets) one.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  return wire;
}
