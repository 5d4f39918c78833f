import type { Binary, Resource } from '@medplum/fhirtypes';
import { LongBase64 } from '../formats/fhir/long-base64.ts';

/** Two writes that differ only in the message they came from are one: provenance alone makes no version. */
const MESSAGE = 'urn:passerelle:message:';

/** A resource as it is stored: with its id, version and time, whatever it said of them before. */
export function stamped(given: Resource, id: string, version: number, now: number): Resource & { id: string } {
  const { resourceType, id: _id, meta, ...rest } = given;
  const stamp = { ...meta, versionId: String(version), lastUpdated: new Date(now).toISOString() };
  return { resourceType, id, meta: stamp, ...rest } as Resource & { id: string };
}

/** A Binary's bytes apart from its other elements; those of a large one came as bytes, see `thread.ts`. */
export function split(resource: Resource): { content: string; bytes?: Uint8Array } {
  if (resource.resourceType !== 'Binary') return { content: JSON.stringify(resource) };
  const { data: given, ...rest } = resource as Omit<Binary, 'data'> & { data?: string | Uint8Array | LongBase64 };
  const data = given instanceof LongBase64 ? given.bytes : given;
  if (typeof data !== 'string' && !(data instanceof Uint8Array)) return { content: JSON.stringify(resource) };
  return { content: JSON.stringify(rest), bytes: typeof data === 'string' ? Buffer.from(data, 'base64') : data };
}

/** Whether a new version would say nothing new. */
export function sameContent(stored: Resource, given: Resource): boolean {
  const { meta: oldMeta, ...old } = stored;
  const { meta: newMeta, ...next } = given as Resource & { id?: string };
  return same(old, { ...next, id: stored.id }) && same(bareMeta(oldMeta), bareMeta(newMeta));
}

function bareMeta(meta: Resource['meta']): object {
  const { versionId, lastUpdated, source, ...rest } = meta ?? {};
  return source && !source.startsWith(MESSAGE) ? { ...rest, source } : rest;
}

function base64Of({ buffer, byteOffset, length }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, length).toString('base64');
}

/** Deep equality of JSON values; properties that are undefined are absent. */
function same(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (other instanceof Uint8Array) return one === base64Of(other);
  if (other instanceof LongBase64) return one === other.toString();
  if (!one || !other || typeof one !== 'object' || typeof other !== 'object') return false;
  if (Array.isArray(one) || Array.isArray(other)) {
    return (
      Array.isArray(one) &&
      Array.isArray(other) &&
      one.length === other.length &&
      one.every((value, index) => same(value, other[index]))
    );
  }
  const present = (object: object) =>
    Object.keys(object).filter((key) => (object as Record<string, unknown>)[key] !== undefined);
  const keys = present(one);
  return (
    keys.length === present(other).length &&
    keys.every((key) => same((one as Record<string, unknown>)[key], (other as Record<string, unknown>)[key]))
  );
}
