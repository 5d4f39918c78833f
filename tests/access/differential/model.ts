import type { Capacity, Item, Label, PatientTold, Person, Place, Target, Title, When, World } from './world.ts';

/**
 * Who sees what, said the slow way: every question goes through all that was told, nothing is indexed, cut short or shared with
 * the porter. The words are those of docs/access.md.
 */
export type Asker =
  | { kind: 'machine' }
  | { kind: 'tool'; programme: 'covisan' | 'covidom' }
  | { kind: 'professional'; person: number }
  | { kind: 'patient'; patient: number }
  | { kind: 'representative'; patient: number; relative: boolean };

export type Sight = 'all' | 'part' | 'none';

/** What somebody sees of an item; `version` when not the current one. */
export function sees(world: World, asker: Asker, item: Item, version = item.versions.length - 1): Sight {
  if (asker.kind === 'machine') return 'all';
  if (item.about.length === 0) return 'none';
  const sights = item.about.map((patient) => seesOf(world, asker, item, patient, version));
  if (sights.includes('none')) return 'none';
  return sights.includes('part') ? 'part' : 'all';
}

/** What somebody sees of the Patient itself. */
export function seesPatient(world: World, asker: Asker, patient: number): Sight {
  return sees(world, asker, patientItem(world, patient));
}

/** The Patient as an item: no label, nobody's writing. */
export function patientItem(world: World, patient: number): Item {
  const id = `${world.mark}-${patient}`;
  const versions = Array.from({ length: world.patients[patient]!.written }, () => undefined);
  return { type: 'Patient', id, about: [patient], versions, authors: [], active: true, when: 'always' };
}

function seesOf(world: World, asker: Asker, item: Item, number: number, version: number): Sight {
  const patient = world.patients[number] as PatientTold;
  const marks = marksOf(world, item, version);
  const has = (...codes: Label[]) => codes.some((one) => marks.includes(one));
  switch (asker.kind) {
    case 'machine':
      return 'all';
    case 'patient':
      return asker.patient === number && !has('INVISIBLE_PATIENT') ? 'all' : 'none';
    case 'representative': {
      const kept = has('INVISIBLE_PATIENT', 'INVISIBLE_REPRESENTANTS_LEGAUX');
      return asker.patient === number && asker.relative && !kept ? 'all' : 'none';
    }
    case 'tool': {
      if (withdrew(patient) || has('MASQUE_PS', 'R', 'V', 'HIV', 'PSY') || !ofTools.includes(item.type)) return 'none';
      return isEnrolled(patient, asker.programme) ? 'all' : 'none';
    }
    case 'professional':
      return seesAsProfessional(world, asker.person, item, patient, has);
  }
}

function seesAsProfessional(
  world: World,
  self: number,
  item: Item,
  patient: PatientTold,
  has: (...codes: Label[]) => boolean,
): Sight {
  const me = world.people[self] as Person;
  const isMe = (target: Target) => 'person' in target && standsAs(me, self, target) !== undefined;
  const wrote = writersOf(world, item).some(isMe);
  const isGp = patient.gp !== undefined && isMe(patient.gp);
  const emergency = patient.grants.some((one) => one.when === 'now' && isMe(one.who));
  const inHospital = patient.stays.some((one) => one.now && isStayOf(me, self, one));

  const opposed = patient.opposed.some(
    (one) =>
      one.active &&
      isNow(one.when) &&
      (one.to.length === 0 || one.to.some((target) => standsAs(me, self, target) !== undefined)),
  );
  if ((opposed || withdrew(patient)) && !wrote) return 'none';
  const isDocument = item.type === 'DocumentReference' || item.type === 'Composition';
  const keeps = item.custodian !== undefined && placeOf(me, item.custodian) !== undefined;
  if (isDocument && patient.recordRefused && !wrote && !keeps && !emergency) return 'none';
  if (has('MASQUE_PS', 'V') && !wrote && !isGp) return 'none';
  if (has('HIV', 'PSY') && !wrote && !isGp && !inHospital && !emergency) return 'none';

  if (wrote || isGp || emergency || inHospital) return 'all';
  if (isInTeam(me, self, patient, 'care') || isInTerritory(me, patient, 'care')) return 'all';
  const social = isInTeam(me, self, patient, 'social') || isInTerritory(me, patient, 'social');
  if (social && !has('R')) return 'all';
  if (has('R') && (social || capacitiesOf(me).includes('social'))) return 'none';

  const serves = world.items.some(
    (one) =>
      one.type === 'ServiceRequest' &&
      one.about.includes(world.patients.indexOf(patient)) &&
      one.active &&
      isNow(one.when) &&
      one.to !== undefined &&
      standsAs(me, self, one.to) === 'partner',
  );
  if (item.type === 'Patient' && (serves || isInTeam(me, self, patient, 'partner'))) return 'part';
  const isForMe = item.to !== undefined && standsAs(me, self, item.to) === 'partner';
  return item.type === 'ServiceRequest' && isForMe ? 'part' : 'none';
}

