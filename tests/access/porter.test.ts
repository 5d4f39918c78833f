import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import type { CareTeam, Consent, Patient, Resource } from '@medplum/fhirtypes';
import { type Asker, decideAccess, isWithin } from '../../src/access/porter.ts';
import { loadAccessRules } from '../../src/access/porter-rules.ts';

const rules = loadAccessRules(fileURLToPath(new URL('../../mappings', import.meta.url)));
const now = Date.parse('2020-11-22T12:00:00Z');

const none = new Set<string>();
const who = (name: string, organization?: string): Asker => ({
  kind: 'professional',
  references: new Set([`Practitioner/${name}`, `PractitionerRole/${name}`]),
  organizations: organization ? new Set([`Organization/${organization}`]) : none,
});
const askers: Record<string, Asker> = {
  machine: { kind: 'machine', references: none, organizations: none },
  member: who('member'),
  role: { kind: 'professional', references: new Set(['PractitionerRole/nurse']), organizations: none },
  employee: who('employee', 'hospital'),
  left: who('left'),
  future: who('future'),
  gp: who('gp'),
  author: who('author'),
  emergency: who('emergency'),
  late: who('late'),
  stranger: who('stranger'),
  nobody: { kind: 'professional', references: none, organizations: none },
  self: { kind: 'patient', references: none, organizations: none, patient: 'p' },
  other: { kind: 'patient', references: none, organizations: none, patient: 'q' },
  lost: { kind: 'patient', references: none, organizations: none },
};

const ref = (reference: string) => ({ reference });
const patient: Patient = { resourceType: 'Patient', id: 'p', generalPractitioner: [ref('Practitioner/gp')] };
const team: CareTeam = {
  resourceType: 'CareTeam',
  status: 'active',
  subject: ref('Patient/p'),
  participant: [
    { member: ref('Practitioner/member') },
    { member: ref('PractitionerRole/nurse'), period: { start: '2020-11-01' } },
    { member: ref('Organization/hospital') },
    { member: ref('Practitioner/left'), period: { end: '2020-11-21' } },
    { member: ref('Practitioner/future'), period: { start: '2020-11-23' } },
  ],
};
const grant = (name: string, end: string): Consent => ({
  resourceType: 'Consent',
  status: 'active',
  scope: {},
  category: [{ coding: [{ system: rules.breakGlass.system, code: rules.breakGlass.code }] }],
  patient: ref('Patient/p'),
  provision: {
    type: 'permit',
    period: { start: '2020-11-22T11:00:00Z', end },
    actor: [{ role: {}, reference: ref(`Practitioner/${name}`) }],
  },
});
const agreement = (status: Consent['status'], dateTime?: string, deny = false): Consent => ({
  resourceType: 'Consent',
  status,
  scope: {},
  category: [],
  meta: { profile: [`${rules.agreement}|1`] },
  patient: ref('Patient/p'),
  dateTime,
  provision: { type: deny ? 'deny' : 'permit' },
});
const label = (code: string) => ({ securityLabel: [{ coding: [{ code }] }] });
const document = {
  resourceType: 'DocumentReference',
  status: 'current',
  content: [],
  author: [ref('PractitionerRole/author')],
};
const whats: Record<string, Resource> = {
  patient,
  reading: { resourceType: 'Observation', status: 'final', code: {}, subject: ref('Patient/p') },
  task: { resourceType: 'Task', status: 'ready', intent: 'order', for: ref('Patient/p') },
  document: { ...document, subject: ref('Patient/p') } as Resource,
  hidden: { ...document, ...label('MASQUE_PS'), subject: ref('Patient/p') } as Resource,
  unannounced: { ...document, ...label('INVISIBLE_PATIENT'), subject: ref('Patient/p') } as Resource,
  secret: { ...document, ...label('V'), subject: ref('Patient/p') } as Resource,
  secretText: { resourceType: 'Composition', confidentiality: 'V', subject: ref('Patient/p') } as unknown as Resource,
  tagged: { resourceType: 'Condition', meta: { security: [{ code: 'V' }] }, subject: ref('Patient/p') } as Resource,
  foreign: { resourceType: 'Observation', status: 'final', code: {}, subject: ref('http://else.where/Patient/p') },
  nameless: { resourceType: 'Observation', status: 'final', code: {}, subject: { display: 'somebody' } },
  binary: { resourceType: 'Binary', contentType: 'text/plain' },
  audit: { resourceType: 'AuditEvent' } as Resource,
  practitioner: { resourceType: 'Practitioner' },
  two: {
    resourceType: 'Appointment',
    status: 'booked',
    participant: [
      { status: 'accepted', actor: ref('Patient/p') },
      { status: 'accepted', actor: ref('Patient/unknown') },
    ],
  },
};

