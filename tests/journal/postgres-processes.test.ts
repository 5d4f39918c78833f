import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import { loadConfig } from '../../src/config.ts';
import { schedule } from '../../src/gateway/schedule.ts';
import { createLocks } from '../../src/identity/index.ts';
import type { Journal, Message } from '../../src/journal/journal.ts';
import { openPostgresJournal } from '../../src/journal/postgres.ts';
import { createWorker } from '../../src/journal/worker.ts';
import { createLog } from '../../src/log.ts';
import { runAndKill } from './contract/crash.ts';
import { postgresServer } from './postgres-server.ts';
import { delivered, drain, handClock, ids, LEASE, newMessage, type Store } from './store.ts';

const appender = fileURLToPath(new URL('./appender.ts', import.meta.url));
const server = await postgresServer();
const opened: Journal[] = [];
const config = loadConfig({ environment: {}, cwd: import.meta.dirname }).config!;
const log = createLog({ level: 'error' });

afterEach(async () => {
  for (const journal of opened.splice(0)) await journal.close();
});

afterAll(() => server?.dispose());

let schemas = 0;
let schema: string;

async function open(options: { clock?: ReturnType<typeof handClock>; fresh?: boolean } = {}): Promise<Journal> {
  if (options.fresh) schema = `several_${process.pid}_${++schemas}`;
  const journal = openPostgresJournal({ url: server!.url, schema, clock: options.clock });
  await journal.open();
  opened.push(journal);
  return journal;
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
}

