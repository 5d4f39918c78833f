import type {
  Bundle,
  CareTeam,
  Consent,
  DocumentReference,
  Encounter,
  EpisodeOfCare,
  Organization,
  Patient,
  Resource,
  ServiceRequest,
} from '@medplum/fhirtypes';
import type { FhirEndpoint } from '../adapter.ts';
import { resourcesIn } from '../fhir-pages.ts';
import type { Caller } from './caller.ts';
import { type Asker, decideAccess, type Surroundings, type Verdict } from './porter.ts';
import { identify } from './porter-asker.ts';
import { labelsOf, patientsOf, referenceOf } from './porter-elements.ts';
import { inheritedFrom } from './porter-inherited.ts';
import { reachOf } from './porter-reach.ts';
import { type Records, recordsOf } from './porter-records.ts';
import type { AccessRules } from './porter-rules.ts';

/** What the FHIR server knows of the caller and of patients: asked once per request, and never kept longer. */
export interface Facts {
  asker(): Promise<Asker>;
  /** Decides each resource, in order. */
  judge(resources: Resource[]): Promise<Verdict[]>;
  /**
   * What is left to do before saying that something of this type is not here: when nothing was judged, because nothing was there, as
   * much is read as for something hidden; what a hidden one's patient did not call for, is read for nobody. The reads are the
   * same in number, so the time does not tell the two apart.
   */
  beforeRefusal(type: string): Promise<void>;
  /** Ids of the patients whose resources of this type may be visible; undefined when they are too many. */
  reach(type: string): Promise<string[] | undefined>;
}

/** Facts for one request: each is read once, none outlives it. */
export function openFacts(rules: AccessRules, caller: Caller, fhir: FhirEndpoint, now = Date.now()): Facts {
  const known = new Map<string, Surroundings>();
  const records = recordsOf(fhir);
  let who: Promise<Asker> | undefined;
  /** Reads that somebody's surroundings can call for and these did not; undefined before any were asked for. */
  let spared: number | undefined;
  const asker = () => {
    who ??= identify(rules, caller, records, now);
    return who;
  };
  return {
    asker,
    async judge(resources) {
      const me = await asker();
      const missing = new Set<string>();
      for (const one of resources) for (const id of patientsOf(rules, one)) if (!known.has(id)) missing.add(id);
      if (missing.size > 0) spared = await learn(rules, me, records, [...missing], known, now);
      return resources.map((one) => {
        const verdict = decideAccess(rules, me, one, (id) => known.get(id));
        if (verdict.rule === 'break-glass') caller.emergency = true;
        if (verdict.allowed && caller.shown) for (const id of patientsOf(rules, one)) caller.shown.add(id);
        return verdict;
      });
    },
    async beforeRefusal(type) {
      const me = await asker();
      const isAboutSomebody = type === 'Patient' || rules.patientOf[type] !== undefined;
      if (spared === undefined && isAboutSomebody) spared = await learn(rules, me, records, ['none'], known, now);
      for (; (spared ?? 0) > 0; spared = (spared as number) - 1) await records.find('Provenance', 'target', nobodys);
    },
    async reach(type) {
      const me = await asker();
      return reachOf(rules, me, type, records);
    },
  };
}

const nobodys = ['DocumentReference/none'];

/** Only what the rules can ask about this kind of asker is read. @returns how many of two further reads were not called for. */
async function learn(
  rules: AccessRules,
  me: Asker,
  records: Records,
  ids: string[],
  known: Map<string, Surroundings>,
  now: number,
): Promise<number> {
  const references = ids.map((id) => `Patient/${id}`);
  const isProfessional = me.kind === 'professional';
  const partner = [...me.references.values(), ...me.organizations.values()].some((one) => rules.roles[one]);
  const about = (wanted: boolean, type: string, more = '') => ({
    type,
    parameter: 'patient',
    values: wanted ? references : [],
    more,
  });
  const [patients, teams, consents, stays, episodes, services, documents] = (await records.findAll([
    { type: 'Patient', parameter: '_id', values: isProfessional ? ids : [] },
    about(isProfessional, 'CareTeam', '&status=active'),
    about(isProfessional || me.kind === 'tool', 'Consent'),
    about(me.organizations.size > 0, 'Encounter', `&status=${rules.currentStay.join(',')}`),
    about(me.kind === 'tool' || me.territory.size > 0, 'EpisodeOfCare'),
    about(partner, 'ServiceRequest', '&status=active'),
    about(true, 'DocumentReference', `&security-label=${Object.values(rules.labels).flat().join(',')}`),
  ])) as [Patient[], CareTeam[], Consent[], Encounter[], EpisodeOfCare[], ServiceRequest[], DocumentReference[]];
  const labelled = documents.filter((one) => isLabelled(rules, one));
  const inherited = await inheritedFrom(rules, labelled, records);
  const current = stays.filter((one) => rules.currentStay.includes(one.status));
  const units = unitsOf(current);
  const parents = await parentsOf(units, records);
  for (const id of ids) {
    known.set(id, { careTeams: [], consents: [], stays: [], episodes: [], services: [], inherited, now });
  }
  const put = <R extends Resource>(found: R[], into: (around: Surroundings, one: R) => void) => {
    for (const one of found) for (const id of patientsOf(rules, one)) if (known.has(id)) into(known.get(id)!, one);
  };
  put(patients, (around, one) => (around.patient = one));
  put(teams, (around, one) => around.careTeams.push(one));
  put(consents, (around, one) => around.consents.push(one));
  put(episodes, (around, one) => around.episodes.push(one));
  put(services, (around, one) => around.services.push(one));
  put(current, (around, one) => around.stays.push(stayOf(one, parents)));
  return (labelled.length === 0 ? 1 : 0) + (units.length === 0 ? 1 : 0);
}

function isLabelled({ labels }: AccessRules, document: DocumentReference): boolean {
  const codes = labelsOf(document);
  return Object.values(labels).some((list) => list.some((one) => codes.includes(one)));
}

function unitsOf(stays: Encounter[]): string[] {
  const ids = stays.flatMap((one) => /^Organization\/(.+)$/.exec(referenceOf(one.serviceProvider))?.[1] ?? []);
  return [...new Set(ids)];
}

/** A unit belongs to a hospital: `Organization/unit` → `Organization/hospital`. */
async function parentsOf(ids: string[], records: Records): Promise<Map<string, string>> {
  const units = await records.find<Organization>('Organization', '_id', ids);
  return new Map(units.map((one) => [`Organization/${one.id}`, referenceOf(one.partOf)]));
}

function stayOf(stay: Encounter, parents: Map<string, string>): Surroundings['stays'][number] {
  const provider = referenceOf(stay.serviceProvider);
  const systems = (stay.identifier ?? []).flatMap((one) => one.system ?? []);
  return { status: stay.status, structures: [provider, parents.get(provider) ?? ''].filter(Boolean), systems };
}

/** The matches of one page of a search, without what the server says about the search. */
export function matchesIn(bundle: Bundle | undefined): Resource[] {
  const entries = (bundle?.entry ?? []).filter((one) => (one.search?.mode ?? 'match') === 'match');
  return resourcesIn({ ...(bundle as Bundle), entry: entries });
}
