import { fileURLToPath } from 'node:url';
import type {
  CareTeam,
  Consent,
  DocumentReference,
  EpisodeOfCare,
  Patient,
  Resource,
  ServiceRequest,
} from '@medplum/fhirtypes';
import { type Asker, decideAccess, nobody, type Surroundings } from '../../src/access/porter.ts';
import { inheritedFrom } from '../../src/access/porter-inherited.ts';
import { type AccessRules, loadAccessRules } from '../../src/access/porter-rules.ts';

/** One patient, everybody who might ask, everything they might ask for. All invented. */

export const rules: AccessRules = loadAccessRules(fileURLToPath(new URL('../../mappings', import.meta.url)));
export const now = Date.parse('2020-11-22T12:00:00Z');

const covisan = 'http://passerelle.example/fhir/CodeSystem/covisan';
const ref = (reference: string) => ({ reference });
const subject = ref('Patient/p');

const professional = (name: string, as = 'care', more: Partial<Asker> = {}): Asker => ({
  ...nobody,
  kind: 'professional',
  references: new Map([
    [`Practitioner/${name}`, as],
    [`PractitionerRole/${name}`, as],
  ]),
  ...more,
});
const at = (organization: string, as = 'care') => ({ organizations: new Map([[`Organization/${organization}`, as]]) });

/** Each caller with the conditions that hold for it around the patient, as a person would say them. */
export const askers: Record<string, { asker: Asker; holds?: string[] }> = {
  machine: { asker: { ...nobody, kind: 'machine' } },
  member: { asker: professional('member'), holds: ['care-team'] },
  role: {
    asker: { ...nobody, kind: 'professional', references: new Map([['PractitionerRole/nurse', 'care']]) },
    holds: ['care-team'],
  },
  employee: { asker: professional('employee', 'care', at('hospital')), holds: ['care-team'] },
  left: { asker: professional('left') },
  future: { asker: professional('future') },
  gp: { asker: professional('gp'), holds: ['general-practitioner'] },
  author: { asker: professional('author') },
  ward: { asker: professional('ward', 'care', at('unit')), holds: ['hospital-of-stay'] },
  site: { asker: professional('site', 'care', { sites: new Set(['990000017']) }), holds: ['hospital-of-stay'] },
  otherSite: { asker: professional('otherSite', 'care', { sites: new Set(['990000099']), ...at('elsewhere') }) },
  archivist: { asker: professional('archivist', 'care', at('custodian')), holds: ['own-structure'] },
  mobile: {
    asker: professional('mobile', 'care', { territory: new Map([['care', new Set(['75'])]]) }),
    holds: ['territory'],
  },
  mobileAway: { asker: professional('mobileAway', 'care', { territory: new Map([['care', new Set(['93'])]]) }) },
  mobileSocial: {
    asker: professional('mobileSocial', 'social', { territory: new Map([['social', new Set(['75'])]]) }),
    holds: ['social:territory'],
  },
  social: { asker: professional('social', 'social'), holds: ['social:care-team'] },
  socialHere: { asker: professional('socialHere'), holds: ['social:care-team'] },
  socialAway: { asker: professional('socialAway', 'social') },
  hotel: { asker: professional('hotel', 'partner', at('hotel', 'partner')), holds: ['partner:partner'] },
  caterer: { asker: professional('caterer', 'partner', at('caterer', 'partner')) },
  volunteer: { asker: professional('volunteer', 'partner'), holds: ['partner:partner'] },
  emergency: { asker: professional('emergency'), holds: ['break-glass'] },
  late: { asker: professional('late') },
  opposed: { asker: professional('opposed'), holds: ['care-team', 'opposed'] },
  stranger: { asker: professional('stranger') },
  nobody: { asker: { ...nobody, kind: 'professional' } },
  self: { asker: { ...nobody, kind: 'patient', patient: 'p' }, holds: ['own-record'] },
  other: { asker: { ...nobody, kind: 'patient', patient: 'q' } },
  lost: { asker: { ...nobody, kind: 'patient' } },
  parent: {
    asker: { ...nobody, kind: 'representative', patient: 'p', related: 'RelatedPerson/mother' },
    holds: ['own-record', 'represents'],
  },
  formerParent: { asker: { ...nobody, kind: 'representative', patient: 'p' }, holds: ['own-record'] },
  tool: { asker: { ...nobody, kind: 'tool', programmes: [`${covisan}|covisan`] }, holds: ['enrolled'] },
  otherTool: { asker: { ...nobody, kind: 'tool', programmes: [`${covisan}|covidom`] } },
};

export const patient: Patient = {
  resourceType: 'Patient',
  id: 'p',
  name: [{ family: 'DURAND', given: ['Alix', 'Marie'] }],
  birthDate: '1950-01-01',
  address: [{ postalCode: '75013', use: 'home' }],
  generalPractitioner: [ref('Practitioner/gp')],
};

