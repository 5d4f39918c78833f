import type { AccessRules } from '../../../src/access/porter-rules.ts';
import type { Item, Label, Place, Target, Title, When, World } from './world.ts';
import { places } from './world.ts';

/** A resource as it is sent to the FHIR server. */
export type Sent = { resourceType: string; id: string } & Record<string, unknown>;

const covisan = 'http://passerelle.example/fhir/CodeSystem/covisan';
const finess = 'https://finess.esante.gouv.fr';
/** Site number of the hospital, nine digits; a stay's own numbering may end with it. */
const siteOf = ({ mark }: World) => `99${String(Number.parseInt(mark.slice(1), 36) % 1e7).padStart(7, '0')}`;
const RPPS = 'https://rpps.esante.gouv.fr';

/** RPPS number of a person of a world. */
export const numberOf = (world: World, person: number) => `${world.mark}p${person}`;

const periodOf = (when: When) =>
  ({
    always: undefined,
    now: { start: '2020-01-01', end: '2999-12-31' },
    past: { start: '2019-01-01', end: '2020-02-01' },
    future: { start: '2999-01-01' },
  })[when];

const codeOf: Record<NonNullable<Title>, string> = {
  nurse: 'nurse',
  social: 'mobile-team-social',
  volunteer: 'volunteer',
  mobile: 'mobile-team-health',
};
const concept = (system: string, code: string) => ({ coding: [{ system, code }] });
const titleOf = (title: Title) => (title ? [concept(covisan, codeOf[title])] : undefined);

/** Everything of a world as it is first written, then the later versions of what has some. */
export function recordsOf(world: World, rules: AccessRules): Sent[][] {
  const all = [
    ...surroundingsOf(world),
    ...world.patients.flatMap((_one, patient) => circleOf(world, rules, patient)),
    ...binaries(world),
    ...world.items.map((one) => itemRecord(world, one, 0)),
    ...provenances(world),
  ];
  const later = world.items.filter((one) => one.versions.length > 1).map((one) => itemRecord(world, one, 1));
  return [all, later].map((list) => JSON.parse(JSON.stringify(list)) as Sent[]);
}

const organization = (world: World, place: Place) => `${world.mark}-${place}`;
const ref = (reference: string) => ({ reference });
const patientRef = (world: World, patient: number) => ref(`Patient/${world.mark}-${patient}`);

function targetRef(world: World, target: Target) {
  if ('place' in target) return ref(`Organization/${organization(world, target.place)}`);
  if ('role' in target) return ref(`PractitionerRole/${world.mark}-r${target.person}-${target.role}`);
  return ref(`Practitioner/${world.mark}-p${target.person}`);
}

function surroundingsOf(world: World): Sent[] {
  const { mark } = world;
  const type: Partial<Record<Place, string>> = { hotel: 'hotel', townhall: 'town-hall' };
  const area = (department: string, place: Place): Sent[] => [
    {
      resourceType: 'Location',
      id: `${mark}-area${department}`,
      identifier: [{ system: 'http://passerelle.example/fhir/NamingSystem/department', value: department }],
    },
    {
      resourceType: 'HealthcareService',
      id: `${mark}-team${department}`,
      providedBy: ref(`Organization/${organization(world, place)}`),
      coverageArea: [ref(`Location/${mark}-area${department}`)],
    },
  ];
  return [
    ...places.map((place) => ({
      resourceType: 'Organization',
      id: organization(world, place),
      name: place,
      type: type[place] ? [concept(covisan, type[place])] : undefined,
      identifier: place === 'hospital' ? [{ system: finess, value: siteOf(world) }] : undefined,
      partOf: place === 'unit' ? ref(`Organization/${organization(world, 'hospital')}`) : undefined,
    })),
    ...area('75', 'practice'),
    ...area('93', 'townhall'),
    ...world.people.flatMap(({ roles }, person) => [
      {
        resourceType: 'Practitioner',
        id: `${mark}-p${person}`,
        identifier: [{ system: RPPS, value: numberOf(world, person) }],
      },
      ...roles.map(({ place, title, active, when }, index) => ({
        resourceType: 'PractitionerRole',
        id: `${mark}-r${person}-${index}`,
        active,
        period: periodOf(when),
        practitioner: ref(`Practitioner/${mark}-p${person}`),
        organization: ref(`Organization/${organization(world, place)}`),
        code: titleOf(title),
      })),
    ]),
  ];
}

