import type { Bundle, BundleEntry, Resource } from '@medplum/fhirtypes';
import type { Interaction } from '../message.ts';
import { seedUuid } from '../seed.ts';

/** A write as the FHIR server is asked for it. */
export interface Asked {
  interaction: Interaction;
  resource?: Resource;
}

/**
 * A write of the FHIR API that is there once however often it is asked for – after a crash, because a server stored it and
 * answered 500, by a replay: a create without a condition becomes an update of an id made from message and place
 * (https://hl7.org/fhir/R4/http.html#upsert). The answer is that of a create. Everything else is left as it was sent.
 */
export function withOwnIds({ interaction, resource }: Asked, messageId: string): Asked {
  if (interaction.method !== 'POST' || !resource) return { interaction, resource };
  if (isBatch(resource)) {
    const named = namedByIds(resource);
    const entry = resource.entry?.map((one, index) =>
      one.resource && named.has(addressIn(one.resource)) ? one : entryWithOwnId(one, ownId(messageId, index)),
    );
    return { interaction, resource: { ...resource, entry } };
  }
  const { ifNoneExist, ...headers } = interaction.headers;
  if (ifNoneExist || interaction.path !== resource.resourceType) return { interaction, resource };
  const id = ownId(messageId);
  return {
    interaction: { method: 'PUT', path: `${resource.resourceType}/${id}`, headers },
    resource: { ...resource, id } as Resource,
  };
}

/** The id of what a message creates; `index` is the place of its entry in a Bundle. */
export function ownId(messageId: string, index = 0): string {
  return seedUuid('create', messageId, String(index));
}

/**
 * What entries call each other by ids that are only the Bundle's own: whether such a name means the entry, or a resource that
 * is there already, is for the server to say. Such an entry stays as it is; that the transaction was carried out is told by
 * the others.
 */
function namedByIds({ entry = [] }: Bundle): Set<string> {
  const ids = new Set(
    entry.flatMap(({ request, resource }) => (request?.method === 'POST' && resource?.id ? addressIn(resource) : [])),
  );
  const named = new Set<string>();
  const look = (value: unknown): void => {
    if (value === null || typeof value !== 'object' || ArrayBuffer.isView(value)) return;
    const { reference } = value as { reference?: unknown };
    if (typeof reference === 'string' && ids.has(reference)) named.add(reference);
    for (const one of Object.values(value)) look(one);
  };
  if (ids.size > 0) look(entry);
  return named;
}

const addressIn = ({ resourceType, id }: Resource) => `${resourceType}/${id}`;

function entryWithOwnId(entry: BundleEntry, id: string): BundleEntry {
  const { request, resource } = entry;
  const isCreate = request?.method === 'POST' && !request.ifNoneExist && resource;
  if (!isCreate || request.url.replace(/^\//, '') !== resource.resourceType) return entry;
  return {
    ...entry,
    resource: { ...resource, id } as Resource,
    request: { method: 'PUT', url: `${resource.resourceType}/${id}` },
  };
}

/** A Bundle that the server carries out. */
export function isBatch(resource: Resource): resource is Bundle {
  return resource.resourceType === 'Bundle' && (resource.type === 'transaction' || resource.type === 'batch');
}
