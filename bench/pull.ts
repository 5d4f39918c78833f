import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent } from 'undici';
import { openStore } from '../src/store/index.ts';
import { fill, member, members, pullOf } from './circles.ts';
import { type GatewayUnderTest, startGateway } from './gateway-process.ts';
import { type HttpFigures, loadHttp } from './http-load.ts';
import { type BenchOptions, type BenchResult, percentile, row } from './result.ts';

const connections = 32;
const BARE = join(import.meta.dirname, 'bare-reader.ts');

/**
 * A general practitioner's pull of a care plan as software makes it: over HTTP, from a gateway in a process of its own. The
 * baseline is a process that answers the same pulls to a machine, without porter and audit.
 */
export async function run(options: BenchOptions = {}): Promise<BenchResult> {
  const folder = mkdtempSync(join(options.folder ?? tmpdir(), 'passerelle-bench-'));
  const patients = options.quick ? 500 : 10_000;
  const requests = options.quick ? 1000 : 10_000;
  options.progress?.(`filling a store with ${patients} patients`);
  const folders = { guarded: join(folder, 'guarded'), bare: join(folder, 'bare') };
  await fillBoth(folders, patients);
  const guarded = await startGateway(folders.guarded);
  const bare = await startGateway(folders.bare, {}, [], BARE);
  const agent = new Agent({ connections });
  try {
    const scope = 'user/*.rs';
    const tokens = new Map([
      [guarded, await guarded.mint({ clientId: 'bench', scope, practitioner: member })],
      [bare, bare.token],
    ]);
    let first = 0;
    const pulls = async (from: GatewayUnderTest, count: number, width: number): Promise<Figures> => {
      const url = (at: number) => `${from.url}/fhir/R4/${pullOf((at * 7) % patients)}`;
      const spent = from.usage().cpuSeconds;
      // None is repeated until all patients had theirs.
      const figures = await loadHttp(agent, { url, token: tokens.get(from), first, count, least: 1000, width });
      return { ...figures, cpu: ((from.usage().cpuSeconds - spent) * 1000) / count };
    };
    for (const from of [bare, guarded]) await pulls(from, requests / 5, connections);
    const turns = async (count: number, width: number): Promise<Turn[]> => {
      options.progress?.(`pulls over ${width} at a time`);
      const taken: Turn[] = [];
      // In turn, so that a minute in which the machine is busy does not fall on one of them.
      for (let turn = 0; turn < 5; turn++) {
        first += count;
        taken.push({ bare: await pulls(bare, count, width), guarded: await pulls(guarded, count, width) });
      }
      return taken;
    };
    const rows = (what: string, unit: string, taken: Turn[], figure: keyof Figures) => {
      const middle = (of: keyof Turn) =>
        percentile(
          taken.map((one) => one[of][figure]),
          0.5,
        );
      return row(what, middle('guarded'), unit, middle('bare'), 'without porter and audit');
    };
    const alone = await turns(requests / 10, 1);
    const together = await turns(requests / 5, connections);
    const added = percentile(
      alone.map((one) => one.guarded.p50 - one.bare.p50),
      0.5,
    );
    return {
      bench: 'pull',
      rows: [
        rows('care-plan pull of a person, 1 connection: p50', 'ms', alone, 'p50'),
        row('added by porter and audit: p50', added, 'ms'),
        rows(`pulls, ${connections} connections`, '/s', together, 'perSecond'),
        rows('processor time of the process for one', 'ms', together, 'cpu'),
      ],
      notes: [`${patients} patients, ${patients * members} memberships; medians of 5 turns`],
    };
  } finally {
    await agent.close();
    await Promise.all([guarded.stop(), bare.stop()]);
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Figures extends HttpFigures {
  /** Milliseconds of processor time a pull. */
  cpu: number;
}

interface Turn {
  bare: Figures;
  guarded: Figures;
}

async function fillBoth(folders: { guarded: string; bare: string }, patients: number): Promise<void> {
  for (const folder of Object.values(folders)) mkdirSync(join(folder, 'data'), { recursive: true });
  const file = join('data', 'fhir.sqlite');
  const store = openStore({ file: join(folders.guarded, file) });
  await fill(store.endpoint, patients);
  await store.close();
  copyFileSync(join(folders.guarded, file), join(folders.bare, file));
}
