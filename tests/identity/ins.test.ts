import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  compare,
  createLocks,
  currentIns,
  identityKeys,
  insSystems,
  isValidMatricule,
  nirKey,
  normalise,
  reliabilityOf,
  traitsOf,
} from '../../src/identity/index.ts';
import { A, BICHAT, CORSICA, DEMO, NIR, person, sketch, TEST } from './people.ts';

describe('INS', () => {
  test('the key is 97 minus the remainder, Corsican departments count as 19 and 18', () => {
    expect(nirKey('2800575056123')).toBe(String(97 - (2800575056123 % 97)).padStart(2, '0'));
    expect(nirKey('280052A004123')).toBe(String(97 - (2800519004123 % 97)).padStart(2, '0'));
    expect(nirKey('180052B033123')).toBe(String(97 - (1800518033123 % 97)).padStart(2, '0'));
    expect(nirKey('9800575056123')).toBeUndefined();
  });

  test('any wrong pair of digits at the end is noticed', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 97 }), (key) => {
        const text = A.slice(0, 13) + String(key).padStart(2, '0');
        expect(isValidMatricule(text)).toBe(text === A);
      }),
    );
  });

  test('the published sample numbers: valid and invalid keys', () => {
    expect(isValidMatricule('279035121518989')).toBe(true);
    expect(isValidMatricule('277076322082910')).toBe(true);
    for (const wrong of ['123456789012244', '123456789012345', '221042545611404'])
      expect(isValidMatricule(wrong)).toBe(false);
  });

  test('production, test and demonstration are authorities of their own', () => {
    expect(Object.values(insSystems)).toEqual(['INS-NIR', 'INS-NIA', 'INS-NIR-TEST', 'INS-NIR-DEMO']);
    const keys = [NIR, TEST, DEMO].map((system) => identityKeys(person({ ids: [[system, A]] }))[0]);
    expect(new Set(keys).size).toBe(3);
  });

  test('lower case and spaces are the same number; Corsican letters too', () => {
    const spaced = ` ${CORSICA.slice(0, 5)} ${CORSICA.slice(5).toLowerCase()} `;
    expect(currentIns(person({ ids: [[NIR, spaced]] }))).toEqual([
      { system: NIR, value: CORSICA, current: true, valid: true },
    ]);
  });

  test('numbers without a system are nobody’s; an INS with a wrong key still names a record of its sender', () => {
    expect(identityKeys(person(sketch('nosystem:1')))).toEqual([]);
    expect(identityKeys(person(sketch('bad:A bichat:1')))).toEqual([`${NIR}|${A.slice(0, 13)}00`, `${BICHAT}|1`]);
  });
});

describe('traits', () => {
  test('normalising leaves letters and digits, whatever the accents, marks and case', () => {
    expect(normalise("D’Ascoët-Lœvenbrück  d'Æ")).toBe('DASCOETLOEVENBRUCKDAE');
    expect(normalise('Ǽ')).toBe('AE');
    const again = Array.from({ length: 0xd800 }, (_, code) => normalise(String.fromCharCode(code)));
    expect(again.filter((once) => normalise(once) !== once)).toEqual([]);
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => expect(normalise(normalise(text))).toBe(normalise(text))),
    );
  });

  test('comparing is symmetric, and a claim agrees with itself', () => {
    const one = fc.constantFrom(
      '',
      'paul',
      'bare',
      'given=LOUISE list=',
      'born=1980',
      'place=20004',
      'place=2A004',
      'used=PETIT',
      'sex=unknown',
    );
    fc.assert(
      fc.property(one, one, (a, b) => {
        const [left, right] = [traitsOf(person(sketch(a))), traitsOf(person(sketch(b)))];
        expect(compare(left, right)).toEqual(compare(right, left));
        for (const agreement of Object.values(compare(left, left)))
          expect(['agree', 'unknown', false]).toContain(agreement);
      }),
    );
  });

  test('VALI means qualified in 2.1 and only locally validated in 2.2', () => {
    const core = 'https://hl7.fr/ig/fhir/core/CodeSystem/';
    expect(reliabilityOf({ system: `${core}fr-core-cs-v2-0445`, code: 'VALI' })).toBe('qualified');
    expect(reliabilityOf({ system: `${core}fr-core-cs-identity-status`, code: 'VALI' })).toBe('partial');
    expect(reliabilityOf({ system: `${core}fr-core-cs-identity-status`, code: 'QUAL' })).toBe('qualified');
    expect(reliabilityOf({ code: 'VALI', version: '2.2.0' })).toBe('partial');
  });
});

describe('locks', () => {
  test('work on one key is one at a time and in order, work on others is not held up, errors pass', async () => {
    const locks = createLocks();
    const seen: string[] = [];
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const first = locks.within(['a', 'b'], async () => {
      await gate;
      seen.push('first');
    });
    const second = locks.within(['b', 'c'], async () => {
      seen.push('second');
      throw new Error('known');
    });
    const third = locks.within(['c'], async () => void seen.push('third'));
    await locks.within(['d'], async () => void seen.push('other'));
    release();
    await expect(second).rejects.toThrow('known');
    await Promise.all([first, third]);
    expect(seen).toEqual(['other', 'first', 'second', 'third']);
  });
});
