import type { CareTeam, Consent, Patient, Reference, Resource } from '@medplum/fhirtypes';
import type { AccessRules, Condition } from './porter-rules.ts';

/** Who asks, as the rules see them. */
export interface Asker {
  kind: 'machine' | 'professional' | 'patient';
  /** A professional's own references: `Practitioner/id`, `PractitionerRole/id`. */
  references: ReadonlySet<string>;
  /** `Organization/id` of the structures the professional works in just now. */
  organizations: ReadonlySet<string>;
  /** Id of the patient whose own access it is. */
  patient?: string;
}

/** What is known about one patient; read anew for each request, so that a change acts on the next. */
export interface Surroundings {
  patient?: Patient;
  careTeams: CareTeam[];
  consents: Consent[];
  /** Milliseconds since 1970. */
  now: number;
}

/** `rule`: id of the rule that decided; `default` when none did, which denies. */
export interface Verdict {
  allowed: boolean;
  rule: string;
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
    if (!rule.who.includes(who.kind)) continue;
    const fits = rule.if.every((one) =>
      one.startsWith('!') ? !holds[one.slice(1) as Condition]() : holds[one as Condition](),
    );
    if (fits) return { allowed: rule.then === 'allow', rule: rule.id };
  }
  return { allowed: false, rule: 'default' };
}

function conditions(
  rules: AccessRules,
  who: Asker,
  what: Resource,
  patient: string | undefined,
  around: Surroundings | undefined,
): Record<Condition, () => boolean> {
  const labels = () => labelsOf(what);
  const { hiddenFromPatient, hiddenFromProfessionals, veryRestricted } = rules.labels;
  return {
    'open-type': () => rules.openTypes.includes(what.resourceType),
    'patient-known': () => patient !== undefined,
    'own-record': () => patient !== undefined && patient === who.patient,
    'hidden-from-patient': () => labels().some((one) => hiddenFromPatient.includes(one)),
    'hidden-from-professionals': () => labels().some((one) => hiddenFromProfessionals.includes(one)),
    'very-restricted': () => labels().some((one) => veryRestricted.includes(one)),
    'agreement-withdrawn': () => around !== undefined && isWithdrawn(rules, around),
    author: () =>
      elementsAt(what, rules.authorOf[what.resourceType]).some((one) => who.references.has(referenceOf(one))),
    'general-practitioner': () =>
      around?.patient?.generalPractitioner?.some((one) => who.references.has(referenceOf(one))) ?? false,
    'care-team': () => around?.careTeams.some((team) => isMember(who, team, around.now)) ?? false,
    'break-glass': () => around?.consents.some((one) => isGrant(rules, who, one, around.now)) ?? false,
  };
}

/** Ids of the patients a resource is about; none when that cannot be told, or when it is about nobody. */
export function patientsOf(rules: AccessRules, what: Resource): string[] {
  if (what.resourceType === 'Patient') return what.id ? [what.id] : [];
  const references = elementsAt(what, rules.patientOf[what.resourceType]).map(referenceOf);
  const ids = references.flatMap((one) => /^Patient\/([A-Za-z0-9.-]{1,64})$/.exec(one)?.[1] ?? []);
  return [...new Set(ids)];
}

/** The values at a path of element names, through arrays. */
export function elementsAt(resource: Resource, path: string[] | undefined): unknown[] {
  if (!path) return [];
  let values: unknown[] = [resource];
  for (const step of path) {
    values = values.flatMap((one) =>
      typeof one === 'object' && one !== null ? ((one as Record<string, unknown>)[step] ?? []) : [],
    );
  }
  return values;
}

function referenceOf(element: unknown): string {
  const { reference } = (element ?? {}) as Reference;
  return typeof reference === 'string' ? reference.replace(/\/_history\/.*$/, '') : '';
}

/** Codes that say how a resource is to be kept: security labels, those of a document, confidentiality. */
function labelsOf(what: Resource): string[] {
  const { securityLabel, confidentiality } = what as { securityLabel?: unknown; confidentiality?: unknown };
  const concepts = [securityLabel].flat() as { coding?: { code?: string }[] }[];
  const codes = [...(what.meta?.security ?? []), ...concepts.flatMap((one) => one?.coding ?? [])];
  return [
    ...codes.flatMap((one) => one?.code ?? []),
    ...(typeof confidentiality === 'string' ? [confidentiality] : []),
  ];
}

/** The last word of the patient about the programme; of two at one time, or without a time, the refusal. */
function isWithdrawn(rules: AccessRules, { consents }: Surroundings): boolean {
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

function isMember(who: Asker, team: CareTeam, now: number): boolean {
  if (team.status !== 'active' || !isWithin(team.period, now)) return false;
  return (team.participant ?? []).some(({ member, period }) => {
    const reference = referenceOf(member);
    return (who.references.has(reference) || who.organizations.has(reference)) && isWithin(period, now);
  });
}

function isGrant(rules: AccessRules, who: Asker, consent: Consent, now: number): boolean {
  const { system, code } = rules.breakGlass;
  const named = consent.category?.some((one) => one.coding?.some((is) => is.system === system && is.code === code));
  if (!named || consent.status !== 'active' || consent.provision?.type !== 'permit') return false;
  const { period, actor } = consent.provision;
  if (!period?.start || !period.end || !isWithin(period, now)) return false;
  return actor?.some((one) => who.references.has(referenceOf(one.reference))) ?? false;
}

/** A date without a time lasts to its end; a bound that cannot be read lets nobody in. */
export function isWithin(period: { start?: string; end?: string } | undefined, now: number): boolean {
  if (period?.start !== undefined && !(Date.parse(period.start) <= now)) return false;
  if (period?.end === undefined) return true;
  return endOf(period.end) >= now;
}

function endOf(date: string): number {
  const [year = 0, month, day] = date.split('-').map(Number);
  if (/^\d{4}$/.test(date)) return Date.UTC(year + 1, 0, 1) - 1;
  if (/^\d{4}-\d\d$/.test(date)) return Date.UTC(year, month as number, 1) - 1;
  if (/^\d{4}-\d\d-\d\d$/.test(date)) return Date.UTC(year, (month as number) - 1, (day as number) + 1) - 1;
  return Date.parse(date);
}
