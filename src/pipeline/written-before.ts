import type { Bundle, BundleEntry, Provenance, Resource } from '@medplum/fhirtypes';
import type { FhirResponse } from '../adapter.ts';
import { expectOk, searchAll } from '../fhir-pages.ts';
import { provenanceId } from '../mapping/index.ts';
import { type Interaction, sourceIn, sourceOf } from '../message.ts';
import type { House } from './house.ts';

type AskingHouse = Pick<House, 'fhir'>;

/** A write of the FHIR API whose message was worked on before. */
export interface Repeated {
  messageId: string;
  interaction: Interaction;
  resource?: Resource;
}

/** Entries that are there already, by their place; without the resource where nobody can say which it is. */
export type Parts = Map<number, Resource | undefined>;

/**
 * What is there of a write: all, as the server's answer to it and, where it is told, the references of what was written with
 * what followed; or entries of a batch.
 */
export type Before = { answer: FhirResponse; written?: string[] } | { entries: Parts };

/**
 * What an earlier attempt of the same message wrote; undefined when nothing of it is there. A create of the FHIR API brings no
 * identity to be conditional on: before it is repeated – after a crash, by a replay, because a server stored it and answered
 * 500 – that server is asked for what has this message as its source (`_source`,
 * https://hl7.org/fhir/R4/resource.html#search; one that does not know the parameter finds nothing of this message).
 *
 * Once the message's Provenance is there everything is, whoever changed it since: an old write must not come back over a
 * newer one.
 * @throws PasserelleError `fhir-unreachable`
 */
export async function writtenBefore(repeated: Repeated, house: AskingHouse): Promise<Before | undefined> {
  const { interaction, resource, messageId } = repeated;
  const told = await readNow<Provenance>(`Provenance/${provenanceId({ id: messageId })}`, house);
  if (told) return toldAnswer(repeated, told, house);
  const source = sourceOf(messageId);
  if (interaction.method === 'PUT') return ownVersion(interaction.path, source, house);
  if (interaction.method !== 'POST' || !resource) return undefined;
  if (isBatch(resource)) return partsOf(resource, source, house);
  if (interaction.headers.ifNoneExist) return undefined;
  const [found] = await writtenBy(source, resource.resourceType, 1, house);
  return found && { answer: created(found, 201) };
}

async function toldAnswer({ interaction, resource, messageId }: Repeated, { target }: Provenance, house: AskingHouse) {
  const source = sourceOf(messageId);
  const written = target.flatMap(({ reference }) => reference ?? []);
  if (resource && isBatch(resource)) {
    const there = await pairs(resource, source, house);
    return { answer: bundleAnswer(resource, there), written };
  }
  const [first = ''] = written;
  const now = await readNow<Resource>(first, house);
  const status = interaction.method === 'POST' ? 201 : 200;
  return { answer: now ? created(now, status) : { status, headers: { location: first } }, written };
}

/** Writes the entries of a batch that are not there yet; each answer stands in the place of its entry. */
export async function writeRest(
  batch: Bundle,
  there: Parts,
  write: (rest: Resource) => Promise<FhirResponse>,
): Promise<FhirResponse> {
  const rest = (batch.entry ?? []).filter((_, index) => !there.has(index));
  const answer = rest.length > 0 ? await write({ ...batch, entry: rest }) : undefined;
  if (answer && answer.status >= 300) return answer;
  const answers = (answer?.body as Bundle | undefined)?.entry?.values();
  const entry = (batch.entry ?? []).map((one, index) =>
    there.has(index) ? answered(one, there.get(index)) : (answers?.next().value ?? {}),
  );
  return { status: 200, headers: {}, body: { resourceType: 'Bundle', type: answerType(batch), entry } };
}

/** An update that named a version would be refused by the version it made itself. */
async function ownVersion(path: string, source: string, house: AskingHouse): Promise<Before | undefined> {
  if (path.includes('?')) return undefined;
  const now = await readNow<Resource>(path, house);
  return now && sourceIn(now) === source ? { answer: created(now, 200) } : undefined;
}

