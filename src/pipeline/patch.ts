import type { Bundle, BundleEntry, Resource } from '@medplum/fhirtypes';
import type { FhirResponse } from '../adapter.ts';
import { type Fault, fault, PasserelleError } from '../errors.ts';
import { resourcesIn } from '../fhir-pages.ts';
import { type Interaction, sourceIn } from '../message.ts';
import type { House } from './house.ts';

type PatchingHouse = Pick<House, 'fhir' | 'patched'>;

/** Which resource a patch is about: what the FHIR server has now, or its own answer when there is not exactly one. */
type Target = { resource: Resource } | { answer: FhirResponse } | { faults: Fault[] };

/**
 * A patch as the update it comes to, so that the result can be judged before it is written. The update names the version the
 * patch was applied to: of what somebody else writes meanwhile nothing is lost, and nothing is written that was not judged.
 * @param source of what this message writes; `done` is what it had written already, before a crash
 */
export async function asUpdate(
  interaction: Interaction,
  patch: unknown,
  source: string,
  house: PatchingHouse,
): Promise<
  { interaction: Interaction; resource: Resource } | { done: Resource } | Exclude<Target, { resource: Resource }>
> {
  const target = await targetOf(interaction.path, house);
  if (!('resource' in target)) return target;
  const { resource: before } = target;
  if (sourceIn(before) === source) return { done: before };
  const { contentType: _patch, ...headers } = interaction.headers;
  if (!expects(headers.ifMatch, before)) {
    return { faults: [fault('version-conflict', { params: { current: before.meta?.versionId ?? 'unknown' } })] };
  }
  const result = applied(before, patch, house);
  if ('faults' in result) return result;
  const path = `${before.resourceType}/${before.id}`;
  return { interaction: { method: 'PUT', path, headers: { ...headers, ifMatch: versionOf(before) } }, ...result };
}

/** A transaction or batch with each patch in it as the update it comes to. */
export async function withUpdates(
  bundle: Bundle,
  house: PatchingHouse,
): Promise<{ bundle: Bundle } | { faults: Fault[] }> {
  const entry: BundleEntry[] = [];
  const faults: Fault[] = [];
  for (const [index, one] of (bundle.entry ?? []).entries()) {
    const update = one?.request?.method === 'PATCH' ? await entryAsUpdate(one, house) : { entry: one };
    if ('entry' in update) entry.push(update.entry);
    else faults.push(...update.faults.map((found) => ({ ...found, place: place(index, found.place) })));
  }
  return faults.length > 0 ? { faults } : { bundle: { ...bundle, entry } };
}

async function entryAsUpdate(
  one: BundleEntry,
  house: PatchingHouse,
): Promise<{ entry: BundleEntry } | { faults: Fault[] }> {
  const { url = '', ifMatch } = one.request as NonNullable<BundleEntry['request']>;
  const target = await targetOf(url.replace(/^\//, ''), house);
  if ('faults' in target && target.faults[0]?.code === 'fhir-request-invalid') return target;
  // The server says what is wrong with it. No version is numbered 0: whatever comes to be meanwhile, it stays as it is.
  const refused = { entry: { ...one, request: { method: 'PATCH' as const, url, ifMatch: 'W/"0"' } } };
  if (!('resource' in target)) return refused;
  const { resource: before } = target;
  if (!expects(ifMatch, before)) return refused;
  const result = applied(before, patchIn(one.resource), house);
  if ('faults' in result) return result;
  const version = versionOf(before);
  const request = { method: 'PUT' as const, url: `${before.resourceType}/${before.id}` };
  return {
    entry: { ...one, resource: result.resource, request: { ...request, ...(version ? { ifMatch: version } : {}) } },
  };
}

function applied(
  before: Resource,
  patch: unknown,
  { patched }: PatchingHouse,
): { resource: Resource } | { faults: Fault[] } {
  try {
    return { resource: patched(before, patch) };
  } catch (error) {
    if (!(error instanceof PasserelleError)) throw error;
    return { faults: error.faults };
  }
}

/** A JSON Patch travels in a Bundle as a Binary, a FHIRPath Patch as Parameters. */
function patchIn(resource: Resource | undefined): unknown {
  if (resource?.resourceType !== 'Binary') return resource;
  try {
    return JSON.parse(Buffer.from(resource.data ?? '', 'base64').toString('utf8'));
  } catch {
    // Not JSON: what applies patches says so.
    return undefined;
  }
}

async function targetOf(path: string, house: PatchingHouse): Promise<Target> {
  const [type = '', criteria] = path.split(/\?(.*)/s);
  if (criteria === undefined) return byId(path, house);
  if (!/^[A-Z][A-Za-z]{1,63}$/.test(type)) return malformed;
  const asked = new URLSearchParams([...new URLSearchParams(criteria)].filter(([name]) => !ofAnswers.test(name)));
  if (![...asked.values()].some(Boolean)) return malformed;
  const answer = await house.fhir.send({ method: 'GET', path: `${type}?${asked}&_count=2` });
  if (answer.status !== 200) return { answer };
  const found = resourcesIn(answer.body as Bundle).filter((one) => one.resourceType === type);
  if (found.length === 0) return { faults: [fault('match-none', { params: { type } })] };
  if (found.length > 1) return { faults: [fault('match-several', { params: { type } })] };
  return byId(`${type}/${found[0]?.id}`, house);
}

/** Parameters that shape an answer: they could hide a second match. */
const ofAnswers = /^_(count|summary|elements|include|revinclude|sort|offset|cursor|total|format|pretty)(:|$)/;

const malformed: Target = {
  faults: [
    fault('fhir-request-invalid', { params: { reason: 'a patch is about one resource, by its id or by criteria' } }),
  ],
};

async function byId(path: string, { fhir }: PatchingHouse): Promise<Target> {
  if (!/^[A-Z][A-Za-z]{1,63}\/[A-Za-z0-9.-]{1,64}$/.test(path)) return malformed;
  const answer = await fhir.send({ method: 'GET', path });
  return answer.status === 200 ? { resource: answer.body as Resource } : { answer };
}

function versionOf({ meta }: Resource): string | undefined {
  return meta?.versionId === undefined ? undefined : `W/"${meta.versionId}"`;
}

/** Whether the client's own If-Match, if any, allows the version that is there. */
function expects(ifMatch: string | undefined, { meta }: Resource): boolean {
  if (ifMatch === undefined || ifMatch.trim() === '*') return true;
  return ifMatch.split(',').some((one) => one.trim().replace(/^(?:W\/)?"?([^"]*)"?$/, '$1') === meta?.versionId);
}

function place(index: number, inside: string | undefined): string {
  return inside ? `Bundle.entry[${index}].resource.${inside}` : `Bundle.entry[${index}]`;
}
