import { randomBytes } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { fault } from '../../../src/errors.ts';
import {
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

export function deliveryContract(fresh: () => Promise<Store>): void {
  test('enters deliveries with the end of their message, payloads byte for byte', () =>
    withStore(fresh, async (open) => {
      const journal = await open();
      const message = newMessage();
      await journal.append(message);
      const pdf = randomBytes(150_000);
      const payload = {
        subject: 'Compte rendu',
        parts: [{ name: 'a.pdf', bytes: new Uint8Array(pdf) }],
        n: 1,
        none: null,
      };
      const delivery = newDelivery('mail', { payload });
      await journal.claim(1, LEASE);
      await journal.settle(message.id, withDeliveries(delivery, newDelivery('mail', { payload: [1, 'two'] })));
      const claimed = await journal.claimDeliveries('mail', 10, LEASE);
      expect(claimed).toMatchObject([
        { id: delivery.id, messageId: message.id, destination: 'mail', kind: 'mail', attempt: 1 },
      ]);
      const got = claimed[0].payload as typeof payload;
      expect(Buffer.from(got.parts[0].bytes).equals(pdf)).toBe(true);
      expect({ ...got, parts: undefined }).toEqual({ ...payload, parts: undefined });
      await journal.settleDelivery(delivery.id, { outcome: 'delivered' });
      expect(await journal.claimDeliveries('mail', 10, LEASE)).toMatchObject([{ payload: [1, 'two'] }]);
    }));

  test('a destination that is down holds only its own', () =>
    withStore(fresh, async (open) => {
      const clock = handClock();
      const journal = await open({ clock });
      for (const lane of ['a', 'b']) await journal.append(newMessage({ lane }));
      for (const one of await journal.claim(2, LEASE)) {
        await journal.settle(one.id, withDeliveries(newDelivery('mail'), newDelivery('dmp')));
      }
      for (const one of await journal.claimDeliveries('dmp', 10, LEASE)) {
        const faults = [fault('fhir-unreachable')];
        await journal.settleDelivery(one.id, { outcome: 'ambiguous', faults }, clock.now() + 5000);
      }
      expect(await journal.claimDeliveries('dmp', 10, LEASE)).toEqual([]);
      expect(await journal.claimDeliveries('mail', 10, LEASE)).toHaveLength(2);
      expect(await journal.claimDeliveries('nowhere', 10, LEASE)).toEqual([]);
      expect((await journal.counts()).waiting).toEqual({ mail: 2, dmp: 2 });
      clock.advance(5000);
      const again = await journal.claimDeliveries('dmp', 10, LEASE);
      expect(again).toMatchObject([{ attempt: 2, ambiguous: true }, { attempt: 2 }]);
    }));

  test('deliveries may follow later; one that is there already is left alone', () =>
    withStore(fresh, async (open) => {
      const journal = await open();
      const message = newMessage();
      await journal.append(message);
      await drain(journal, () => withDeliveries(newDelivery('mail')));
      const [told, large] = [newDelivery('hospital'), newDelivery('hospital', { payload: randomBytes(150_000) })];
      await journal.follow(message.id, [told, large]);
      await journal.follow(message.id, [told]);
      expect((await journal.counts()).waiting).toEqual({ mail: 1, hospital: 2 });
      const [first] = await journal.claimDeliveries('hospital', 10, LEASE);
      expect(first).toMatchObject({ id: told.id, messageId: message.id });
      await journal.settleDelivery(told.id, { outcome: 'delivered' });
      await journal.follow(message.id, [told]);
      const [second] = await journal.claimDeliveries('hospital', 10, LEASE);
      expect(Buffer.from(second.payload as Uint8Array).equals(Buffer.from(large.payload as Uint8Array))).toBe(true);
      await journal.follow('00000000-0000-4000-8000-00000000dead', [newDelivery('hospital')]);
      expect((await journal.counts()).waiting).toEqual({ mail: 1, hospital: 1 });
    }));

  test('keeps the order of one patient at one destination', () =>
    withStore(fresh, async (open) => {
      const journal = await open();
      const some = ['a', 'a', 'b'].map((lane) => newMessage({ lane }));
      for (const one of some) await journal.append(one);
      await drain(journal, () => withDeliveries(newDelivery('dmp')));
      const [first, other] = await journal.claimDeliveries('dmp', 10, LEASE);
      expect([first.messageId, other?.messageId ?? some[2].id]).toEqual([some[0].id, some[2].id]);
    }));

  test('counts what is delivered, dead and waiting, and shows it with the message', () =>
    withStore(fresh, async (open) => {
      const journal = await open();
      const message = newMessage();
      await journal.append(message);
      const [mail, dmp] = [newDelivery('mail', { key: '<1@h>' }), newDelivery('dmp')];
      await journal.claim(1, LEASE);
      await journal.settle(message.id, withDeliveries(mail, dmp));
      await journal.claimDeliveries('mail', 1, LEASE);
      await journal.claimDeliveries('dmp', 1, LEASE);
      expect(await journal.settleDelivery(mail.id, { outcome: 'delivered', references: ['x'] }, undefined, 1)).toBe(
        true,
      );
      expect(await journal.settleDelivery(mail.id, { outcome: 'permanent', faults: [] }, undefined, 1)).toBe(false);
      await journal.settleDelivery(dmp.id, { outcome: 'permanent', faults: [fault('too-large')] });
      const counts = await journal.counts();
      expect([counts.waiting.mail ?? 0, counts.waiting.dmp ?? 0, counts.dead.dmp]).toEqual([0, 0, 1]);
      const record = (await journal.get(message.id))!;
      expect(record.deliveries).toMatchObject([
        { id: mail.id, state: 'delivered', attempts: 1, references: ['x'], faults: [] },
        { id: dmp.id, state: 'dead', attempts: 1, faults: [{ code: 'too-large' }], receipts: [] },
      ]);
    }));

  test('files late answers with the delivery that announced their key, once', () =>
    withStore(fresh, async (open) => {
      const journal = await open();
      const message = newMessage();
      await journal.append(message);
      const delivery = newDelivery('mail');
      await journal.claim(1, LEASE);
      await journal.settle(message.id, withDeliveries(delivery));
      await journal.claimDeliveries('mail', 1, LEASE);
      await journal.settleDelivery(delivery.id, { outcome: 'delivered', key: '<42@mss>' });
      const receipt = { kind: 'read', at: '2026-11-22T10:00:00+01:00', code: 'displayed' } as const;
      const found = { messageId: message.id, deliveryId: delivery.id };
      expect(await journal.receipt('<42@mss>', receipt)).toEqual(found);
      expect(await journal.receipt('<42@mss>', receipt)).toEqual(found);
      expect(await journal.receipt('<43@mss>', receipt)).toBeUndefined();
      expect((await journal.get(message.id))!.deliveries[0].receipts).toEqual([receipt]);
    }));

  test('repeats no delivery when its message is replayed, but takes up the dead', () =>
    withStore(fresh, async (open) => {
      const journal = await open();
      const message = newMessage();
      await journal.append(message);
      const [good, bad] = [newDelivery('mail'), newDelivery('dmp')];
      await journal.claim(1, LEASE);
      await journal.settle(message.id, withDeliveries(good, bad));
      const [one] = await journal.claimDeliveries('mail', 1, LEASE);
      const [other] = await journal.claimDeliveries('dmp', 1, LEASE);
      await journal.settleDelivery(one.id, { outcome: 'delivered' });
      await journal.settleDelivery(other.id, { outcome: 'permanent', faults: [] });
      await journal.replay({ ids: [message.id] });
      await drain(journal, () => withDeliveries(good, bad));
      expect(await journal.claimDeliveries('mail', 10, LEASE)).toEqual([]);
      expect(await journal.claimDeliveries('dmp', 10, LEASE)).toMatchObject([{ id: bad.id, attempt: 2 }]);
      expect((await journal.get(message.id))!.deliveries).toHaveLength(2);
      expect(await journal.counts()).toMatchObject({ waiting: { dmp: 1 }, messages: { delivered: 1 } });
      expect(ids(await journal.claim(10, LEASE))).toEqual([]);
    }));
}
