import { expect, test } from '@jest/globals';
import { fault } from '../../../src/errors.ts';
import type { Settlement } from '../../../src/journal/journal.ts';
import {
  delivered,
  drain,
  handClock,
  ids,
  LEASE,
  newDelivery,
  newMessage,
  type Store,
  withDeliveries,
  withStore,
} from '../store.ts';

export function leaseContract(fresh: () => Promise<Store>): void {
  test('gives a message to the next when its lease runs out, and says that it may have been written', () =>
    withStore(fresh, async (open) => {
      const clock = handClock();
      const journal = await open({ clock });
      const message = newMessage();
      await journal.append(message);
      await journal.claim(1, LEASE);
      clock.advance(LEASE - 1);
      expect(await journal.claim(1, LEASE)).toEqual([]);
      clock.advance(1);
      expect(await journal.claim(1, LEASE)).toMatchObject([{ id: message.id, attempts: 2, ambiguous: true }]);
    }));

  test('lets only the holder of the lease settle', () =>
    withStore(fresh, async (open) => {
      const clock = handClock();
      const journal = await open({ clock });
      const message = newMessage();
      await journal.append(message);
      expect(await journal.settle(message.id, delivered)).toBe(false);
      const [early] = await journal.claim(1, LEASE);
      clock.advance(LEASE);
      const [late] = await journal.claim(1, LEASE);
      const retry: Settlement = { state: 'accepted', faults: [], retryAt: clock.now() };
      expect(await journal.settle(message.id, retry, early.attempts)).toBe(false);
      expect(await journal.settle(message.id, delivered, late.attempts)).toBe(true);
      expect(await journal.settle(message.id, { ...delivered, state: 'dead' }, late.attempts)).toBe(false);
      expect(await journal.get(message.id)).toMatchObject({ state: 'delivered', attempts: 2 });
      expect((await journal.counts()).messages).toMatchObject({ delivered: 1, dead: 0, accepted: 0 });
    }));

  test('keeps a lease as long as the heart beats', () =>
    withStore(fresh, async (open) => {
      const clock = handClock();
      const journal = await open({ clock });
      const message = newMessage();
      await journal.append(message);
      const [claimed] = await journal.claim(1, LEASE);
      for (let beat = 0; beat < 5; beat++) {
        clock.advance(LEASE - 1);
        await journal.heartbeat([message.id, 'unknown'], LEASE);
      }
      expect(await journal.claim(1, LEASE)).toEqual([]);
      expect(await journal.settle(message.id, delivered, claimed.attempts)).toBe(true);
    }));

  test('puts off until the moment named, and rings when it has come', () =>
    withStore(fresh, async (open) => {
      const journal = await open();
      const message = newMessage();
      await journal.append(message);
      await journal.claim(1, LEASE);
      const unreachable = fault('fhir-unreachable');
      await journal.settle(message.id, {
        state: 'accepted',
        faults: [unreachable],
        retryAt: Date.now() + 300,
        ambiguous: true,
      });
      expect(await journal.claim(1, LEASE)).toEqual([]);
      const record = (await journal.get(message.id))!;
      expect(record).toMatchObject({ state: 'accepted', attempts: 1, faults: [{ code: 'fhir-unreachable' }] });
      expect(record.nextAttemptAt! - Date.now()).toBeLessThanOrEqual(300);
      const { promise: due, resolve } = Promise.withResolvers<void>();
      let found: { ambiguous: boolean }[] = [];
      journal.onWork(async () => {
        const claimed = await journal.claim(1, LEASE);
        if (claimed.length === 0) return;
        found = claimed;
        resolve();
      });
      await due;
      expect(found).toMatchObject([{ id: message.id, attempts: 2, ambiguous: true }]);
    }));

  test('leaves room for what is new beside much that is due again', () =>
    withStore(fresh, async (open) => {
      const clock = handClock();
      const journal = await open({ clock });
      const failing = Array.from({ length: 20 }, () => newMessage());
      await Promise.all(failing.map((one) => journal.append(one)));
      for (const one of await journal.claim(20, LEASE)) {
        await journal.settle(one.id, { state: 'accepted', faults: [], retryAt: clock.now() + 1 });
      }
      clock.advance(10);
      const fine = newMessage();
      await journal.append(fine);
      expect(ids(await journal.claim(4, LEASE))).toContain(fine.id);
      expect(await journal.claim(100, LEASE)).toHaveLength(17);
    }));

  test('rings for what is appended', () =>
    withStore(fresh, async (open) => {
      const journal = await open();
      const { promise: rung, resolve } = Promise.withResolvers<void>();
      await journal.claim(1, LEASE);
      const deafen = journal.onWork(resolve);
      await journal.append(newMessage());
      await rung;
      deafen();
      expect(await journal.claim(1, LEASE)).toHaveLength(1);
    }));

  test('releases what the process before had under way', () =>
    withStore(fresh, async (open) => {
      const clock = handClock();
      const journal = await open({ clock });
      const [a1, a2] = [newMessage({ lane: 'a' }), newMessage({ lane: 'a' })];
      await journal.append(a1);
      await journal.append(a2);
      expect(ids(await drain(journal, () => withDeliveries(newDelivery('mail'))))).toEqual(ids([a1, a2]));
      const b = newMessage();
      await journal.append(b);
      await journal.claim(1, LEASE);
      await journal.claimDeliveries('mail', 1, LEASE);
      await journal.close();
      clock.advance(LEASE);
      const next = await open({ clock });
      expect(await next.claim(5, LEASE)).toMatchObject([{ id: b.id, attempts: 2, ambiguous: true }]);
      expect(await next.claimDeliveries('mail', 5, LEASE)).toMatchObject([
        { messageId: a1.id, attempt: 2, ambiguous: true },
      ]);
    }));

  test('gives each slot of a schedule to one caller', () =>
    withStore(fresh, async (open) => {
      const journal = await open();
      const asked = await Promise.all(Array.from({ length: 8 }, () => journal.once('purge', '2026-11-22T03:00')));
      expect(asked.filter(Boolean)).toHaveLength(1);
      expect(await journal.once('purge', '2026-11-23T03:00')).toBe(true);
      expect(await journal.once('other', '2026-11-22T03:00')).toBe(true);
      await journal.close();
      const next = await open();
      expect(await next.once('purge', '2026-11-22T03:00')).toBe(false);
    }));
}
