import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { loadProfiles } from '../../src/profile/index.ts';
import { changed, profileCases } from './cases.ts';

const folder = join(import.meta.dirname, '../../profiles');
const { examiner, faults } = loadProfiles([folder]);
const cases = profileCases();

describe('every profile has a good case and bad ones', () => {
  test('the definitions load without a fault', () => {
    expect(faults).toEqual([]);
  });

  test('no profile of a resource is without a case', () => {
    const named = new Set(cases.map((one) => one.profile));
    const dataTypes = ['fr-core-address', 'fr-core-contact-point'];
    const without = examiner.profiles.filter((url) => !named.has(url) && !dataTypes.some((one) => url.endsWith(one)));
    expect(without).toEqual([]);
    expect(readdirSync(folder).filter((name) => name.startsWith('StructureDefinition-')).length).toBeGreaterThan(100);
  });

  for (const { id, profile, good, bad } of cases) {
    test(`${id}: the good case has no error`, () => {
      const errors = examiner.judge(good).filter((one) => one.severity === 'error');
      expect(errors).toEqual([]);
    });

    for (const { why, rule, change } of bad) {
      test(`${id}: ${why} breaks ${rule}`, () => {
        const errors = examiner.judge(changed(good, change)).filter((one) => one.severity === 'error');
        expect(errors.map((one) => one.rule)).toContain(rule);
        expect(errors.every((one) => one.path.length > 0 && one.message.en !== '' && one.message.fr !== '')).toBe(true);
        expect(errors.some((one) => one.profile !== '')).toBe(true);
        expect(profile).toMatch(/StructureDefinition/);
      });
    }
  }
});