/** The Patient and what says who may see it. */
export function circleOf(world: World, rules: AccessRules, patient: number): Sent[] {
  const told = world.patients[patient]!;
  const id = `${world.mark}-${patient}`;
  const subject = patientRef(world, patient);
  const to = (target: Target) => targetRef(world, target);
  const consent = (name: string, more: object): Sent => ({
    resourceType: 'Consent',
    id: `${id}-${name}`,
    status: 'active',
    scope: { text: 'x' },
    category: [{ text: 'x' }],
    patient: subject,
    ...more,
  });
  const actor = (target: Target) => ({ role: { text: 'x' }, reference: to(target) });
  const category = (one: { system: string; code: string }) => [concept(one.system, one.code)];
  return [
    {
      resourceType: 'Patient',
      id,
      identifier: [{ system: 'urn:test:ipp', value: id }],
      name: [{ family: 'ESSAI', given: ['Un', 'Deux'] }],
      address: [{ postalCode: `${told.department}013`, use: told.moved ? 'old' : 'home' }],
      generalPractitioner: told.gp ? [to(told.gp)] : undefined,
    },
    ...told.teams.map((team, index) => ({
      resourceType: 'CareTeam',
      id: `${id}-team${index}`,
      status: team.active ? 'active' : 'inactive',
      period: periodOf(team.when),
      subject,
      participant:
        team.members.length === 0
          ? undefined
          : team.members.map(({ who, title, when }) => ({
              member: to(who),
              role: titleOf(title),
              period: periodOf(when),
            })),
    })),
    ...told.agreement.map(({ yes, how, day }, index) =>
      consent(`agreement${index}`, {
        meta: { profile: [rules.agreement] },
        identifier: [{ system: 'urn:test:agreement', value: `${id}-${index}` }],
        category: [concept('http://loinc.org', '59284-0')],
        policyRule: { text: 'x' },
        status: yes || how === 'provision' ? 'active' : 'inactive',
        dateTime: day === undefined ? undefined : `2020-11-0${day}`,
        provision: { type: yes || how === 'status' ? 'permit' : 'deny' },
      }),
    ),
    ...told.opposed.map((one, index) =>
      consent(`opposed${index}`, {
        status: one.active ? 'active' : 'inactive',
        category: category(rules.opposition),
        provision: {
          type: 'deny',
          period: periodOf(one.when),
          actor: one.to.length === 0 ? undefined : one.to.map(actor),
        },
      }),
    ),
    ...(told.recordRefused
      ? [consent('record', { category: category(rules.sharedRecord), provision: { type: 'deny' } })]
      : []),
    ...told.grants.map(({ who, when }, index) =>
      consent(`grant${index}`, {
        category: category(rules.breakGlass),
        provision: { type: 'permit', period: periodOf(when), actor: [actor(who)] },
      }),
    ),
    ...told.stays.map(({ now, at, numbered }, index) => ({
      resourceType: 'Encounter',
      id: `${id}-stay${index}`,
      identifier: numbered
        ? [{ system: `http://passerelle.example/fhir/NamingSystem/local/CH.${siteOf(world)}`, value: `${id}${index}` }]
        : undefined,
      status: now ? 'in-progress' : 'finished',
      class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'IMP' },
      subject,
      serviceProvider: at ? ref(`Organization/${organization(world, at)}`) : undefined,
    })),
    ...told.episodes.map(({ programme, running, when }, index) => ({
      resourceType: 'EpisodeOfCare',
      id: `${id}-episode${index}`,
      status: running ? 'active' : 'finished',
      type: [concept(covisan, programme)],
      patient: subject,
      period: periodOf(when),
    })),
    ...told.relatives.map((one, index) => ({
      resourceType: 'RelatedPerson',
      id: `${id}-relative${index}`,
      active: one.active,
      patient: patientRef(world, one.of),
      period: periodOf(one.when),
    })),
  ];
}

