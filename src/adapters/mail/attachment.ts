import { Readable } from 'node:stream';
import MimeNode from 'nodemailer/lib/mime-node';

/** Bytes of a line of 76 letters, RFC 2045, 6.8. */
const LINE = 57;
/** Bytes that become letters at a time. */
const PIECE = LINE * 1024;

/** A part of a mail as it travels, ready to be copied into it. */
export interface Attachment {
  raw: Readable;
}

/**
 * An attachment in base64, RFC 2183 and RFC 2045. The letters are written once, into the bytes that leave: an encoder made of
 * streams keeps each piece twice more, and 25 MB became 150.
 */
export function attachment(
  filename: string,
  contentType: string,
  bytes: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Attachment {
  const node = new MimeNode(contentType, { filename });
  node.setHeader('Content-Disposition', 'attachment');
  node.setHeader('Content-Transfer-Encoding', 'base64');
  const head = Buffer.from(`${node.buildHeaders()}\r\n\r\n`);
  return { raw: Readable.from(partOf(head, bytes), { objectMode: false }) };
}

async function* partOf(head: Buffer, bytes: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  yield head;
  let rest: Buffer = Buffer.alloc(0);
  for await (const given of bytes) {
    let chunk = Buffer.from(given.buffer, given.byteOffset, given.length);
    if (rest.length > 0) {
      const lacking = LINE - rest.length;
      rest = Buffer.concat([rest, chunk.subarray(0, lacking)]);
      chunk = chunk.subarray(lacking);
      if (rest.length < LINE) continue;
      yield lines(rest);
    }
    const whole = chunk.length - (chunk.length % LINE);
    for (let at = 0; at < whole; at += PIECE) yield lines(chunk.subarray(at, Math.min(at + PIECE, whole)));
    rest = chunk.subarray(whole);
  }
  yield Buffer.from(rest.toString('base64'), 'latin1');
}

/** Whole lines, each with its end. */
function lines(bytes: Buffer): Buffer {
  const written = Buffer.allocUnsafeSlow((bytes.length / LINE) * 78);
  for (let from = 0, to = 0; from < bytes.length; from += LINE) {
    to += written.write(bytes.toString('base64', from, from + LINE), to, 'latin1');
    to += written.write('\r\n', to, 'latin1');
  }
  return written;
}
