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

test('each of the 62 concepts has a profile, something that produces it and a golden case that shows it', () => {
  expect(coverage()).toHaveLength(62);
  expect(
    coverage()
      .filter((one) => !isCovered(one))
      .map((one) => one.number),
  ).toEqual([]);
});

test('a concept whose golden cases are gone is not covered', () => {
  for (const one of coverage()) expect(isCovered({ ...one, golden: [] })).toBe(false);
});
