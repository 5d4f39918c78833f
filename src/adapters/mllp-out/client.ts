import { readFileSync } from 'node:fs';
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { DeliveryOutcome } from '../../adapter.ts';
import { fault } from '../../errors.ts';
import { read } from '../../formats/hl7v2/index.ts';
import { frame, frameDecoder } from '../../formats/hl7v2/mllp.ts';
import type { MllpOutConfig } from './config.ts';

/** An acknowledgement longer than this is none. */
const LONGEST_ANSWER = 1 << 20;

/** One connection to a listener, kept open; one message is under way at a time, as MLLP 1 wants it. */
export interface MllpClient {
  send(controlId: string, message: Uint8Array): Promise<DeliveryOutcome>;
  close(): void;
}

/**
 * A connection to one MLLP listener, opened at the first message and kept. One message is in flight; an
 * acknowledgement whose MSA-2 is another's is passed over.
 */
export function openClient(config: MllpOutConfig): MllpClient {
  let socket: Socket | undefined;
  let last: Promise<unknown> = Promise.resolve();
  const exchange = async (controlId: string, message: Uint8Array): Promise<DeliveryOutcome> => {
    try {
      socket = socket && !socket.destroyed ? socket : await opened(config);
    } catch (error) {
      const reason = (error as NodeJS.ErrnoException).code ?? (error as Error).message;
      return { outcome: 'transient', faults: [fault('mllp-unreachable', { params: { reason } })] };
    }
    const answer = await answered(socket, controlId, message, config.answerSeconds);
    if (answer) return outcomeOf(answer);
    // An answer that comes after this belongs to this message, never to the next: the connection ends with it.
    socket.destroy();
    return { outcome: 'ambiguous', faults: [fault('mllp-unanswered')] };
  };
  return {
    send(controlId, message) {
      const sent = last.then(() => exchange(controlId, message));
      last = sent.catch(() => {});
      return sent;
    },
    close: () => socket?.destroy(),
  };
}

function opened({ address, connectSeconds, tls }: MllpOutConfig): Promise<Socket> {
  const url = new URL(address);
  const [host, port] = [url.hostname.replace(/^\[|\]$/g, ''), Number(url.port || 2575)];
  const secure = url.protocol === 'mllps:';
  const file = (name: string | undefined) => (name ? readFileSync(name) : undefined);
  return new Promise((resolve, reject) => {
    const socket = secure
      ? connectTls({
          host,
          port,
          ...(isIP(host) ? {} : { servername: host }),
          minVersion: 'TLSv1.2',
          ca: file(tls?.ca),
          cert: file(tls?.cert),
          key: file(tls?.key),
        })
      : connect({ host, port });
    const late = setTimeout(() => socket.destroy(new Error('timeout')), connectSeconds * 1000);
    socket.once('close', () => clearTimeout(late));
    socket.once('error', reject);
    socket.once(secure ? 'secureConnect' : 'connect', () => {
      clearTimeout(late);
      socket.setNoDelay(true);
      socket.on('error', () => socket.destroy());
      // A listener that closes between messages is asked anew for the next one.
      socket.on('end', () => socket.destroy());
      resolve(socket);
    });
  });
}

interface Answer {
  code: string;
  text: string;
}

/** The acknowledgement whose MSA-2 is ours; undefined when time is up or the connection ends. Others are passed over. */
function answered(
  socket: Socket,
  controlId: string,
  message: Uint8Array,
  seconds: number,
): Promise<Answer | undefined> {
  return new Promise((resolve) => {
    const decoder = frameDecoder({ maxBytes: LONGEST_ANSWER });
    const done = (answer?: Answer) => {
      clearTimeout(late);
      socket.off('data', take);
      socket.off('close', lost);
      resolve(answer);
    };
    const lost = () => done();
    const take = (chunk: Buffer) => {
      for (const { kind, bytes } of decoder.push(chunk)) {
        const answer = kind === 'message' ? answerIn(bytes, controlId) : undefined;
        if (answer) return done(answer);
      }
    };
    const late = setTimeout(lost, seconds * 1000);
    socket.on('data', take);
    socket.once('close', lost);
    socket.write(frame(message));
  });
}

function answerIn(bytes: Uint8Array, controlId: string): Answer | undefined {
  const segments = read(bytes).tree.raw.segments.map(({ fields }) => fields);
  const msa = segments.find(([name]) => name === 'MSA');
  if (msa?.[2] !== controlId) return undefined;
  const errors = segments.filter(([name]) => name === 'ERR').map((fields) => fields.join('|'));
  return { code: msa[1] ?? '', text: errors.join(' ').slice(0, 1000) };
}

/** AA and CA: taken. AE, CE: will never be. AR, CR: not under these circumstances. */
function outcomeOf({ code, text }: Answer): DeliveryOutcome {
  if (/^[AC]A$/.test(code)) return { outcome: 'delivered' };
  const found = fault('mllp-rejected', { params: { code: code.slice(0, 8) }, detail: text });
  return { outcome: /^[AC]R$/.test(code) ? 'transient' : 'permanent', faults: [found] };
}
