import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Delivery, DeliveryOutcome } from '../../src/adapter.ts';
import { fault, PasserelleError } from '../../src/errors.ts';
import type { Journal, Message, Settlement } from '../../src/journal/journal.ts';
import { openSqliteJournal } from '../../src/journal/sqlite.ts';
import { createWorker, type Worker, type WorkerOptions } from '../../src/journal/worker.ts';
import { delivered, newDelivery, newMessage, withDeliveries } from './store.ts';

const down: Settlement = { state: 'accepted', faults: [fault('fhir-unreachable')], retryAt: 0 };
const quick = { failures: 3, firstPauseMs: 20, longestPauseMs: 40 };

let folder: string;
let journal: Journal;
let workers: Worker[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'journal-'));
  journal = openSqliteJournal({ folder, minFreeBytes: 0 });
  await journal.open();
  workers = [];
});

afterEach(async () => {
  for (const worker of workers) await worker.stop(1);
  await journal.close();
  await rm(folder, { recursive: true, force: true });
});

function work(options: Partial<WorkerOptions>): Worker {
  const worker = createWorker({ journal, process: async () => delivered, breaker: quick, ...options });
  workers.push(worker);
  worker.start();
  return worker;
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 2));
}

const isEmpty = async () => (await journal.counts()).messages.accepted === 0;

test('takes what waits and what comes, in the order of the lanes, and tells when it is on disk', async () => {
  const some = Array.from({ length: 500 }, (_, at) => newMessage({ lane: `p${at % 11}` }));
  for (const one of some.slice(0, 250)) await journal.append(one);
  const began: string[] = [];
  const told: string[] = [];
  const process = async (message: Message) => {
    began.push(message.id);
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 3));
    return delivered;
  };
  work({ process, settled: (id) => told.push(id) });
  await Promise.all(some.slice(250).map((one) => journal.append(one)));
  await until(isEmpty);
  await until(() => told.length === 500);
  expect(new Set(told).size).toBe(500);
  for (let lane = 0; lane < 11; lane++) {
    const expected = some.filter((_, at) => at % 11 === lane).map((one) => one.id);
    expect(began.filter((id) => expected.includes(id))).toEqual(expected);
  }
});

test('has no more under way than it may', async () => {
  await Promise.all(Array.from({ length: 60 }, () => journal.append(newMessage())));
  let underWay = 0;
  let most = 0;
  const process = async () => {
    most = Math.max(most, ++underWay);
    await new Promise((resolve) => setTimeout(resolve, 2));
    underWay--;
    return delivered;
  };
  work({ process, concurrency: 3 });
  await until(isEmpty);
  expect(most).toBe(3);
});

test('does not try each message while the other side is down, and loses none', async () => {
  await Promise.all(Array.from({ length: 200 }, () => journal.append(newMessage())));
  let isDown = true;
  let calls = 0;
  const process = async () => {
    calls++;
    return isDown ? down : delivered;
  };
  const since = performance.now();
  const worker = work({ process, concurrency: 8 });
  await until(() => calls > 20);
  expect(worker.status().fhir).toMatchObject({ down: true });
  // At most eight at first, then two a probe, and ten milliseconds at least from one probe to the next.
  expect(calls).toBeLessThanOrEqual(8 + 2 * Math.ceil((performance.now() - since) / 10));
  isDown = false;
  await until(isEmpty);
  expect((await journal.counts()).messages.delivered).toBe(200);
  expect(worker.status().fhir).toMatchObject({ down: false });
});

test('what is held before anything was written does not tell that the other side is back', async () => {
  await Promise.all(Array.from({ length: 100 }, () => journal.append(newMessage())));
  let calls = 0;
  const process = async (): Promise<Settlement> =>
    ++calls % 2 === 0 ? { state: 'quarantined', faults: [], references: [] } : { ...down };
  const worker = work({ process, breaker: { failures: 3, firstPauseMs: 10_000, longestPauseMs: 10_000 } });
  await until(() => worker.status().fhir.down);
  await until(() => worker.status().fhir.underWay === 0);
  expect(calls).toBeLessThan(40);
});

test('a message that is bad in itself holds up only its lane', async () => {
  const bad = newMessage({ lane: 'bad' });
  await journal.append(bad);
  await journal.append(newMessage({ lane: 'bad' }));
  work({ process: async (message) => (message.id === bad.id ? { ...down, retryAt: Date.now() + 5 } : delivered) });
  await until(async () => (await journal.get(bad.id))!.attempts > 6);
  for (let n = 0; n < 20; n++) {
    const message = newMessage();
    await journal.append(message);
    await until(async () => (await journal.get(message.id))!.state === 'delivered');
  }
  expect((await journal.counts()).messages).toMatchObject({ accepted: 2, delivered: 20 });
});

