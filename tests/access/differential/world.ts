import { type Dice, diceOf } from './random.ts';

/**
 * A small world of persons, places and patients, as one would tell it: no dates, no codes, no references. What the FHIR server is
 * given is made of it (`records.ts`), and so is what the reference model says (`model.ts`); the porter only ever sees the former.
 */
export interface World {
  mark: string;
  people: Person[];
  patients: PatientTold[];
  items: Item[];
}

export type When = 'always' | 'now' | 'past' | 'future';
export type Capacity = 'care' | 'social' | 'partner';
/** What a role or a place in a team is called; none says nothing about the capacity. */
export type Title = 'nurse' | 'social' | 'volunteer' | 'mobile' | undefined;
export const places = ['hospital', 'unit', 'practice', 'hotel', 'townhall'] as const;
export type Place = (typeof places)[number];

export interface Person {
  name: string;
  roles: { place: Place; title: Title; active: boolean; when: When }[];
}

/** Somebody or something a reference names. */
export type Target = { person: number } | { person: number; role: number } | { place: Place };

export interface PatientTold {
  /** How often the Patient has been written. */
  written: number;
  gp?: Target;
  department: '75' | '93' | '13';
  moved: boolean;
  teams: { active: boolean; when: When; members: { who: Target; title: Title; when: When }[] }[];
  /** What was said about the programme, and on which day, if that is known. */
  agreement: { yes: boolean; how: 'status' | 'provision'; day?: number }[];
  opposed: { to: Target[]; when: When; active: boolean }[];
  recordRefused: boolean;
  grants: { who: Target; when: When }[];
  stays: { now: boolean; at?: Place; numbered: boolean }[];
  episodes: { programme: 'covisan' | 'covidom'; running: boolean; when: When }[];
  relatives: { active: boolean; when: When; of: number }[];
}

export const labels = [
  'N',
  'R',
  'V',
  'MASQUE_PS',
  'INVISIBLE_PATIENT',
  'INVISIBLE_REPRESENTANTS_LEGAUX',
  'HIV',
  'PSY',
] as const;
export type Label = (typeof labels)[number];

/** Something recorded; `about` are patients by number. */
export interface Item {
  type: string;
  id: string;
  about: number[];
  /** Labels of each version; the last is the current one. */
  versions: (Label | undefined)[];
  authors: Target[];
  custodian?: Place;
  to?: Target;
  /** Id of the document it came with, and by what that can be seen. */
  from?: { document: string; by: 'provenance' | 'source' };
  binary?: string;
  basedOn?: string;
  derivedFrom?: string;
  /** Of a service: whether it is still wanted. */
  active: boolean;
  when: When;
}

const whens: When[] = ['always', 'always', 'now', 'past', 'future'];
const titles: Title[] = [undefined, undefined, undefined, 'nurse', 'social', 'volunteer', 'mobile'];

/** The world of a seed. */
export function worldOf(seed: number): World {
  const dice = diceOf(seed);
  const people = Array.from({ length: 5 }, (_one, index) => personOf(dice, index));
  const mark = `w${seed.toString(36)}`;
  const count = 2 + dice.roll(3);
  const patients = Array.from({ length: count }, (_one, index) => patientOf(dice, people, index));
  const world: World = { mark, people, patients, items: [] };
  for (let index = 0; index < count; index++) world.items.push(...itemsOf(dice, world, index));
  world.items.push(item(dice, world, 'Appointment', 'both', { about: [0, 1] }));
  world.items.push(item(dice, world, 'Observation', 'nobody', { about: [] }));
  return world;
}

function personOf(dice: Dice, index: number): Person {
  const roles = dice.some(2, () => ({
    place: dice.pick(places),
    title: dice.pick(titles),
    active: dice.chance(85),
    when: dice.pick(whens),
  }));
  return { name: `p${index}`, roles };
}

/** Anybody; `person` leaves out places, which cannot write or be a general practitioner here. */
function targetOf(dice: Dice, people: Person[], persons = false): Target {
  if (!persons && dice.chance(30)) return { place: dice.pick(places) };
  const person = dice.roll(people.length);
  const roles = people[person]?.roles.length ?? 0;
  return roles > 0 && dice.chance(40) ? { person, role: dice.roll(roles) } : { person };
}

