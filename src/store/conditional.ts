import type { Resource } from '@medplum/fhirtypes';
import { fault, PasserelleError } from '../errors.ts';
import type { SearchContext } from './indexed.ts';
import { applyTo } from './patch.ts';
import type { QueryLimits } from './query.ts';
import { matches } from './search.ts';
import type { Shelf, Written } from './shelf.ts';

/** What the writes of one transaction work with: the connection sees what was written before in the same transaction. */
export interface Desk {
  shelf: Shelf;
  context: SearchContext;
  limits: QueryLimits;
}

/**
 * The one resource that meets the criteria (`identifier=system|value`), as `id`; undefined when none does.
 * @throws PasserelleError match-several; fhir-request-invalid without criteria
 */
export function match(type: string, criteria: string, desk: Desk): string | undefined {
  const found = matches(type, criteria, desk.context, desk.limits);
  if (found.length > 1) throw new PasserelleError(fault('match-several', { params: { type } }));
  if (found.length === 1) return desk.shelf.idOf(found[0]!);
  if (!/=./.test(criteria))
    throw new PasserelleError(fault('fhir-request-invalid', { params: { reason: 'criteria are missing' } }));
  return undefined;
}

/** Create unless the criteria find it already, https://hl7.org/fhir/R4/http.html#ccreate */
export function createUnless(resource: Resource, criteria: string | undefined, desk: Desk): Written {
  const known = criteria === undefined ? undefined : match(resource.resourceType, criteria, desk);
  if (known === undefined) return desk.shelf.create(resource);
  return { ...desk.shelf.read(resource.resourceType, known), created: false, changed: false };
}

/** Update what the criteria find, or create, https://hl7.org/fhir/R4/http.html#cond-update */
export function updateMatching(
  resource: Resource,
  criteria: string,
  expected: string[] | undefined,
  desk: Desk,
): Written {
  const known = match(resource.resourceType, criteria, desk);
  if (known === undefined) {
    if (expected) throw new PasserelleError(fault('version-conflict', { params: { current: 'none' } }));
    return resource.id === undefined ? desk.shelf.create(resource) : desk.shelf.update(resource, resource.id);
  }
  if (resource.id !== undefined && resource.id !== known) {
    const reason = 'the id of the resource is not that of the one the criteria find';
    throw new PasserelleError(fault('fhir-request-invalid', { params: { reason } }));
  }
  return desk.shelf.update(resource, known, expected);
}

/** https://hl7.org/fhir/R4/http.html#cdelete: one or none; several are refused. */
export function removeMatching(type: string, criteria: string, expected: string[] | undefined, desk: Desk): boolean {
  const known = match(type, criteria, desk);
  if (known !== undefined) desk.shelf.remove(type, known, expected);
  return known !== undefined;
}

/**
 * Patches one resource by its id; `expected` are the versions If-Match allows.
 * @throws PasserelleError as `patch` and the version check do
 */
export function patchOne(
  type: string,
  id: string,
  patch: unknown,
  expected: string[] | undefined,
  desk: Desk,
): Written {
  const { resource } = desk.shelf.read(type, id);
  return desk.shelf.update(applyTo(resource, patch), id, expected, 'PATCH');
}

/** @throws PasserelleError match-none, match-several */
export function patchMatching(
  type: string,
  criteria: string,
  patch: unknown,
  expected: string[] | undefined,
  desk: Desk,
): Written {
  const known = match(type, criteria, desk);
  if (known === undefined) throw new PasserelleError(fault('match-none', { params: { type } }));
  return patchOne(type, known, patch, expected, desk);
}