test('what nobody foresaw is tried again, then put with the dead', async () => {
  const message = newMessage();
  await journal.append(message);
  const attempts: boolean[] = [];
  const process = async ({ ambiguous }: Message): Promise<Settlement> => {
    attempts.push(ambiguous);
    throw new Error('a mistake in the program');
  };
  work({ process, retry: { firstSeconds: 0.001, maxSeconds: 0.002 } });
  await until(isEmpty);
  expect(attempts).toEqual([false, ...Array(9).fill(true)]);
  expect(await journal.get(message.id)).toMatchObject({
    state: 'dead',
    attempts: 10,
    faults: [{ code: 'processing-failed' }, { code: 'given-up' }],
  });
});

test('an error that names an unreachable server is waited for', async () => {
  await journal.append(newMessage());
  let calls = 0;
  const process = async () => {
    if (++calls < 15) throw new PasserelleError(fault('fhir-unreachable'));
    return delivered;
  };
  work({ process, retry: { firstSeconds: 0.001, maxSeconds: 0.002 } });
  await until(isEmpty);
  expect((await journal.counts()).messages.delivered).toBe(1);
});

test('each destination has a loop of its own', async () => {
  await Promise.all(Array.from({ length: 30 }, (_, at) => journal.append(newMessage({ lane: `p${at}` }))));
  let mailIsDown = true;
  const sent: string[] = [];
  const deliver = async (delivery: Delivery): Promise<DeliveryOutcome> => {
    if (delivery.destination === 'mail' && mailIsDown)
      return { outcome: 'transient', faults: [fault('fhir-unreachable')] };
    sent.push(delivery.destination);
    return { outcome: 'delivered' };
  };
  work({
    process: async () => withDeliveries(newDelivery('mail'), newDelivery('dmp')),
    deliver,
    destinations: ['mail', 'dmp'],
  });
  await until(() => sent.filter((one) => one === 'dmp').length === 30);
  expect((await journal.counts()).waiting).toMatchObject({ mail: 30 });
  mailIsDown = false;
  await until(() => sent.length === 60);
  await until(async () => Object.values((await journal.counts()).waiting).every((n) => n === 0));
});

test('a delivery is given up when the operator has waited long enough', async () => {
  const message = newMessage();
  await journal.append(message);
  work({
    process: async () => withDeliveries(newDelivery('mail')),
    deliver: async () => ({ outcome: 'transient', faults: [fault('too-large')] }),
    destinations: ['mail'],
    retry: { firstSeconds: 0.001, maxSeconds: 0.002, giveUpHours: 0.05 / 3600 },
  });
  await until(async () => (await journal.counts()).dead.mail === 1);
  const [delivery] = (await journal.get(message.id))!.deliveries;
  expect(delivery.faults.map((one) => one.code)).toEqual(['too-large', 'given-up']);
});

test('tries to settle until the journal can write again', async () => {
  const message = newMessage();
  await journal.append(message);
  let failures = 0;
  const stubborn: Journal = Object.create(journal, {
    settle: {
      value: async (...given: Parameters<Journal['settle']>) => {
        if (++failures < 3) throw new PasserelleError(fault('not-durable'));
        return journal.settle(...given);
      },
    },
  });
  for (const method of ['claim', 'heartbeat', 'onWork'] as const) {
    Object.defineProperty(stubborn, method, { value: (journal[method] as () => unknown).bind(journal) });
  }
  let calls = 0;
  const process = async () => {
    calls++;
    return delivered;
  };
  work({ journal: stubborn, process });
  await until(isEmpty);
  expect([calls, failures]).toEqual([1, 3]);
});

test('stops cleanly: finishes what is under way and takes nothing more', async () => {
  await Promise.all(Array.from({ length: 50 }, () => journal.append(newMessage())));
  let begun = 0;
  const worker = work({
    process: async () => {
      begun++;
      await new Promise((resolve) => setTimeout(resolve, 50));
      return delivered;
    },
    concurrency: 4,
  });
  await until(() => begun > 0);
  expect(await worker.stop()).toBe(0);
  const { messages } = await journal.counts();
  expect(messages.delivered).toBe(begun);
  expect(messages.accepted).toBe(50 - begun);
});

test('does not wait for ever for what does not end', async () => {
  await journal.append(newMessage());
  let begun = false;
  const worker = work({
    process: () => {
      begun = true;
      return new Promise(() => {});
    },
  });
  await until(() => begun);
  expect(await worker.stop(0.05)).toBe(1);
});
