import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { Resource } from '@medplum/fhirtypes';
import { activityReport, figures, followUpDocument, followUpTable, reportCsv } from '../../src/pathway/report.ts';
import { loadProfiles } from '../../src/profile/index.ts';

const root = join(import.meta.dirname, '..', '..');
const folder = join(root, 'tests', 'golden', 'activity-report');
const period = { from: '2020-11-01', to: '2020-11-15' };
const at = new Date('2020-11-16T08:00:00Z');
const resources = JSON.parse(readFileSync(join(folder, 'resources.json'), 'utf8')) as Resource[];
const list = figures(resources, period);
const made = {
  figures: list,
  report: activityReport(list, period, at),
  csv: reportCsv(list, period),
  table: followUpTable(resources, '2020-11-10'),
  document: followUpDocument(followUpTable(resources, '2020-11-10'), at),
};

test('golden: counts by indicator and site, calls done and late, the table of what is under way', () => {
  const file = join(folder, 'expected.json');
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(file, `${JSON.stringify(made, null, 2)}\n`);
  expect(JSON.parse(JSON.stringify(made))).toEqual(JSON.parse(readFileSync(file, 'utf8')));
});

test('nothing of a person comes out', () => {
  const text = `${JSON.stringify(made)}${made.table}`;
  for (const secret of ['VALMONT', 'Odile', 'Patient/', '1952-05-17', '252057501310751']) {
    expect(text).not.toContain(secret);
  }
});

test('a day counts in Europe/Paris, and the last one is included', () => {
  const request = (authoredOn: string): Resource => ({
    resourceType: 'ServiceRequest',
    status: 'active',
    intent: 'order',
    subject: {},
    authoredOn,
    code: { coding: [{ system: 'http://passerelle.example/fhir/CodeSystem/covisan', code: 'inclusion' }] },
  });
  const included = (authoredOn: string) => figures([request(authoredOn)], period)[0]?.count;
  expect(included('2020-10-31T22:59:59Z')).toBe(0);
  expect(included('2020-10-31T23:00:00Z')).toBe(1);
  expect(included('2020-11-15T22:59:59Z')).toBe(1);
  expect(included('2020-11-15T23:00:00Z')).toBe(0);
});

test('a name that a spreadsheet would calculate stays text', () => {
  expect(reportCsv([{ indicator: 'included', site: '=1+1;"x"', count: 1 }], period)).toContain(`"'=1+1;""x"""`);
});

test('report and table are what their profiles ask for', () => {
  const { examiner } = loadProfiles([join(root, 'profiles')]);
  for (const resource of [made.report, made.document]) {
    expect(examiner!.judge(resource).filter((one) => one.severity === 'error')).toEqual([]);
  }
});
