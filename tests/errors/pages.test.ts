import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { page as errorsFile, errorsPage } from '../../scripts/errors-page.ts';
import { page as settingsFile, settingsPage } from '../../scripts/settings-page.ts';
import type { ErrorEntry } from '../../src/errors/entry.ts';
import { fault, register, sentence } from '../../src/errors.ts';

const entries = Object.entries(register as Record<string, ErrorEntry>);

describe('the register of errors', () => {
  test('is documented, and nothing is documented that is not in it', () => {
    const documented = [...readFileSync(errorsFile, 'utf8').matchAll(/^\| `([a-z0-9-]+)` \|/gm)].map(
      (match) => match[1],
    );
    expect(documented).toEqual(entries.map(([code]) => code).sort());
  });

  test('docs/errors.md is what the register says: run `npm run docs`', () => {
    expect(readFileSync(errorsFile, 'utf8')).toBe(errorsPage());
  });

  test.each(entries)(
    '%s says what is wrong and what to do, in both languages',
    (code, { public: { fr, en }, http, msa, err3 }) => {
      expect(code).toMatch(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/);
      expect(http).toBeGreaterThanOrEqual(200);
      expect(http).toBeLessThan(600);
      expect(err3).toMatch(/^\d{1,3}$/);
      expect(['AE', 'AR']).toContain(msa);
      for (const text of [fr, en]) expect(text).toMatch(/[.!}]$/);
      const names = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();
      expect(names(fr)).toEqual(names(en));
      const params = Object.fromEntries(names(en).map((name) => [name, 'x']));
      expect(sentence(fault(code as keyof typeof register, { params }))).not.toMatch(/[{}]/);
    },
  );
});

test('docs/settings.md is what the schema says: run `npm run docs`', () => {
  expect(readFileSync(settingsFile, 'utf8')).toBe(settingsPage());
});
