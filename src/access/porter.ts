import type { CareTeam, Consent, EpisodeOfCare, Patient, Resource, ServiceRequest } from '@medplum/fhirtypes';
import { elementsAt, hasCoding, isWithin, labelsOf, patientsOf, referenceOf } from './porter-elements.ts';
import { type AccessRule, type AccessRules, type AskerKind, CARE, type Condition } from './porter-rules.ts';

/** Who asks, as the rules see them. */
export interface Asker {
  kind: AskerKind;
  /** A professional's own references (`Practitioner/id`, `PractitionerRole/id`), each with the capacity it stands for. */
  references: ReadonlyMap<string, string>;
  /** `Organization/id` of the structures the professional works in just now, with the capacity. */
  organizations: ReadonlyMap<string, string>;
  /** Numbers of the hospital sites the professional works in (FINESS). */
  sites: ReadonlySet<string>;
  /** Departments a mobile team goes to, by capacity. */
  territory: ReadonlyMap<string, ReadonlySet<string>>;
  /** Programmes (`system|code`) a tool's patients are enrolled in. */
  programmes: readonly string[];
  /** Id of the patient whose own access it is. */
  patient?: string;
  /** `RelatedPerson/id` of a representative whose relation to the patient is active. */
  related?: string;
}

/** Nobody: what every asker starts from. */
export const nobody: Omit<Asker, 'kind'> = {
  references: new Map(),
  organizations: new Map(),
  sites: new Set(),
  territory: new Map(),
  programmes: [],
};

/** What is known about one patient; read anew for each request, so that a change acts on the next. */
export interface Surroundings {
  patient?: Patient;
  careTeams: CareTeam[];
  consents: Consent[];
  /** Stays that may be under way, each with the references of the structures responsible for it. */
  stays: { status: string; structures: string[]; systems: string[] }[];
  episodes: EpisodeOfCare[];
  services: ServiceRequest[];
  /** What labelled documents pass on to what was extracted from them. */
  inherited: Inherited;
  /** Milliseconds since 1970. */
  now: number;
}

/** Labels and authors of a document, for what came out of the same message; by reference and by `meta.source`. */
export interface Inherited {
  of(resource: Resource): { labels: string[]; authors: string[] } | undefined;
}

/** `rule`: id of the rule that decided; `default` when none did, which denies. `view`: how much of it is shown. */
export interface Verdict {
  allowed: boolean;
  rule: string;
  view?: string;
}

/**
 * Whether this resource may be seen. Pure. A resource about several patients is seen only when each of them allows it.
 * @param surroundings those of a patient by id; a patient about whom nothing is known opens nothing.
 */
export function decideAccess(
  rules: AccessRules,
  who: Asker,
  what: Resource,
  surroundings: (patient: string) => Surroundings | undefined,
): Verdict {
  const patients = patientsOf(rules, what);
  const about = patients.length > 0 ? patients : [undefined];
  let verdict: Verdict = { allowed: false, rule: 'default' };
  for (const patient of about) {
    verdict = decideFor(rules, who, what, patient, patient === undefined ? undefined : surroundings(patient));
    if (!verdict.allowed) return verdict;
  }
  return verdict;
}

function decideFor(
  rules: AccessRules,
  who: Asker,
  what: Resource,
  patient: string | undefined,
  around: Surroundings | undefined,
): Verdict {
  const holds = conditions(rules, who, what, patient, around);
  for (const rule of rules.rules) {
    if (!applies(rule, who.kind, what.resourceType)) continue;
    const capacity = rule.as ?? CARE;
    const fits = rule.if.every((one) =>
      one.startsWith('!') ? !holds[one.slice(1) as Condition](capacity) : holds[one as Condition](capacity),
    );
    // A narrow capacity's refusals are for those who have it, by a role of their own or in this patient's team.
    const isTheirs = rule.as === undefined || standsAs(who, capacity) || holds['care-team'](capacity);
    if (!fits || (rule.then === 'deny' && !isTheirs)) continue;
    return { allowed: rule.then === 'allow', rule: rule.id, ...(rule.view ? { view: rule.view } : {}) };
  }
  return { allowed: false, rule: 'default' };
}

