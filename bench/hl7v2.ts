import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { Hl7Message } from '@medplum/core';
import { pino } from 'pino';
import { door } from '../src/adapters/mllp/index.ts';
import type { Decoded } from '../src/conversion.ts';
import * as cda from '../src/formats/cda/index.ts';
import { acknowledge, read } from '../src/formats/hl7v2/index.ts';
import { frame } from '../src/formats/hl7v2/mllp.ts';
import { loadMappings, type Translator } from '../src/mapping/index.ts';
import { type BenchOptions, type BenchResult, type BenchRow, percentile, row } from './result.ts';

const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const golden = (name: string): Buffer => readFileSync(file(`../tests/golden/${name}/input.hl7`));

/** The discharge report of the golden case with a PDF that makes the message 330 kB. */
export function largeDocument(bytes = 330_000): Buffer {
  const message = golden('hl7v2-mdm-t02').toString('utf8');
  const [, encoded = ''] = /\^Base64\^([^|^]+)\|/.exec(message) ?? [];
  const xml = Buffer.from(encoded, 'base64').toString('utf8');
  const missing = Math.max(0, ((bytes - message.length) * 3) / 4);
  const pdf = Buffer.alloc(Math.floor((missing * 3) / 4), '%PDF-1.4 bench\n').toString('base64');
  const larger = xml.replace(/(representation="B64">)[^<]+/, (_, head: string) => head + pdf);
  return Buffer.from(message.replace(encoded, Buffer.from(larger).toString('base64')));
}

/** Runs for so long after a warm-up of half of it; answers runs a second of processor time of this process. */
function rate(seconds: number, work: () => void): number {
  for (let end = performance.now() + seconds * 500; performance.now() < end; ) work();
  let runs = 0;
  const used = process.cpuUsage();
  for (let end = performance.now() + seconds * 1000; performance.now() < end; runs++) work();
  const { user, system } = process.cpuUsage(used);
  return runs / ((user + system) / 1e6);
}

function convert(translator: Translator, bytes: Uint8Array): void {
  const decoded = read(bytes) as Decoded;
  const parts = decoded.parts.map((one) => ({ ...one, decoded: cda.read(one.bytes) as Decoded }));
  const context = { sender: 'bench', messageIdentity: 'bench', receivedAt: new Date(), bytes, parts };
  const { faults } = translator.convert(decoded, context);
  if (faults.some((one) => one.severity === 'error')) throw new Error(faults.map((one) => one.code).join());
}

/** Reads every field, as a map would. */
function readByMedplum(bytes: Buffer): void {
  const message = Hl7Message.parse(bytes.toString('utf8'));
  for (const segment of message.segments) for (const field of segment.fields) field.toString();
}

/** `connections` senders on a port, from a thread of their own, until so many messages are acknowledged. */
export async function load(
  port: number,
  connections: number,
  messages: number,
  message: Uint8Array = golden('hl7v2-adt-a01'),
): Promise<{ rate: number; p99: number }> {
  // Half a message is never acknowledged: the sender would wait for it for ever.
  const count = Math.ceil(messages);
  const workerData = { port, connections, messages: count, message };
  const worker = new Worker(file('./mllp-load.ts'), { workerData });
  const { seconds, latencies } = await new Promise<{ seconds: number; latencies: Float64Array }>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  await worker.terminate();
  return { rate: count / seconds, p99: percentile([...latencies], 0.99) };
}

