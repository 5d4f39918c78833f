import { describe, expect, test } from '@jest/globals';
import type { Resource } from '@medplum/fhirtypes';
import { isWithin } from '../../src/access/porter-elements.ts';
import { inheritedFrom } from '../../src/access/porter-inherited.ts';
import { shownBy } from '../../src/access/porter-view.ts';
import { agreement, askers, now, rules, sharedRecordRefused, verdictByData, verdictOf, whats } from './table.ts';

/** Who, what, the rule that decides; `+` allows, `-` denies. Written out by hand: these matter. */
const cases: [string, string, string][] = [
  ['machine', 'reading', '+machine'],
  ['machine', 'binary', '+machine'],
  ['machine', 'secret', '+machine'],
  ['member', 'patient', '+care-team'],
  ['member', 'reading', '+care-team'],
  ['member', 'task', '+care-team'],
  ['member', 'plan', '+care-team'],
  ['member', 'document', '+care-team'],
  ['member', 'hidden', '-hidden-from-professionals'],
  ['member', 'extracted', '-hidden-from-professionals'],
  ['member', 'sourced', '-hidden-from-professionals'],
  ['member', 'unannounced', '+care-team'],
  ['member', 'restricted', '+care-team'],
  ['member', 'secret', '-very-restricted'],
  ['member', 'secretText', '-very-restricted'],
  ['member', 'tagged', '-very-restricted'],
  ['member', 'sensitive', '-sensitive'],
  ['member', 'foreign', '-of-nobody'],
  ['member', 'nameless', '-of-nobody'],
  ['member', 'binary', '-of-nobody'],
  ['member', 'audit', '-of-nobody'],
  ['member', 'practitioner', '+open-type'],
  ['role', 'reading', '+care-team'],
  ['employee', 'reading', '+care-team'],
  ['employee', 'hidden', '-hidden-from-professionals'],
  ['left', 'reading', '-default'],
  ['future', 'reading', '-default'],
  ['gp', 'patient', '+general-practitioner'],
  ['gp', 'hidden', '+general-practitioner'],
  ['gp', 'extracted', '+general-practitioner'],
  ['gp', 'secret', '+general-practitioner'],
  ['gp', 'sensitive', '+general-practitioner'],
  ['author', 'document', '+author'],
  ['author', 'hidden', '+author'],
  ['author', 'extracted', '+author'],
  ['author', 'secret', '+author'],
  ['author', 'reading', '-default'],
  ['author', 'patient', '-default'],
  ['ward', 'reading', '+hospital-of-stay'],
  ['ward', 'sensitive', '+hospital-of-stay'],
  ['ward', 'hidden', '-hidden-from-professionals'],
  ['site', 'document', '+hospital-of-stay'],
  ['otherSite', 'document', '-default'],
  ['archivist', 'document', '-default'],
  ['mobile', 'reading', '+mobile-team'],
  ['mobile', 'secret', '-very-restricted'],
  ['mobileAway', 'reading', '-default'],
  ['mobileSocial', 'task', '+social-mobile-team'],
  ['social', 'patient', '+social-care-team'],
  ['social', 'document', '+social-care-team'],
  ['social', 'restricted', '-social-restricted'],
  ['social', 'secret', '-very-restricted'],
  ['social', 'secretText', '-very-restricted'],
  ['socialHere', 'task', '+social-care-team'],
  ['socialHere', 'restricted', '-social-restricted'],
  ['socialAway', 'patient', '-default'],
  ['hotel', 'patient', '+partner-person/stay'],
  ['hotel', 'lodging', '+partner-service/stay'],
  ['hotel', 'meals', '-default'],
  ['hotel', 'reading', '-default'],
  ['hotel', 'document', '-default'],
  ['hotel', 'plan', '-default'],
  ['hotel', 'task', '-default'],
  ['caterer', 'patient', '-default'],
  ['caterer', 'lodging', '-default'],
  ['volunteer', 'patient', '+partner-person/stay'],
  ['volunteer', 'reading', '-default'],
  ['emergency', 'reading', '+break-glass'],
  ['emergency', 'sensitive', '+break-glass'],
  ['emergency', 'hidden', '-hidden-from-professionals'],
  ['emergency', 'secret', '-very-restricted'],
  ['late', 'reading', '-default'],
  ['opposed', 'reading', '-opposition'],
  ['opposed', 'practitioner', '+open-type'],
  ['stranger', 'reading', '-default'],
  ['stranger', 'patient', '-default'],
  ['nobody', 'reading', '-default'],
  ['self', 'patient', '+own-record'],
  ['self', 'hidden', '+own-record'],
  ['self', 'minor', '+own-record'],
  ['self', 'unannounced', '-hidden-from-patient'],
  ['self', 'unannouncedReading', '-hidden-from-patient'],
  ['other', 'reading', '-default'],
  ['other', 'unannounced', '-hidden-from-patient'],
  ['lost', 'reading', '-default'],
  ['lost', 'practitioner', '+open-type'],
  ['parent', 'reading', '+represented-record'],
  ['parent', 'minor', '-hidden-from-representatives'],
  ['parent', 'unannounced', '-hidden-from-patient'],
  ['formerParent', 'reading', '-default'],
  ['tool', 'patient', '+enrolled'],
  ['tool', 'reading', '+enrolled'],
  ['tool', 'task', '+enrolled'],
  ['tool', 'document', '-default'],
  ['tool', 'extracted', '-tool-hidden'],
  ['tool', 'sensitive', '-tool-sensitive'],
  ['otherTool', 'reading', '-default'],
  ['otherTool', 'practitioner', '+open-type'],
];

