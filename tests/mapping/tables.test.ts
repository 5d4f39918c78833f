import { describe, expect, test } from '@jest/globals';
import { CodeTable } from '../../src/mapping/tables.ts';

const passes = (system: string) => ({
  source: system,
  target: system,
  element: [],
  unmapped: { mode: 'provided' as const },
});
const own = {
  source: 'urn:lab',
  target: 'http://loinc.org',
  element: [{ code: 'CREA', target: [{ code: '2160-0', equivalence: 'equivalent' as const }] }],
};
const table = (...group: object[]) =>
  new CodeTable('t', { resourceType: 'ConceptMap', status: 'active', group } as never);

describe('codes a table does not know', () => {
  const several = table(passes('http://loinc.org'), own);
  test.each([
    ['http://loinc.org', '718-7', 'provided'],
    ['urn:lab', 'CREA', 'mapped'],
    ['urn:lab', 'XQ17', 'unmapped'],
    ['urn:elsewhere', 'XQ17', 'unmapped'],
    [undefined, 'XQ17', 'unmapped'],
    [undefined, 'CREA', 'mapped'],
  ])('of several systems, each speaks for its own: %s %s', (system, code, outcome) => {
    expect(several.lookup(system, code).outcome).toBe(outcome);
  });

  test('of one system, its answer holds for all; without a system it is for everything', () => {
    expect(table(passes('http://loinc.org')).lookup('urn:elsewhere', 'X').outcome).toBe('provided');
    const open = table({ ...passes('urn:x'), source: undefined }, own);
    expect([open.lookup('urn:elsewhere', 'X').outcome, open.lookup('urn:lab', 'X').outcome]).toEqual([
      'provided',
      'provided',
    ]);
  });
});
