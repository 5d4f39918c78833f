import { describe, expect, test } from '@jest/globals';
import type { Patient } from '@medplum/fhirtypes';
import fc from 'fast-check';
import { carryOutMerge, currentIns, match } from '../../src/identity/index.ts';
import { startServer } from './house.ts';
import { person, sketch } from './people.ts';

/** A message in the language of the case table: who is claimed, by which numbers; or a merge of two local numbers. */
const numbers = fc.record({
  who: fc.constantFrom('', 'given=LUCIE list=LUCIE', 'paul', 'bare', 'born=1980', 'family=PETIT'),
  ins: fc.constantFrom('', 'A', 'B', 'C'),
  local: fc.constantFrom('', 'bichat:1', 'bichat:2', 'pitie:1', 'bichat:1 pitie:1'),
});
const messages = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: numbers.map((one) => ({ claim: `${one.who} ${one.ins} ${one.local}`, retired: '' })) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(numbers, fc.constantFrom('bichat:1', 'bichat:2', 'pitie:1'))
        .map(([one, retired]) => ({ claim: `${one.who} ${one.ins} ${one.local}`, retired })),
    },
  ),
  { minLength: 1, maxLength: 10 },
);

const author = { who: { display: 'test' }, at: new Date('2020-11-10T10:00:00Z') };

describe('two never become one', () => {
  test('no sequence of messages and merges puts two valid INS on one record, or one INS on two', async () => {
    const property = fc.asyncProperty(messages, async (sequence) => {
      const server = startServer();
      try {
        for (const { claim, retired } of sequence) {
          const decision = await server.receive(person(sketch(claim)));
          const claimed = currentIns(person(sketch(claim)));
          if (decision.outcome === 'link' && claimed.length > 0) {
            const record = await server.read<Patient>(decision.reference!);
            const carried = currentIns(record).map((one) => one.value);
            expect(carried.filter((value) => value !== claimed[0]!.value)).toEqual([]);
          }
          if (!retired || decision.outcome === 'review') continue;
          const intent = {
            kind: 'merge' as const,
            survivor: [],
            retired: person(sketch(retired)).identifier!,
            place: 'MRG-1',
          };
          const merged = await carryOutMerge(intent, { ...decision, patient: undefined }, server.endpoint, author);
          await server.write([...(merged.patient ? [merged.patient] : []), ...merged.drafts, ...merged.tasks]);
        }
        const records = await server.search<Patient>('Patient?_count=200');
        const holders = new Map<string, number>();
        for (const record of records) {
          const carried = currentIns(record);
          expect(carried.length).toBeLessThanOrEqual(1);
          if (record.active !== false)
            for (const one of carried) holders.set(one.value, (holders.get(one.value) ?? 0) + 1);
        }
        for (const count of holders.values()) expect(count).toBe(1);
      } finally {
        server.close();
      }
    });
    await fc.assert(property, { numRuns: 40 });
  }, 120_000);

  test('the verdict does not depend on the order of the candidates', () => {
    const known = fc.array(numbers, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(numbers, known, (one, list) => {
        const claim = person(sketch(`${one.who} ${one.ins} ${one.local}`));
        const records = list.map((other, index) =>
          person(sketch(`${other.who} ${other.ins} ${other.local}`), `r${index}`),
        );
        const there = match(claim, records);
        const back = match(claim, records.toReversed());
        expect(back.outcome).toBe(there.outcome);
        expect(back.patient?.id).toBe(there.patient?.id);
      }),
    );
  });

  test('linking never changes which record carries an INS', () => {
    fc.assert(
      fc.property(numbers, numbers, (one, other) => {
        const claim = person(sketch(`${one.who} ${one.ins} ${one.local}`));
        const record = person(sketch(`${other.who} ${other.ins} ${other.local}`), 'r');
        const verdict = match(claim, [record]);
        const [ours, theirs] = [currentIns(claim)[0]?.value, currentIns(record)[0]?.value];
        if (verdict.outcome === 'link' && ours && theirs) expect(ours).toBe(theirs);
      }),
    );
  });
});