const team: CareTeam = {
  resourceType: 'CareTeam',
  status: 'active',
  subject,
  participant: [
    { member: ref('Practitioner/member') },
    { member: ref('PractitionerRole/nurse'), period: { start: '2020-11-01' } },
    { member: ref('Organization/hospital') },
    { member: ref('Practitioner/left'), period: { end: '2020-11-21' } },
    { member: ref('Practitioner/future'), period: { start: '2020-11-23' } },
    { member: ref('PractitionerRole/social') },
    { member: ref('Practitioner/socialHere'), role: [{ coding: [{ system: covisan, code: 'mobile-team-social' }] }] },
    { member: ref('PractitionerRole/volunteer') },
    { member: ref('Practitioner/opposed') },
  ],
};

const consent = (more: Partial<Consent>): Consent => ({
  resourceType: 'Consent',
  status: 'active',
  scope: {},
  category: [],
  patient: subject,
  ...more,
});
const category = ({ system, code }: { system: string; code: string }) => [{ coding: [{ system, code }] }];
const grant = (name: string, end: string) =>
  consent({
    category: category(rules.breakGlass),
    provision: {
      type: 'permit',
      period: { start: '2020-11-22T11:00:00Z', end },
      actor: [{ role: {}, reference: ref(`Practitioner/${name}`) }],
    },
  });
export const agreement = (status: Consent['status'], dateTime?: string, deny = false): Consent =>
  consent({
    status,
    meta: { profile: [`${rules.agreement}|1`] },
    dateTime,
    provision: { type: deny ? 'deny' : 'permit' },
  });
export const sharedRecordRefused = consent({ category: category(rules.sharedRecord), provision: { type: 'deny' } });

const episode: EpisodeOfCare = {
  resourceType: 'EpisodeOfCare',
  status: 'active',
  patient: subject,
  type: [{ coding: [{ system: covisan, code: 'covisan' }] }],
  period: { start: '2020-11-01' },
};
const service = (id: string, to: string): ServiceRequest => ({
  resourceType: 'ServiceRequest',
  id,
  status: 'active',
  intent: 'order',
  code: { coding: [{ system: covisan, code: 'lodging' }] },
  subject: { ...subject, display: 'Alix DURAND' },
  reasonCode: [{ text: 'Covid' }],
  occurrencePeriod: { start: '2020-11-10', end: '2020-11-30' },
  performer: [ref(to)],
});
const lodging = service('lodging', 'Organization/hotel');

const label = (code: string) => ({ securityLabel: [{ coding: [{ code }] }] });
const document = (id: string, more: object = {}): DocumentReference => ({
  resourceType: 'DocumentReference',
  id,
  status: 'current',
  content: [],
  subject,
  author: [ref('PractitionerRole/author')],
  custodian: ref('Organization/custodian'),
  ...more,
});
const hidden = document('hidden', { ...label('MASQUE_PS'), meta: { source: 'urn:passerelle:message:1' } });
const unannounced = document('unannounced', label('INVISIBLE_PATIENT'));
const observation = (more: object = {}): Resource => ({
  resourceType: 'Observation',
  status: 'final',
  code: {},
  subject,
  ...more,
});

/** Each resource with the conditions it fulfils by itself, for anybody; `author`, `addressee` and the like name who. */
export const whats: Record<string, { what: Resource; holds?: string[]; by?: Record<string, string[]> }> = {
  patient: { what: patient },
  reading: { what: observation({ id: 'free' }) },
  task: { what: { resourceType: 'Task', status: 'ready', intent: 'order', for: subject } },
  plan: { what: { resourceType: 'CarePlan', status: 'active', intent: 'plan', subject } },
  team: { what: team },
  episode: { what: episode },
  answers: { what: { resourceType: 'QuestionnaireResponse', status: 'completed', subject } },
  document: { what: document('open'), by: { author: ['author'], 'own-structure': ['archivist'] } },
  hidden: {
    what: hidden,
    holds: ['hidden-from-professionals'],
    by: { author: ['author'], 'own-structure': ['archivist'] },
  },
  extracted: {
    what: observation({ id: 'extracted' }),
    holds: ['hidden-from-professionals'],
    by: { author: ['author'] },
  },
  sourced: {
    what: observation({ id: 'x', meta: { source: 'urn:passerelle:message:1' } }),
    holds: ['hidden-from-professionals'],
    by: { author: ['author'] },
  },
  unannounced: {
    what: unannounced,
    holds: ['hidden-from-patient'],
    by: { author: ['author'], 'own-structure': ['archivist'] },
  },
  unannouncedReading: {
    what: observation({ id: 'unannounced' }),
    holds: ['hidden-from-patient'],
    by: { author: ['author'] },
  },
  minor: {
    what: document('minor', label('INVISIBLE_REPRESENTANTS_LEGAUX')),
    holds: ['hidden-from-representatives'],
    by: { author: ['author'], 'own-structure': ['archivist'] },
  },
  restricted: {
    what: document('restricted', label('R')),
    holds: ['restricted'],
    by: { author: ['author'], 'own-structure': ['archivist'] },
  },
  secret: {
    what: document('secret', label('V')),
    holds: ['very-restricted'],
    by: { author: ['author'], 'own-structure': ['archivist'] },
  },
  secretText: {
    what: { resourceType: 'Composition', confidentiality: 'V', subject } as Resource,
    holds: ['very-restricted'],
  },
  tagged: {
    what: { resourceType: 'Condition', meta: { security: [{ code: 'V' }] }, subject } as Resource,
    holds: ['very-restricted'],
  },
  sensitive: {
    what: { resourceType: 'Condition', meta: { security: [{ code: 'HIV' }] }, subject } as Resource,
    holds: ['sensitive'],
  },
  lodging: { what: lodging, by: { 'partner:addressee': ['hotel'] } },
  meals: { what: service('meals', 'Organization/caterer-of-others') },
  foreign: { what: observation({ subject: ref('http://else.where/Patient/p') }), holds: ['nobody'] },
  nameless: { what: observation({ subject: { display: 'somebody' } }), holds: ['nobody'] },
  binary: { what: { resourceType: 'Binary', contentType: 'text/plain' }, holds: ['nobody'] },
  audit: { what: { resourceType: 'AuditEvent' } as Resource, holds: ['nobody'] },
  practitioner: { what: { resourceType: 'Practitioner' }, holds: ['nobody', 'open-type'] },
};

