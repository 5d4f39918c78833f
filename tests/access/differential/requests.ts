import { type Asker, capacitiesOf, patientItem, rolesOf, type Sight, sees } from './model.ts';
import type { Dice } from './random.ts';
import type { Item, World } from './world.ts';

/** What may come back. Ids are `Type/id`; those of a search may lie between two bounds where the porter says so. */
export type Expected =
  | { status: number }
  | { status: 200; one: Sight }
  | { status: 200; found: string[]; least: string[]; parts: string[]; brought: string[]; total: boolean };

export interface Asked {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH';
  path: string;
  /** A form when it is a text. */
  body?: object | string;
  /** Types to look at in the answer; the others are not said. */
  only?: string[];
  /** Set when others' worlds may be found as well: what is looked at, by `Type/id`. */
  within?: Set<string>;
  expected: Expected;
  /** What the world is like afterwards, when the request was taken. */
  after?(id: string): void;
}

const searched = [
  'Observation',
  'Condition',
  'DocumentReference',
  'Composition',
  'CarePlan',
  'Task',
  'Communication',
  'QuestionnaireResponse',
  'ServiceRequest',
  'Patient',
];

/** All that is about patients and can be asked for, the Patients among it. */
export function everything(world: World): Item[] {
  return [...world.items, ...world.patients.map((_one, index) => patientItem(world, index))];
}

const refusedToPersons = { status: 403 };
const notHere = (asker: Asker) => ({ status: asker.kind === 'patient' ? 403 : 404 });
const name = (one: Item) => `${one.type}/${one.id}`;

/** One request by chance, with what the model says of it. */
export function ask(dice: Dice, world: World, asker: Asker): Asked {
  const kinds: [number, (dice: Dice, world: World, asker: Asker) => Asked | undefined][] = [
    [24, read],
    [18, searchOfPatient],
    [9, searchOfAll],
    [6, searchById],
    [12, searchWithMore],
    [5, chain],
    [8, forbidden],
    [4, allOfPatient],
    [4, history],
    [3, version],
    [4, binary],
    [8, write],
  ];
  const sum = kinds.reduce((total, [weight]) => total + weight, 0);
  for (;;) {
    let left = dice.roll(sum);
    const kind = kinds.find(([weight]) => {
      left -= weight;
      return left < 0;
    })!;
    const asked = kind[1](dice, world, asker);
    if (asked) return asked;
  }
}

function read(dice: Dice, world: World, asker: Asker): Asked {
  if (dice.chance(8)) {
    return {
      method: 'GET',
      path: `Observation/${world.mark}-none`,
      expected: { status: asker.kind === 'patient' ? 403 : 404 },
    };
  }
  const one = dice.pick(everything(world));
  return { method: 'GET', path: name(one), expected: seen(asker, sees(world, asker, one)) };
}

function seen(asker: Asker, sight: Sight): Expected {
  return sight === 'none' ? notHere(asker) : { status: 200, one: sight };
}

/** A search among these candidates. `least`: those a search that names no patient must find. */
function searchOf(
  world: World,
  asker: Asker,
  query: string,
  candidates: Item[],
  { brings = (_one: Item): Item[] => [], least = candidates, post = false, count = false } = {},
): Asked {
  const [type = ''] = query.split('?');
  const path = post ? `${type}/_search` : query;
  const body = post ? { body: query.split('?')[1] ?? '' } : {};
  const method = post ? 'POST' : 'GET';
  if (isRefusedByView(world, asker, query)) return { method, path, ...body, expected: refusedToPersons };
  // What is seen in part is found only by what its view shows.
  const visible = (list: Item[]) =>
    list.filter((one) => {
      const sight = sees(world, asker, one);
      return sight === 'all' || (sight === 'part' && onlyOfView(query));
    });
  const found = visible(candidates);
  const matches = found.map(name);
  const brought = count ? [] : found.flatMap((one) => brings(one)).filter((one) => sees(world, asker, one) !== 'none');
  const parts = [...found, ...brought].filter((one) => sees(world, asker, one) === 'part').map(name);
  return {
    method,
    path,
    ...body,
    expected: {
      status: 200,
      found: matches,
      least: visible(least).map(name),
      parts,
      brought: [...new Set(brought.map(name))].filter((one) => !matches.includes(one)),
      total: count,
    },
  };
}

