import { createHash, randomBytes } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { fault, warning } from '../../../src/errors.ts';
import { delivered, drain, LEASE, newMessage, type Store, withStore } from '../store.ts';

export function appendContract(fresh: () => Promise<Store>): void {
  test('keeps the exact bytes and all that came with them', () =>
    withStore(fresh, async (open) => {
      const journal = await open();
      const bytes = Uint8Array.from({ length: 256 }, (_, code) => code);
      const message = newMessage({
        incoming: {
          door: 'http',
          bytes,
          format: 'fhir',
          contentType: 'application/fhir+json; charset=iso-8859-15',
          route: 'covidom',
          sender: 'client-1',
          idempotencyKey: 'k-1',
          interaction: { method: 'PUT', path: 'Patient/1', headers: { ifMatch: 'W/"1"' } },
          traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
        },
        faults: [warning('code-unmapped', { place: 'OBX[1]-3', params: { table: 'codes' } })],
        dedupeKey: 'HOSPITAL|1',
        lane: 'patient-1',
      });
      expect(await journal.append(message)).toEqual({
        id: message.id,
        duplicate: false,
        state: 'accepted',
        faults: [],
      });
      const [claimed] = await journal.claim(1, LEASE);
      const { attempts, ambiguous, since, ...rest } = claimed;
      expect({ ...rest, incoming: { ...rest.incoming, bytes: [...rest.incoming.bytes] } }).toEqual({
        ...message,
        incoming: { ...message.incoming, bytes: [...bytes] },
      });
      expect({ attempts, ambiguous, since }).toEqual({ attempts: 1, ambiguous: false, since: message.receivedAt });
      expect(Buffer.from((await journal.bytes(message.id))!)).toEqual(Buffer.from(bytes));
    }));

  test('keeps an empty message', () =>
    withStore(fresh, async (open) => {
      const journal = await open();
      const message = newMessage({ text: '', state: 'refused', faults: [fault('format-unknown')] });
      await journal.append(message);
      expect(await journal.bytes(message.id)).toHaveLength(0);
      expect(await journal.get(message.id)).toMatchObject({
        size: 0,
        state: 'refused',
        faults: [{ code: 'format-unknown' }],
      });
    }));

  test('keeps large payloads, once for equal content', () =>
    withStore(fresh, async (open) => {
      const journal = await open();
      const bytes = randomBytes(300_000);
      const some = [0, 1, 2].map(() => newMessage({ incoming: { door: 'http', bytes } }));
      await Promise.all(some.map((one) => journal.append(one)));
      const digest = createHash('sha256').update(bytes).digest('hex');
      const claimed = await journal.claim(10, LEASE);
      expect(claimed.map((one) => createHash('sha256').update(one.incoming.bytes).digest('hex'))).toEqual([
        digest,
        digest,
        digest,
      ]);
      await Promise.all(claimed.map((one) => journal.settle(one.id, delivered)));
      await journal.purge(Date.now() + 1, ['delivered'], 'bytes');
      expect(await journal.bytes(some[0].id)).toBeUndefined();
      const again = newMessage({ incoming: { door: 'http', bytes } });
      await journal.append(again);
      expect(await journal.bytes(again.id)).toHaveLength(300_000);
    }));

  test('knows a duplicate by its key, also within one commit and after a restart', () =>
    withStore(fresh, async (open) => {
      const journal = await open();
      const first = newMessage({ dedupeKey: 'H|42' });
      const second = newMessage({ dedupeKey: 'H|42' });
      const [one, two] = await Promise.all([journal.append(first), journal.append(second)]);
      expect(one.duplicate).toBe(false);
      expect(two).toEqual({ id: first.id, duplicate: true, state: 'accepted', faults: [] });
      await drain(journal);
      await journal.close();
      const later = await open();
      expect(await later.append(newMessage({ dedupeKey: 'H|42' }))).toMatchObject({ id: first.id, state: 'delivered' });
      expect((await later.counts()).messages).toMatchObject({ accepted: 0, delivered: 1 });
    }));

  test('tells long keys apart', () =>
    withStore(fresh, async (open) => {
      const journal = await open();
      const key = 'k'.repeat(5000);
      const first = newMessage({ dedupeKey: `${key}1` });
      await journal.append(first);
      expect((await journal.append(newMessage({ dedupeKey: `${key}2` }))).duplicate).toBe(false);
      expect(await journal.append(newMessage({ dedupeKey: `${key}1` }))).toMatchObject({
        id: first.id,
        duplicate: true,
      });
      const [claimed] = await journal.claim(1, LEASE);
      expect(claimed.dedupeKey).toBe(`${key}1`);
    }));

  test('answers a quarantined message sent again with its faults', () =>
    withStore(fresh, async (open) => {
      const journal = await open();
      const first = newMessage({ dedupeKey: 'q', state: 'quarantined', faults: [fault('identity-mismatch')] });
      await journal.append(first);
      expect(await journal.append(newMessage({ dedupeKey: 'q' }))).toMatchObject({
        id: first.id,
        duplicate: true,
        state: 'quarantined',
        faults: [{ code: 'identity-mismatch' }],
      });
    }));

  test('takes a refused message sent again as a new attempt, which then counts for duplicates', () =>
    withStore(fresh, async (open) => {
      const journal = await open();
      const refused = newMessage({ dedupeKey: 'r', state: 'refused', faults: [fault('format-unknown')] });
      await journal.append(refused);
      const mended = newMessage({ dedupeKey: 'r' });
      expect(await journal.append(mended)).toMatchObject({ id: mended.id, duplicate: false, state: 'accepted' });
      expect(await journal.append(newMessage({ dedupeKey: 'r' }))).toMatchObject({ id: mended.id, duplicate: true });
      expect((await journal.counts()).messages).toMatchObject({ refused: 1, accepted: 1 });
    }));

  test('keeps one row of a message refused again and again, with the faults of the last time', () =>
    withStore(fresh, async (open) => {
      const journal = await open();
      const refuse = (text: string, code: 'format-unknown' | 'too-large') =>
        journal.append(newMessage({ dedupeKey: 'r', state: 'refused', text, faults: [fault(code)] }));
      const first = await refuse('x', 'format-unknown');
      expect(await refuse('x', 'too-large')).toMatchObject({
        id: first.id,
        duplicate: true,
        faults: [{ code: 'too-large' }],
      });
      expect((await refuse('y', 'too-large')).duplicate).toBe(false);
      expect((await journal.counts()).messages.refused).toBe(2);
      expect((await journal.get(first.id))!.faults).toMatchObject([{ code: 'too-large' }]);
    }));

  test('takes an append repeated with the same id for what it is', () =>
    withStore(fresh, async (open) => {
      const journal = await open();
      const message = newMessage();
      await journal.append(message);
      expect(await journal.append(message)).toMatchObject({ id: message.id, duplicate: true, state: 'accepted' });
      expect((await journal.counts()).messages.accepted).toBe(1);
    }));
}
