// Child of the CDA benchmark: prints how many MB the peak of this process rose while it read (or converted) a 40 MB document.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { read } from '../src/formats/cda/index.ts';
import { loadMappings } from '../src/mapping/index.ts';
import { peakMemory } from './peak-memory.ts';

const MB = 1024 * 1024;
const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const golden = readFileSync(path('../tests/golden/cda-hospital-report-pdf/input.xml'));

function main(step: string): void {
  const { translator } = loadMappings(path('../mappings'));
  const work = (bytes: Uint8Array) => {
    const decoded = read(bytes);
    if (step !== 'convert') return decoded.parts[0]!.bytes.length;
    const context = {
      sender: 'bench',
      messageIdentity: 'bench',
      receivedAt: new Date(),
      bytes,
      contentType: 'text/xml',
    };
    return translator!.convert(decoded, context).drafts.length;
  };
  for (let i = 0; i < 100; i++) work(golden);
  const large = largeDocument(40 * MB);
  const base = peakMemory();
  if (work(large) === 0) throw new Error('nothing was read');
  process.stdout.write(String(Math.round(peakMemory() - base)));
}

function largeDocument(size: number): Buffer {
  const [before, after] = golden.toString('latin1').split(/(?<=representation="B64">)[^<]+/) as [string, string];
  const document = Buffer.alloc(before.length + size + after.length, 'QUJD');
  document.write(before, 0, 'latin1');
  document.write(after, before.length + size, 'latin1');
  return document;
}

if (import.meta.main) main(process.argv[2] ?? 'read');
