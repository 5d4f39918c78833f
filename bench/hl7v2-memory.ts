// Child of the HL7 v2 benchmark: prints how many MB the peak of this process rose while it read one large message.
import { readFileSync } from 'node:fs';
import { read } from '../src/formats/hl7v2/index.ts';
import { peakMemory } from './peak-memory.ts';

const MB = 1024 * 1024;
const golden = readFileSync(new URL('../tests/golden/hl7v2-mdm-t02/input.hl7', import.meta.url));

function main(): void {
  for (let i = 0; i < 100; i++) read(golden);
  const base = peakMemory();
  const { parts } = read(largeMessage(40 * MB));
  if (parts[0]?.bytes.length !== 30 * MB) throw new Error('the payload was not decoded');
  process.stdout.write(String(Math.round(peakMemory() - base)));
}

function largeMessage(size: number): Buffer {
  const head = golden.toString('latin1').split('OBX|1|', 1)[0]!;
  const before = Buffer.from(`${head}OBX|1|ED|34112-3^CR^LN||^text^XML^Base64^`, 'latin1');
  const after = Buffer.from('||||||F\r');
  const message = Buffer.alloc(before.length + size + after.length, 'QUJD');
  before.copy(message);
  after.copy(message, before.length + size);
  return message;
}

if (import.meta.main) main();
