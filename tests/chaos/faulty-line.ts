import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * What becomes of what passes:
 * - `pass`: nothing
 * - `reset`: connections are reset before anything is sent on
 * - `swallow`: the other side does its work, its answer never arrives
 * - `late`: the same, but the connection stays open and silent
 * - `cut`: the first bytes of an answer arrive, then the connection ends
 * - `garbage`: answers are overwritten with other bytes
 * - `mangle`: the beginning of what is sent is overwritten
 * - a status: answered by it at once, nothing is sent on (HTTP)
 */
export type Fault =
  | 'pass'
  | 'reset'
  | 'swallow'
  | 'late'
  | 'cut'
  | 'garbage'
  | 'mangle'
  | { status: 409 | 412 | 429 | 500 | 503 };

/** Stands between two programs and breaks what passes, so that they must find out what became of it. */
export class FaultyLine {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  mode: Fault = 'pass';

  constructor(target: number) {
    this.#server = createServer((client) => this.#carry(client, target));
  }

  async listen(port: number): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #carry(client: Socket, target: number): void {
    this.#sockets.add(client);
    client.on('error', () => client.destroy());
    client.once('close', () => this.#sockets.delete(client));
    if (this.mode === 'reset') return void client.resetAndDestroy();
    const upstream = connect(target, '127.0.0.1');
    upstream.on('error', () => client.destroy());
    client.on('data', (bytes) => this.#there(bytes, client, upstream));
    upstream.on('data', (bytes) => this.#back(bytes, client));
    client.once('close', () => upstream.destroy());
    upstream.once('close', () => client.destroy());
  }

  #there(bytes: Buffer, client: Socket, upstream: Socket): void {
    const { mode } = this;
    if (mode === 'reset') client.resetAndDestroy();
    else if (typeof mode === 'object') {
      const answer = `HTTP/1.1 ${mode.status} Trouble\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`;
      client.end(answer, () => client.destroy());
    } else upstream.write(mode === 'mangle' ? overwritten(bytes, 1, 7) : bytes);
  }

  #back(bytes: Buffer, client: Socket): void {
    const { mode } = this;
    if (mode === 'late') return;
    if (mode === 'swallow') client.resetAndDestroy();
    else if (mode === 'cut') client.end(bytes.subarray(0, 20), () => client.destroy());
    else if (!client.destroyed) client.write(mode === 'garbage' ? overwritten(bytes, 0, bytes.length) : bytes);
  }
}

function overwritten(bytes: Buffer, from: number, to: number): Buffer {
  return Buffer.from(bytes).fill(0xfe, from, Math.min(to, bytes.length));
}
