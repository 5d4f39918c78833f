import { isDeepStrictEqual } from 'node:util';
import type { Bundle, BundleEntry, Provenance, Resource } from '@medplum/fhirtypes';
import type { FhirEndpoint, FhirResponse } from '../adapter.ts';
import { readIfThere } from '../fhir-pages.ts';
import { provenanceId } from '../mapping/index.ts';
import type { House } from './house.ts';
import { type Asked, isBatch, ownId } from './own-ids.ts';

/** What is there of a write. */
export interface Before {
  /** The server's answer to what is there; in a Bundle an entry without `response` is left to be done. */
  answer: FhirResponse;
  /** The entries of a batch that are left to be done. */
  rest?: Bundle;
  /** References of what was written with all that followed, where it is told. */
  told?: string[];
}

/**
 * What an earlier attempt of the same message wrote; undefined when nothing of it is there. Asked before an attempt is
 * repeated, so that an old write never comes back over what others wrote since, and one that named a version is not refused
 * by the version it made itself. Once the message's Provenance is there everything is.
 * @param asked with ids of our own, see `own-ids.ts`
 * @throws PasserelleError `fhir-unreachable`
 */
export async function writtenBefore(
  asked: Asked,
  messageId: string,
  { fhir }: Pick<House, 'fhir'>,
): Promise<Before | undefined> {
  const { interaction, resource } = asked;
  const told = await readIfThere<Provenance>(fhir, `Provenance/${provenanceId({ id: messageId })}`);
  const written = told?.target.flatMap(({ reference }) => reference ?? []);
  if (resource && isBatch(resource)) return partsBefore(resource, messageId, written, fhir);
  const isCreate = resource?.id === ownId(messageId);
  const status = isCreate ? 201 : 200;
  if (written) {
    const [first = ''] = written;
    const now = await readIfThere<Resource>(fhir, first);
    return { answer: now ? answerOf(now, status) : { status, headers: { location: first } }, told: written };
  }
  if (interaction.method !== 'PUT' || interaction.path.includes('?') || !resource) return undefined;
  const now = await readIfThere<Resource>(fhir, interaction.path);
  return now && (isCreate || isSame(now, resource)) ? { answer: answerOf(now, status) } : undefined;
}

/** A transaction is there as a whole or not at all; of a batch each entry by itself. */
async function partsBefore(bundle: Bundle, messageId: string, told: string[] | undefined, fhir: FhirEndpoint) {
  const { entry = [], type } = bundle;
  const parts = await Promise.all(entry.map((one, index) => partBefore(one, ownId(messageId, index), fhir)));
  const isWhole = told !== undefined || (type === 'transaction' && parts.some((one) => one?.isOwn));
  const isThere = parts.map((one) => isWhole || (type === 'batch' && one !== undefined));
  if (!isThere.includes(true)) return undefined;
  const answers = parts.map((one, index) => (isThere[index] ? { response: one?.response ?? { status: '200' } } : {}));
  const body: Bundle = { resourceType: 'Bundle', type: `${type}-response` as Bundle['type'], entry: answers };
  const rest = { ...bundle, entry: entry.filter((_, index) => !isThere[index]) };
  return { answer: { status: 200, headers: {}, body }, told, ...(rest.entry.length > 0 ? { rest } : {}) };
}

/** What is there of one entry; `isOwn` when nobody but this message can have written it. */
async function partBefore({ request, resource }: BundleEntry, created: string, fhir: FhirEndpoint) {
  if (request?.method !== 'PUT' || request.url.includes('?') || !resource) return undefined;
  const now = await readIfThere<Resource>(fhir, request.url);
  if (!now) return undefined;
  const isCreated = resource.id === created;
  if (!isCreated && !isSame(now, resource)) return undefined;
  const isOvertaken = request.ifMatch !== undefined && request.ifMatch !== `W/"${now.meta?.versionId}"`;
  const response = { status: isCreated ? '201' : '200', location: versionOf(now) };
  return { response, isOwn: isCreated || isOvertaken };
}

/** The answers to what was there and to the rest, each in the place of its entry. */
export function joined(before: FhirResponse, rest: FhirResponse): FhirResponse {
  if (rest.status >= 300) return rest;
  const answers = ((rest.body as Bundle | undefined)?.entry ?? []).values();
  const bundle = before.body as Bundle;
  const entry = bundle.entry?.map((one) => (one.response ? one : (answers.next().value ?? {})));
  return { ...before, body: { ...bundle, entry } };
}

/** Whether a resource says what was sent; a server adds version and time, and its own form of references in a Bundle. */
function isSame(now: Resource, sent: Resource): boolean {
  return isDeepStrictEqual(said(now), said(sent));
}

function said({ id: _id, meta: _meta, ...rest }: Resource): unknown {
  return JSON.parse(JSON.stringify(rest, (key, value) => (key === 'reference' ? undefined : value)));
}

/** The server's answer to whoever has just written a resource. */
export function answerOf(resource: Resource, status = 200): FhirResponse {
  return { status, headers: { location: versionOf(resource) }, body: resource };
}

function versionOf({ resourceType, id, meta }: Resource): string {
  return `${resourceType}/${id}/_history/${meta?.versionId}`;
}
