import { parseArgs } from 'node:util';
import { FaultyLine } from './faulty-line.ts';
import { freePorts, GatewayProcess } from './process.ts';
import { type Entry, sendAll } from './sender.ts';

/**
 * Rounds of trouble: a hospital sends, the gateway is killed, its FHIR server is killed or stopped, connections are reset and
 * answers lost; afterwards the hospital's ledger is compared with the FHIR server, resource by resource.
 *
 *     npm run chaos -- --rounds 20 [--seed 1]
 */
const { values } = parseArgs({ options: { rounds: { type: 'string', default: '20' }, seed: { type: 'string' } } });
const rounds = Number(values.rounds);
const seed = Number(values.seed ?? Date.now() % 1_000_000);

const PATIENTS = 4;
const EACH = 6;

const troubles: Record<string, () => Promise<void>> = {
  'gateway killed': () => restart(gateway),
  'FHIR server killed': () => restart(server),
  'FHIR server stopped for a while': async () => {
    server.signal('SIGSTOP');
    await pause(300 + random() * 1500);
    server.signal('SIGCONT');
  },
  'connections reset': () => during('reset'),
  'answers lost after the work': () => during('swallow'),
};

let passed = 0;
let failed = 0;
const random = randomFrom(seed);
const [httpA, mllpA, httpB, mllpB, through] = (await freePorts(5)) as [number, number, number, number, number];
const server = new GatewayProcess([httpB, mllpB]);
await server.start();
const token = await server.token();
const line = new FaultyLine(httpB);
await line.listen(through);
const gateway = new GatewayProcess([httpA, mllpA], {
  fhir: {
    server: `http://127.0.0.1:${through}/fhir/R4`,
    headers: { Authorization: `Bearer ${token}` },
    timeoutSeconds: 2,
  },
  retry: { firstSeconds: 0.05, maxSeconds: 0.5 },
});
await gateway.start();
console.log(`chaos: ${rounds} rounds, seed ${seed}`);

for (let number = 1; number <= rounds; number++) {
  const patients = Array.from({ length: PATIENTS }, (_, index) => index + 1);
  const sending = sendAll(String(number), patients, EACH, mllpA);
  const events = await trouble();
  const ledger = await sending;
  const faults = [...(await drained()), ...(await compare(number, ledger))];
  if (faults.length === 0) passed++;
  else failed++;
  console.log(`${faults.length === 0 ? 'ok  ' : 'FAIL'} round ${number}: ${events.join(', ')}`);
  for (const fault of faults) console.log(`       ${fault} (seed ${seed})`);
}

await gateway.kill();
await server.kill();
await line.close();
for (const one of [gateway, server]) one.remove();
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

/** One to three troubles, one after the other, while the hospital sends. */
async function trouble(): Promise<string[]> {
  const told: string[] = [];
  const kinds = Object.keys(troubles);
  for (let count = 1 + Math.floor(random() * 3); count > 0; count--) {
    await pause(50 + random() * 250);
    const kind = kinds[Math.floor(random() * kinds.length)]!;
    told.push(kind);
    await troubles[kind]!();
  }
  return told;
}

async function during(mode: 'reset' | 'swallow'): Promise<void> {
  line.mode = mode;
  await pause(200 + random() * 600);
  line.mode = 'pass';
}

async function restart(one: GatewayProcess): Promise<void> {
  await one.kill();
  await pause(random() * 300);
  await one.start();
}

/** Everything that was accepted has left the gateway. */
async function drained(): Promise<string[]> {
  const own = `Bearer ${await gateway.token()}`;
  for (let tries = 0; tries < 600; tries++) {
    const answer = await fetch(`${gateway.url}/messages?state=accepted`, { headers: { authorization: own } });
    const { messages } = (await answer.json()) as { messages: unknown[] };
    if (messages.length === 0) return [];
    await pause(50);
  }
  return ['not drained after 30 s'];
}

/** Nothing lost, nothing twice, nothing out of order. */
async function compare(round: number, ledger: Entry[]): Promise<string[]> {
  const faults: string[] = [];
  for (const patient of new Set(ledger.map((one) => one.patient))) {
    const entries = ledger.filter((one) => one.patient === patient);
    if (entries.some((one) => !one.acknowledged)) faults.push(`patient ${patient}: never acknowledged`);
    const found = await search(`Patient?identifier=urn:oid:1.2.250.1.999.3.1|R${round}P${patient}`);
    if (found.length !== 1) faults.push(`patient ${patient}: ${found.length} Patients`);
    const last = String(Math.max(...entries.map((one) => one.sequence))).padStart(10, '0');
    const telephone = JSON.stringify((found[0] as { telecom?: unknown } | undefined)?.telecom ?? []);
    if (!telephone.includes(last)) faults.push(`patient ${patient}: the last message is not what is on the server`);
    for (const { sequence } of entries) {
      const stays = await search(`Encounter?identifier=urn:oid:1.2.250.1.999.3.3|R${round}P${patient}S${sequence}`);
      if (stays.length !== 1) faults.push(`patient ${patient}, stay ${sequence}: ${stays.length} Encounters`);
    }
  }
  return faults;
}

async function search(query: string): Promise<unknown[]> {
  const [path, parameters = ''] = query.split('?');
  const url = `${server.url}/fhir/R4/${path}?${parameters.replace(/=(.*)/, (_, value: string) => `=${encodeURIComponent(value)}`)}`;
  const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
  const { entry = [] } = (await answer.json()) as { entry?: { resource: unknown; search?: { mode: string } }[] };
  return entry.filter((one) => one.search?.mode !== 'outcome').map((one) => one.resource);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A small generator (mulberry32): the same seed makes the same trouble. */
function randomFrom(start: number): () => number {
  let state = start >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
