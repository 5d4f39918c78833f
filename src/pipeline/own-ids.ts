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
    const entry = resource.entry?.map((one, index) => entryWithOwnId(one, ownId(messageId, index)));
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