/** Who, what, the rule that decides; `+` allows, `-` denies. */
const cases: [string, string, string][] = [
  ['machine', 'reading', '+machine'],
  ['machine', 'binary', '+machine'],
  ['machine', 'secret', '+machine'],
  ['member', 'patient', '+care-team'],
  ['member', 'reading', '+care-team'],
  ['member', 'task', '+care-team'],
  ['member', 'document', '+care-team'],
  ['member', 'hidden', '-hidden-from-professionals'],
  ['member', 'unannounced', '+care-team'],
  ['member', 'secret', '-very-restricted'],
  ['member', 'secretText', '-very-restricted'],
  ['member', 'tagged', '-very-restricted'],
  ['member', 'foreign', '-of-nobody'],
  ['member', 'nameless', '-of-nobody'],
  ['member', 'binary', '-of-nobody'],
  ['member', 'audit', '-of-nobody'],
  ['member', 'practitioner', '+open-type'],
  ['member', 'two', '-default'],
  ['role', 'reading', '+care-team'],
  ['employee', 'reading', '+care-team'],
  ['employee', 'hidden', '-hidden-from-professionals'],
  ['left', 'reading', '-default'],
  ['future', 'reading', '-default'],
  ['gp', 'patient', '+general-practitioner'],
  ['gp', 'reading', '+general-practitioner'],
  ['gp', 'hidden', '+general-practitioner'],
  ['gp', 'secret', '+general-practitioner'],
  ['gp', 'tagged', '+general-practitioner'],
  ['author', 'document', '+author'],
  ['author', 'hidden', '+author'],
  ['author', 'secret', '+author'],
  ['author', 'reading', '-default'],
  ['author', 'patient', '-default'],
  ['emergency', 'reading', '+break-glass'],
  ['emergency', 'hidden', '-hidden-from-professionals'],
  ['emergency', 'secret', '-very-restricted'],
  ['late', 'reading', '-default'],
  ['stranger', 'reading', '-default'],
  ['stranger', 'patient', '-default'],
  ['stranger', 'practitioner', '+open-type'],
  ['nobody', 'reading', '-default'],
  ['self', 'patient', '+own-record'],
  ['self', 'reading', '+own-record'],
  ['self', 'hidden', '+own-record'],
  ['self', 'unannounced', '-hidden-from-patient'],
  ['self', 'two', '-default'],
  ['other', 'reading', '-default'],
  ['other', 'unannounced', '-hidden-from-patient'],
  ['lost', 'reading', '-default'],
  ['lost', 'practitioner', '+open-type'],
];

const around = (consents: Consent[] = []) => ({
  patient,
  careTeams: [team],
  consents: [grant('emergency', '2020-11-22T12:30:00Z'), grant('late', '2020-11-22T11:59:00Z'), ...consents],
  now,
});
const verdict = (asker: string, what: string, consents?: Consent[]) => {
  const known = (id: string) => (id === 'p' ? around(consents) : undefined);
  const { allowed, rule } = decideAccess(rules, askers[asker] as Asker, whats[what] as Resource, known);
  return `${allowed ? '+' : '-'}${rule}`;
};

test.each(cases)('%s, %s: %s', (asker, what, expected) => {
  expect(verdict(asker, what)).toBe(expected);
});

describe('an agreement taken back', () => {
  test.each(['member', 'gp', 'emergency', 'employee'])('ends sharing with %s', (asker) => {
    expect(verdict(asker, 'reading', [agreement('inactive', '2020-11-20')])).toBe('-agreement-withdrawn');
  });

  test.each([
    ['given', [agreement('active', '2020-11-20')], '+care-team'],
    ['refused', [agreement('active', '2020-11-20', true)], '-agreement-withdrawn'],
    ['given again', [agreement('rejected', '2020-11-10'), agreement('active', '2020-11-20')], '+care-team'],
    [
      'given and taken back',
      [agreement('active', '2020-11-10'), agreement('inactive', '2020-11-20')],
      '-agreement-withdrawn',
    ],
    ['both at once', [agreement('active', '2020-11-20'), agreement('inactive', '2020-11-20')], '-agreement-withdrawn'],
    ['at no known time', [agreement('active', '2020-11-20'), agreement('inactive')], '-agreement-withdrawn'],
    ['a mistake', [agreement('entered-in-error', '2020-11-20')], '+care-team'],
  ] as const)('%s', (_name, consents, expected) => {
    expect(verdict('member', 'reading', [...consents])).toBe(expected);
  });

  test('leaves their own text to authors, and the record to the patient', () => {
    expect(verdict('author', 'document', [agreement('inactive', '2020-11-20')])).toBe('+author');
    expect(verdict('self', 'reading', [agreement('inactive', '2020-11-20')])).toBe('+own-record');
  });
});

test.each([
  [undefined, true],
  [{ start: '2020-11-22T12:00:01Z' }, false],
  [{ end: '2020-11-22' }, true],
  [{ end: '2020-11-21' }, false],
  [{ end: '2020-11' }, true],
  [{ end: '2019' }, false],
  [{ start: 'nonsense' }, false],
  [{ end: 'nonsense' }, false],
])('a period %j', (period, expected) => {
  expect(isWithin(period, now)).toBe(expected);
});
