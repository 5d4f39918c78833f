import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * Stands between the gateway and its FHIR server and breaks what passes: connections reset before anything is sent on, and
 * answers swallowed after the server has already done its work, so that the gateway must find out what became of a write.
 */
export class FaultyLine {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #mode: 'pass' | 'reset' | 'swallow' = 'pass';

  constructor(target: number) {
    this.#server = createServer((client) => {
      this.#sockets.add(client);
      client.on('error', () => client.destroy());
      client.once('close', () => this.#sockets.delete(client));
      if (this.#mode === 'reset') return void client.resetAndDestroy();
      const upstream = connect(target, '127.0.0.1');
      upstream.on('error', () => client.destroy());
      client.on('data', (bytes) => {
        if (this.#mode === 'reset') client.resetAndDestroy();
        else upstream.write(bytes);
      });
      upstream.on('data', (bytes) => {
        if (this.#mode === 'pass') client.write(bytes);
        else client.resetAndDestroy();
      });
      client.once('close', () => upstream.destroy());
      upstream.once('close', () => client.destroy());
    });
  }

  async listen(port: number): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
  }

  /** What happens to requests from now on. */
  set mode(mode: 'pass' | 'reset' | 'swallow') {
    this.#mode = mode;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
