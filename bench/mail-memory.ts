// Child of the mail benchmark: prints how many times the size of a mail of some 25 MB the peak of this process rose while
// it made one (and kept it in a file) or read it from there.
import { randomFillSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { compose } from '../src/adapters/mail/letter.ts';
import { sizeOf } from '../src/adapters/mail/smtp.ts';
import { read } from '../src/formats/mail/index.ts';
import { config, documentOf, letterOf } from './mail-letter.ts';
import { peakMemory } from './peak-memory.ts';

/** What does not compress, as a PDF inside a document does not. */
const SIZE = 18_000_000;

async function make(file: string): Promise<number> {
  const document = randomFillSync(Buffer.alloc(SIZE));
  const base = peakMemory();
  const pieces = await compose(letterOf(document, 1), config);
  const rise = peakMemory() - base;
  writeFileSync(file, Buffer.concat(pieces));
  return rise / (sizeOf(pieces) / 1024 / 1024);
}

async function take(file: string): Promise<number> {
  const mail = readFileSync(file);
  const base = peakMemory();
  const { parts } = await read(mail);
  if (!parts.some(({ bytes }) => bytes.length === SIZE)) throw new Error('the document was not found');
  return (peakMemory() - base) / (mail.length / 1024 / 1024);
}

async function main([step, file]: string[]): Promise<void> {
  for (let count = 0; count < 20; count++) {
    await read(Buffer.concat(await compose(letterOf(documentOf(50_000), count), config)));
  }
  const times = step === 'make' ? await make(file!) : await take(file!);
  process.stdout.write(times.toFixed(2));
}

if (import.meta.main) await main(process.argv.slice(2));
