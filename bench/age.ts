import { cp, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Journal } from '../src/journal/journal.ts';
import { openSqliteJournal } from '../src/journal/sqlite.ts';
import { benchMessage, drainRate, load, median } from './journal-load.ts';
import { type BenchOptions, type BenchResult, type BenchRow, percentile, row } from './result.ts';

const LEASE = 30_000;

/**
 * What age does to the journal: the same work on a journal that holds 1,000,000 messages (20,000 when quick) and on an empty
 * one, in alternating rounds of the same run; questions of the operator; and what a large backlog does to a claim.
 */
export async function run(options: BenchOptions & { stored?: number; behind?: number } = {}): Promise<BenchResult> {
  const { quick = false, progress = () => {} } = options;
  const stored = options.stored ?? (quick ? 20_000 : 1_000_000);
  const behind = options.behind ?? (quick ? 5000 : 100_000);
  const folder = await mkdtemp(join(options.folder ?? tmpdir(), 'bench-age-'));
  const rows: BenchRow[] = [];
  try {
    const old = await opened(join(folder, 'old'));
    progress(`storing ${stored} messages`);
    await store(old, stored);
    const fresh = await opened(join(folder, 'fresh'));
    progress('intake and drain, old and fresh in turn');
    rows.push(...(await rates(old, fresh, quick)));
    rows.push(...(await questions(old)));
    progress(`${behind} messages behind one that is not delivered`);
    rows.push(...(await backlog(old, fresh, behind)));
    await old.close();
    await fresh.close();
    rows.push(await reopening(join(folder, 'old')));
    const { size } = await stat(join(folder, 'old', 'journal.db'));
    rows.push(row('bytes on disk a stored message', size / stored, 'B'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return { bench: 'age', rows, notes: [`${stored} stored messages against an empty journal; ${behind} waiting`] };
}

async function opened(folder: string): Promise<Journal> {
  const journal = openSqliteJournal({ folder, minFreeBytes: 0 });
  await journal.open();
  return journal;
}

async function append(journal: Journal, count: number, lane?: string): Promise<void> {
  for (let left = count; left > 0; left -= 500) {
    const some = Array.from({ length: Math.min(left, 500) }, benchMessage);
    await Promise.all(some.map((one) => journal.append(lane === undefined ? one : { ...one, lane })));
  }
}

async function store(journal: Journal, count: number): Promise<void> {
  for (let left = count; left > 0; left -= 10_000) {
    await append(journal, Math.min(left, 10_000));
    await drainRate(journal);
  }
}

async function rates(old: Journal, fresh: Journal, quick: boolean): Promise<BenchRow[]> {
  const measured: Record<string, { old: number[]; fresh: number[] }> = {};
  const note = (name: string, which: 'old' | 'fresh', rate: number) => {
    measured[name] ??= { old: [], fresh: [] };
    measured[name][which].push(rate);
  };
  const ms = quick ? 200 : 1000;
  for (let round = 0; round < (quick ? 1 : 5); round++) {
    for (const which of ['fresh', 'old'] as const) {
      const journal = which === 'old' ? old : fresh;
      for (const producers of [8, 64]) {
        const { rate } = await load(producers, ms, () => journal.append(benchMessage()));
        note(`append, ${producers} producers`, which, rate);
      }
      note('drain', which, await drainRate(journal));
    }
  }
  return Object.entries(measured).map(([name, of]) =>
    row(`${name}, old journal`, median(of.old), '/s', median(of.fresh), 'empty journal'),
  );
}

async function questions(old: Journal): Promise<BenchRow[]> {
  const timed = async (name: string, ask: () => Promise<unknown>) => {
    const start = performance.now();
    await ask();
    return row(name, performance.now() - start, 'ms');
  };
  const [middle] = (await old.list({ limit: 1000 })).slice(-1);
  return [
    await timed('list of 100', () => old.list({})),
    await timed('list of 100 in state dead (none)', () => old.list({ state: 'dead' })),
    await timed('list of 100 delivered', () => old.list({ state: 'delivered', before: middle.id })),
    await timed('one message', () => old.get(middle.id)),
    await timed('counts', () => old.counts()),
    await timed('unmapped codes', () => old.unmapped()),
  ];
}

/** A claim while one lane is blocked by a message under way, against a claim with nothing else waiting. */
async function backlog(old: Journal, fresh: Journal, behind: number): Promise<BenchRow[]> {
  await append(old, behind, 'a-patient-whose-first-message-is-not-delivered');
  const [head] = await old.claim(1, LEASE * 100);
  const claims = async (journal: Journal) => {
    const times: number[] = [];
    // The first claims put the backlog behind its head, once and for all.
    await append(journal, 1);
    while ((await journal.claim(1, LEASE)).length === 0);
    for (let n = 0; n < 300; n++) {
      await append(journal, 1);
      const start = performance.now();
      const [claimed] = await journal.claim(1, LEASE);
      times.push(performance.now() - start);
      await journal.settle(claimed.id, { state: 'delivered', faults: [], references: [] }, claimed.attempts);
    }
    return percentile(times, 0.5);
  };
  const full = await claims(old);
  const rows = [
    row(`claim with ${behind} waiting behind one, p50`, full, 'ms', await claims(fresh), 'nothing waiting'),
  ];
  await old.settle(head.id, { state: 'delivered', faults: [], references: [] }, head.attempts);
  return rows;
}

/** As after kill -9: opens a copy of the files as they lie there, with the log not yet worked in. */
async function reopening(folder: string): Promise<BenchRow> {
  const journal = await opened(folder);
  await append(journal, 2000);
  await cp(folder, `${folder}-killed`, { recursive: true, filter: (path) => !/shm$|owner/.test(path) });
  await journal.close();
  const start = performance.now();
  const again = await opened(`${folder}-killed`);
  const ms = performance.now() - start;
  await again.close();
  return row('open after kill -9', ms, 'ms');
}