/** Own label, and those of the document it came with. */
function marksOf(world: World, item: Item, version: number): (Label | undefined)[] {
  const document = documentOf(world, item);
  return [item.versions[version], document?.versions.at(-1)];
}

/** Those who wrote it; a hidden document's authors also keep what came with it. */
function writersOf(world: World, item: Item): Target[] {
  const own = writes.includes(item.type) ? item.authors : [];
  const label = documentOf(world, item)?.versions.at(-1);
  return label !== undefined && label !== 'N' ? [...own, ...(documentOf(world, item)?.authors ?? [])] : own;
}

function documentOf(world: World, { from }: Item): Item | undefined {
  return from && world.items.find((one) => one.id === from.document);
}

const writes = ['Composition', 'DocumentReference', 'Communication', 'QuestionnaireResponse', 'ServiceRequest'];

const ofTools = [
  'CarePlan',
  'Communication',
  'Device',
  'EpisodeOfCare',
  'Observation',
  'Patient',
  'QuestionnaireResponse',
  'RelatedPerson',
  'ServiceRequest',
  'Task',
];

const isNow = (when: When) => when === 'always' || when === 'now';

/** The last word counts; of two on one day, or when a day is not known, the no. */
function withdrew({ agreement }: PatientTold): boolean {
  const noes = agreement.filter((one) => !one.yes);
  if (noes.length === 0) return false;
  if (agreement.some((one) => one.day === undefined)) return true;
  return noes.some((no) => agreement.every((one) => !one.yes || (one.day as number) <= (no.day as number)));
}

function isEnrolled({ episodes }: PatientTold, programme: string): boolean {
  return episodes.some((one) => one.programme === programme && one.running && one.when !== 'past');
}

function capacityByTitle(title: Title): Capacity | undefined {
  if (title === 'social') return 'social';
  return title === 'volunteer' ? 'partner' : undefined;
}

/** In which capacity each role stands that counts today. */
export function rolesOf(me: Person): { place: Place; title: Title; capacity: Capacity; index: number }[] {
  return me.roles.flatMap(({ place, title, active, when }, index) => {
    if (!active || !isNow(when)) return [];
    const byPlace = place === 'hotel' ? 'partner' : place === 'townhall' ? 'social' : 'care';
    return [{ place, title, capacity: capacityByTitle(title) ?? byPlace, index }];
  });
}

/** Of several capacities the widest. */
function widest(capacities: Capacity[]): Capacity | undefined {
  return (['care', 'social', 'partner'] as const).find((one) => capacities.includes(one));
}

/** The capacity of the person: without any role, care. */
function selfOf(me: Person): Capacity {
  return widest(rolesOf(me).map((one) => one.capacity)) ?? 'care';
}

function placeOf(me: Person, place: Place): Capacity | undefined {
  return widest(
    rolesOf(me)
      .filter((one) => one.place === place)
      .map((one) => one.capacity),
  );
}

/** All capacities somebody stands in anywhere. */
export function capacitiesOf(me: Person): Capacity[] {
  return [selfOf(me), ...rolesOf(me).map((one) => one.capacity)];
}

/** In which capacity a reference means this person; undefined: it means somebody else. */
function standsAs(me: Person, self: number, target: Target): Capacity | undefined {
  if ('place' in target) return placeOf(me, target.place);
  if (target.person !== self) return undefined;
  if (!('role' in target)) return selfOf(me);
  return rolesOf(me).find((one) => one.index === target.role)?.capacity;
}

/** What one is called in the team outweighs what one is elsewhere. */
function isInTeam(me: Person, self: number, { teams }: PatientTold, as: Capacity): boolean {
  return teams.some(
    (team) =>
      team.active &&
      isNow(team.when) &&
      team.members.some((member) => {
        const own = standsAs(me, self, member.who);
        return own !== undefined && isNow(member.when) && (capacityByTitle(member.title) ?? own) === as;
      }),
  );
}

/** The practice's mobile team goes to 75, the town hall's to 93. */
function isInTerritory(me: Person, patient: PatientTold, as: Capacity): boolean {
  if (patient.moved || !isEnrolled(patient, 'covisan')) return false;
  const covers = { practice: '75', townhall: '93' } as Partial<Record<Place, string>>;
  return rolesOf(me).some(
    ({ place, title, capacity }) =>
      (title === 'mobile' || title === 'social') && capacity === as && covers[place] === patient.department,
  );
}

/** The place itself, the hospital of a unit, or the hospital whose number the stay carries. */
function isStayOf(me: Person, _self: number, { at, numbered }: PatientTold['stays'][number]): boolean {
  const here = at !== undefined && placeOf(me, at) === 'care';
  const above = at === 'unit' && placeOf(me, 'hospital') === 'care';
  return here || above || (numbered && placeOf(me, 'hospital') === 'care');
}
