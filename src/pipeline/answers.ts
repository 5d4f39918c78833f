import { hash } from 'node:crypto';
import type {
  Bundle,
  Observation,
  Questionnaire,
  QuestionnaireResponse,
  Reference,
  Resource,
} from '@medplum/fhirtypes';
import type { FhirResponse } from '../adapter.ts';
import type { Conversion, Draft } from '../conversion.ts';
import { type Fault, isError, warning } from '../errors.ts';
import { expectOk, resourcesIn } from '../fhir-pages.ts';
import type { Message } from '../journal/journal.ts';
import { PLACE_SYSTEM } from '../seed.ts';
import { draftAt } from './follow.ts';
import type { House } from './house.ts';
import { judge } from './judge.ts';
import { writtenNow } from './written-news.ts';

type ExtractingHouse = Pick<House, 'translator' | 'examiner' | 'extractor' | 'nonconforming'>;

/** Answers to be extracted, and what is known besides. */
export interface Answers {
  response: QuestionnaireResponse;
  /** The Questionnaire, where it comes along. */
  questionnaire?: Questionnaire;
  sender: string;
  at: Date;
}

/** What answers give: drafts that point to the response and its subject as these are called outside. */
interface Derived {
  drafts: Draft[];
  faults: Fault[];
}

/**
 * SDC `QuestionnaireResponse/$extract`, https://hl7.org/fhir/uv/sdc/OperationDefinition-QuestionnaireResponse-extract.html: the
 * transaction that would be written with the answers. Nothing is looked up or written. Without anything to extract there is no
 * bundle, and a fault says why.
 */
export function extractAnswers(answers: Answers, house: ExtractingHouse): { bundle?: Bundle; faults: Fault[] } {
  const { drafts, faults } = derive(answers, house);
  if (faults.some(isError)) return { faults };
  if (drafts.length === 0) return { faults: [...faults, warning('extraction-nothing')] };
  const entry = drafts.map(({ fullUrl, resource, identity }) => {
    const { resourceType } = resource;
    const query = new URLSearchParams({ identifier: `${identity.system}|${identity.value}` });
    return {
      fullUrl,
      resource,
      request:
        'identifier' in resource
          ? { method: 'PUT' as const, url: `${resourceType}?${query}` }
          : { method: 'POST' as const, url: resourceType },
    };
  });
  return { bundle: { resourceType: 'Bundle', type: 'transaction', entry }, faults };
}

/** What keeps answers from being written: they would give what no other door takes either. */
export function problemsOfAnswers(
  resources: Resource[],
  { sender, receivedAt }: Message,
  house: ExtractingHouse,
): Fault[] {
  return resources.filter(isAnswers).flatMap((response) => {
    if (!house.extractor.knows(response.questionnaire)) return [];
    return derive({ response, sender, at: new Date(receivedAt) }, house).faults.filter(isError);
  });
}

/**
 * What the answers in a write of the FHIR API give, to be written after them; readings of answers that are there no more are
 * taken back. Not where others have derived readings from the answers.
 * @param answer the server's, which tells where each stands
 * @throws PasserelleError `fhir-unreachable`
 */
export async function answersWritten(
  resource: Resource,
  answer: FhirResponse,
  { sender, receivedAt }: Message,
  house: ExtractingHouse & Pick<House, 'fhir'>,
): Promise<Derived> {
  const all: Derived = { drafts: [], faults: [] };
  const isWanted = (one: Resource) => isAnswers(one) && house.extractor.knows(one.questionnaire);
  for (const { resource: response, fullUrl: address } of await writtenNow(resource, answer, isWanted, house)) {
    if (!isAnswers(response)) continue;
    const { drafts, faults } = derive({ response, sender, at: new Date(receivedAt) }, house);
    if (faults.some(isError)) continue;
    const { earlier, isElsewhere } = await derivedBefore(address, drafts, house);
    if (isElsewhere) all.faults.push(warning('extraction-elsewhere', { place: 'QuestionnaireResponse' }));
    else all.drafts.push(...drafts, ...earlier);
  }
  return all;
}

