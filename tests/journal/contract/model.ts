import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Journal, Settlement } from '../../../src/journal/journal.ts';
import type { MessageState } from '../../../src/message.ts';
import { delivered, handClock, LEASE, newMessage, type Store, withStore } from '../store.ts';

const LANES = ['a', 'b', 'c', 'd'];

interface Row {
  id: string;
  lane: string;
  key: string | undefined;
  state: MessageState;
  leased: boolean;
  due: number;
  attempts: number;
}

type Step =
  | { do: 'append'; lane: number; key: number; state: 'accepted' | 'refused' }
  | { do: 'claim'; limit: number }
  | { do: 'settle'; pick: number; end: 'delivered' | 'dead' | 'later' }
  | { do: 'tie'; lane: number; into: number }
  | { do: 'wait'; ms: number }
  | { do: 'beat'; pick: number }
  | { do: 'replay'; state: 'dead' | 'delivered' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      lane: fc.nat(3),
      key: fc.nat(12),
      state: fc.constantFrom('accepted', 'accepted', 'accepted', 'refused'),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('claim' as const), limit: fc.integer({ min: 1, max: 20 }) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('settle' as const),
      pick: fc.nat(30),
      end: fc.constantFrom('delivered', 'delivered', 'dead', 'later'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('tie' as const), lane: fc.nat(3), into: fc.nat(3) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1, 500, LEASE / 2, LEASE) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('beat' as const), pick: fc.nat(30) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('replay' as const), state: fc.constantFrom('dead', 'delivered') }),
  },
) as fc.Arbitrary<Step>;

/** What a journal is, in the simplest words: a list, and rules about who may be taken. */
class Model {
  readonly rows: Row[] = [];
  readonly roots = new Map(LANES.map((lane) => [lane, lane]));

  takeable(now: number): Row[] {
    const waiting = this.rows.filter((row) => row.state === 'accepted');
    return [...new Set(this.roots.values())].flatMap((root) => {
      const lane = waiting.filter((row) => this.roots.get(row.lane) === root);
      const leased = lane.filter((row) => row.leased);
      return (leased.length > 0 ? leased : lane.slice(0, 1)).filter((row) => row.due <= now);
    });
  }

  tie(lane: string, into: string): void {
    const [from, to] = [this.roots.get(lane)!, this.roots.get(into)!];
    for (const [one, root] of this.roots) if (root === from) this.roots.set(one, to);
  }

  duplicateOf(key: string): Row | undefined {
    return this.rows.findLast((row) => row.key === key);
  }

  leased(pick: number): Row | undefined {
    const leased = this.rows.filter((row) => row.leased);
    return leased[pick % Math.max(1, leased.length)];
  }
}

type Run = { [Kind in Step['do']]: (given: Extract<Step, { do: Kind }>) => Promise<void> };

function runner(journal: Journal, model: Model, clock: ReturnType<typeof handClock>): Run {
  return {
    async append({ lane, key, state }) {
      const known = key < 6 ? model.duplicateOf(`k${key}`) : undefined;
      const message = newMessage({ lane: LANES[lane], state, dedupeKey: key < 6 ? `k${key}` : undefined });
      const appended = await journal.append(message);
      const duplicate = known !== undefined && (known.state !== 'refused' || state === 'refused');
      expect(appended).toMatchObject({ id: duplicate ? known.id : message.id, duplicate });
      if (duplicate) return;
      const { id, dedupeKey } = message;
      model.rows.push({ id, lane: LANES[lane], key: dedupeKey, state, leased: false, due: 0, attempts: 0 });
    },
    async claim({ limit }) {
      const now = clock.now();
      const takeable = model.takeable(now);
      const claimed = await journal.claim(limit, LEASE);
      expect(claimed).toHaveLength(Math.min(limit, takeable.length));
      for (const { id, attempts } of claimed) {
        const row = takeable.find((one) => one.id === id)!;
        expect(row).toBeDefined();
        Object.assign(row, { leased: true, due: now + LEASE, attempts: row.attempts + 1 });
        expect(attempts).toBe(row.attempts);
      }
    },
    async settle({ pick, end }) {
      const row = model.leased(pick);
      if (!row) return;
      const due = clock.now() + 700;
      const settlement: Settlement =
        end === 'later' ? { state: 'accepted', faults: [], retryAt: due } : { ...delivered, state: end };
      expect(await journal.settle(row.id, settlement, row.attempts)).toBe(true);
      expect(await journal.settle(row.id, settlement, row.attempts)).toBe(false);
      Object.assign(row, { leased: false, state: settlement.state, due: end === 'later' ? due : 0 });
    },
    async tie({ lane, into }) {
      await journal.tieLanes(LANES[lane], LANES[into]);
      model.tie(LANES[lane], LANES[into]);
    },
    async wait({ ms }) {
      clock.advance(ms);
    },
    async beat({ pick }) {
      const row = model.leased(pick);
      if (!row) return;
      await journal.heartbeat([row.id], LEASE);
      row.due = clock.now() + LEASE;
    },
    async replay({ state }) {
      const some = model.rows.filter((row) => row.state === state);
      expect(await journal.replay({ state })).toBe(some.length);
      for (const row of some) Object.assign(row, { state: 'accepted', due: 0 });
    },
  };
}

export function modelContract(fresh: () => Promise<Store>, numRuns: number): void {
  test('does what a list would do', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), (steps) =>
        withStore(fresh, async (open) => {
          const clock = handClock();
          const journal = await open({ clock });
          const model = new Model();
          const run = runner(journal, model, clock);
          for (const one of steps) await (run[one.do] as (given: Step) => Promise<void>)(one);
          const counts: Record<string, number> = { accepted: 0, delivered: 0, quarantined: 0, refused: 0, dead: 0 };
          for (const row of model.rows) counts[row.state]++;
          expect((await journal.counts()).messages).toEqual(counts);
          const listed = await journal.list({ limit: 1000 });
          expect(listed.map(({ id, state }) => ({ id, state }))).toEqual(
            model.rows.toReversed().map(({ id, state }) => ({ id, state })),
          );
        }),
      ),
      { numRuns },
    );
  }, 120_000);
}