function patientOf(dice: Dice, people: Person[], index: number): PatientTold {
  const anybody = () => targetOf(dice, people);
  const somebody = () => targetOf(dice, people, true);
  return {
    written: 1,
    ...(dice.chance(60) ? { gp: somebody() } : {}),
    department: dice.pick(['75', '75', '93', '13']),
    moved: dice.chance(15),
    teams: dice.some(2, () => ({
      active: dice.chance(80),
      when: dice.pick(whens),
      members: dice.some(3, () => ({ who: anybody(), title: dice.pick(titles), when: dice.pick(whens) })),
    })),
    agreement: dice.chance(35)
      ? dice.some(2, () => ({
          yes: dice.chance(50),
          how: dice.pick(['status', 'provision'] as const),
          ...(dice.chance(85) ? { day: 1 + dice.roll(3) } : {}),
        }))
      : [],
    opposed: dice.chance(20) ? [{ to: dice.some(2, anybody), when: dice.pick(whens), active: dice.chance(85) }] : [],
    recordRefused: dice.chance(15),
    grants: dice.chance(25) ? [{ who: somebody(), when: dice.pick(whens) }] : [],
    stays: dice.some(2, () => ({
      now: dice.chance(60),
      ...(dice.chance(70) ? { at: dice.pick(places) } : {}),
      numbered: dice.chance(30),
    })),
    episodes: dice.some(2, () => ({
      programme: dice.pick(['covisan', 'covisan', 'covidom'] as const),
      running: dice.chance(80),
      when: dice.pick(whens),
    })),
    relatives: [{ active: dice.chance(80), when: dice.pick(whens), of: dice.chance(85) ? index : 0 }],
  };
}

function item(dice: Dice, world: World, type: string, name: string, more: Partial<Item> = {}): Item {
  return {
    type,
    id: `${world.mark}-${name}`,
    about: [],
    versions: [undefined],
    authors: [],
    active: dice.chance(80),
    when: dice.pick(whens),
    ...more,
  };
}

function itemsOf(dice: Dice, world: World, index: number): Item[] {
  const about = [index];
  const name = (kind: string) => `${kind}${index}`;
  const somebody = () => targetOf(dice, world.people, true);
  const label = () => (dice.chance(55) ? dice.pick(labels) : undefined);
  const documents = Array.from({ length: 1 + dice.roll(3) }, (_one, number) =>
    item(dice, world, 'DocumentReference', `${name('doc')}-${number}`, {
      about,
      versions: dice.chance(30) ? [label(), label()] : [label()],
      authors: dice.some(2, somebody),
      ...(dice.chance(40) ? { custodian: dice.pick(places) } : {}),
      // A second document may cite the first one's Binary.
      binary: `${world.mark}-${name('bin')}-${dice.chance(80) ? number : 0}`,
    }),
  );
  const from = () =>
    dice.chance(50)
      ? { from: { document: dice.pick(documents).id, by: dice.pick(['provenance', 'source'] as const) } }
      : {};
  const plan = item(dice, world, 'CarePlan', name('plan'), { about });
  return [
    ...documents,
    plan,
    item(dice, world, 'Observation', `${name('obs')}-0`, { about, versions: [undefined, undefined] }),
    item(dice, world, 'Observation', `${name('obs')}-1`, { about, versions: [label()], ...from() }),
    item(dice, world, 'Observation', `${name('obs')}-2`, {
      about,
      derivedFrom: `${world.mark}-obs${dice.roll(world.patients.length)}-0`,
    }),
    item(dice, world, 'Condition', name('cond'), { about, versions: [label()], ...from() }),
    item(dice, world, 'Composition', name('comp'), { about, authors: [somebody()], ...from() }),
    item(dice, world, 'Task', name('task'), { about, basedOn: plan.id, to: targetOf(dice, world.people) }),
    item(dice, world, 'Communication', name('com'), { about, authors: dice.some(1, somebody) }),
    item(dice, world, 'QuestionnaireResponse', name('qr'), { about, authors: dice.some(1, somebody) }),
    item(dice, world, 'ServiceRequest', name('service'), {
      about,
      to: targetOf(dice, world.people),
      authors: dice.some(1, somebody),
    }),
  ];
}