function isAnswers(resource: Resource): resource is QuestionnaireResponse {
  return resource.resourceType === 'QuestionnaireResponse';
}

/** Observations the server has of the answers: of an earlier version of them, to be taken back, or somebody else's. */
async function derivedBefore(address: string, drafts: Draft[], { fhir }: Pick<House, 'fhir'>) {
  const read = await fhir.send({ method: 'GET', path: `Observation?derived-from=${address}&_count=200` });
  // A server that does not know the parameter cannot tell.
  const found = read.status === 400 ? [] : resourcesIn<Observation>(expectOk(read).body as Bundle<Observation>);
  const isOurs = ({ identifier = [] }: Observation) => identifier.some(({ system }) => system === PLACE_SYSTEM);
  const own = new Set(drafts.map(({ identity }) => identity.value));
  const gone = found.filter(
    ({ identifier = [], status: state }) =>
      state !== 'entered-in-error' && !identifier.some(({ value }) => own.has(value ?? '')),
  );
  return { earlier: gone.filter(isOurs).map(takenBack), isElsewhere: found.length > 0 && !found.some(isOurs) };
}

function takenBack(observation: Observation): Draft {
  const reference = `Observation/${observation.id}`;
  const draft = draftAt({ ...observation, status: 'entered-in-error' }, reference);
  return { ...draft, current: { reference, version: observation.meta?.versionId } };
}

/** The answers taken as a message of their own, without what stands for those they speak of. */
function derive({ response, questionnaire, sender, at }: Answers, house: ExtractingHouse): Derived {
  const { id } = response;
  // What the server has of a response goes by its id, whoever writes it: its number may change, and others may correct it.
  const tree: QuestionnaireResponse = id ? { ...response, identifier: undefined } : response;
  const origin = id
    ? { sender: 'QuestionnaireResponse', messageIdentity: id }
    : { sender, messageIdentity: hash('sha256', JSON.stringify(response)) };
  const decoded = { format: 'fhir' as const, tree, faults: [], parts: [] };
  const extract = (one: QuestionnaireResponse) => house.extractor.extract(one, questionnaire);
  const conversion = house.translator.convert(decoded, { ...origin, receivedAt: at, extract });
  const faults = conversion.faults.filter(({ code }) => code !== 'reference-outside');
  const own = conversion.drafts.find(({ resource }) => isAnswers(resource));
  const drafts = conversion.drafts.filter((one) => one !== own && one.fullUrl !== conversion.subject);
  const names = namesOf(response, conversion, own);
  for (const { resource } of drafts) rename(resource, names);
  return { drafts, faults: [...faults, ...judge({ ...conversion, drafts }, house)] };
}

/** How the response and its subject are called outside of the conversion. */
function namesOf(response: QuestionnaireResponse, { subject }: Conversion, own: Draft | undefined) {
  const { id, identifier } = response;
  const names = new Map<string, Reference | undefined>();
  if (own)
    names.set(
      own.fullUrl,
      id ? { reference: `QuestionnaireResponse/${id}` } : identifier && { type: 'QuestionnaireResponse', identifier },
    );
  if (subject) names.set(subject, response.subject);
  return names;
}

/** Puts other names in the place of references; what has no name outside is left out. */
function rename(owner: object, names: Map<string, Reference | undefined>): void {
  for (const [property, value] of Object.entries(owner) as [string, unknown][]) {
    if (Array.isArray(value)) {
      const kept = value.map((one) => renamed(one, names)).filter((one) => one !== undefined);
      Object.assign(owner, { [property]: kept.length > 0 ? kept : undefined });
    } else Object.assign(owner, { [property]: renamed(value, names) });
    if ((owner as Record<string, unknown>)[property] === undefined) delete (owner as Record<string, unknown>)[property];
  }
}

function renamed(value: unknown, names: Map<string, Reference | undefined>): unknown {
  if (value === null || typeof value !== 'object') return value;
  const { reference } = value as Reference;
  if (reference !== undefined && names.has(reference)) {
    const name = names.get(reference);
    return name && { ...name };
  }
  rename(value, names);
  return value;
}
