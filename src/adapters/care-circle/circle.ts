import { createHash } from 'node:crypto';
import type {
  Bundle,
  BundleEntry,
  CareTeam,
  CareTeamParticipant,
  Identifier,
  Organization,
  Patient,
  Practitioner,
  PractitionerRole,
  Reference,
  RelatedPerson,
  Resource,
} from '@medplum/fhirtypes';
import { fault, PasserelleError } from '../../errors.ts';

/** Whom a circle can name, besides its patient. */
export type Member = PractitionerRole | Practitioner | RelatedPerson | Organization;
type Numbered = Required<Pick<Identifier, 'system' | 'value'>>;

/** A care circle with all that its CareTeam refers to. */
export interface Circle {
  team: CareTeam;
  patient: Patient;
  ins: Numbered;
  /** By the reference that names each in `team`, and those that roles name. */
  members: Map<string, Member>;
}

const CDS = 'https://interop.esante.gouv.fr/ig/fhir/cds/StructureDefinition';

/** The number a circle goes by. Throws PasserelleError `circle-incomplete`. */
export function identifierOf({ identifier }: CareTeam): Numbered {
  const found = identifier?.find(({ system, value }) => system && value);
  if (!found) throw new PasserelleError(fault('circle-incomplete', { params: { element: 'identifier' } }));
  return { system: found.system!, value: found.value! };
}

/**
 * The transaction that creates or updates a circle: whoever is in it is created unless known, the circle comes last, as a
 * conditional update. Without category, and with members of the three kinds that the profile allows.
 */
export function circleBundle(circle: Circle): Bundle {
  const { team, patient, ins } = circle;
  const own = identifierOf(team);
  const entries = new Map<string, BundleEntry>();
  const subject = add(entries, { ...identityOf(patient), identifier: [ins] }, ins);
  const start = team.period?.start ?? team.participant?.find((one) => one.period?.start)?.period?.start ?? '';
  if (!start) throw new PasserelleError(fault('circle-incomplete', { params: { element: 'period.start' } }));
  const participant = (team.participant ?? []).flatMap((one) => memberOf(one, start, circle, subject, entries));
  const managing = (team.managingOrganization ?? []).flatMap((one): Reference<Organization>[] => {
    const found = circle.members.get(one.reference ?? '');
    return found?.resourceType === 'Organization' ? [organization(found, entries)] : [];
  });
  const resource: CareTeam = {
    resourceType: 'CareTeam',
    meta: { profile: [`${CDS}/cds-ihe-careteam`] },
    identifier: [own],
    status: team.status ?? 'active',
    name: team.name ?? 'Cercle de soins',
    subject: { reference: subject },
    period: { ...team.period, start },
    ...(participant.length > 0 ? { participant } : {}),
    ...(managing.length > 0 ? { managingOrganization: managing } : {}),
  };
  const url = `CareTeam?identifier=${encodeURIComponent(`${own.system}|${own.value}`)}`;
  const last: BundleEntry = { fullUrl: urn('CareTeam', own), resource, request: { method: 'PUT', url } };
  return { resourceType: 'Bundle', type: 'transaction', entry: [...entries.values(), last] };
}

/** What makes two circles the same, apart from how each server names the members. */
export function essence({ status, name, period, participant = [] }: CareTeam): string {
  const people = participant.map((one) => [
    one.role?.map(({ coding, text }) => [coding?.map(({ system, code }) => [system, code]), text]),
    [one.period?.start, one.period?.end],
    one.member?.display,
  ]);
  return JSON.stringify([status, name, period?.start, period?.end, people.map((one) => JSON.stringify(one)).sort()]);
}

function memberOf(
  given: CareTeamParticipant,
  start: string,
  circle: Circle,
  subject: string,
  entries: Map<string, BundleEntry>,
): CareTeamParticipant[] {
  const found = circle.members.get(given.member?.reference ?? '');
  if (!found) return [];
  const member = refer(found, circle, subject, entries) as NonNullable<CareTeamParticipant['member']>;
  const { role, onBehalfOf: _onBehalfOf, ...rest } = given;
  return [
    { ...rest, ...(role ? { role } : {}), member, period: { ...given.period, start: given.period?.start ?? start } },
  ];
}

