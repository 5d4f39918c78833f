import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { conceptsPage, coverage, isCovered, page } from '../../scripts/concepts-page.ts';

test('docs/concepts.md is what profiles, maps and golden cases say: run `npm run docs`', () => {
  expect(readFileSync(page, 'utf8')).toBe(conceptsPage());
});

test('every concept of the catalogue has a profile', () => {
  expect(
    coverage()
      .filter((one) => one.profiles.length === 0)
      .map((one) => one.number),
  ).toEqual([]);
});

test('the catalogue has 62 concepts, and those covered stay covered', () => {
  expect(coverage()).toHaveLength(62);
  expect(coverage().filter(isCovered).length).toBeGreaterThanOrEqual(60);
});