function applies({ who, types }: AccessRule, kind: AskerKind, type: string): boolean {
  return who.includes(kind) && (types === undefined || types.includes(type));
}

function standsAs({ references, organizations }: Asker, capacity: string): boolean {
  return [...references.values(), ...organizations.values()].includes(capacity);
}

type Holds = Record<Condition, (capacity: string) => boolean>;

function conditions(
  rules: AccessRules,
  who: Asker,
  what: Resource,
  patient: string | undefined,
  around: Surroundings | undefined,
): Holds {
  const inherited = rules.unlabelled.includes(what.resourceType) ? undefined : around?.inherited.of(what);
  let marks: string[] | undefined;
  const labelled = (codes: string[]) => {
    marks ??= [...labelsOf(what), ...(inherited?.labels ?? [])];
    return marks.some((one) => codes.includes(one));
  };
  const named = (paths: Record<string, string[]>) => elementsAt(what, paths[what.resourceType]).map(referenceOf);
  const { labels } = rules;
  const consents = around?.consents ?? [];
  return {
    'open-type': () => rules.openTypes.includes(what.resourceType),
    'patient-known': () => patient !== undefined,
    'own-record': () => patient !== undefined && patient === who.patient,
    represents: () => who.related !== undefined,
    'hidden-from-patient': () => labelled(labels.hiddenFromPatient),
    'hidden-from-representatives': () => labelled(labels.hiddenFromRepresentatives),
    'hidden-from-professionals': () => labelled(labels.hiddenFromProfessionals),
    restricted: () => labelled(labels.restricted),
    'very-restricted': () => labelled(labels.veryRestricted),
    sensitive: () => labelled(labels.sensitive),
    'agreement-withdrawn': () => around !== undefined && isWithdrawn(rules, consents),
    opposed: () => consents.some((one) => isOpposition(rules, who, one, around?.now ?? 0)),
    'shared-record-refused': () => consents.some((one) => isDenied(rules.sharedRecord, one)),
    author: () => [...named(rules.authorOf), ...(inherited?.authors ?? [])].some((one) => who.references.has(one)),
    'own-structure': () => named(rules.custodianOf).some((one) => who.organizations.has(one)),
    addressee: (as) => named(rules.addresseeOf).some((one) => capacityOf(who, one) === as),
    'general-practitioner': () =>
      around?.patient?.generalPractitioner?.some((one) => who.references.has(referenceOf(one))) ?? false,
    'care-team': (as) => around?.careTeams.some((team) => isMember(rules, who, team, around.now, as)) ?? false,
    'hospital-of-stay': (as) => around?.stays.some((stay) => isStayOf(who, stay, as)) ?? false,
    territory: (as) => around !== undefined && isInTerritory(rules, who, around, as),
    partner: (as) =>
      around?.careTeams.some((team) => isMember(rules, who, team, around.now, as)) ||
      (around?.services.some((one) => isServiceOf(rules, who, one, around.now, as)) ?? false),
    enrolled: () => around?.episodes.some((one) => isEnrolled(who.programmes, one, around.now)) ?? false,
    'break-glass': () => consents.some((one) => isGrant(rules, who, one, around?.now ?? 0)),
  };
}

function capacityOf({ references, organizations }: Asker, reference: string): string | undefined {
  return references.get(reference) ?? organizations.get(reference);
}

/** The last word of the patient about the programme; of two at one time, or without a time, the refusal. */
function isWithdrawn(rules: AccessRules, consents: Consent[]): boolean {
  const kept = consents.filter((one) => one.status !== 'entered-in-error');
  const agreements = kept.filter((one) => one.meta?.profile?.some((url) => url.split('|')[0] === rules.agreement));
  const refusals = agreements.filter(isRefusal);
  if (refusals.length === 0) return false;
  if (agreements.some((one) => !one.dateTime)) return true;
  const at = (one: Consent) => Date.parse(one.dateTime as string);
  const latest = Math.max(...agreements.filter((one) => !isRefusal(one)).map(at));
  return refusals.some((one) => !(at(one) < latest));
}

