import { parseArgs } from 'node:util';
import { compare } from './compare.ts';
import { sendAll } from './sender.ts';
import { type JournalKind, type Stage, setUp } from './stage.ts';
import { cause, type Random, troublesOf } from './troubles.ts';

/**
 * Rounds of trouble: a hospital and a vendor send, gateways are killed, their FHIR server is killed, stopped or answers
 * nonsense, connections are reset and answers lost, the disk is full, the clock is wrong, the database goes; afterwards the
 * senders' ledger is compared with the FHIR server, resource by resource.
 *
 *     npm run chaos -- [--rounds 20] [--journal sqlite|postgres] [--seed 1]
 *
 * Without a journal half of the rounds are on SQLite, half on PostgreSQL with two gateways. A round that fails says the seed
 * with which the same troubles come again in one round.
 */
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    seed: { type: 'string' },
    journal: { type: 'string' },
  },
});
const rounds = Number(values.rounds);
const seed = Number(values.seed ?? Date.now() % 1_000_000);
if (values.journal !== undefined && values.journal !== 'sqlite' && values.journal !== 'postgres') {
  console.error('--journal is sqlite or postgres');
  process.exit(2);
}

const PATIENTS = 8;
const EACH = 6;

const parts: [JournalKind, number][] =
  values.journal !== undefined
    ? [[values.journal, rounds]]
    : [
        ['sqlite', Math.ceil(rounds / 2)],
        ['postgres', Math.floor(rounds / 2)],
      ];
let passed = 0;
let failed = 0;
for (const [journal, count] of parts) if (count > 0) await play(journal, count);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

async function play(journal: JournalKind, count: number): Promise<void> {
  const stage = await setUp(journal);
  if (!stage) {
    console.log(`SKIPPED: ${count} rounds on ${journal}, there is no server for it here`);
    return;
  }
  console.log(`chaos: ${count} rounds on ${journal}, ${stage.gateways.length} gateway(s), seed ${seed}`);
  for (const { disk } of stage.gateways) if (disk.unavailable) console.log(`no full disks: ${disk.unavailable}`);
  try {
    for (let number = 1; number <= count; number++) await playRound(journal, number, stage);
  } finally {
    await stage.close();
  }
}

async function playRound(journal: JournalKind, number: number, stage: Stage): Promise<void> {
  const own = seed + number - 1;
  const random = randomFrom(own);
  const since = performance.now();
  const sending = sendAll(number, PATIENTS, EACH, stage.ways);
  const events = await cause(troublesOf(stage, random), random);
  const ledger = await sending;
  const faults = [...(await stage.drained(90)), ...(await compare(number, ledger, stage.search))];
  if (faults.length === 0) passed++;
  else failed++;
  const seconds = ((performance.now() - since) / 1000).toFixed(1);
  console.log(
    `${faults.length === 0 ? 'ok  ' : 'FAIL'} ${journal} round ${number}, ${seconds} s: ${events.join(', ')}`,
  );
  for (const fault of faults) console.log(`       ${fault}`);
  if (faults.length > 0) console.log(`       again: npm run chaos -- --rounds 1 --journal ${journal} --seed ${own}`);
}

/** A small generator (mulberry32): the same seed makes the same trouble. */
function randomFrom(start: number): Random {
  let state = start >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