test.each(cases)('%s, %s: %s', (asker, what, expected) => {
  expect(verdictOf(asker, what)).toBe(expected);
});

describe('every caller, every resource: the code says what the data of the rules says', () => {
  const states: [string, Parameters<typeof verdictOf>[2], string[]][] = [
    ['as it is', [], []],
    ['agreement taken back', [agreement('inactive', '2020-11-20')], ['agreement-withdrawn']],
    ['shared record refused', [sharedRecordRefused], ['shared-record-refused']],
  ];
  test.each(states)('%s', (_name, consents, holds) => {
    const askedBy = Object.keys(askers);
    const asked = Object.keys(whats);
    expect([askedBy.length >= 25, asked.length >= 20, cases.length >= 60]).toEqual([true, true, true]);
    const table = (of: (asker: string, what: string) => string) =>
      askedBy.flatMap((asker) => asked.map((what) => `${asker} ${what} ${of(asker, what)}`));
    expect(table((asker, what) => verdictOf(asker, what, consents))).toEqual(
      table((asker, what) => verdictByData(asker, what, holds)),
    );
  });

  test('every rule decides somewhere', () => {
    const decided = new Set(
      states.flatMap(([, consents]) =>
        Object.keys(askers).flatMap((asker) =>
          Object.keys(whats).map((what) => verdictOf(asker, what, consents).replace(/^.|\/.*/g, '')),
        ),
      ),
    );
    expect(rules.rules.map((one) => one.id).filter((id) => !decided.has(id))).toEqual(
      ['tool-restricted', 'tool-very-restricted'].filter((id) => !decided.has(id)),
    );
  });
});

describe('a view', () => {
  const shown = (what: string) =>
    shownBy(rules, { allowed: true, rule: 'x', view: 'stay' }, whats[what]?.what as Resource);

  test('of a patient is one first name', () => {
    expect(shown('patient')).toEqual({
      resourceType: 'Patient',
      id: 'p',
      meta: { tag: [expect.objectContaining({ code: 'SUBSETTED' })] },
      name: [{ given: ['Alix'] }],
    });
  });

  test('of a service names nobody and no reason', () => {
    const text = JSON.stringify(shown('lodging'));
    expect(text).toContain('lodging');
    expect(text).not.toMatch(/DURAND|Covid"/);
  });

  test('leaves the resource as it was', () => {
    const before = JSON.stringify(whats.patient?.what);
    shown('patient');
    expect(JSON.stringify(whats.patient?.what)).toBe(before);
  });
});

describe('an agreement taken back', () => {
  test.each(['member', 'gp', 'emergency', 'employee', 'ward', 'mobile', 'social', 'hotel'])(
    'ends sharing with %s',
    (asker) => {
      expect(verdictOf(asker, 'reading', [agreement('inactive', '2020-11-20')])).toBe('-agreement-withdrawn');
    },
  );

  test('and with the tools', () => {
    expect(verdictOf('tool', 'reading', [agreement('inactive', '2020-11-20')])).toBe('-tool-agreement-withdrawn');
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
    expect(verdictOf('member', 'reading', [...consents])).toBe(expected);
  });

  test('leaves their own text to authors, and the record to the patient', () => {
    expect(verdictOf('author', 'document', [agreement('inactive', '2020-11-20')])).toBe('+author');
    expect(verdictOf('self', 'reading', [agreement('inactive', '2020-11-20')])).toBe('+own-record');
  });
});

describe('refusing that the shared record be read (ZFA-11 INC)', () => {
  test.each([
    ['member', 'document', '-shared-record-refused'],
    ['gp', 'document', '-shared-record-refused'],
    ['author', 'document', '+author'],
    ['member', 'reading', '+care-team'],
    ['emergency', 'document', '+break-glass'],
    ['self', 'document', '+own-record'],
  ])('%s, %s: %s', (asker, what, expected) => {
    expect(verdictOf(asker, what, [sharedRecordRefused])).toBe(expected);
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

describe('what came with a hidden document is told by its source', () => {
  const one = (type: string, source: string, more = {}) =>
    ({ resourceType: type, id: source.length.toString(), meta: { source }, ...more }) as never;
  const label = { securityLabel: [{ coding: [{ code: 'V' }] }] };
  const labelsBy = async (document: string, other: string) => {
    const none = { find: async () => [], findAll: async () => [] };
    const { of } = await inheritedFrom(rules, [one('DocumentReference', document, label)], none);
    return of(one('Observation', other))?.labels;
  };

  test('whatever number of a request a server puts behind it; such a number alone is no source', async () => {
    expect(await labelsBy('urn:x:1#abc', 'urn:x:1#def')).toEqual(['V']);
    expect(await labelsBy('urn:x:1', 'urn:x:2')).toBeUndefined();
    expect(await labelsBy('#abc', '#abc')).toBeUndefined();
  });
});
