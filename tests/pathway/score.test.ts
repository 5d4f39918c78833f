import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { loadPathway, scoreOf } from '../../src/pathway/index.ts';
import type { Reading } from '../../src/pathway/readings.ts';
import { rules } from './programme.ts';

const LOINC = 'http://loinc.org';
const units: Record<string, string> = {
  '9279-1': '/min',
  '59408-5': '%',
  '3151-8': 'L/min',
  '8480-6': 'mm[Hg]',
  '8867-4': '/min',
  '8310-5': 'Cel',
};

function reading(code: string, value: number, at = 0): Reading {
  const quantity = { value, unit: units[code]! };
  return {
    codes: [{ system: LOINC, code }],
    quantity,
    values: [],
    at,
    effective: '2020-11-10T08:00:00Z',
    reference: `Observation/${code}`,
  };
}
const news2 = rules.scores.news2!;
const points = (code: string, value: number) => scoreOf(news2, [reading(code, value)]).total;

describe('NEWS2 as data', () => {
  test('bands of the published chart', () => {
    expect([8, 9, 11, 12, 20, 21, 24, 25].map((value) => points('9279-1', value))).toEqual([3, 1, 1, 0, 0, 2, 2, 3]);
    expect([91, 92, 93, 94, 95, 96].map((value) => points('59408-5', value))).toEqual([3, 2, 2, 1, 1, 0]);
    expect([90, 91, 100, 101, 110, 111, 219, 220].map((value) => points('8480-6', value))).toEqual([
      3, 2, 2, 1, 1, 0, 0, 3,
    ]);
    expect([40, 41, 50, 51, 90, 91, 110, 111, 130, 131].map((value) => points('8867-4', value))).toEqual([
      3, 1, 1, 0, 0, 1, 1, 2, 2, 3,
    ]);
    expect([35, 35.1, 36, 36.1, 38, 38.1, 39, 39.1].map((value) => points('8310-5', value))).toEqual([
      3, 1, 1, 0, 0, 1, 1, 2,
    ]);
    expect([0, 2].map((value) => points('3151-8', value))).toEqual([0, 2]);
  });

  test('what was not measured is not guessed; the newest reading of each counts', () => {
    const result = scoreOf(news2, [reading('8867-4', 140, 1), reading('8867-4', 80, 2), reading('59408-5', 91, 1)]);
    expect([result.total, result.highest, result.known]).toEqual([3, 3, 2]);
  });
});

describe('rules as data', () => {
  const root = join(import.meta.dirname, '..', '..');
  const broken = (change: (rules: Record<string, unknown>) => void) => {
    const folder = mkdtempSync(join(tmpdir(), 'rules-'));
    const data = JSON.parse(readFileSync(join(root, 'mappings/rules-covid.json'), 'utf8')) as Record<string, unknown>;
    change(data);
    writeFileSync(join(folder, 'rules-covid.json'), JSON.stringify(data));
    writeFileSync(join(folder, 'schema-rules.json'), readFileSync(join(root, 'mappings/schema-rules.json')));
    return loadPathway(folder, join(root, 'profiles')).faults.map((one) => [one.code, one.params?.pointer]);
  };

  test('the project’s own have no fault', () =>
    expect(loadPathway(join(root, 'mappings'), join(root, 'profiles')).faults).toEqual([]));

  test('a wrong one is named by file and place, and nothing is loaded', () => {
    expect(broken((data) => delete data.version)).toEqual([['rules-invalid', '/']]);
    const faults = broken((data) => {
      (data.rules as { level: string }[])[0]!.level = 'panic';
    });
    expect(faults.map(([, pointer]) => String(pointer).slice(0, 8))).toContain('/rules/0');
  });
});
