import { Session } from 'node:inspector';
import { parentPort, workerData } from 'node:worker_threads';
import { mutate, random } from './mutate.ts';

const { name, seed, seconds } = workerData as { name: string; seed: number; seconds: number };
/** So many inputs share one look at the coverage, which costs about as much as a hundred of them. */
const group = 64;
const most = 4000;

const below = random(seed);
const session = new Session();
session.connect();
const command = <T>(method: string, params: object = {}): T => {
  let answer: unknown;
  session.post(method, params, (error, result) => {
    if (error) throw error;
    answer = result;
  });
  return answer as T;
};

command('Profiler.enable');
command('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
// Only what is compiled from here on is watched branch by branch.
const { isRefusal, seedsOf, targets } = await import('./targets.ts');
const target = targets.find((one) => one.name === name)!;

interface Coverage {
  result: { url: string; functions: { ranges: { startOffset: number; endOffset: number; count: number }[] }[] }[];
}

/** By file, which characters of it were run. */
const reached = new Map<string, Uint8Array>();
let covered = 0;

/** How many characters of the sources were run for the first time since the last look. */
function news(): number {
  const before = covered;
  for (const { url, functions } of command<Coverage>('Profiler.takePreciseCoverage').result) {
    if (!url.includes('/src/')) continue;
    const size = functions[0]?.ranges[0]?.endOffset ?? 0;
    const now = new Uint8Array(size);
    // Inner functions and blocks come after what they are in, and say otherwise.
    for (const { ranges } of functions) {
      for (const { startOffset, endOffset, count } of ranges) now.fill(count > 0 ? 1 : 0, startOffset, endOffset);
    }
    const ever = reached.get(url) ?? new Uint8Array(size);
    for (let at = 0; at < size; at++) {
      if (now[at] === 1 && ever[at] === 0) {
        ever[at] = 1;
        covered++;
      }
    }
    reached.set(url, ever);
  }
  return covered - before;
}

/** Shared with the watchman: what is being read, so that it is known when this thread hangs or dies. The count is odd meanwhile. */
function announce(bytes: Uint8Array): void {
  const shared = new Uint8Array(workerData.shared as SharedArrayBuffer);
  const head = new Int32Array(workerData.shared as SharedArrayBuffer, 0, 2);
  shared.set(bytes, 8);
  Atomics.store(head, 1, bytes.length);
  Atomics.add(head, 0, 1);
}

async function run(bytes: Uint8Array): Promise<void> {
  announce(bytes);
  try {
    await target.read(bytes);
  } catch (error) {
    if (!isRefusal(error)) {
      const finding = error instanceof Error ? (error.stack ?? error.message) : String(error);
      parentPort?.postMessage({ kind: 'crash', bytes, finding });
    }
  } finally {
    Atomics.add(new Int32Array(workerData.shared as SharedArrayBuffer, 0, 1), 0, 1);
  }
}

const pool = await seedsOf(target);
// What runs by being loaded is no news.
news();
covered = 0;
for (const bytes of pool) await run(bytes);
news();

let runs = pool.length;
const until = Date.now() + seconds * 1000;
while (Date.now() < until) {
  const made = Array.from({ length: group }, () =>
    // Half of the time from what was found last: there is the edge of the known.
    mutate(
      pool[below(2) ? below(pool.length) : pool.length - 1 - below(Math.min(20, pool.length))]!,
      pool[below(pool.length)]!,
      target.words,
      below,
    ),
  );
  for (const bytes of made) await run(bytes);
  runs += group;
  if (news() > 0 && pool.length < most) pool.push(...made.filter((bytes) => bytes.length < 16_384).slice(0, 8));
}
parentPort?.postMessage({
  kind: 'done',
  runs,
  covered,
  pool: pool.length,
  bytes: process.memoryUsage().heapUsed,
});