const viewed = ['_id', '_count', '_summary', '_include', 'patient', 'subject', 'status'];
const namesOf = (query: string) => [...new URLSearchParams(query.split('?')[1] ?? '').keys()];
const onlyOfView = (query: string) => namesOf(query).every((one) => viewed.includes(one));

/** A partner may not find out by searching what is not shown. */
function isRefusedByView(world: World, asker: Asker, query: string): boolean {
  if (asker.kind !== 'professional' || !/^(Patient|ServiceRequest)\b/.test(query)) return false;
  return capacitiesOf(world.people[asker.person]!).includes('partner') && !onlyOfView(query);
}

const ofType = (world: World, type: string) => everything(world).filter((one) => one.type === type);

function about(world: World, type: string, patient: number): Item[] {
  return ofType(world, type).filter((one) => one.about.includes(patient));
}

function searchOfPatient(dice: Dice, world: World, asker: Asker): Asked {
  const type = dice.pick(searched.filter((one) => one !== 'Patient'));
  const patient = patientFor(dice, world, asker);
  const count = dice.chance(25);
  const more = count ? '&_summary=count' : dice.chance(30) ? `&_count=${1 + dice.roll(2)}` : '';
  const query = `${type}?patient=${world.mark}-${patient}${more}`;
  return searchOf(world, asker, query, about(world, type, patient), { count, post: dice.chance(15) });
}

/** A patient's own token adds its patient to the search: another one in it means two patients at once. */
function patientFor(dice: Dice, world: World, asker: Asker): number {
  return asker.kind === 'patient' ? asker.patient : dice.roll(world.patients.length);
}

function searchOfAll(dice: Dice, world: World, asker: Asker): Asked | undefined {
  // Machines and tools see other worlds too.
  if (asker.kind === 'machine' || asker.kind === 'tool') return undefined;
  // Documents are searched for one patient at a time.
  const type = dice.pick(searched.filter((one) => one !== 'DocumentReference'));
  // A mobile team goes to the department, whatever world is there.
  const travels = asker.kind === 'professional' && rolesOf(world.people[asker.person]!).some((one) => one.title);
  const count = !travels && dice.chance(30);
  const all = ofType(world, type);
  // A stay known by the hospital's number only is not found by a search that names nobody (SECURITY.md).
  const bare: World = {
    ...world,
    patients: world.patients.map((one) => ({ ...one, stays: one.stays.map((stay) => ({ ...stay, numbered: false })) })),
  };
  const least = all.filter((one) => sees(bare, asker, one) !== 'none');
  const asked = searchOf(world, asker, `${type}${count ? '?_summary=count' : ''}`, all, { count, least });
  return travels ? { ...asked, within: new Set(all.map(name)) } : asked;
}

function searchById(dice: Dice, world: World, asker: Asker): Asked {
  const type = dice.pick(searched);
  const all = ofType(world, type);
  const chosen = [dice.pick(all), dice.pick(all)].filter((one, index, list) => list.indexOf(one) === index);
  const ids = chosen.map((one) => one.id).join(',');
  return searchOf(world, asker, `${type}?_id=${ids}${dice.chance(30) ? '&_lastUpdated=gt2000-01-01' : ''}`, chosen);
}

