import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { simpleParser } from 'mailparser';
import { attachment } from '../../src/adapters/mail/attachment.ts';

describe('attachments in base64', () => {
  test('however the bytes come, the same bytes arrive, in lines of 76 letters at most', async () => {
    const chunks = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 12 });
    await fc.assert(fc.asyncProperty(chunks, sent), { examples: exact });
  });

  test('more than is encoded at a time', async () => {
    await sent([new Uint8Array(57 * 1024 + 1).fill(0xa5), new Uint8Array(57 * 2048).fill(0x5a)]);
  });
});

/** Whole lines, at the end of a chunk and over it; nothing at all. */
const exact: [Uint8Array[]][] = [
  [[]],
  [[new Uint8Array(57)]],
  [[new Uint8Array(56), new Uint8Array(1)]],
  [[new Uint8Array(20), new Uint8Array(0), new Uint8Array(94)]],
];

async function sent(chunks: Uint8Array[]): Promise<void> {
  const { raw } = attachment('Compte rendu été.pdf', 'application/pdf', chunks);
  const part = Buffer.concat(await Array.fromAsync(raw as AsyncIterable<Buffer>));
  const [head = '', ...rest] = part.toString('latin1').split('\r\n\r\n');
  expect(head).toMatch(/^Content-Transfer-Encoding: base64$/m);
  const lines = rest.join('\r\n\r\n').split('\r\n');
  expect(lines.every((line) => line.length <= 76)).toBe(true);
  const mail = Buffer.concat([
    Buffer.from('Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n'),
    part,
    Buffer.from('\r\n--b--\r\n'),
  ]);
  const [read] = (await simpleParser(mail)).attachments;
  expect(read?.filename).toBe('Compte rendu été.pdf');
  expect(Buffer.compare(read?.content ?? Buffer.alloc(0), Buffer.concat(chunks))).toBe(0);
}
