import { expect, test } from '@jest/globals';
import type { UnmappedCode } from '../../../src/conversion.ts';
import { fault } from '../../../src/errors.ts';
import type { Settlement } from '../../../src/journal/journal.ts';
import type { MessageState } from '../../../src/message.ts';
import {
  delivered,
  drain,
  ids,
  LEASE,
  newDelivery,
  newMessage,
  type Store,
  withDeliveries,
  withStore,
} from '../store.ts';

const DAY = 86_400_000;

export function recordContract(fresh: () => Promise<Store>): void {
  test('shows a message with all that became of it', () =>
    withStore(fresh, async (open) => {
      const journal = await open();
      const message = newMessage({ lane: 'p', text: 'abc' });
      await journal.append(message);
      await journal.claim(1, LEASE);
      const response = {
        status: 201,
        headers: { location: 'Patient/7/_history/1' },
        body: { resourceType: 'Patient' },
      };
      const end: Settlement = { ...delivered, faults: [fault('code-unmapped')], maps: { adt: 'v1' }, response };
      await journal.settle(message.id, end, 1);
      const record = (await journal.get(message.id))!;
      expect(record.settledAt).toBeGreaterThan(0);
      expect({ ...record, settledAt: 0 }).toEqual({
        id: message.id,
        door: 'mllp',
        sender: 'HOSPITAL',
        kind: 'ADT^A08',
        state: 'delivered',
        lane: 'p',
        receivedAt: message.receivedAt,
        settledAt: 0,
        attempts: 1,
        size: 3,
        format: 'hl7v2',
        faults: end.faults,
        references: ['Patient/1'],
        maps: { adt: 'v1' },
        response,
        deliveries: [],
      });
      expect(await journal.get('00000000-0000-7000-8000-000000000000')).toBeUndefined();
      expect(await journal.bytes('00000000-0000-7000-8000-000000000000')).toBeUndefined();
    }));

  test('names the client that sent a message, beside the sender that the message names', () =>
    withStore(fresh, async (open) => {
      const journal = await open();
      const message = newMessage();
      await journal.append({ ...message, incoming: { ...message.incoming, sender: 'client-1' } });
      expect(await journal.get(message.id)).toMatchObject({ client: 'client-1', sender: 'HOSPITAL' });
    }));

  test('lists newest first, by state, page after page', () =>
    withStore(fresh, async (open) => {
      const journal = await open();
      const states: MessageState[] = ['accepted', 'refused', 'quarantined'];
      const some = Array.from({ length: 30 }, (_, at) => newMessage({ state: states[at % 3] }));
      for (const one of some) await journal.append(one);
      const newest = some.toReversed();
      expect(ids(await journal.list({}))).toEqual(ids(newest));
      const pages: string[] = [];
      for (let before: string | undefined; ; before = pages.at(-1)) {
        const page = await journal.list({ limit: 7, before });
        if (page.length === 0) break;
        pages.push(...ids(page));
      }
      expect(pages).toEqual(ids(newest));
      await journal.claim(1, LEASE);
      await journal.settle(some[0].id, delivered);
      for (const state of [...states, 'delivered', 'dead'] as const) {
        const expected = newest.filter((one) => (one.id === some[0].id ? 'delivered' : one.state) === state);
        expect(ids(await journal.list({ state }))).toEqual(ids(expected));
        const half = await journal.list({ state, limit: 3, before: expected[1]?.id ?? some[0].id });
        expect(ids(half)).toEqual(ids(expected.slice(2, 5)));
      }
      expect(await journal.list({ before: 'unknown' })).toEqual([]);
      expect(await journal.list({ limit: 0 })).toEqual([]);
    }));

  test('counts from what is stored, and says how long the oldest has waited', () =>
    withStore(fresh, async (open) => {
      const journal = await open();
      expect(await journal.counts()).toEqual({
        messages: { accepted: 0, delivered: 0, quarantined: 0, refused: 0, dead: 0 },
        waiting: {},
        dead: {},
        oldestWaitingSeconds: 0,
        oldestSeconds: {},
      });
      await journal.append(newMessage({ receivedAt: Date.now() - 90_000 }));
      await journal.append(newMessage());
      expect((await journal.counts()).oldestWaitingSeconds).toBeGreaterThanOrEqual(90);
      expect((await journal.counts()).oldestWaitingSeconds).toBeLessThan(150);
      expect(Object.keys((await journal.counts()).oldestSeconds)).toEqual(['fhir']);
      await drain(journal, () => withDeliveries(newDelivery('mail')));
      expect((await journal.counts()).oldestSeconds).toEqual({ mail: expect.any(Number) });
      await journal.close();
      const later = await open();
      expect((await later.counts()).messages).toMatchObject({ accepted: 0, delivered: 2 });
      expect((await later.counts()).oldestWaitingSeconds).toBeLessThan(60);
    }));

  test('counts unmapped codes by message, and takes them back when a replay found their map', () =>
    withStore(fresh, async (open) => {
      const journal = await open();
      const glucose: UnmappedCode = {
        code: 'GLU',
        system: 'urn:lab',
        display: 'Glucose',
        table: 'lab',
        place: 'OBX[1]-3',
      };
      const other: UnmappedCode = { code: 'X', table: 'lab', place: 'OBX[2]-3' };
      const [one, two] = [newMessage({ sender: 'A' }), newMessage({ sender: 'A' })];
      await journal.append(one);
      await drain(journal, () => ({ ...delivered, unmapped: [glucose, other, { ...glucose, place: 'OBX[3]-3' }] }));
      await journal.append(two);
      await drain(journal, () => ({ ...delivered, unmapped: [glucose] }));
      expect(await journal.unmapped()).toEqual([
        { ...glucose, sender: 'A', count: 2, lastMessageId: two.id },
        { ...other, sender: 'A', count: 1, lastMessageId: one.id },
      ]);
      await journal.replay({ ids: [one.id] });
      await drain(journal);
      expect(await journal.unmapped()).toEqual([{ ...glucose, sender: 'A', count: 1, lastMessageId: two.id }]);
      await journal.purge(Date.now() + DAY, ['delivered']);
      expect(await journal.unmapped()).toEqual([]);
    }));

  test('replays by id and by state, each message once', () =>
    withStore(fresh, async (open) => {
      const journal = await open();
      const some = Array.from({ length: 12 }, (_, at) => newMessage({ lane: `l${at % 3}` }));
      for (const one of some) await journal.append(one);
      await drain(journal, () => ({ state: 'dead', faults: [fault('too-large')], references: [] }));
      expect(await journal.replay({ ids: [some[3].id, some[3].id, 'unknown'] })).toBe(1);
      expect(await journal.replay({ ids: [some[3].id] })).toBe(0);
      expect(await journal.get(some[3].id)).toMatchObject({ state: 'accepted', faults: [] });
      expect(await journal.replay({ state: 'dead' })).toBe(11);
      expect(await journal.replay({ state: 'dead' })).toBe(0);
      expect(await journal.replay({ state: 'accepted' })).toBe(0);
      const order = ids(await drain(journal));
      expect(order.filter((id) => ids(some.filter((_, at) => at % 3 === 0)).includes(id))).toEqual(
        ids(some.filter((_, at) => at % 3 === 0)),
      );
      expect((await journal.counts()).messages).toMatchObject({ accepted: 0, dead: 0, delivered: 12 });
      expect(await journal.replay({ state: 'delivered' })).toBe(12);
      expect((await journal.claim(100, LEASE))[0]).toMatchObject({ attempts: 3 });
    }));

  test('puts a replayed message before what waits in its lane, but not before what is under way', () =>
    withStore(fresh, async (open) => {
      const journal = await open();
      const [first, second, third] = ['a', 'a', 'a'].map((lane) => newMessage({ lane }));
      await journal.append(first);
      await drain(journal);
      await journal.append(second);
      await journal.append(third);
      await journal.claim(1, LEASE);
      await journal.replay({ ids: [first.id] });
      expect(await journal.claim(10, LEASE)).toEqual([]);
      await journal.settle(second.id, delivered);
      expect(ids(await drain(journal))).toEqual(ids([first, third]));
    }));

  test('purges what is old and ended, and nothing that waits', () =>
    withStore(fresh, async (open) => {
      const journal = await open();
      const old = Date.now() - 100 * DAY;
      const [waiting, ended, pending, dead, young] = [old, old, old, old, Date.now()].map((receivedAt) =>
        newMessage({ receivedAt, dedupeKey: `k${Math.random()}` }),
      );
      for (const one of [ended, pending, dead, young]) await journal.append(one);
      const ends: Settlement[] = [
        delivered,
        withDeliveries(newDelivery('mail')),
        { ...delivered, state: 'dead' },
        delivered,
      ];
      for (const [at, one] of (await journal.claim(10, LEASE)).entries()) await journal.settle(one.id, ends[at]);
      await journal.append(waiting);
      expect(await journal.purge(Date.now() - 90 * DAY, ['delivered', 'accepted'])).toBe(1);
      expect(await journal.get(ended.id)).toBeUndefined();
      expect(ids(await journal.list({}))).toEqual(ids([waiting, young, dead, pending]));
      expect((await journal.append(newMessage({ dedupeKey: ended.dedupeKey }))).duplicate).toBe(false);
      expect(await journal.purge(Date.now() - 90 * DAY, ['dead'], 'bytes')).toBe(1);
      expect(await journal.bytes(dead.id)).toBeUndefined();
      expect(await journal.replay({ ids: [dead.id] })).toBe(0);
      const [delivery] = await journal.claimDeliveries('mail', 1, LEASE);
      await journal.settleDelivery(delivery.id, { outcome: 'permanent', faults: [] });
      expect(await journal.purge(Date.now() - 90 * DAY, ['delivered', 'dead'])).toBe(2);
      expect(await journal.counts()).toMatchObject({ messages: { accepted: 2, delivered: 1, dead: 0 }, dead: {} });
    }));
}
