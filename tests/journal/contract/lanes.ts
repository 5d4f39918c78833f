import { expect, test } from '@jest/globals';
import { fault } from '../../../src/errors.ts';
import { delivered, drain, handClock, ids, LEASE, newMessage, type Store, withStore } from '../store.ts';

export function laneContract(fresh: () => Promise<Store>): void {
  test('hands out the oldest of each lane, the next only when it has left', () =>
    withStore(fresh, async (open) => {
      const journal = await open();
      const [a1, b1, a2, b2, own1, own2] = ['a', 'b', 'a', 'b', '', ''].map((lane) => newMessage({ lane }));
      for (const one of [a1, b1, a2, b2, own1, own2]) await journal.append(one);
      expect(ids(await journal.claim(10, LEASE))).toEqual(ids([a1, b1, own1, own2]));
      expect(await journal.claim(10, LEASE)).toEqual([]);
      await journal.settle(a1.id, { state: 'quarantined', faults: [], references: [] });
      expect(ids(await journal.claim(10, LEASE))).toEqual([a2.id]);
      await journal.settle(b1.id, {
        state: 'accepted',
        faults: [fault('fhir-unreachable')],
        retryAt: Date.now() + 60_000,
      });
      expect(await journal.claim(10, LEASE)).toEqual([]);
    }));

  test('keeps the order of the calls, whatever the size', () =>
    withStore(fresh, async (open) => {
      const journal = await open();
      const sizes = [200_000, 10, 100_000, 10, 10];
      const some = sizes.map((size) => newMessage({ lane: 'a', text: 'x'.repeat(size) }));
      await Promise.all(some.map((one) => journal.append(one)));
      expect(ids(await drain(journal))).toEqual(ids(some));
    }));

  test('keeps the order of a lane with many workers at a time', () =>
    withStore(fresh, async (open) => {
      const journal = await open();
      const some = Array.from({ length: 300 }, (_, at) => newMessage({ lane: `lane-${at % 7}` }));
      await Promise.all(some.map((one) => journal.append(one)));
      const ended: string[] = [];
      const worker = async () => {
        while (ended.length < some.length) {
          for (const one of await journal.claim(3, LEASE)) {
            await new Promise((resolve) => setTimeout(resolve, Math.random() * 3));
            ended.push(one.id);
            await journal.settle(one.id, delivered, one.attempts);
          }
          await new Promise(setImmediate);
        }
      };
      await Promise.all([1, 2, 3, 4, 5].map(worker));
      for (let lane = 0; lane < 7; lane++) {
        const expected = some.filter((_, at) => at % 7 === lane).map((one) => one.id);
        expect(ended.filter((id) => expected.includes(id))).toEqual(expected);
      }
    }));

  test('is not held up by 3,000 messages behind one', () =>
    withStore(fresh, async (open) => {
      const journal = await open();
      const behind = Array.from({ length: 3000 }, () => newMessage({ lane: 'busy' }));
      await Promise.all(behind.map((one) => journal.append(one)));
      const other = newMessage({ lane: 'other' });
      await journal.append(other);
      expect(ids(await journal.claim(1, LEASE))).toEqual([behind[0].id]);
      let rung = false;
      journal.onWork(() => {
        rung = true;
      });
      let found = await journal.claim(1, LEASE);
      while (found.length === 0) {
        await until(() => rung);
        rung = false;
        found = await journal.claim(1, LEASE);
      }
      expect(ids(found)).toEqual([other.id]);
    }));

  test('makes one row of two lanes that are tied', () =>
    withStore(fresh, async (open) => {
      const journal = await open();
      const [a1, b1, a2, b2] = ['a', 'b', 'a', 'b'].map((lane) => newMessage({ lane }));
      for (const one of [a1, b1, a2, b2]) await journal.append(one);
      await journal.tieLanes('b', 'a');
      const b3 = newMessage({ lane: 'b' });
      await journal.append(b3);
      expect(ids(await journal.claim(10, LEASE))).toEqual([a1.id]);
      await journal.settle(a1.id, delivered);
      expect(ids(await drain(journal))).toEqual(ids([b1, a2, b2, b3]));
      await journal.tieLanes('a', 'b');
      expect(ids(await drain(journal))).toEqual([]);
    }));

  test('waits for both when two lanes are tied while each has one under way', () =>
    withStore(fresh, async (open) => {
      const journal = await open();
      const [a1, b1, a2] = ['a', 'b', 'a'].map((lane) => newMessage({ lane }));
      for (const one of [a1, b1, a2]) await journal.append(one);
      expect(ids(await journal.claim(10, LEASE))).toEqual(ids([a1, b1]));
      await journal.tieLanes('a', 'b');
      await journal.settle(a1.id, delivered);
      expect(await journal.claim(10, LEASE)).toEqual([]);
      await journal.settle(b1.id, delivered);
      expect(ids(await journal.claim(10, LEASE))).toEqual([a2.id]);
    }));

  test('ties chains of lanes: a merge of merges is one row', () =>
    withStore(fresh, async (open) => {
      const journal = await open();
      await journal.tieLanes('a', 'b');
      await journal.tieLanes('c', 'd');
      await journal.tieLanes('b', 'd');
      await journal.tieLanes('d', 'a');
      const some = ['a', 'c', 'd', 'b'].map((lane) => newMessage({ lane }));
      for (const one of some) await journal.append(one);
      expect(ids(await journal.claim(10, LEASE))).toEqual([some[0].id]);
      await journal.settle(some[0].id, delivered);
      expect(ids(await drain(journal))).toEqual(ids(some.slice(1)));
    }));

  test('keeps order and pauses when the clock goes back an hour', () =>
    withStore(fresh, async (open) => {
      const clock = handClock();
      const journal = await open({ clock });
      const [first, second] = [
        newMessage({ lane: 'a' }),
        newMessage({ lane: 'a', receivedAt: Date.now() - 3_600_000 }),
      ];
      await journal.append(first);
      await journal.append(second);
      await journal.claim(1, LEASE);
      const retryAt = clock.now() + 40_000;
      await journal.settle(first.id, { state: 'accepted', faults: [], retryAt });
      await journal.close();
      const back = handClock(clock.now() - 3_600_000);
      const earlier = await open({ clock: back });
      expect(await drain(earlier)).toEqual([]);
      back.advance(60_001);
      expect(ids(await drain(earlier))).toEqual(ids([first, second]));
    }));
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}
