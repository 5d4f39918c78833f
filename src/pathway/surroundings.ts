import type {
  Bundle,
  CarePlan,
  Condition,
  EpisodeOfCare,
  Flag,
  Observation,
  Patient,
  QuestionnaireResponse,
  RiskAssessment,
  Task,
} from '@medplum/fhirtypes';
import type { FhirEndpoint } from '../adapter.ts';
import { readTogether, resourcesIn } from '../fhir-pages.ts';
import { dayOf } from './days.ts';
import type { LookBack } from './evaluate.ts';
import { isOneOf, type RuleSet } from './rules.ts';

/** What the FHIR server knows of a patient, as far as rules look at it. */
export interface Surroundings {
  /** When the message was received: what alerts and deadlines count from. */
  at: Date;
  /** Reference to write for the patient: `Patient/id`, or the draft's `urn:uuid:…` for a new one. */
  patient: string;
  /** Names the patient in derived identities: the reference once there is one, else an identifier. */
  key: string;
  record?: Patient;
  conditions: Condition[];
  episodes: EpisodeOfCare[];
  plans: CarePlan[];
  /** Tasks of the patient, newest first: open ones and alerts of the last weeks. */
  tasks: Task[];
  flags: Flag[];
  assessments: RiskAssessment[];
  /** Recent vital signs, newest first. */
  observations: Observation[];
  responses: QuestionnaireResponse[];
}

/** A patient of whom nothing is on the server yet. */
export function noSurroundings(patient: string, at: Date, key = patient): Surroundings {
  return {
    at,
    patient,
    key,
    conditions: [],
    episodes: [],
    plans: [],
    tasks: [],
    flags: [],
    assessments: [],
    observations: [],
    responses: [],
  };
}

type List = Exclude<keyof Surroundings, 'at' | 'patient' | 'key' | 'record'>;

const READINGS: [List, string] = [
  'observations',
  'Observation?patient={id}&category=vital-signs&_sort=-date&_count=100',
];

/** Only what a rule looks at: a patient who is measured every minute has thousands of readings. */
function readingsFor({ codes, since, until, count }: LookBack): [List, string] {
  const kinds = codes.map((one) => encodeURIComponent(`${one.system ?? ''}|${one.code ?? ''}`)).join(',');
  const dates = `date=ge${new Date(since).toISOString()}&date=le${new Date(until).toISOString()}`;
  return ['observations', `Observation?patient={id}&combo-code=${kinds}&${dates}&_sort=-date&_count=${count}`];
}
const TASKS: [List, string] = ['tasks', 'Task?patient={id}&_sort=-authored-on&_count=200'];
const LISTS: [List, string][] = [
  ['conditions', 'Condition?patient={id}&_count=100'],
  ['episodes', 'EpisodeOfCare?patient={id}&_count=50'],
  ['plans', 'CarePlan?patient={id}&status=active,on-hold&_count=50'],
  TASKS,
  ['flags', 'Flag?patient={id}&_count=50'],
  ['assessments', 'RiskAssessment?patient={id}&_count=20'],
  ['responses', 'QuestionnaireResponse?patient={id}&_sort=-authored&_count=5'],
];

/** How much of the surroundings a message calls for: the latest readings, the tasks, or everything. */
export type Needs = 'nothing' | 'readings' | 'tasks' | 'all';

/** For whom and for what surroundings are read. */
export interface Asked {
  /** `Patient/id`; of anything else nothing is on the server. */
  patient: string;
  /** The Patient as the registrar has it; read when it is not given. */
  record?: Patient;
  /** When the message was received. */
  at: Date;
  /** Looks at what has been read so far and says what else is needed; without it everything is read. */
  needs?(observations: Observation[]): Needs;
  /** The earlier readings to read; without it the latest vital signs. */
  lookBacks?: LookBack[];
}

/**
 * Reads what the rules need: nothing for a message they have nothing to say about, the latest readings for one that may be
 * part of a trend, everything once a rule speaks.
 * @throws PasserelleError `fhir-unreachable`.
 */
export async function readSurroundings(endpoint: FhirEndpoint, asked: Asked): Promise<Surroundings> {
  const found: Surroundings = { ...noSurroundings(asked.patient, asked.at), record: asked.record };
  const id = /^Patient\/([A-Za-z0-9.-]{1,64})$/.exec(asked.patient)?.[1];
  const needs = asked.needs ?? (() => 'all' as const);
  const first = id ? needs([]) : 'nothing';
  if (!id || first === 'nothing') return found;
  const readings = () => asked.lookBacks?.map(readingsFor) ?? [READINGS];
  if (first === 'readings') {
    if (endpoint.readings && asked.lookBacks) found.observations = readHere(endpoint, asked.patient, asked.lookBacks);
    else await readLists(endpoint, id, readings(), found);
    if (needs(found.observations) === 'all') await readLists(endpoint, id, LISTS, found);
    return found;
  }
  await readLists(endpoint, id, first === 'tasks' ? [TASKS] : [...readings(), ...LISTS], found);
  return found;
}

/** The same where the server is in this process. */
function readHere(endpoint: FhirEndpoint, patient: string, lookBacks: LookBack[]): Observation[] {
  const found = lookBacks.flatMap((one) => endpoint.readings!({ patient, ...one }));
  return [...new Map(found.map((one) => [one.id, one])).values()];
}

async function readLists(
  endpoint: FhirEndpoint,
  id: string,
  lists: [List, string][],
  into: Surroundings,
): Promise<void> {
  const urls = lists.map(([, query]) => query.replace('{id}', id));
  if (!into.record && lists.length > 1) urls.push(`Patient/${id}`);
  const answers = await readTogether(endpoint, urls);
  for (const [index, [name]] of lists.entries()) {
    const known = new Map([...into[name], ...resourcesIn(answers[index] as Bundle)].map((one) => [one.id, one]));
    Object.assign(into, { [name]: [...known.values()] });
  }
  const patient = answers[lists.length];
  if (patient?.resourceType === 'Patient') into.record = patient;
}

/** J1 as the disease's Condition says it: the day of its onset in Europe/Paris; the newest that has a whole day. */
export function onsetOf(conditions: Condition[], rules: RuleSet): string | undefined {
  const days = conditions
    .filter((one) => isOneOf(one.code?.coding, rules.disease) && !isRefuted(one))
    .map((one) => dayOf(one.onsetDateTime ?? one.onsetPeriod?.start))
    .filter((day) => day !== undefined);
  return days.sort().at(-1);
}

/** Ruled out, or never meant. */
export function isRefuted(condition: Condition): boolean {
  const codes = condition.verificationStatus?.coding?.map((one) => one.code) ?? [];
  return codes.includes('refuted') || codes.includes('entered-in-error');
}

/** Still to be done. */
export function isOpen(task: Task): boolean {
  return ['draft', 'requested', 'received', 'accepted', 'ready', 'in-progress', 'on-hold'].includes(task.status);
}