const several = () => {
  test('share the work of one journal, and keep the order of each patient', async () => {
    const journals = [await open({ fresh: true }), await open(), await open()];
    const some = Array.from({ length: 400 }, (_, at) => newMessage({ lane: `p${at % 9}` }));
    const began: { id: string; by: number }[] = [];
    const workers = journals.map((journal, by) =>
      createWorker({
        journal,
        concurrency: 4,
        process: async ({ id }) => {
          began.push({ id, by });
          await new Promise((resolve) => setTimeout(resolve, Math.random() * 4));
          return delivered;
        },
      }),
    );
    for (const worker of workers) worker.start();
    // One after the other for each patient, through whichever process comes next: only then is there an order to keep.
    const lane = async (at: number) => {
      for (const [n, one] of some.filter((_, index) => index % 9 === at).entries())
        await journals[(at + n) % 3].append(one);
    };
    await Promise.all(Array.from({ length: 9 }, (_, at) => lane(at)));
    await until(async () => (await journals[0].counts()).messages.delivered === some.length);
    for (const worker of workers) expect(await worker.stop()).toBe(0);
    expect(began).toHaveLength(some.length);
    expect(new Set(began.map(({ by }) => by)).size).toBe(3);
    for (let at = 0; at < 9; at++) {
      const expected = ids(some.filter((_, index) => index % 9 === at));
      expect(began.map(({ id }) => id).filter((id) => expected.includes(id))).toEqual(expected);
    }
  });

  test('know each other’s duplicates, also when they come at the same moment', async () => {
    const journals = [await open({ fresh: true }), await open()];
    const keys = Array.from({ length: 60 }, (_, at) => `key-${at}`);
    const answers = await Promise.all(
      journals.flatMap((journal, at) =>
        (at === 0 ? keys : keys.toReversed()).map((dedupeKey) => journal.append(newMessage({ dedupeKey }))),
      ),
    );
    expect(answers.filter(({ duplicate }) => duplicate)).toHaveLength(60);
    expect(new Set(ids(answers)).size).toBe(60);
    expect((await journals[0].counts()).messages.accepted).toBe(60);
  });

  test('hear of each other’s messages without asking', async () => {
    const [one, other] = [await open({ fresh: true }), await open()];
    await new Promise((resolve) => setTimeout(resolve, 50));
    const rung = new Promise<void>((resolve) => {
      other.onWork(resolve);
    });
    const message = newMessage();
    await one.append(message);
    await rung;
    expect(ids(await other.claim(5, LEASE))).toEqual([message.id]);
    expect(await one.claim(5, LEASE)).toEqual([]);
    expect(await one.settle(message.id, delivered, 1)).toBe(false);
    expect(await other.settle(message.id, delivered, 1)).toBe(true);
  });

  test('run scheduled work once', async () => {
    const journals = [await open({ fresh: true }), await open(), await open()];
    for (const slot of ['03:00', '04:00']) {
      const asked = await Promise.all(journals.map((journal) => journal.once('purge', slot)));
      expect(asked.filter(Boolean)).toHaveLength(1);
    }
  });

  test('a line of the clockwork runs once for each moment, whoever’s event loop is late', async () => {
    const runs: number[] = [];
    const slots = new Set<string>();
    const journals = [await open({ fresh: true }), await open(), await open()];
    const stops = journals.map((journal, at) => {
      const noted: Journal = Object.assign(Object.create(journal), {
        once: async (name: string, slot: string) => {
          slots.add(slot);
          await new Promise((resolve) => setTimeout(resolve, 300 * at));
          return journal.once(name, slot);
        },
      });
      const door = { name: 'mail', poll: '* * * * * *', door: { poll: async () => void runs.push(at) } };
      return schedule(config, noted, {} as never, [door as never], log);
    });
    await until(() => slots.size >= 3);
    for (const clockwork of stops) clockwork.stop();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(runs).toHaveLength(slots.size);
  });

  test('one that is killed while others work loses nothing', async () => {
    const clock = handClock(Date.now() + 10 * LEASE);
    await open({ fresh: true });
    const store: Store = {
      journal: () => opened[0],
      address: ['postgres', server!.url, schema],
      dispose: async () => {},
    };
    const runs = await Promise.all([
      runAndKill(store, 'one', 300),
      runAndKill(store, 'two', 700),
      runAndKill(store, 'three', 500),
    ]);
    const journal = await open({ clock });
    const acknowledged = runs.flatMap((run) => run.acknowledged);
    for (const { id } of acknowledged) expect([id, (await journal.get(id))?.id]).toEqual([id, id]);
    const ended = runs.flatMap((run) => run.ended);
    expect(new Set(ended).size).toBe(ended.length);
    const rest = ids(await drain(journal));
    expect(rest.filter((id) => ended.includes(id))).toEqual([]);
    expect((await journal.counts()).messages.accepted).toBe(0);
  });

  test('what one had in its hands when it ended is free long before its leases end', async () => {
    const [one, other] = [await open({ fresh: true }), await open()];
    const message = newMessage({ lane: 'patient' });
    const next = newMessage({ lane: 'patient' });
    for (const each of [message, next]) await one.append(each);
    expect(ids(await one.claim(5, 3_600_000))).toEqual([message.id]);
    expect(await other.claim(5, LEASE)).toEqual([]);
    await one.close();
    let claimed: Message[] = [];
    await until(async () => {
      claimed = await other.claim(5, LEASE);
      return claimed.length > 0;
    });
    expect(claimed).toMatchObject([{ id: message.id, attempts: 2, ambiguous: true }]);
  });

  test('one patient is worked on by one of them, until it is done or gone', async () => {
    const [one, other] = [await open({ fresh: true }), await open()];
    const locks = [one, other].map((journal) => createLocks((keys) => journal.reserve(keys)));
    const busy = new Set<string>();
    const overlaps: string[] = [];
    const work = (keys: string[]) => async () => {
      for (const key of keys) {
        if (busy.has(key)) overlaps.push(key);
        busy.add(key);
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
      for (const key of keys) busy.delete(key);
    };
    const all = Array.from({ length: 60 }, (_, n) => [`ins-${n % 4}`, `local-${n % 6}`]);
    await Promise.all(all.flatMap((keys) => locks.map((each) => each.within(keys, work(keys)))));
    expect(overlaps).toEqual([]);
    await one.reserve(['ins-1', 'ins-2']);
    const waiting = other.reserve(['ins-2', 'ins-3']);
    expect(await Promise.race([waiting, new Promise((resolve) => setTimeout(resolve, 200, 'waits'))])).toBe('waits');
    await one.close();
    (await waiting)();
  });

  test('one that is paused in the middle of its work does not stop the others', async () => {
    const journal = await open({ fresh: true });
    const script = ['--disable-warning=ExperimentalWarning', appender, 'paused', 'postgres', server!.url, schema];
    const child = spawn(process.execPath, script, { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    await new Promise((resolve) => setTimeout(resolve, 200));
    child.kill('SIGSTOP');
    child.stdout.resume();
    const message = newMessage();
    await journal.append(message);
    const claimed: string[] = [];
    await until(async () => {
      for (const one of await journal.claim(50, LEASE)) {
        claimed.push(one.id);
        await journal.settle(one.id, delivered, one.attempts);
      }
      return claimed.includes(message.id);
    });
    child.kill('SIGKILL');
    await once(child, 'exit');
  });

  const ownServer = process.env.PASSERELLE_TEST_POSTGRES ? test.skip : test;
  ownServer(
    'refuse while the database is gone, and go on when it is back',
    async () => {
      const journal = await open({ fresh: true });
      const before = newMessage();
      await journal.append(before);
      const began: string[] = [];
      const process = async ({ id }: { id: string }) => {
        began.push(id);
        return delivered;
      };
      await server!.stop('SIGKILL');
      await expect(journal.append(newMessage())).rejects.toMatchObject({ faults: [{ code: 'not-durable' }] });
      expect(journal.obstacles()).toMatchObject([{ code: 'not-durable' }]);
      const worker = createWorker({ journal, process });
      worker.start();
      await server!.start();
      await until(() => journal.obstacles().length === 0);
      const after = newMessage();
      await journal.append(after);
      await until(async () => (await journal.counts()).messages.delivered === 2);
      expect(began).toEqual(ids([before, after]));
      expect(await worker.stop()).toBe(0);
    },
    60_000,
  );

  test('a database that cannot be reached says so when it is opened, without its password', async () => {
    const nowhere = openPostgresJournal({ url: 'postgres://user:secret@127.0.0.1:1/none' });
    const error = await nowhere.open().catch((caught) => caught);
    expect(error).toMatchObject({
      faults: [{ code: 'journal-unusable', params: { where: 'postgres://127.0.0.1:1/none' } }],
    });
    expect(error.message).not.toContain('secret');
  });
};

if (server) describe('several processes', several);
else test.skip('several processes on PostgreSQL: SKIPPED, no server can be started here', () => {});
