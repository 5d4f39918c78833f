import { connect, type Socket } from 'node:net';
import { pino } from 'pino';
import type { Door, DoorContext } from '../../src/adapter.ts';
import type { MllpConfig } from '../../src/adapters/mllp/config.ts';
import { door } from '../../src/adapters/mllp/index.ts';
import { frame, frameDecoder } from '../../src/formats/hl7v2/mllp.ts';
import type { Incoming, Verdict } from '../../src/message.ts';

export const settings: MllpConfig = {
  listen: '127.0.0.1:0',
  maxBytes: 1024 * 1024,
  idleSeconds: 60,
  messageSeconds: 60,
  connections: 50,
  acknowledge: 'header',
};

export type Accept = (incoming: Incoming) => Promise<Verdict>;

export const accepted: Accept = async () => ({
  id: '00000000-0000-4000-8000-000000000000',
  state: 'accepted',
  duplicate: false,
  faults: [],
});

/** A listening door and how to reach it. */
export interface Listening {
  door: Door;
  port: number;
}

export async function listening(accept: Accept, config: Partial<MllpConfig> = {}): Promise<Listening> {
  const context: DoorContext<MllpConfig> = {
    name: 'mllp',
    config: { ...settings, ...config },
    log: pino({ level: 'silent' }),
    accept,
    outcome: async () => undefined,
    receipt: async () => undefined,
    original: async () => undefined,
    fhir: { send: async () => ({ status: 501, headers: {} }) },
  };
  const made = door.create(context);
  await made.start?.();
  const port = Number(/:(\d+)$/.exec(made.addresses?.()[0] ?? '')?.[1]);
  return { door: made, port };
}

/** A sender: writes what it is told, collects acknowledgements. */
export class Peer {
  readonly socket: Socket;
  readonly answers: string[] = [];
  closed = false;
  private readonly waiting: (() => void)[] = [];

  constructor(socket: Socket) {
    this.socket = socket;
    const decoder = frameDecoder({ maxBytes: 1 << 20 });
    socket.on('data', (chunk) => {
      for (const one of decoder.push(chunk)) this.answers.push(Buffer.from(one.bytes).toString('utf8'));
      this.wake();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.closed = true;
      this.wake();
    });
  }

  static async to(port: number): Promise<Peer> {
    const socket = connect({ host: '127.0.0.1', port });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new Peer(socket);
  }

  send(message: string | Uint8Array): void {
    this.raw(frame(typeof message === 'string' ? Buffer.from(message) : message));
  }

  raw(bytes: string | Uint8Array): void {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  /** The nth acknowledgement as segments of fields, once it is there. */
  async answer(nth: number): Promise<string[][]> {
    while (this.answers.length <= nth) {
      if (this.closed) throw new Error(`closed after ${this.answers.length} acknowledgements`);
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
    return this.answers[nth]!.split('\r').map((segment) => segment.split('|'));
  }

  async close(): Promise<void> {
    while (!this.closed) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  private wake(): void {
    for (const one of this.waiting.splice(0)) one();
  }
}

/** A small admission with a control id of its own. */
export function admission(
  controlId: string,
  more: { event?: string; mode?: [string, string]; charset?: string } = {},
): string {
  const [accept, application] = more.mode ?? ['', ''];
  const event = more.event ?? 'A01';
  return [
    `MSH|^~\\&|GAM|CH-ALPHA|PASSERELLE|CH-BETA|20240115103000||ADT^${event}^ADT_A01|${controlId}|P|2.5^FRA^2.11|||${accept}|${application}|FRA|${more.charset ?? 'UNICODE UTF-8'}`,
    'EVN||20240115103000',
    'PID|1||770001^^^CH-ALPHA&990000017&N^PI||DURAND-TEST^LUCIE^^^^^L||19840229|F',
    'PV1|1|I|CARDIO^12^1||||||||||||||||V770001^^^CH-ALPHA&990000017&N^VN',
    '',
  ].join('\r');
}
