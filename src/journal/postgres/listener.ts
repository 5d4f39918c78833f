import pg from 'pg';
import { clientConfig } from './database.ts';

/** Pause before a lost connection is made again; work is looked for in between. */
const AGAIN_MS = 1000;

/** Hears from the database that some process made work. While it cannot hear, it rings at each attempt to listen again. */
export class Listener {
  readonly #config: pg.ClientConfig;
  readonly #schema: string;
  readonly #owner: string;
  readonly #ring: () => void;
  #client: pg.Client | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  /** @param owner name of this process; the session also says that it lives. */
  constructor(url: string, schema: string, owner: string, ring: () => void) {
    this.#config = clientConfig(url, schema);
    this.#schema = schema;
    this.#owner = owner;
    this.#ring = ring;
  }

  async listen(): Promise<void> {
    const client = new pg.Client(this.#config);
    this.#client = client;
    client.on('error', () => {});
    client.on('end', () => this.#again(client));
    client.on('notification', ({ payload }) => payload === this.#schema && this.#ring());
    try {
      await client.connect();
      await client.query('LISTEN passerelle_work');
      await client.query('SELECT journal_enlist($1, NULL)', [this.#owner]);
    } catch {
      await client.end().catch(() => {});
      this.#again(client);
    }
    if (!this.#closed) this.#ring();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#client?.end().catch(() => {});
  }

  #again(client: pg.Client): void {
    if (this.#closed || client !== this.#client) return;
    this.#client = undefined;
    this.#timer = setTimeout(() => void this.listen(), AGAIN_MS);
    this.#timer.unref();
  }
}