const found: Record<string, Resource[]> = {
  Provenance: [
    {
      resourceType: 'Provenance',
      id: 'one',
      recorded: '2020-11-20T00:00:00Z',
      agent: [],
      target: [ref('Patient/p'), ref('DocumentReference/hidden'), ref('Observation/extracted')],
    },
    {
      resourceType: 'Provenance',
      id: 'two',
      recorded: '2020-11-20T00:00:00Z',
      agent: [],
      target: [ref('DocumentReference/unannounced'), ref('Observation/unannounced')],
    },
  ],
};
const inherited = await inheritedFrom(rules, [hidden, unannounced], {
  find: async (type) => (found[type] ?? []) as never,
  findAll: async (finds) => finds.map(({ type }) => found[type] ?? []),
});

export const around = (consents: Consent[] = []): Surroundings => ({
  patient,
  careTeams: [team],
  consents: [
    grant('emergency', '2020-11-22T12:30:00Z'),
    grant('late', '2020-11-22T11:59:00Z'),
    consent({
      category: category(rules.opposition),
      provision: { type: 'deny', actor: [{ role: {}, reference: ref('Practitioner/opposed') }] },
    }),
    ...consents,
  ],
  stays: [
    {
      status: 'in-progress',
      structures: ['Organization/unit'],
      systems: ['http://passerelle.example/fhir/NamingSystem/local/CH-ALPHA.990000017'],
    },
  ],
  episodes: [episode],
  services: [lodging],
  inherited,
  now,
});

/** The verdict as text: `+` allows, `-` denies, then the rule; `/view` when only part is shown. */
export function verdictOf(asker: string, what: string, consents?: Consent[]): string {
  const known = (id: string) => (id === 'p' ? around(consents) : undefined);
  const { allowed, rule, view } = decideAccess(
    rules,
    askers[asker]?.asker as Asker,
    whats[what]?.what as Resource,
    known,
  );
  return `${allowed ? '+' : '-'}${rule}${view ? `/${view}` : ''}`;
}

/** What the data of the rules says, read over what is known of caller and resource by hand: slow, obvious, no shared code. */
export function verdictByData(asker: string, what: string, consents: string[] = []): string {
  const { asker: who, holds: mine = [] } = askers[asker]!;
  const { what: resource, holds: its = [], by = {} } = whats[what]!;
  const isNobody = its.includes('nobody');
  const holds = (condition: string, as: string) => {
    const said = as === 'care' ? condition : `${as}:${condition}`;
    if (condition === 'patient-known') return !isNobody;
    if (its.includes(condition)) return true;
    if (by[said]?.includes(asker)) return true;
    if (isNobody && condition !== 'represents') return false;
    if (consents.includes(condition)) return true;
    return (
      condition !== 'own-structure' &&
      (mine.includes(said) || (ofEveryCapacity.has(condition) && mine.includes(condition)))
    );
  };
  for (const rule of rules.rules) {
    const as = rule.as ?? 'care';
    if (!rule.who.includes(who.kind)) continue;
    if (rule.types && !rule.types.includes(resource.resourceType)) continue;
    const stands = [...who.references.values(), ...who.organizations.values()].includes(as);
    if (rule.as && rule.then === 'deny' && !stands && !holds('care-team', as)) continue;
    const fits = rule.if.every((one) => (one[0] === '!' ? !holds(one.slice(1), as) : holds(one, as)));
    if (fits) return `${rule.then === 'allow' ? '+' : '-'}${rule.id}${rule.view ? `/${rule.view}` : ''}`;
  }
  return '-default';
}

const ofEveryCapacity = new Set([
  'general-practitioner',
  'break-glass',
  'opposed',
  'own-record',
  'represents',
  'enrolled',
]);
