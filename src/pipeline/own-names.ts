import type { Bundle, BundleEntry, Resource } from '@medplum/fhirtypes';
import { readIfThere } from '../fhir-pages.ts';
import type { House } from './house.ts';
import { type Asked, ownId } from './own-ids.ts';

/**
 * A transaction whose entries call each other by ids that are only the Bundle's own (`Patient/p1` for an entry that is
 * created with the id p1), with their fullUrls in the place of these names: so every server understands it, and the entry may
 * get an id of ours or give way to a record that is known. A name that is a resource of the server means that one.
 * @throws PasserelleError `fhir-unreachable`
 */
export async function withFullUrls(asked: Asked, messageId: string, { fhir }: Pick<House, 'fhir'>): Promise<Asked> {
  const { interaction, resource } = asked;
  if (resource?.resourceType !== 'Bundle' || resource.type !== 'transaction') return asked;
  const { entry = [] } = resource;
  const names = new Map<string, string>();
  const references = new Set<string>();
  collect(entry, references);
  for (const [index, one] of entry.entries()) {
    const address = one && createdAs(one);
    if (!address || !references.has(address)) continue;
    if (await readIfThere(fhir, address)) continue;
    names.set(address, one.fullUrl ?? `urn:uuid:${ownId(messageId, index)}`);
  }
  if (names.size === 0) return asked;
  const bundle: Bundle = { ...resource, entry: entry.map((one) => named(one, names)) };
  return { interaction, resource: bundle };
}

/** `Type/id` that a creating entry says of itself. */
function createdAs({ request, resource }: BundleEntry): string | undefined {
  return request?.method === 'POST' && resource?.id ? `${resource.resourceType}/${resource.id}` : undefined;
}

function collect(value: unknown, references: Set<string>): void {
  if (!isPlain(value)) return;
  const { reference } = value as { reference?: unknown };
  if (typeof reference === 'string') references.add(reference);
  for (const one of Object.values(value)) collect(one, references);
}

function named(entry: BundleEntry, names: Map<string, string>): BundleEntry {
  if (!entry?.resource) return entry;
  const { fullUrl = names.get(createdAs(entry) ?? ''), resource } = entry;
  return { ...entry, ...(fullUrl ? { fullUrl } : {}), resource: renamed(resource, names) as Resource };
}

/** A copy where something changes; bytes and what is not plain JSON stay what they are. */
function renamed(value: unknown, names: Map<string, string>): unknown {
  if (!isPlain(value)) return value;
  if (Array.isArray(value)) return value.map((one) => renamed(one, names));
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => {
      const name = key === 'reference' && typeof one === 'string' ? names.get(one) : undefined;
      return [key, name ?? renamed(one, names)];
    }),
  );
}

function isPlain(value: unknown): value is object {
  if (value === null || typeof value !== 'object') return false;
  const prototype = Object.getPrototypeOf(value);
  return Array.isArray(value) || prototype === Object.prototype || prototype === null;
}
