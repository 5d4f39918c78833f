import { parentPort, Worker, workerData } from 'node:worker_threads';
import { openMllp } from '../src/cli/send-mllp.ts';

/** Sends one message by MLLP from a thread of its own, so that who measures others meanwhile is not held up by it. */
export interface MllpSender {
  /** Sends it, and resolves when it has been acknowledged `AA`. */
  send(): Promise<void>;
}

interface Errand {
  address: string;
  message: Uint8Array;
}

/** Connects, and waits for `send`. */
export async function mllpSender(address: string, message: Uint8Array): Promise<MllpSender> {
  const errand: Errand = { address, message };
  const thread = new Worker(new URL(import.meta.url), { workerData: errand });
  const { promise: failed, reject } = Promise.withResolvers<never>();
  thread.once('error', reject);
  const told = () => Promise.race([failed, new Promise<void>((resolve) => thread.once('message', () => resolve()))]);
  await told();
  return {
    async send() {
      const acknowledged = told();
      thread.postMessage('send');
      await acknowledged;
    },
  };
}

if (parentPort) {
  const { address, message } = workerData as Errand;
  const connection = await openMllp(address, 120_000);
  parentPort.once('message', async () => {
    const { code, errors } = await connection.send(message);
    if (code !== 'AA') throw new Error(`answered ${code} ${errors.join(' ')}`);
    connection.close();
    parentPort?.postMessage('acknowledged');
  });
  parentPort.postMessage('connected');
}
