import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStoreThread } from '../src/store/thread.ts';
import { type GatewayUnderTest, startGateway } from './gateway-process.ts';
import { type BenchOptions, type BenchResult, type BenchRow, percentile, row } from './result.ts';
import { type Feed, feed, MEASURES, PATIENTS, READINGS, saturation } from './telemonitoring.ts';

/** The rate the gateway is to bear. */
const WANTED = 1000;

/** Senders of the fastest feed: so many that it is the gateway that sets the pace, not the way there and back. */
const SENDERS = 128;

/**
 * Telemonitoring messages over HTTP into a gateway of its own process with the embedded server: how many a second go all the
 * way through, and how long one takes from sending to readable at half that load, beside plain creates of the same Observation
 * in the embedded store at that rate. Then whether what is accepted is delivered as it comes at 1,000 a second.
 */
export async function run(options: BenchOptions = {}): Promise<BenchResult> {
  const seconds = options.quick ? 3 : 12;
  const rows: BenchRow[] = [];
  for (const [name, one] of [
    ['measure (FHIR, one reading)', MEASURES],
    ['readings (vendor, three)', READINGS],
  ] as const) {
    const folder = mkdtempSync(join(options.folder ?? tmpdir(), 'bench-end-to-end-'));
    const gateway = await startGateway(folder);
    try {
      rows.push(...(await measured(name, one, gateway, seconds, folder, options)));
    } finally {
      await gateway.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  }
  return {
    bench: 'end-to-end',
    rows,
    notes: [
      `${PATIENTS} patients; sender and gateway share the machine; readable: answered 200 to ?wait, one message in twenty`,
      'a measure becomes Observation and Provenance, three readings four resources',
    ],
  };
}

async function measured(
  name: string,
  one: Feed,
  gateway: GatewayUnderTest,
  seconds: number,
  folder: string,
  { progress }: BenchOptions,
): Promise<BenchRow[]> {
  progress?.(`${name}: enrolling patients and warming up`);
  await feed(gateway, one, { from: 0, count: PATIENTS });
  await feed(gateway, one, { from: PATIENTS, seconds: seconds / 2 });
  await drained(gateway);

  progress?.(`${name}: as fast as it goes`);
  const before = gateway.usage();
  const start = performance.now();
  const most = await feed(gateway, one, { from: 1_000_000, seconds, connections: SENDERS });
  await drained(gateway);
  const capacity = (most.accepted * 1000) / (performance.now() - start);
  const cpu = ((gateway.usage().cpuSeconds - before.cpuSeconds) * 1000) / most.accepted;

  progress?.(`${name}: half of that`);
  const half = await feed(gateway, one, { from: 2_000_000, seconds, rate: capacity / 2, sample: 20 });
  await drained(gateway);
  const bare = await plainCreates(folder, capacity / 2, seconds / 3);

  progress?.(`${name}: ${WANTED} a second`);
  const full = await feed(gateway, one, { from: 3_000_000, seconds, rate: WANTED, sample: 20 });
  const waiting = await gateway.metric('passerelle_messages', 'accepted');
  await drained(gateway);
  return [
    row(`${name}: accepted and delivered`, capacity, '/s'),
    row(`${name}: processor time each`, cpu, 'ms'),
    row(`${name}: sent to readable at half of that, p50`, percentile(half.readable, 0.5), 'ms'),
    row(`${name}: p95`, percentile(half.readable, 0.95), 'ms', percentile(bare, 0.95), 'plain create in the store'),
    row(`${name}: at ${WANTED}/s, accepted`, full.accepted / full.seconds, '/s'),
    row(`${name}: at ${WANTED}/s, waiting at the end`, waiting, ''),
    row(`${name}: at ${WANTED}/s, sent to readable, p95`, percentile(full.readable, 0.95), 'ms'),
  ];
}

async function drained(gateway: GatewayUnderTest): Promise<void> {
  while ((await gateway.metric('passerelle_messages', 'accepted')) > 0) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Times of creates at a steady rate, straight into an embedded store. */
async function plainCreates(folder: string, rate: number, seconds: number): Promise<number[]> {
  const { endpoint, close } = await openStoreThread({ file: join(folder, 'bare.sqlite') });
  const times: number[] = [];
  const pending: Promise<void>[] = [];
  const start = performance.now();
  const create = async (at: number) => {
    const since = start + (at / rate) * 1000;
    const subject = { reference: `Patient/p${at % PATIENTS}` };
    await endpoint.send({
      method: 'POST',
      path: 'Observation',
      body: saturation(at, new Date().toISOString(), subject),
    });
    times.push(performance.now() - since);
  };
  while (performance.now() - start < seconds * 1000) {
    const due = Math.floor(((performance.now() - start) / 1000) * rate);
    while (pending.length < due) pending.push(create(pending.length));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(pending);
  await close();
  return times;
}
