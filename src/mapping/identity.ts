import type { Identifier, Resource } from '@medplum/fhirtypes';
import { elementsOf } from './elements.ts';

/** OIDs of the INS: NIR, NIA, and the two of tests, https://mos.esante.gouv.fr/NOS/ (référentiel INS). */
const INS_SYSTEMS = new Set(['8', '9', '10', '11'].map((last) => `urn:oid:1.2.250.1.213.1.4.${last}`));

/** Types whose newest message wins unless the map says otherwise. */
export const UPDATED_TYPES = new Set([
  'Patient',
  'Practitioner',
  'PractitionerRole',
  'Organization',
  'Location',
  'RelatedPerson',
  'Encounter',
  'EpisodeOfCare',
  'Device',
  'CareTeam',
]);

/** True for an identifier of the national health identity. */
export function isIns(identifier: { system?: string }): boolean {
  return INS_SYSTEMS.has(identifier.system ?? '');
}

export type Key = Required<Pick<Identifier, 'system' | 'value'>>;

const NONE: Key[] = [];

/** All identifiers of a resource that have a system and a value; the one that names the thing best first. */
export function businessIdentifiers(resource: Resource): Key[] {
  const bag = resource as { identifier?: Identifier | Identifier[]; masterIdentifier?: Identifier };
  const { identifier, masterIdentifier } = bag;
  if (identifier === undefined && masterIdentifier === undefined) return NONE;
  const found: Key[] = [];
  if (isKey(masterIdentifier)) found.push(masterIdentifier);
  if (Array.isArray(identifier)) {
    for (const one of identifier) if (isKey(one)) found.push(one);
  } else if (isKey(identifier)) found.push(identifier);
  if (resource.resourceType !== 'Patient' || found.length < 2) return found;
  return [...found.filter(isIns), ...found.filter((one) => !isIns(one))];
}

function isKey(identifier: Identifier | undefined): identifier is Key {
  return identifier?.system !== undefined && identifier.value !== undefined && identifier.value !== '';
}

/** Writes the identity into a resource that does not carry it. Types without the element stay as they are. */
export function ensureIdentifier(resource: Resource, identity: { system: string; value: string }): void {
  const spec = elementsOf(resource.resourceType)?.get('identifier');
  const known = businessIdentifiers(resource);
  if (!spec || known.some(({ system, value }) => system === identity.system && value === identity.value)) return;
  const holder = resource as unknown as { identifier?: Identifier | Identifier[] };
  if (!spec.list) holder.identifier = { ...identity };
  else if (Array.isArray(holder.identifier)) holder.identifier.push({ ...identity });
  else holder.identifier = [{ ...identity }];
}

/**
 * True when two patients cannot be one person: of a system in which both have numbers, they have none in common; the INS
 * counts as one system.
 */
export function contradict(a: Resource, b: Resource): boolean {
  const [left, right] = [numbers(a), numbers(b)];
  for (const [system, values] of left) {
    const others = right.get(system);
    if (others && !values.some((value) => others.includes(value))) return true;
  }
  return false;
}

function numbers(resource: Resource): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const identifier of businessIdentifiers(resource)) {
    const system = isIns(identifier) ? 'INS' : identifier.system;
    found.set(system, [...(found.get(system) ?? []), identifier.value]);
  }
  return found;
}