/** A transaction is there as a whole or not at all; of a batch each entry by itself. */
async function partsOf(bundle: Bundle, source: string, house: AskingHouse): Promise<Before | undefined> {
  const entries = await pairs(bundle, source, house);
  if (bundle.type === 'batch') return entries.size > 0 ? { entries } : undefined;
  const updated = bundle.entry?.find(({ request }) => request?.method === 'PUT' && request.ifMatch);
  const isThere = entries.size > 0 || (updated && (await ownVersion(updated.request!.url, source, house)));
  if (!isThere) return undefined;
  return { answer: bundleAnswer(bundle, entries) };
}

function bundleAnswer(bundle: Bundle, there: Parts): FhirResponse {
  const entry = (bundle.entry ?? []).map((one, index) => answered(one, there.get(index)));
  return { status: 200, headers: {}, body: { resourceType: 'Bundle', type: answerType(bundle), entry } };
}

function answered({ request }: BundleEntry, found: Resource | undefined): BundleEntry {
  if (found) return { response: { status: '201', location: versionOf(found) } };
  const isNamed = request?.method === 'PUT' && !request.url.includes('?');
  return { response: { status: '200', ...(isNamed ? { location: request.url } : {}) } };
}

/** Creates that are there, by the place of their entries: what says the same was written for them. */
async function pairs(bundle: Bundle, source: string, house: AskingHouse): Promise<Parts> {
  const found: Parts = new Map();
  const creates = [...(bundle.entry ?? []).entries()].filter(([, one]) => isPlainCreate(one));
  for (const type of new Set(creates.map(([, one]) => one.resource!.resourceType))) {
    const asked = creates.filter(([, one]) => one.resource!.resourceType === type);
    const left = await writtenBy(source, type, asked.length, house);
    const isAll = left.length >= asked.length;
    for (const [index, { resource }] of asked) {
      const same = left.findIndex((one) => content(one) === content(resource!));
      if (same >= 0) found.set(index, left.splice(same, 1)[0]);
      // A server may write down more, or otherwise, than it was given: as many are there as were asked for.
      else if (isAll) found.set(index, undefined);
    }
  }
  return found;
}

function isPlainCreate({ request, resource }: BundleEntry): boolean {
  return request?.method === 'POST' && !request.ifNoneExist && resource !== undefined && !request.url.includes('$');
}

/** What a resource says, without what a server adds or resolves. */
function content({ id: _id, meta: _meta, ...rest }: Resource): string {
  const { text: _text, ...said } = rest as Record<string, unknown>;
  return JSON.stringify(said, (key, value) => {
    if (key === 'reference') return undefined;
    const isObject = value && typeof value === 'object' && !Array.isArray(value);
    return isObject ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value;
  });
}

async function writtenBy(source: string, type: string, most: number, { fhir }: AskingHouse): Promise<Resource[]> {
  const query = `${type}?_source=${encodeURIComponent(source)}&_count=${Math.min(most, 200)}`;
  // A server that does not know the parameter answers with anything it has.
  return (await searchAll(fhir, query, most)).filter((one) => sourceIn(one) === source);
}

async function readNow<R extends Resource>(path: string, { fhir }: AskingHouse): Promise<R | undefined> {
  const answer = await fhir.send({ method: 'GET', path });
  if (answer.status === 404 || answer.status === 410) return undefined;
  return expectOk(answer).body as R;
}

function isBatch(resource: Resource): resource is Bundle {
  return resource.resourceType === 'Bundle' && (resource.type === 'transaction' || resource.type === 'batch');
}

const answerType = ({ type }: Bundle) => `${type}-response` as Bundle['type'];

function created(resource: Resource, status: number): FhirResponse {
  return { status, headers: { location: versionOf(resource) }, body: resource };
}

function versionOf({ resourceType, id, meta }: Resource): string {
  return `${resourceType}/${id}/_history/${meta?.versionId}`;
}
