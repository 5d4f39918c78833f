import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { targets } from './targets.ts';

/**
 * Coverage-guided fuzzing of every reader of bytes from outside:
 * `npm run fuzz -- [--seconds 30] [--target hl7v2] [--seed 1]`. What makes a reader throw, take more than a second of processor time
 * or 512 MB is printed and kept in `corpus/`, from where every later run begins. Ends with `N passed, N failed`.
 */
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '30' },
    target: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const seconds = Number(values.seconds);
const seed = Number(values.seed);
const longest = 1 << 20;
/** Milliseconds of processor time after which a reader hangs: how busy the machine is otherwise does not count. */
const patience = Number(process.env.FUZZ_PATIENCE_MS ?? 1000);
/** Whoever waits for what never comes uses no processor time. */
const longestWait = 60_000;

interface Report {
  runs: number;
  covered: number;
  pool: number;
}

const chosen = targets.filter(({ name }) => values.target === undefined || name === values.target);
if (chosen.length === 0) {
  console.error(`--target: one of ${targets.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}
let failed = 0;
console.log(`seed ${seed}`);
for (const { name } of chosen) {
  const { report, most, findings } = await fuzz(name);
  failed += findings.size > 0 ? 1 : 0;
  const figures = report
    ? `${report.runs} inputs, ${report.covered} characters of code reached, ${report.pool} kept, longest ${Math.round(most)} ms`
    : 'ended early';
  console.log(`${findings.size === 0 ? 'ok  ' : 'FAIL'} ${name}: ${figures}`);
  for (const [what, bytes] of findings) {
    const file = `${name}-${createHash('sha256').update(bytes).digest('hex').slice(0, 12)}`;
    writeFileSync(join(import.meta.dirname, 'corpus', file), bytes);
    console.log(`     ${what}\n     input kept as tests/fuzz/corpus/${file}; seed ${seed}`);
  }
}
console.log(`${chosen.length - failed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);

/** One reader in a thread of its own, watched from here: a hang cannot watch itself. */
async function fuzz(name: string): Promise<{ report?: Report; most: number; findings: Map<string, Uint8Array> }> {
  const findings = new Map<string, Uint8Array>();
  const shared = new SharedArrayBuffer(longest + 8);
  const head = new Int32Array(shared, 0, 2);
  const input = () => new Uint8Array(shared.slice(8, 8 + Atomics.load(head, 1)));
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData: { name, seed, seconds, shared },
    resourceLimits: { maxOldGenerationSizeMb: 512 },
  });
  let report: Report | undefined;
  worker.on('message', (message) => {
    if (message.kind === 'done') report = message;
    // The same stack is the same finding.
    else if (findings.size < 20) findings.set(message.finding.split('\n').slice(0, 3).join(' '), message.bytes);
  });
  let last = 0;
  let since = process.cpuUsage();
  let at = Date.now();
  let most = 0;
  const watch = setInterval(() => {
    const now = Atomics.load(head, 0);
    // Even: between two inputs, where the worker looks at the coverage.
    if (now !== last || now % 2 === 0) [since, at] = [process.cpuUsage(), Date.now()];
    last = now;
    // Of the whole process, in which little else is done: the garbage of a reader is its own.
    const { user, system } = process.cpuUsage(since);
    const spent = (user + system) / 1000;
    most = Math.max(most, spent);
    if (report || (spent < patience && Date.now() - at < longestWait)) return;
    findings.set(`more than ${patience} ms of processor time, or ${longestWait} ms of waiting`, input());
    void worker.terminate();
  }, 20);
  await new Promise<void>((resolve) => {
    worker.once('error', (error) => findings.set(String(error), input()));
    worker.once('exit', () => resolve());
  });
  clearInterval(watch);
  return { report, most, findings };
}