function binaries({ items }: World): Sent[] {
  const ids = new Set(items.flatMap((one) => one.binary ?? []));
  return [...ids].map((id) => ({ resourceType: 'Binary', id, contentType: 'application/pdf', data: 'AAAA' }));
}

/** A version of an item; the current one when none is named. */
export function itemRecord(world: World, item: Item, version = item.versions.length - 1): Sent {
  const label = item.versions[version];
  const subject = item.about[0] === undefined ? undefined : patientRef(world, item.about[0]);
  const authors = item.authors.length > 0 ? item.authors.map((one) => targetRef(world, one)) : undefined;
  const source = sourceOf(world, item);
  const marked = item.type === 'DocumentReference' ? undefined : securityOf(label);
  return {
    resourceType: item.type,
    id: item.id,
    meta: source || marked ? { source, security: marked } : undefined,
    // A server may keep no second version of what did not change.
    language: `fr-x-v${version}`,
    ...elementsOf(world, item, subject, authors),
    ...(item.type === 'DocumentReference'
      ? { securityLabel: label ? [{ coding: securityOf(label) }] : undefined }
      : {}),
  };
}

const securityOf = (label: Label | undefined) => (label ? [{ system: 'urn:test:labels', code: label }] : undefined);

function sourceOf(world: World, { id, from }: Item): string | undefined {
  const isSource = world.items.some((one) => one.from?.by === 'source' && one.from.document === id);
  const document = from?.by === 'source' ? from.document : isSource ? id : undefined;
  return document && `urn:test:${document}`;
}

type Reference = { reference: string };

function elementsOf(world: World, item: Item, subject?: Reference, authors?: Reference[]): object {
  const to = item.to && targetRef(world, item.to);
  const code = { text: 'x' };
  const [first] = authors ?? [];
  switch (item.type) {
    case 'DocumentReference':
      return {
        status: 'current',
        subject,
        author: authors,
        custodian: item.custodian ? ref(`Organization/${organization(world, item.custodian)}`) : undefined,
        content: [{ attachment: { contentType: 'application/pdf', url: `Binary/${item.binary}` } }],
      };
    case 'Composition':
      return { status: 'final', type: code, date: '2020-11-20', title: 'x', subject, author: authors };
    case 'CarePlan':
      return { status: 'active', intent: 'plan', subject };
    case 'Task':
      return {
        status: 'ready',
        intent: 'order',
        for: subject,
        owner: to,
        basedOn: item.basedOn ? [ref(`CarePlan/${item.basedOn}`)] : undefined,
      };
    case 'Communication':
      return { status: 'completed', subject, sender: first };
    case 'QuestionnaireResponse':
      return { status: 'completed', subject, author: first };
    case 'ServiceRequest':
      return {
        status: item.active ? 'active' : 'completed',
        intent: 'order',
        code,
        subject,
        requester: first,
        performer: to ? [to] : undefined,
        occurrencePeriod: periodOf(item.when),
      };
    case 'Appointment':
      return {
        status: 'booked',
        start: '2020-11-20T10:00:00Z',
        end: '2020-11-20T11:00:00Z',
        participant: item.about.map((one) => ({ actor: patientRef(world, one), status: 'accepted' })),
      };
    case 'Condition':
      return { code, subject };
    default:
      return {
        status: 'final',
        code,
        subject,
        derivedFrom: item.derivedFrom ? [ref(`Observation/${item.derivedFrom}`)] : undefined,
      };
  }
}

/** One for each document something came with. */
function provenances(world: World): Sent[] {
  return world.items.flatMap((document) => {
    const out = world.items.filter((one) => one.from?.document === document.id && one.from.by === 'provenance');
    if (out.length === 0) return [];
    return [
      {
        resourceType: 'Provenance',
        id: `${document.id}-prov`,
        recorded: '2020-11-20T00:00:00Z',
        agent: [{ who: { display: 'x' } }],
        target: [ref(`DocumentReference/${document.id}`), ...out.map((one) => ref(`${one.type}/${one.id}`))],
      },
    ];
  });
}