function refer(found: Member, { members }: Circle, subject: string, entries: Map<string, BundleEntry>): Reference {
  switch (found.resourceType) {
    case 'Organization':
      return organization(found, entries);
    case 'RelatedPerson': {
      const resource = { ...found, patient: { reference: subject } };
      return { reference: add(entries, bare(resource), numberOf(found)), display: displayOf(found.name?.[0]) };
    }
    case 'Practitioner':
      return roleOf({ resourceType: 'PractitionerRole', practitioner: {} }, found, undefined, entries);
    default: {
      const person = members.get(found.practitioner?.reference ?? '') as Practitioner | undefined;
      const place = members.get(found.organization?.reference ?? '') as Organization | undefined;
      return roleOf(found, person, place, entries);
    }
  }
}

/** A role travels with person and place contained: both are looked up by their numbers where they arrive. */
function roleOf(
  role: PractitionerRole,
  person: Practitioner | undefined,
  place: Organization | undefined,
  entries: Map<string, BundleEntry>,
): Reference {
  const number = numberOf(role) ?? numberOfPair(numberOf(person), numberOf(place));
  const contained: Resource[] = [
    ...(person ? [{ ...bare(person), id: 'person' }] : []),
    ...(place ? [{ ...bare(place), id: 'place' }] : []),
  ];
  const { location: _location, healthcareService: _service, endpoint: _endpoint, ...rest } = bare(role);
  const resource: PractitionerRole = {
    ...rest,
    ...(contained.length > 0 ? { contained } : {}),
    ...(number ? { identifier: [number] } : {}),
    practitioner: person ? { reference: '#person' } : undefined,
    organization: place ? { reference: '#place' } : undefined,
  };
  const display = [displayOf(person?.name?.[0]), place?.name].filter(Boolean).join(', ');
  return { reference: add(entries, resource, number), ...(display ? { display } : {}) };
}

function organization(found: Organization, entries: Map<string, BundleEntry>): Reference<Organization> {
  const { partOf: _partOf, endpoint: _endpoint, ...rest } = bare(found);
  return { reference: add(entries, rest, numberOf(found)), ...(found.name ? { display: found.name } : {}) };
}

/** One entry for each; with a number it is created unless it is there, so that sending twice makes nobody twice. */
function add(entries: Map<string, BundleEntry>, resource: Resource, number: Numbered | undefined): string {
  if (!number) throw new PasserelleError(fault('circle-incomplete', { params: { element: 'participant.identifier' } }));
  const fullUrl = urn(resource.resourceType, number);
  const ifNoneExist = `identifier=${encodeURIComponent(`${number.system}|${number.value}`)}`;
  const request = { method: 'POST' as const, url: resource.resourceType, ifNoneExist };
  entries.set(fullUrl, { fullUrl, resource, request });
  return fullUrl;
}

function numberOf(...candidates: ({ identifier?: Identifier[] } | undefined)[]): Numbered | undefined {
  const found = candidates.flatMap((one) => one?.identifier ?? []).find(({ system, value }) => system && value);
  return found && { system: found.system!, value: found.value! };
}

/** One person works in several places: a role without a number of its own goes by both of theirs. */
function numberOfPair(person: Numbered | undefined, place: Numbered | undefined): Numbered | undefined {
  if (!person || !place) return person;
  return { system: 'http://passerelle.example/fhir/NamingSystem/role', value: `${person.value}/${place.value}` };
}

function identityOf({ name, birthDate, gender }: Patient): Patient {
  return {
    resourceType: 'Patient',
    ...(name ? { name } : {}),
    ...(birthDate ? { birthDate } : {}),
    ...(gender ? { gender } : {}),
  };
}

/** Without what is this house's: id, versions, narrative. */
function bare<R extends Resource>(resource: R): R {
  const { id: _id, meta: _meta, text: _text, ...rest } = resource as R & { text?: unknown };
  return rest as unknown as R;
}

function displayOf(name: { text?: string; given?: string[]; family?: string } | undefined): string {
  return name?.text ?? [name?.given?.[0], name?.family].filter(Boolean).join(' ');
}

function urn(type: string, { system, value }: Numbered): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([type, system, value]))
    .digest('hex');
  return `urn:uuid:${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-8${hash.slice(17, 20)}-${hash.slice(20, 32)}`;
}
