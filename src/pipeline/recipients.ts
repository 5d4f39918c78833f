import type {
  CareTeam,
  DocumentReference,
  Patient,
  Practitioner,
  PractitionerRole,
  Resource,
} from '@medplum/fhirtypes';
import { isIns, isValidMatricule } from '../adapter/ins.ts';
import type { Conversion, Party } from '../conversion.ts';
import { readIfThere, readTogether, searchAll } from '../fhir-pages.ts';
import { IDNPS, professionalIdentifiers, RPPS } from '../formats/national.ts';
import type { House } from './house.ts';
import type { Identity } from './identify.ts';

/** A team has tens of members. */
const MANY = 200;

type Known = Practitioner | PractitionerRole;

/**
 * Fills the recipients of a document from the patient's circle when it is to go to professionals and none is named
 * (DESTMSSANTEPS without PRT): persons of the national register only, since addresses are looked up by number. The general
 * practitioner gets what no rule of access refuses; a member of a care team what the rules open to that person, so that a
 * partner who brings meals gets no letter, nor anybody the patient is opposed to.
 * @throws PasserelleError `fhir-unreachable`
 */
export async function nameRecipients(conversion: Conversion, identity: Identity, house: House): Promise<void> {
  const { orders, drafts } = conversion;
  const circle = house.unnamed;
  if (!circle || !orders?.mssProfessional || orders.recipients.some(isProfessional)) return;
  const known = new Map(drafts.map(({ fullUrl, resource }) => [fullUrl, resource]));
  const read = (references: string[]) => readAll(references, known, house);
  const papers = papersOf(conversion, identity);

  const practitioners = circle.from.includes('general-practitioner')
    ? await generalPractitioners(identity, read, house)
    : [];
  const members = circle.from.includes('care-team') ? await teamOf(identity, read, house) : [];
  const found = new Map<string, Party>();
  for (const [persons, isOpen] of [
    [practitioners, (stance: string) => stance !== 'refused'],
    [members, (stance: string) => stance === 'allowed'],
  ] as const)
    for (const person of persons) {
      const number = numberOf(person);
      if (!number || found.has(number)) continue;
      const stances = await circle.stances(number, papers);
      if (stances.every(isOpen)) found.set(number, partyOf(person, number));
    }
  // In the order of their numbers, so that the same circle is the same list whatever order the server answers in.
  const named = [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, party]) => party);
  orders.recipients = [...orders.recipients, ...named];
}

/** Anybody but the patient: whose number is an INS, or whose address begins with one. */
function isProfessional({ person, mail = '' }: Party): boolean {
  return !isIns(person?.identifier?.system) && !isValidMatricule(mail.split('@')[0] ?? '');
}

/** What the rules are asked about: the documents as they are to be written, or one without a mark for those taken back. */
function papersOf({ drafts }: Conversion, { reference }: Identity): DocumentReference[] {
  const subject = { reference };
  const written = drafts.flatMap(({ resource }) =>
    resource.resourceType === 'DocumentReference' ? [{ ...resource, subject }] : [],
  );
  if (written.length > 0) return written;
  return [
    { resourceType: 'DocumentReference', status: 'current', content: [], subject } as unknown as DocumentReference,
  ];
}

type Read = (references: string[]) => Promise<Known[]>;

async function generalPractitioners(
  { patient, reference }: Identity,
  read: Read,
  { fhir }: House,
): Promise<Practitioner[]> {
  const record = patient?.resource ?? (reference ? await readIfThere<Patient>(fhir, reference) : undefined);
  return personsOf(
    (record?.generalPractitioner ?? []).flatMap((one) => one.reference ?? []),
    read,
  );
}

async function teamOf({ reference }: Identity, read: Read, { fhir }: House): Promise<Practitioner[]> {
  const id = /^Patient\/([A-Za-z0-9.-]{1,64})$/.exec(reference ?? '')?.[1];
  if (!id) return [];
  const teams = await searchAll<CareTeam>(fhir, `CareTeam?patient=${id}&status=active`, MANY);
  const members = teams
    .flatMap(({ participant }) => participant ?? [])
    .flatMap(({ member }) => member?.reference ?? []);
  return personsOf([...new Set(members)].slice(0, MANY), read);
}

/** Persons, in their own name or behind a role; structures have no person's number. */
async function personsOf(references: string[], read: Read): Promise<Practitioner[]> {
  const found = await read(references);
  const behind = found.flatMap((one) =>
    one.resourceType === 'PractitionerRole' ? (one.practitioner?.reference ?? []) : [],
  );
  const persons = [...found, ...(await read(behind))];
  return persons.filter((one): one is Practitioner => one.resourceType === 'Practitioner');
}

/** Those of the message as it says them, the others as the server has them. */
async function readAll(references: string[], drafts: Map<string, Resource>, { fhir }: House): Promise<Known[]> {
  const elsewhere = references.filter((one) => /^Practitioner(Role)?\/[A-Za-z0-9.-]{1,64}$/.test(one));
  const there = elsewhere.length > 0 ? await readTogether(fhir, elsewhere) : [];
  const all = [...references.map((one) => drafts.get(one)), ...there];
  return all.filter(
    (one): one is Known => one?.resourceType === 'Practitioner' || one?.resourceType === 'PractitionerRole',
  );
}

/** The RPPS number, alone or inside the national one. */
function numberOf({ identifier = [] }: Practitioner): string | undefined {
  const current = identifier.filter(({ use }) => use !== 'old');
  const national = current.flatMap(({ system, value }) => professionalIdentifiers(system, value ?? ''));
  return national.find(({ system }) => system === RPPS)?.value;
}

/** As PRT-5 names a recipient, by the national number. */
function partyOf({ name }: Practitioner, number: string): Party {
  const { family, given } = name?.[0] ?? {};
  const [national] = professionalIdentifiers(RPPS, number);
  return { person: { identifier: { system: IDNPS, value: national?.value }, family, given: given?.[0] } };
}
