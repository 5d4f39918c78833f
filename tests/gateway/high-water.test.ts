import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { loadConfig } from '../../src/config.ts';
import { HighWater } from '../../src/gateway/high-water.ts';

const silent = { warn: () => {}, info: () => {} };

/** A journal of which only the number of waiting messages is asked. */
function waitingJournal() {
  const journal = { waiting: 0, looks: 0 };
  const counts = async () => {
    journal.looks++;
    return { messages: { accepted: journal.waiting } } as never;
  };
  return Object.assign(journal, { counts });
}

test('never lets in more than the mark, whatever arrives at once and however slowly it is written', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.constantFrom('arrives', 'arrives', 'is written', 'is delivered'), { maxLength: 200 }),
      async (high, steps) => {
        const journal = waitingJournal();
        const water = new HighWater(journal, { high, low: high - 1 }, [], silent);
        let underWay = 0;
        for (const step of steps) {
          if (step === 'arrives') {
            const faults = await Promise.all([water.enter('a'), water.enter('b')]);
            underWay += faults.filter((one) => one === undefined).length;
          } else if (step === 'is written' && underWay > 0) {
            underWay--;
            journal.waiting++;
            water.written();
          } else if (step === 'is delivered' && journal.waiting > 0) journal.waiting--;
          expect(journal.waiting + underWay).toBeLessThanOrEqual(high);
        }
      },
    ),
  );
});

test('asks the journal once for a thousand messages, as long as the mark is far', async () => {
  const journal = waitingJournal();
  const water = new HighWater(journal, { high: 1_000_000, low: 1 }, [], silent);
  for (let number = 0; number < 1000; number++) {
    expect(await water.enter('a')).toBeUndefined();
    water.written();
  }
  // Once a second: a machine may be slow, but not slower than one message.
  expect(journal.looks).toBeLessThan(500);
});

test('stays as it is between the marks', async () => {
  const journal = waitingJournal();
  const water = new HighWater(journal, { high: 10, low: 4 }, [{ name: 'a' }], silent);
  const shutAt = (accepted: number) => water.shut({ messages: { accepted } } as never).has('a');
  expect([9, 10, 9, 5, 4, 9, 10].map(shutAt)).toEqual([false, true, true, true, false, false, true]);
});

test('takes anything where there is no mark', async () => {
  const journal = waitingJournal();
  journal.waiting = 5_000_000;
  const water = new HighWater(journal, { high: 0, low: 0 }, [], silent);
  expect([await water.enter('a'), journal.looks]).toEqual([undefined, 0]);
});

test('marks the wrong way round are a fault of the configuration', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'passerelle-test-')), 'settings.json');
  writeFileSync(file, JSON.stringify({ limits: { waiting: { high: 5, low: 5 } } }));
  const { faults } = loadConfig({ environment: {}, cwd: '/', file });
  expect(faults.map(({ params }) => params?.setting)).toEqual(['limits.waiting.low']);
});
