import type { Readable } from 'node:stream';
import { createGunzip, createInflate } from 'node:zlib';
import type { Request, RequestHandler } from 'express';
import { refuse } from '../adapter/answer.ts';
import { type Fault, fault } from '../errors.ts';

/** From here on the announced length is believed and the buffer made in one piece: a liar has had to send this much. */
const trustedAfter = 1 << 20;

/**
 * Reads the body as the exact bytes into `request.body` (a Buffer, empty when there is none), whatever its type. `gzip` and
 * `deflate` are undone; the limit holds for what comes out. Reading stops at the limit.
 */
export function rawBody(limitOf: (request: Request) => number): RequestHandler {
  return async (request, response, next) => {
    if (hasNone(request)) {
      request.body = empty;
      return next();
    }
    const limit = limitOf(request);
    const encoding = (request.get('content-encoding') ?? 'identity').trim().toLowerCase();
    const tooLarge = fault('too-large', { params: { limit } });
    const stream = decodedStream(request, encoding);
    if (!stream) return refuse(request, response, [fault('encoding-unsupported', { params: { encoding: 'given' } })]);
    const announced = encoding === 'identity' ? Number(request.get('content-length') ?? 0) : 0;
    const result = announced > limit ? tooLarge : await collect(stream, limit, announced, tooLarge);
    if (result instanceof Uint8Array) {
      request.body = result;
      return next();
    }
    // What is still on its way is not read: the connection cannot be used again.
    response.set('Connection', 'close');
    response.once('finish', () => setTimeout(() => request.destroy(), 500).unref());
    request.unpipe();
    if (stream !== request) stream.destroy();
    request.resume();
    refuse(request, response, [result]);
  };
}

const empty = Buffer.alloc(0);

/** https://www.rfc-editor.org/rfc/rfc9112#section-6.3 */
function hasNone({ headers }: Request): boolean {
  return headers['transfer-encoding'] === undefined && (headers['content-length'] ?? '0') === '0';
}

function decodedStream(request: Request, encoding: string): Readable | undefined {
  if (encoding === 'identity' || encoding === '') return request;
  if (encoding === 'gzip' || encoding === 'x-gzip') return request.pipe(createGunzip());
  if (encoding === 'deflate') return request.pipe(createInflate());
  return undefined;
}

function collect(stream: Readable, limit: number, announced: number, tooLarge: Fault): Promise<Buffer | Fault> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let whole: Buffer | undefined;
    let size = 0;
    const settle = (result: Buffer | Fault) => {
      stream.removeAllListeners('data');
      resolve(result);
    };
    stream.on('data', (chunk: Buffer) => {
      if (size + chunk.length > limit) return settle(tooLarge);
      if (!whole && announced > trustedAfter && size + chunk.length > trustedAfter) {
        whole = Buffer.allocUnsafeSlow(announced);
        let at = 0;
        for (const one of chunks.splice(0)) at += one.copy(whole, at);
      }
      if (whole) chunk.copy(whole, size);
      else chunks.push(chunk);
      size += chunk.length;
    });
    stream.once('end', () => settle(whole ? whole.subarray(0, size) : Buffer.concat(chunks, size)));
    stream.once('error', () => settle(fault('body-broken')));
    stream.once('aborted', () => settle(fault('body-broken')));
    stream.once('close', () => settle(fault('body-broken')));
  });
}
