import { expect, test } from '@jest/globals';
import { inside } from '../cli/run.ts';

test('demo --doors: a letter goes through every door, and every answer comes back', async () => {
  const { code, out, err } = await inside(['demo', '--doors']);
  const rows = out.split('\n').filter((one) => /^[✓✗]/.test(one));
  expect(rows.filter((one) => one.startsWith('✗'))).toEqual([]);
  for (const said of ['AA', 'ITI-65', 'CDA identical byte for byte', 'ZAM^Z01', 'ZAM^Z02', 'ZAM^Z03', 'read 20']) {
    expect(out).toContain(said);
  }
  expect([code, err]).toEqual([0, '']);
});

test('and told in French', async () => {
  const { code, out } = await inside(['demo', '--doors', '--lang', 'fr']);
  for (const said of [
    '✓ hôpital → A',
    'rend les octets mêmes',
    'CDA identique octet pour octet',
    'comme sur A',
    ', lu 20',
  ]) {
    expect(out).toContain(said);
  }
  expect(out).not.toMatch(/\b(about|read|sent|hospital|gives)\b/);
  expect(code).toBe(0);
});
