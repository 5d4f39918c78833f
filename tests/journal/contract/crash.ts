import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { drain, handClock, LEASE, type Store, withStore } from '../store.ts';

const appender = fileURLToPath(new URL('../appender.ts', import.meta.url));

/** What the process that was killed had promised. */
interface Promised {
  acknowledged: { id: string; lane: string }[];
  began: { id: string; lane: string }[];
  ended: string[];
}

/** Lets a gateway run on the store for some milliseconds after it is ready, then kills it where it stands. */
export async function runAndKill(store: Store, name: string, ms: number): Promise<Promised> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', appender, name, ...store.address], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  const ready = new Promise<void>((resolve, reject) => {
    child.on('exit', (code) => code !== null && reject(new Error(`the gateway ended by itself, exit code ${code}`)));
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (output.startsWith('ready\n')) resolve();
    });
  });
  await ready;
  await new Promise((resolve) => setTimeout(resolve, ms));
  child.kill('SIGKILL');
  await once(child.stdout, 'close');
  const lines = output.slice(0, output.lastIndexOf('\n')).split('\n');
  const of = (kind: string) => lines.map((line) => line.split(' ')).filter(([first]) => first === kind);
  return {
    acknowledged: of('a').map(([, id, lane]) => ({ id, lane })),
    began: of('b').map(([, id, lane]) => ({ id, lane })),
    ended: of('e').map(([, id]) => id),
  };
}

export function crashContract(fresh: () => Promise<Store>): void {
  test('loses nothing acknowledged, ends nothing twice and keeps the order of lanes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 5, max: 250 }), { minLength: 2, maxLength: 3 }), (times) =>
        withStore(fresh, async (open, store) => {
          const promised: Promised = { acknowledged: [], began: [], ended: [] };
          for (const [at, ms] of times.entries()) {
            const one = await runAndKill(store, `run${at}`, ms);
            for (const kind of ['acknowledged', 'began', 'ended'] as const)
              promised[kind].push(...(one[kind] as never[]));
          }
          const journal = await open({ clock: handClock(Date.now() + 10 * LEASE) });
          for (const { id } of promised.acknowledged) expect([id, (await journal.get(id))?.id]).toEqual([id, id]);
          for (const id of promised.ended) expect((await journal.get(id))?.state).toBe('delivered');
          expect(new Set(promised.ended).size).toBe(promised.ended.length);
          const rest = await drain(journal);
          expect(rest.filter(({ id }) => promised.ended.includes(id))).toEqual([]);
          expectOrder([...promised.began, ...rest], promised.acknowledged);
          const { messages } = await journal.counts();
          expect(messages.delivered).toBeGreaterThanOrEqual(promised.acknowledged.length);
          expect(messages.accepted).toBe(0);
        }),
      ),
      { numRuns: 4 },
    );
  }, 120_000);
}

/** Each lane begins its messages in the order in which they were acknowledged; one that was cut short begins again. */
function expectOrder(began: { id: string; lane: string }[], acknowledged: { id: string; lane: string }[]): void {
  const order = new Map(acknowledged.map(({ id }, at) => [id, at]));
  const last = new Map<string, number>();
  for (const { id, lane } of began) {
    const at = order.get(id);
    if (at === undefined) continue;
    expect(at).toBeGreaterThanOrEqual(last.get(lane) ?? -1);
    last.set(lane, at);
  }
}
