import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import {
  claims,
  dedupeKey,
  inspect,
  kind,
  read,
  readForInspection,
  retiredClaims,
  sender,
} from '../../../src/formats/hl7v2/index.ts';
import { limits } from '../../../src/formats/hl7v2/split.ts';
import { sameIdentity } from '../../../src/identity/index.ts';
import { mutate, random } from '../../fuzz/mutate.ts';
import { message } from './messages.ts';

const golden = join(import.meta.dirname, '..', '..', 'golden');
const messages = readdirSync(golden)
  .filter((name) => name.startsWith('hl7v2-'))
  .map((name) => readFileSync(join(golden, name, 'input.hl7')));
const words = [
  '\rPID|',
  '\rPV1|1|I',
  '\rMRG|',
  '\rOBX|1|NM|',
  '\rNTE|1||',
  '^',
  '~',
  '&',
  '|',
  '|""|',
  '8859/15',
  'A40',
];

/** All that a sender is told, and all that the journal keeps, of one way of reading. */
function decided(reader: typeof read, bytes: Uint8Array): unknown {
  const { tree, faults, parts } = reader(bytes);
  const documents = parts.map(({ place }) => ({ place, patient: claims(tree) }));
  return {
    faults,
    parts,
    inspection: inspect(tree, documents, { sameIdentity }),
    claims: claims(tree),
    retired: retiredClaims(tree),
    names: [kind(tree), sender(tree), dedupeKey(tree, bytes)],
  };
}

describe('reading for the acknowledgement', () => {
  test('decides like reading all fields, whatever the message', () => {
    const seed = Number(process.env.SEED ?? Date.now() % 1e9);
    const below = random(seed);
    for (let round = 0; round < 1000; round++) {
      const base = messages[below(messages.length)]!;
      const bytes = round < messages.length ? messages[round]! : mutate(base, messages[0]!, words, below);
      const [few, all] = [decided(readForInspection, bytes), decided(read, bytes)];
      if (JSON.stringify(few) !== JSON.stringify(all)) {
        console.error(`SEED=${seed}, round ${round}: ${JSON.stringify(bytes.toString())}`);
        expect(few).toEqual(all);
      }
    }
  });

  test('too many values are said', () => {
    const full = message('PID|1||1^^^A', `ZZZ|${'a~'.repeat(limits.values)}`);
    expect(readForInspection(full).faults.map((one) => one.code)).toContain('hl7-too-complex');
    expect(decided(readForInspection, full)).toEqual(decided(read, full));
  });

  test('what decides nothing is not read', () => {
    const { tree } = readForInspection(message('PID|1||1^^^A||X', 'NK1|1|Y^Z', 'OBR|1|||A|||20240101'));
    expect(tree.NK1).toEqual([{}]);
    expect(Object.keys(tree.OBR[0]!)).toEqual(['f4']);
  });
});
