import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import type { Door } from '../src/adapter.ts';
import { door } from '../src/adapters/mllp/index.ts';
import { acknowledge } from '../src/formats/hl7v2/index.ts';
import { frame, frameDecoder } from '../src/formats/hl7v2/mllp.ts';
import { createAccept } from '../src/gateway/accept.ts';
import { furnished } from '../src/gateway/furnish.ts';
import { HighWater } from '../src/gateway/high-water.ts';
import { openSqliteJournal } from '../src/journal/sqlite.ts';
import type { House } from '../src/pipeline/house.ts';
import { createMetrics } from '../src/web/metrics.ts';
import { load } from './hl7v2.ts';
import { median } from './journal-load.ts';
import { type BenchOptions, type BenchResult, type BenchRow, row } from './result.ts';

const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const admission = readFileSync(file('../tests/golden/hl7v2-adt-a01/input.hl7'), 'latin1');
/** Another MSH-10 each time, or all but the first would be repetitions. */
const message = Buffer.from(admission.replace('|A01-1|', '|@@@@@@@@@@|'), 'latin1');

interface Listening {
  port: number;
  close(): Promise<void>;
}

/** The door with the journal behind it, as `start` puts them together: decode, inspect, commit, acknowledge. No worker. */
async function durableDoor(folder: string): Promise<Listening> {
  const journal = openSqliteJournal({ folder, minFreeBytes: 0 });
  await journal.open();
  const house = {
    ...furnished({ mappings: file('../mappings'), profiles: [file('../profiles')] }),
    answers: async () => [],
    now: () => new Date(),
  } as unknown as House;
  const metrics = createMetrics({ journal, doors: ['mllp'], destinations: [] });
  const water = new HighWater(journal, { high: 1_000_000, low: 800_000 }, [], pino({ level: 'silent' }));
  const accept = createAccept({ journal, house, metrics, note: () => {}, open: () => true, water });
  const listener: Door = door.create({
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
    accept,
    outcome: async () => undefined,
    receipt: async () => undefined,
    original: async () => undefined,
    fhir: { send: async () => ({ status: 501, headers: {} }) },
  });
  await listener.start?.();
  const close = async () => {
    await listener.stop?.();
    await journal.close();
  };
  return { port: Number(/:(\d+)$/.exec(listener.addresses?.()[0] ?? '')?.[1]), close };
}

/** The least that is durable: cut the frames, INSERT the bytes, one commit a turn of the event loop, a prepared answer. */
async function bareDurable(folder: string): Promise<Listening> {
  const db = new DatabaseSync(join(folder, 'bare.db'));
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000');
  db.exec('CREATE TABLE message (seq INTEGER PRIMARY KEY, bytes BLOB)');
  const insert = db.prepare('INSERT INTO message (bytes) VALUES (?)');
  const answer = frame(acknowledge(message, { code: 'AA', faults: [], controlId: '1', at: new Date() }));
  let waiting: { bytes: Uint8Array; done: () => void }[] = [];
  const commit = () => {
    const group = waiting;
    waiting = [];
    db.exec('BEGIN IMMEDIATE');
    for (const { bytes } of group) insert.run(bytes);
    db.exec('COMMIT');
    for (const { done } of group) done();
  };
  const server = createServer({ noDelay: true }, (socket) => {
    const decoder = frameDecoder({ maxBytes: 1 << 26 });
    socket.on('data', (chunk) => {
      for (const found of decoder.push(chunk)) {
        if (found.kind !== 'message') continue;
        const done = () => void socket.write(answer);
        if (waiting.push({ bytes: found.bytes, done }) === 1) setImmediate(commit);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = async () => {
    await new Promise((resolve) => server.close(resolve));
    db.close();
  };
  return { port: (server.address() as { port: number }).port, close };
}

/** Durable intake over MLLP at 1, 8 and 64 connections beside a bare durable listener; rounds alternate, the median counts. */
export async function run({ quick = false, folder, progress = () => {} }: BenchOptions = {}): Promise<BenchResult> {
  const place = await mkdtemp(join(folder ?? tmpdir(), 'bench-mllp-'));
  const [ours, bare] = [await durableDoor(join(place, 'journal')), await bareDurable(place)];
  const rows: BenchRow[] = [];
  try {
    for (const connections of [1, 8, 64]) {
      progress(`${connections} connections`);
      const messages = (quick ? 2_000 : 30_000) / (connections === 1 ? 4 : 1);
      const found: { ours: { rate: number; p99: number }; bare: { rate: number; p99: number } }[] = [];
      await load(ours.port, connections, messages / 2, message);
      for (let round = 0; round < (quick ? 1 : 3); round++) {
        const base = await load(bare.port, connections, messages, message);
        found.push({ bare: base, ours: await load(ours.port, connections, messages, message) });
      }
      const middle = (side: 'ours' | 'bare', what: 'rate' | 'p99') => median(found.map((one) => one[side][what]));
      const name = `durable MLLP intake, ${connections} connection${connections > 1 ? 's' : ''}`;
      const baseline = 'bare durable listener';
      rows.push(row(name, middle('ours', 'rate'), '/s', middle('bare', 'rate'), baseline));
      rows.push(row(`${name}, p99`, middle('ours', 'p99'), 'ms', middle('bare', 'p99'), baseline));
    }
  } finally {
    await ours.close();
    await bare.close();
    await rm(place, { recursive: true, force: true });
  }
  return {
    bench: 'mllp',
    rows,
    notes: [
      `ADT^A01 of ${message.length} bytes, another MSH-10 each; every sender waits for its acknowledgement.`,
      'Wall time, senders on the same machine. Both write to SQLite (WAL) in one commit a turn of the event loop; the bare one with synchronous=FULL, the gateway syncs the WAL itself before it answers.',
    ],
  };
}
