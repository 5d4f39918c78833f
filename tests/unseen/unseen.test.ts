import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { register } from '../../src/errors.ts';
import { furnish } from '../../src/gateway/furnish.ts';
import { convertBytes } from '../../src/pipeline/convert-bytes.ts';
import { Chance } from './random.ts';
import { varyCda } from './vary-cda.ts';
import { varyHl7 } from './vary-hl7v2.ts';

/**
 * Documents and messages nobody has seen: golden cases varied by chance (parts taken out, nullFlavors, other dates, codes, units,
 * templates, sections, encodings, prefixes, parts of one another; fields, separators, versions). Each becomes a bundle the examiner finds no error
 * in, or is refused by a code of the register. SEED and COUNT choose others, and more.
 */
const seed = Number(process.env.SEED ?? 20201103);
const count = Number(process.env.COUNT ?? 40);
const root = join(import.meta.dirname, '../..');
const golden = join(root, 'tests/golden');
const { house } = furnish({ mappings: join(root, 'mappings'), profiles: [join(root, 'profiles')] });

type Vary = (source: string, chance: Chance, donors: string[]) => { bytes: Uint8Array; done: string[] };
const kinds: [string, RegExp, string, Vary][] = [
  ['CDA documents', /^cda-(?!truncated|entity)/, 'input.xml', varyCda],
  ['HL7 v2 messages', /^hl7v2-/, 'input.hl7', varyHl7],
];

describe.each(kinds)('unseen %s', (_, pattern, file, vary) => {
  const sources = readdirSync(golden)
    .filter((name) => pattern.test(name))
    .map((name) => ({ name, text: lettersOf(readFileSync(join(golden, name, file))) }));

  test(`${count} of them, seed ${seed}`, async () => {
    const chance = new Chance(seed);
    const donors = sources.map(({ text }) => text);
    for (let number = 0; number < count; number++) {
      const source = chance.one(sources);
      const { bytes, done } = vary(source.text, chance, donors);
      const what = { seed, number, source: source.name, done };
      const { bundle, issues } = await convertBytes(bytes, { now: new Date('2024-06-01T00:00:00Z') }, house!);
      if (bundle) {
        const errors = house!.examiner.judge(bundle).filter((one) => one.severity === 'error');
        expect({ ...what, errors }).toEqual({ ...what, errors: [] });
      } else {
        const refusals = issues.filter((one) => one.severity === 'error').map(({ code }) => code);
        expect({ ...what, refused: refusals.length > 0 }).toEqual({ ...what, refused: true });
        for (const code of refusals)
          expect({ ...what, code, known: Object.hasOwn(register, code) }).toEqual({ ...what, code, known: true });
      }
    }
  });
});

function lettersOf(bytes: Buffer): string {
  return bytes.includes('|8859/') ? bytes.toString('latin1') : bytes.toString('utf8');
}