/** The least a listener can do: one prepared answer for each end mark. */
function bareListener(): Promise<Server> {
  const answer = frame(
    acknowledge(golden('hl7v2-adt-a01'), { code: 'AA', faults: [], controlId: '1', at: new Date() }),
  );
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('data', (chunk) => {
      for (let at = chunk.indexOf(0x1c); at >= 0; at = chunk.indexOf(0x1c, at + 1)) socket.write(answer);
    });
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

async function doorRows(quick: boolean, progress: (what: string) => void): Promise<BenchRow[]> {
  const verdict = { id: '0', state: 'accepted' as const, duplicate: false, faults: [] };
  const listener = door.create({
    name: 'mllp',
    config: {
      listen: '127.0.0.1:0',
      maxBytes: 1 << 26,
      idleSeconds: 60,
      messageSeconds: 60,
      connections: 100,
      acknowledge: 'header',
    },
    log: pino({ level: 'silent' }),
    accept: async () => verdict,
    outcome: async () => undefined,
    receipt: async () => undefined,
    original: async () => undefined,
    fhir: { send: async () => ({ status: 501, headers: {} }) },
  });
  await listener.start?.();
  const port = Number(/:(\d+)$/.exec(listener.addresses?.()[0] ?? '')?.[1]);
  const bare = await bareListener();
  const barePort = (bare.address() as { port: number }).port;
  const rows: BenchRow[] = [];
  for (const connections of [1, 8, 64]) {
    progress(`${connections} connections`);
    const messages = (quick ? 5_000 : 60_000) / (connections === 1 ? 4 : 1);
    await load(port, connections, messages / 4);
    const base = await load(barePort, connections, messages);
    const ours = await load(port, connections, messages);
    const name = `MLLP door, instant accept, ${connections} connections`;
    rows.push(
      row(name, ours.rate, '/s', base.rate, 'bare listener'),
      row(`${name}, p99`, ours.p99, 'ms', base.p99, 'bare listener'),
    );
  }
  await listener.stop?.();
  bare.close();
  return rows;
}

/** Peak of a fresh process over its own base while it reads a message with a 40 MB OBX-5. */
function memory(): Promise<number> {
  const child = spawn(process.execPath, [file('./hl7v2-memory.ts')], { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  return new Promise((resolve) => child.on('exit', () => resolve(Number(out))));
}

/** HL7 v2: reading beside Medplum's parser, reading and mapping, the MLLP door beside a bare listener, memory. */
export async function run({ quick = false, progress = () => undefined }: BenchOptions): Promise<BenchResult> {
  const seconds = quick ? 0.5 : 3;
  const { translator } = loadMappings(file('../mappings'));
  const adt = golden('hl7v2-adt-a01');
  const mdm = largeDocument();
  progress('reading and mapping');
  const rows = [
    row(
      'read ADT^A01',
      rate(seconds, () => read(adt)),
      '/s',
      rate(seconds, () => readByMedplum(adt)),
      'Hl7Message, all fields',
    ),
    row(
      'read MDM^T02, 330 kB',
      rate(seconds, () => read(mdm)),
      '/s',
      rate(seconds, () => readByMedplum(mdm)),
      'Hl7Message, all fields',
    ),
    row(
      'read and map ADT^A01',
      rate(seconds, () => convert(translator!, adt)),
      '/s',
      1000,
      'wanted',
    ),
    row(
      'read and map MDM^T02, 330 kB',
      rate(seconds, () => convert(translator!, mdm)),
      '/s',
      300,
      'wanted',
    ),
    row(
      'acknowledge',
      rate(seconds, () => acknowledge(adt, { code: 'AA', faults: [], controlId: '1', at: new Date() })),
      '/s',
    ),
  ];
  progress('memory');
  rows.push(row('peak for a 40 MB OBX-5, message included', await memory(), 'MB', 120, 'allowed'));
  rows.push(...(await doorRows(quick, progress)));
  return {
    bench: 'hl7v2',
    rows,
    notes: [
      `ADT^A01 of ${adt.length} bytes, MDM^T02 of ${mdm.length} bytes with a CDA and its PDF inside.`,
      'Rates of reading and mapping are runs a second of processor time on one core; the door is measured in wall time with its senders on the same machine.',
      'Reading here also decodes payloads, escapes and the FHIR-ready forms, which Hl7Message does not.',
    ],
  };
}
