// MLLP release 1: https://www.hl7.org/documentcenter/public/wg/inm/mllp_transport_specification.PDF
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { fault, PasserelleError } from '../errors.ts';
import { charset, charsetNamed } from '../formats/hl7v2/charset.ts';
import { frame, frameDecoder } from '../formats/hl7v2/mllp.ts';
import type { Answered, Connection } from './load.ts';

/** An acknowledgement longer than this is none. */
const longestAnswer = 1 << 20;
const connectMs = 5000;

/** Opens a connection to `mllp://host:port` or `mllps://host:port`; throws `server-unreachable`. */
export async function openMllp(address: string, answerMs: number): Promise<Connection> {
  const url = new URL(address);
  const [host, port] = [url.hostname.replace(/^\[|\]$/g, ''), Number(url.port || 2575)];
  const unreachable = (reason: string) =>
    new PasserelleError(fault('server-unreachable', { params: { address, reason } }));
  const socket = await new Promise<Socket>((resolve, reject) => {
    const secure = url.protocol === 'mllps:';
    const opened = secure ? connectTls({ host, port, servername: host }) : connect({ host, port });
    opened.setTimeout(connectMs, () => opened.destroy(new Error('timeout')));
    opened.once('error', (error: NodeJS.ErrnoException) => reject(unreachable(error.code ?? error.message)));
    opened.once(secure ? 'secureConnect' : 'connect', () => resolve(opened));
  });
  socket.setNoDelay(true);
  const answers = answersOf(socket, answerMs);
  return {
    async send(bytes) {
      const controlId = header(bytes, 9);
      const answer = answers();
      socket.write(frame(bytes));
      const text = await answer;
      if (text === undefined) throw unreachable('the connection ended before an acknowledgement came');
      return readAnswer(text, controlId);
    },
    close: () => socket.destroy(),
  };
}

/** Answers arrive in the order of the messages; each call takes the next, undefined when the connection ended. */
function answersOf(socket: Socket, answerMs: number): () => Promise<string | undefined> {
  const decoder = frameDecoder({ maxBytes: longestAnswer });
  const arrived: string[] = [];
  let ended = false;
  let waiting: ((text: string | undefined) => void) | undefined;
  const take = () => {
    if (!waiting || (arrived.length === 0 && !ended)) return;
    const resolve = waiting;
    waiting = undefined;
    resolve(arrived.shift());
  };
  const finish = () => {
    ended = true;
    take();
  };
  socket.setTimeout(answerMs, () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    arrived.push(...decoder.push(chunk).map((one) => textOf(one.bytes)));
    take();
  });
  socket.on('error', finish);
  socket.on('close', finish);
  return () =>
    new Promise((resolve) => {
      waiting = resolve;
      take();
    });
}

/** In the character set it says it is in: an acknowledgement has that of its message. */
function textOf(bytes: Uint8Array): string {
  const name = charsetNamed(header(bytes, 17).split('~')[0] as string);
  return charset(name ?? 'utf-8').decode(bytes);
}

/** MSA-1, when MSA-2 is the control id that was sent; else `unmatched`. Errors are the codes of ERR-5, or of ERR-3, said with ERR-8. */
function readAnswer(text: string, controlId: string): Omit<Answered, 'milliseconds'> {
  const segments = text.split(/[\r\n]+/);
  const separator = segments[0]?.[3] ?? '|';
  const msa = segments.find((one) => one.startsWith(`MSA${separator}`))?.split(separator);
  const told = segments
    .filter((one) => one.startsWith(`ERR${separator}`))
    .map((one) => one.split(separator))
    .map((fields) => ({
      code: (fields[5] || fields[3] || '').split('^').find(Boolean) ?? '',
      sentence: fields[8] || fields[7] || '',
    }));
  return {
    code: msa?.[2] === controlId ? (msa[1] ?? '') : 'unmatched',
    errors: told.map((one) => one.code),
    said: told.map(({ code, sentence }) => `${code}: ${sentence}`),
  };
}

/** A field of MSH as written, `MSH-10` at 9; empty when the bytes have none. */
function header(bytes: Uint8Array, at: number): string {
  const text = Buffer.from(bytes.subarray(0, 1000)).toString('latin1');
  const line = text.slice(Math.max(0, text.indexOf('MSH'))).split(/[\r\n]/, 1)[0] ?? '';
  return line.split(line[3] ?? '|')[at] ?? '';
}

/** The message with the MSH-10 of its own that a repetition needs not to be taken for a duplicate. */
export function withControlId(bytes: Uint8Array, suffix: string): Uint8Array {
  const buffer = Buffer.from(bytes);
  if (!buffer.subarray(0, 3).equals(Buffer.from('MSH'))) return bytes;
  const separator = buffer[3];
  let at = 0;
  for (let field = 0; field < 9 && at >= 0; field += 1) at = buffer.indexOf(separator as number, at) + 1 || -1;
  const next = at < 0 ? -1 : buffer.indexOf(separator as number, at);
  return next < 0 ? bytes : Buffer.concat([buffer.subarray(0, next), Buffer.from(suffix), buffer.subarray(next)]);
}

/** Files on disk often end their segments with LF or CRLF; the standard says CR. */
export function withCarriageReturns(bytes: Uint8Array): Uint8Array {
  const ending = /\r\n|\r|\n/.exec(Buffer.from(bytes.subarray(0, 4096)).toString('latin1'))?.[0];
  if (ending === undefined || ending === '\r') return bytes;
  return Buffer.from(Buffer.from(bytes).toString('latin1').replaceAll(ending, '\r'), 'latin1');
}