function searchWithMore(dice: Dice, world: World, asker: Asker): Asked | undefined {
  // Scopes of a patient decide about what comes along too; that is theirs to show (tests/web/fhir-scope.test.ts).
  if (asker.kind === 'patient') return undefined;
  const patient = dice.roll(world.patients.length);
  const id = `${world.mark}-${patient}`;
  const itself = () => [patientItem(world, patient)];
  const items = (ids: (string | undefined)[]) => everything(world).filter((one) => ids.includes(one.id));
  const [query, type, brings] = dice.pick<[string, string, (one: Item) => Item[]]>([
    [`Observation?patient=${id}&_include=Observation:subject`, 'Observation', itself],
    [`Observation?patient=${id}&_include=Observation:derived-from`, 'Observation', (one) => items([one.derivedFrom])],
    [`Task?patient=${id}&_include=Task:based-on`, 'Task', (one) => items([one.basedOn])],
    [
      `CarePlan?patient=${id}&_include=CarePlan:subject&_revinclude=Task:based-on`,
      'CarePlan',
      (one) => [...itself(), ...world.items.filter((task) => task.basedOn === one.id)],
    ],
    [`Patient?_id=${id}&_revinclude=Condition:patient`, 'Patient', () => about(world, 'Condition', patient)],
    [`ServiceRequest?patient=${id}&_include=ServiceRequest:patient`, 'ServiceRequest', itself],
    [
      `Observation?_id=${world.mark}-obs${patient}-0&_revinclude=Observation:derived-from`,
      'Observation',
      (one) => world.items.filter((other) => other.derivedFrom === one.id),
    ],
  ]);
  const candidates = /_id=/.test(query)
    ? everything(world).filter((one) => one.id === /_id=([^&]+)/.exec(query)?.[1])
    : about(world, type, patient);
  return searchOf(world, asker, query, candidates, { brings });
}

function chain(dice: Dice, world: World, asker: Asker): Asked | undefined {
  const type = dice.pick(['Observation', 'Condition', 'DocumentReference']);
  const patient = patientFor(dice, world, asker);
  const query = `${type}?patient.identifier=urn:test:ipp|${world.mark}-${patient}`;
  return searchOf(world, asker, query, about(world, type, patient));
}

/** What persons and tools may not ask, because the answer would tell of what is outside. */
function forbidden(dice: Dice, world: World, asker: Asker): Asked | undefined {
  if (asker.kind === 'machine') return undefined;
  const id = `${world.mark}-${dice.roll(world.patients.length)}`;
  const get = (path: string): Asked => ({ method: 'GET', path, expected: refusedToPersons });
  const entry = { request: { method: 'GET', url: `Patient/${id}` } };
  return dice.pick<Asked>([
    get('Observation?patient.name=ESSAI'),
    get(`Observation?subject:Patient.general-practitioner.identifier=${world.mark}p0`),
    get('Patient?_has:Observation:patient:code=x'),
    get(`Observation?_id=${world.mark}-obs0-2&_include:iterate=Observation:derived-from`),
    get(`Observation?_id=${world.mark}-obs0-2&_revinclude:iterate=Observation:derived-from`),
    get('Observation?_filter=status eq final'),
    get('Observation?_sort=patient.name'),
    get('Observation/_history'),
    get('_history'),
    get(`Patient/${id}/Observation`),
    {
      method: 'POST',
      path: '',
      body: { resourceType: 'Bundle', type: 'batch', entry: [entry] },
      expected: refusedToPersons,
    },
    {
      method: 'PUT',
      path: `Observation?identifier=x|${id}`,
      body: {
        resourceType: 'Observation',
        status: 'final',
        code: { text: 'x' },
        subject: { reference: `Patient/${id}` },
      },
      expected: refusedToPersons,
    },
    { method: 'DELETE', path: `Observation?patient=${id}`, expected: refusedToPersons },
  ]);
}

