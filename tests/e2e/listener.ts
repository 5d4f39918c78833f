import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import { acknowledge } from '../../src/formats/hl7v2/index.ts';
import { frame, frameDecoder } from '../../src/formats/hl7v2/mllp.ts';

/** The hospital's own listener: keeps what it is sent; `answer` says how it acknowledges, undefined for not at all. */
export async function startHospital(port = 0) {
  const heard: string[] = [];
  const sockets = new Set<Socket>();
  const hospital = { heard, answer: (_message: string): 'AA' | 'AE' | 'AR' | undefined => 'AA' };
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    const decoder = frameDecoder({ maxBytes: 1 << 20 });
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      for (const { bytes } of decoder.push(chunk)) {
        const text = Buffer.from(bytes).toString('utf8');
        heard.push(text);
        const code = hospital.answer(text);
        if (code) socket.write(frame(acknowledge(bytes, { code, faults: [], controlId: 'H1', at: new Date() })));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return Object.assign(hospital, {
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      for (const one of sockets) one.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  });
}

/** A segment of a message, the first of its name or that at a place among them. */
export const segment = (message: string, name: string, at = 0) =>
  message.split('\r').filter((one) => one.startsWith(name))[at] ?? '';
