import type {
  HealthcareService,
  Location,
  Organization,
  Practitioner,
  PractitionerRole,
  RelatedPerson,
  Resource,
} from '@medplum/fhirtypes';
import type { Caller } from './caller.ts';
import { type Asker, narrowRole, nobody } from './porter.ts';
import { isWithin, referenceOf } from './porter-elements.ts';
import type { Records } from './porter-records.ts';
import { type AccessRules, CARE } from './porter-rules.ts';

const RPPS = 'https://rpps.esante.gouv.fr';

/** Whether a token speaks for a person; machines are authorised by their scopes alone, tools by their programmes too. */
export function kindOf({ practitioner, patient, related, scopes, programmes }: Caller): Asker['kind'] {
  if (practitioner !== undefined) return 'professional';
  if (related !== undefined) return 'representative';
  if (patient !== undefined || scopes.some((one) => one.context === 'patient')) return 'patient';
  if (scopes.some((one) => one.context === 'user')) return 'professional';
  return programmes ? 'tool' : 'machine';
}

/** Who asks, as the FHIR server knows them now. */
export async function identify(rules: AccessRules, caller: Caller, records: Records, now: number): Promise<Asker> {
  const kind = kindOf(caller);
  if (kind === 'professional') return professional(rules, caller.practitioner ?? '', records, now);
  if (kind === 'tool') return { ...nobody, kind, programmes: caller.programmes ?? [] };
  if (kind === 'patient') return { ...nobody, kind, patient: caller.patient };
  if (kind === 'representative')
    return { ...nobody, kind, patient: caller.patient, related: await relation(caller, records, now) };
  return { ...nobody, kind };
}

async function professional(rules: AccessRules, number: string, records: Records, now: number): Promise<Asker> {
  const kind = 'professional';
  if (!/^[0-9A-Za-z]{1,32}$/.test(number)) return { ...nobody, kind };
  const persons = await records.find<Practitioner>('Practitioner', 'identifier', [`${RPPS}|${number}`]);
  const self = persons.map(({ id }) => `Practitioner/${id}`);
  if (self.length === 0) return { ...nobody, kind };
  const roles = (await records.find<PractitionerRole>('PractitionerRole', 'practitioner', self)).filter(
    ({ active, period }) => active !== false && isWithin(period, now),
  );
  const ids = roles.flatMap(({ organization }) => /^Organization\/(.+)$/.exec(referenceOf(organization))?.[1] ?? []);
  const structures = await records.find<Organization>('Organization', '_id', [...new Set(ids)]);
  const places = new Map(structures.map((one) => [`Organization/${one.id}`, one]));

  const references = new Map<string, string>();
  const organizations = new Map<string, string>();
  const mobile = new Map<string, Set<string>>();
  for (const role of roles) {
    const organization = referenceOf(role.organization);
    const place = places.get(organization);
    const capacity = narrowRole(rules, role.code) ?? narrowStructure(rules, place) ?? CARE;
    references.set(`PractitionerRole/${role.id}`, capacity);
    // Of two roles in one structure the wider counts.
    if (organization) organizations.set(organization, widest(rules, [capacity, organizations.get(organization)]));
    if (isMobile(rules, role)) mobile.set(capacity, (mobile.get(capacity) ?? new Set()).add(organization));
  }
  // The person itself stands for the widest of its roles; without any, for care.
  const own = references.size === 0 ? CARE : widest(rules, [...references.values()]);
  for (const one of self) references.set(one, own);
  const territory = mobile.size > 0 ? await territoryOf(rules, mobile, records) : nobody.territory;
  return { ...nobody, kind, references, organizations, territory, sites: sitesOf(rules, structures, organizations) };
}

/** Care, then the rules' roles in their order. */
function widest(rules: AccessRules, capacities: (string | undefined)[]): string {
  return [CARE, ...Object.keys(rules.roles)].find((one) => capacities.includes(one)) as string;
}

function narrowStructure(rules: AccessRules, place: Organization | undefined): string | undefined {
  const types = (place?.type ?? []).flatMap((one) => one.coding ?? []).map((one) => `${one.system}|${one.code}`);
  return Object.keys(rules.roles).find((name) =>
    rules.roles[name]?.organizationTypes.some((one) => types.includes(one)),
  );
}

function isMobile({ territory }: AccessRules, { code }: PractitionerRole): boolean {
  const codes = (code ?? []).flatMap((one) => one.coding ?? []).map((one) => `${one.system}|${one.code}`);
  return codes.some((one) => territory.codes.includes(one));
}

function sitesOf(rules: AccessRules, structures: Organization[], of: ReadonlyMap<string, string>): Set<string> {
  const caring = structures.filter(({ id }) => of.get(`Organization/${id}`) === CARE);
  const numbers = caring.flatMap(({ identifier }) => identifier ?? []).filter((one) => one.system === rules.siteSystem);
  return new Set(numbers.flatMap(({ value }) => (value && /^\d{9}$/.test(value) ? [value] : [])));
}

/** Departments covered by the services of the structures a mobile team belongs to, by the capacity somebody has in it. */
async function territoryOf(rules: AccessRules, mobile: Map<string, Set<string>>, records: Records) {
  const structures = new Set([...mobile.values()].flatMap((one) => [...one]).filter(Boolean));
  const services = await records.find<HealthcareService>('HealthcareService', 'organization', [...structures]);
  const areas = services.flatMap(({ coverageArea }) => coverageArea ?? []).map(referenceOf);
  const ids = areas.flatMap((one) => /^Location\/(.+)$/.exec(one)?.[1] ?? []);
  const locations = await records.find<Location>('Location', '_id', [...new Set(ids)]);
  const numbers = new Map(
    locations.map(({ id, identifier }) => [
      `Location/${id}`,
      (identifier ?? []).flatMap(({ system, value }) =>
        system === rules.territory.areaSystem && value ? [value] : [],
      ),
    ]),
  );
  const covered = (of: Set<string>) =>
    services
      .filter(({ providedBy }) => of.has(referenceOf(providedBy)))
      .flatMap(({ coverageArea }) => coverageArea ?? [])
      .flatMap((area) => numbers.get(referenceOf(area)) ?? []);
  return new Map([...mobile].map(([capacity, of]) => [capacity, new Set(covered(of))]));
}

/** The representative's own entry, while it is about this patient and in force. */
async function relation(caller: Caller, records: Records, now: number): Promise<string | undefined> {
  const id = caller.related ?? '';
  const [found] = await records.find<RelatedPerson>('RelatedPerson', '_id', [id]);
  const isFor = referenceOf(found?.patient) === `Patient/${caller.patient}`;
  return found && found.active !== false && isFor && isWithin(found.period, now) ? `RelatedPerson/${id}` : undefined;
}

/** The Binaries a resource cites, `Binary/id`. */
export function binariesOf(resource: Resource): string[] {
  const { content } = resource as { content?: { attachment?: { url?: unknown } }[] };
  const urls = (Array.isArray(content) ? content : []).map((one) => one?.attachment?.url);
  return urls.flatMap((one) =>
    typeof one === 'string' ? (/(?:^|\/)(Binary\/[A-Za-z0-9.-]{1,64})$/.exec(one)?.[1] ?? []) : [],
  );
}
