import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { OperationOutcomeIssue } from '@medplum/fhirtypes';
import { inside } from './run.ts';

const golden = (name: string) => join(import.meta.dirname, '..', 'golden', name);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'passerelle-convert-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('convert --account: each value of the source once, with where it went or why it did not, then the sum', async () => {
  const { code, out, err } = await inside(['convert', join(golden('hl7v2-adt-a01'), 'input.hl7'), '--account']);
  expect([code, JSON.parse(out).resourceType]).toEqual([0, 'Bundle']);
  const lines = err.trimEnd().split('\n');
  const [sum = ''] = lines.slice(-1);
  const values = lines.filter((one) => /^(mapped|kept|ignored|FALLEN)\t/.test(one)).map((one) => one.split('\t'));
  const count = (fate: string) => values.filter(([one]) => one === fate).length;
  expect(sum).toBe(
    `${values.length} values, ${count('mapped')} mapped, ${count('kept')} kept, ${count('ignored')} ignored, ${count('FALLEN')} FALLEN`,
  );
  expect(count('FALLEN')).toBe(0);
  expect(new Set(values.map(([, place]) => place)).size).toBe(values.length);
  expect(values.find(([, place]) => place === 'PID-8')).toEqual(['mapped', 'PID-8', expect.stringMatching(/#gender$/)]);
  for (const [fate, place, where] of values)
    expect([fate, place, where !== undefined && where !== '']).toEqual([fate, place, true]);
  const reasons = values.filter(([fate]) => fate === 'ignored').map(([, , why = '']) => why);
  for (const why of reasons) expect(why).toMatch(/^[\w-]+\.json: .{10,}/);
});

test.each([
  ['covidom-daily-spo2-91/input.json', ['--route', 'zzz'], /--route zzz: not known .* telemonitoring-covidom,/],
  ['call-sheet.csv', ['--route', 'telemonitoring-covidom'], /Routes: .*telemonitoring-msp-call-sheet/],
  ['call-sheet.csv', [], /--route is needed: .*telemonitoring-laboratory-results/],
])('convert %s %j: an unknown route is wrong usage, and the routes there are are named', async (name, more, text) => {
  const file = name.endsWith('.csv') ? join(folder, name) : join(golden('.'), name);
  if (name.endsWith('.csv')) await writeFile(file, 'a;b\n1;2\n');
  const { code, out, err } = await inside(['convert', file, ...more]);
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(err).toMatch(text);
});

test('of what cannot be read only that is said, not what its schema lacks', async () => {
  const file = join(folder, 'cut.json');
  await writeFile(file, '{"form": "covidom-daily", ');
  const { code, out } = await inside(['convert', file, '--route', 'telemonitoring-covidom']);
  expect(code).toBe(1);
  const codes = JSON.parse(out).issue.map((one: OperationOutcomeIssue) => one.details?.coding?.[0]?.code);
  expect(codes).toEqual(['fhir-syntax']);
});
