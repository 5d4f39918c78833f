import type { Bundle, CareTeam, Consent, Patient, PractitionerRole, Resource } from '@medplum/fhirtypes';
import type { FhirEndpoint } from '../adapter.ts';
import { resourcesIn, searchAll } from '../fhir-pages.ts';
import type { Caller } from './caller.ts';
import {
  type Asker,
  decideAccess,
  elementsAt,
  isWithin,
  patientsOf,
  type Surroundings,
  type Verdict,
} from './porter.ts';
import type { AccessRules } from './porter-rules.ts';

const RPPS = 'https://rpps.esante.gouv.fr';
/** Beyond these a person is told to narrow the search; a patient's own teams and consents never come near. */
const mostRoles = 200;
const mostPatients = 1000;
const mostPerPatients = 20_000;
const chunk = 200;

/** What the FHIR server knows of the caller and of patients: asked once per request, and never kept longer. */
export interface Facts {
  asker(): Promise<Asker>;
  /** Decides each resource, in order. */
  judge(resources: Resource[]): Promise<Verdict[]>;
  /** Ids of the patients whose resources of this type may be visible; undefined when they are too many. */
  reach(type: string): Promise<string[] | undefined>;
}

/** Whether a token speaks for a person; machines are authorised by their scopes alone. */
export function kindOf({ practitioner, patient, scopes }: Caller): Asker['kind'] {
  if (practitioner !== undefined) return 'professional';
  if (patient !== undefined || scopes.some((one) => one.context === 'patient')) return 'patient';
  return scopes.some((one) => one.context === 'user') ? 'professional' : 'machine';
}

export function openFacts(rules: AccessRules, caller: Caller, fhir: FhirEndpoint, now = Date.now()): Facts {
  const known = new Map<string, Surroundings>();
  let who: Promise<Asker> | undefined;
  const asker = () => {
    who ??= identify(caller, fhir, now);
    return who;
  };

  const learn = async (ids: string[]) => {
    const missing = ids.filter((id) => !known.has(id));
    for (let at = 0; at < missing.length; at += chunk) {
      const some = missing.slice(at, at + chunk);
      for (const id of some) known.set(id, { careTeams: [], consents: [], now });
      const list = some.join(',');
      const [patients, teams, consents] = await Promise.all([
        searchAll<Patient>(fhir, `Patient?_id=${list}&_count=${chunk}`, chunk),
        searchAll<CareTeam>(fhir, `CareTeam?patient=${list}&status=active&_count=1000`, mostPerPatients),
        searchAll<Consent>(fhir, `Consent?patient=${list}&_count=1000`, mostPerPatients),
      ]);
      for (const one of patients) if (one.id && known.has(one.id)) known.get(one.id)!.patient = one;
      for (const team of teams) for (const id of patientsOf(rules, team)) known.get(id)?.careTeams.push(team);
      for (const one of consents) for (const id of patientsOf(rules, one)) known.get(id)?.consents.push(one);
    }
  };

  return {
    asker,
    async judge(resources) {
      const me = await asker();
      if (me.kind === 'professional') await learn([...new Set(resources.flatMap((one) => patientsOf(rules, one)))]);
      return resources.map((one) => {
        const verdict = decideAccess(rules, me, one, (id) => known.get(id));
        if (verdict.allowed) for (const id of patientsOf(rules, one)) caller.shown?.add(id);
        return verdict;
      });
    },
    async reach(type) {
      const me = await asker();
      if (me.kind === 'patient') return me.patient === undefined ? [] : [me.patient];
      return reachOf(rules, me, type, fhir);
    },
  };
}

async function identify(caller: Caller, fhir: FhirEndpoint, now: number): Promise<Asker> {
  const kind = kindOf(caller);
  const references = new Set<string>();
  const organizations = new Set<string>();
  const number = caller.practitioner;
  if (kind === 'professional' && number !== undefined && /^[0-9A-Za-z]{1,32}$/.test(number)) {
    const identifier = encodeURIComponent(`${RPPS}|${number}`);
    const persons = await searchAll(fhir, `Practitioner?identifier=${identifier}`, mostRoles);
    for (const { id } of persons) references.add(`Practitioner/${id}`);
    if (references.size > 0) {
      const path = `PractitionerRole?practitioner=${[...references].join(',')}&_count=${mostRoles}`;
      for (const role of await searchAll<PractitionerRole>(fhir, path, mostRoles)) {
        if (role.active === false || !isWithin(role.period, now)) continue;
        references.add(`PractitionerRole/${role.id}`);
        if (role.organization?.reference) organizations.add(role.organization.reference);
      }
    }
  }
  return { kind, references, organizations, patient: kind === 'patient' ? caller.patient : undefined };
}

/** Candidates only: what is found is decided resource by resource afterwards. */
async function reachOf(rules: AccessRules, me: Asker, type: string, fhir: FhirEndpoint): Promise<string[] | undefined> {
  if (me.references.size === 0) return [];
  const self = [...me.references].join(',');
  const { system, code } = rules.breakGlass;
  const searches = [
    `CareTeam?participant=${[...me.references, ...me.organizations].join(',')}&status=active`,
    `Patient?general-practitioner=${self}`,
    `Consent?category=${encodeURIComponent(`${system}|${code}`)}&actor=${self}&status=active`,
    ...(rules.authorOf[type] ? [`${type}?author=${self}`] : []),
  ];
  const ids = new Set<string>();
  for (const path of searches) {
    const found = await searchAll(fhir, `${path}&_count=1000`, mostPatients + 1);
    if (found.length > mostPatients) return undefined;
    for (const one of found) for (const id of patientsOf(rules, one)) ids.add(id);
  }
  return ids.size > mostPatients ? undefined : [...ids];
}

/** The matches of one page of a search, without what the server says about the search. */
export function matchesIn(bundle: Bundle | undefined): Resource[] {
  const entries = (bundle?.entry ?? []).filter((one) => (one.search?.mode ?? 'match') === 'match');
  return resourcesIn({ ...(bundle as Bundle), entry: entries });
}

/** The Binaries a resource cites, `Binary/id`. */
export function binariesOf(resource: Resource): string[] {
  const urls = elementsAt(resource, ['content', 'attachment', 'url']);
  return urls.flatMap((one) =>
    typeof one === 'string' ? (/(?:^|\/)(Binary\/[A-Za-z0-9.-]{1,64})$/.exec(one)?.[1] ?? []) : [],
  );
}