function allOfPatient(dice: Dice, world: World, asker: Asker): Asked | undefined {
  if (asker.kind === 'patient') return undefined;
  const patient = dice.roll(world.patients.length);
  const sight = sees(world, asker, patientItem(world, patient));
  const path = `Patient/${world.mark}-${patient}/$everything`;
  if (sight === 'none') return { method: 'GET', path, expected: { status: 404 } };
  const only = ['Patient', 'Observation', 'Condition', 'DocumentReference', 'CarePlan', 'ServiceRequest'];
  const all = everything(world).filter((one) => only.includes(one.type) && one.about.includes(patient));
  const visible = (list: Item[]) => list.filter((one) => sees(world, asker, one) !== 'none').map(name);
  const least = visible(all);
  // HAPI also brings what these refer to.
  const others = world.items.filter((one) => only.includes(one.type) && !one.about.includes(patient));
  const found = [...least, ...visible(others)];
  const parts = everything(world)
    .filter((one) => sees(world, asker, one) === 'part')
    .map(name);
  return {
    method: 'GET',
    path,
    only,
    expected: { status: 200, found, least, parts, brought: [], total: false },
  };
}

function history(dice: Dice, world: World, asker: Asker): Asked {
  const one = dice.pick(everything(world));
  const path = `${name(one)}/_history`;
  if (sees(world, asker, one) === 'none') return { method: 'GET', path, expected: notHere(asker) };
  const seenVersions = one.versions.flatMap((_label, at) =>
    sees(world, asker, one, at) === 'none' ? [] : [name(one)],
  );
  const parts = sees(world, asker, one) === 'part' ? seenVersions : [];
  const list = { found: seenVersions, least: seenVersions, parts, brought: [], total: false };
  return { method: 'GET', path, expected: { status: 200, ...list } };
}

function version(dice: Dice, world: World, asker: Asker): Asked | undefined {
  const one = dice.pick(world.items.filter((each) => each.versions.length > 1));
  const at = dice.roll(one.versions.length);
  const path = `${name(one)}/_history/${at + 1}`;
  if (sees(world, asker, one) === 'none') return { method: 'GET', path, expected: notHere(asker) };
  const then = sees(world, asker, one, at);
  return { method: 'GET', path, expected: then === 'none' ? { status: 404 } : { status: 200, one: then } };
}

function binary(dice: Dice, world: World, asker: Asker): Asked | undefined {
  if (asker.kind === 'patient') return undefined;
  const citing = dice.pick(world.items.filter((one) => one.binary));
  const all = world.items.filter((one) => one.binary === citing.binary);
  const visible = all.every((one) => sees(world, asker, one) === 'all');
  const sight = asker.kind === 'machine' || visible ? 'all' : 'none';
  return { method: 'GET', path: `Binary/${citing.binary}`, expected: seen(asker, sight) };
}

/** Changes an Observation nobody's access hangs on, writes a new one, or takes that away. */
function write(dice: Dice, world: World, asker: Asker): Asked | undefined {
  if (asker.kind !== 'professional') return undefined;
  const patient = dice.roll(world.patients.length);
  const whole = sees(world, asker, patientItem(world, patient)) === 'all';
  const resource = (id?: string) => ({
    resourceType: 'Observation',
    ...(id ? { id } : {}),
    status: 'final',
    code: { text: 'x' },
    subject: { reference: `Patient/${world.mark}-${patient}` },
    valueInteger: dice.roll(1_000_000_000),
  });
  if (dice.chance(50)) {
    const made: Omit<Item, 'id'> = {
      type: 'Observation',
      about: [patient],
      versions: [undefined],
      authors: [],
      active: true,
      when: 'always',
    };
    return {
      method: 'POST',
      path: 'Observation',
      body: resource(),
      expected: { status: whole ? 201 : 404 },
      after: (id) => void world.items.push({ ...made, id }),
    };
  }
  const target = world.items.find((one) => one.id === `${world.mark}-obs${patient}-0`)!;
  const expected = { status: sees(world, asker, target) === 'all' && whole ? 200 : 404 };
  return {
    method: 'PUT',
    path: name(target),
    body: resource(target.id),
    expected,
    after: () => void target.versions.push(undefined),
  };
}