function isRefusal({ status, provision }: Consent): boolean {
  return status !== 'active' || provision?.type === 'deny';
}

function isDenied(category: { system: string; code: string }, { status, category: of, provision }: Consent): boolean {
  return status === 'active' && provision?.type === 'deny' && hasCoding(of, category);
}

/** Opposition to everybody, or to these persons and structures. */
function isOpposition(rules: AccessRules, who: Asker, consent: Consent, now: number): boolean {
  if (!isDenied(rules.opposition, consent) || !isWithin(consent.provision?.period, now)) return false;
  const actors = consent.provision?.actor ?? [];
  return actors.length === 0 || actors.some((one) => capacityOf(who, referenceOf(one.reference)) !== undefined);
}

/** In which capacity: that of the participant's role when it says a narrow one, else that of the member itself. */
function isMember(rules: AccessRules, who: Asker, team: CareTeam, now: number, as: string): boolean {
  if (team.status !== 'active' || !isWithin(team.period, now)) return false;
  return (team.participant ?? []).some(({ member, role, period }) => {
    const own = capacityOf(who, referenceOf(member));
    return own !== undefined && isWithin(period, now) && (narrowRole(rules, role) ?? own) === as;
  });
}

/** The name of the narrow role one of these concepts stands for. */
export function narrowRole(rules: AccessRules, concepts: { coding?: { system?: string; code?: string }[] }[] = []) {
  const codes = concepts.flatMap((one) => one.coding ?? []).map((one) => `${one.system}|${one.code}`);
  return Object.keys(rules.roles).find((name) => rules.roles[name]?.codes.some((one) => codes.includes(one)));
}

/** The structure itself, or the site whose number the stay's own numbering carries (`…/CH-ALPHA.750000001`). */
function isStayOf(who: Asker, { structures, systems }: Surroundings['stays'][number], as: string): boolean {
  if (structures.some((one) => who.organizations.get(one) === as)) return true;
  return as === CARE && systems.some((one) => who.sites.has(one.slice(one.lastIndexOf('.') + 1)));
}

function isInTerritory(rules: AccessRules, who: Asker, around: Surroundings, as: string): boolean {
  const areas = who.territory.get(as);
  if (!areas || !around.episodes.some((one) => isEnrolled(rules.territory.programmes, one, around.now))) return false;
  return (around.patient?.address ?? []).some(({ use, postalCode, period }) => {
    const code = postalCode ?? '';
    const department = /^9[78]/.test(code) ? code.slice(0, 3) : code.slice(0, 2);
    return /^\d{5}$/.test(code) && use !== 'old' && isWithin(period, around.now) && areas.has(department);
  });
}

function isServiceOf(rules: AccessRules, who: Asker, service: ServiceRequest, now: number, as: string): boolean {
  if (service.status !== 'active' || !isWithin(service.occurrencePeriod, now)) return false;
  const to = elementsAt(service, rules.addresseeOf.ServiceRequest).map(referenceOf);
  return to.some((one) => capacityOf(who, one) === as);
}

function isEnrolled(programmes: readonly string[], { status, type, period }: EpisodeOfCare, now: number): boolean {
  if (!['planned', 'waitlist', 'active', 'onhold'].includes(status) || !isWithin(period, now, 'planned')) return false;
  const codes = (type ?? []).flatMap((one) => one.coding ?? []).map((one) => `${one.system}|${one.code}`);
  return codes.some((one) => programmes.includes(one));
}

function isGrant(rules: AccessRules, who: Asker, consent: Consent, now: number): boolean {
  if (!hasCoding(consent.category, rules.breakGlass)) return false;
  if (consent.status !== 'active' || consent.provision?.type !== 'permit') return false;
  const { period, actor } = consent.provision;
  if (!period?.start || !period.end || !isWithin(period, now)) return false;
  return actor?.some((one) => who.references.has(referenceOf(one.reference))) ?? false;
}
