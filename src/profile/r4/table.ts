import { readFileSync } from 'node:fs';
import type { ElementDefinition, ElementDefinitionConstraint } from '@medplum/fhirtypes';
import { type ElementRow, type TypeRow, unpackType } from './rows.ts';

/** A profile or extension that R4 itself publishes, as `scripts/r4-table.ts` keeps it. */
export interface ProfileRow {
  type: string;
  base: string;
  name: string;
  context?: [type: string, expression: string][];
  /** Rules on the element that carries the extension. */
  invariant?: string[];
  diff: ElementDefinition[];
}

/** Codes of a system: `c` when the list is not complete, `i` when case does not matter. */
export interface SystemRow {
  codes: string[];
  c?: string;
  i?: 1;
}

/** A value set worked out: per part a system and its codes (0: all of them); `open`: more than could be listed. */
export interface SetRow {
  parts: [system: string, codes: string[] | 0][];
  open?: 1;
}

interface RuleRow {
  s: 'error' | 'warning';
  x: string;
  u: string;
}

export const core = 'http://hl7.org/fhir/StructureDefinition/';

function load<T>(file: string): () => T {
  let table: T | undefined;
  return () => {
    table ??= JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8')) as T;
    return table;
  };
}

/** Each table is read when it is first asked for. */
export const types = load<Record<string, TypeRow>>('./types.json');
export const resources = load<Record<string, TypeRow>>('./resources.json');
const profileRows = load<Record<string, ProfileRow>>('./profiles.json');
export const codeSystems = load<Record<string, SystemRow>>('./codesystems.json');
export const valueSets = load<Record<string, SetRow>>('./valuesets.json');
const rules = load<Record<string, RuleRow>>('./rules.json');

/** A profile or extension that R4 publishes. */
export function profileRow(url: string): ProfileRow | undefined {
  const row = Object.hasOwn(profileRows(), url) ? profileRows()[url] : undefined;
  for (const one of row?.diff ?? []) {
    for (const rule of one.constraint ?? []) {
      rule.human ??= `R4 rule ${rule.key}`;
    }
  }
  return row;
}

/** The row of a complex type or resource type; undefined for primitives and unknown names. */
export function rowOf(type: string): TypeRow | undefined {
  if (Object.hasOwn(types(), type)) {
    return types()[type];
  }
  return Object.hasOwn(resources(), type) ? resources()[type] : undefined;
}

/** Whether a name is that of a resource type that can stand on its own. */
export function isResourceType(name: string): boolean {
  concrete ??= new Set(Object.keys(resources()).filter((one) => resources()[one]?.abstract === undefined));
  return concrete.has(name);
}

let concrete: Set<string> | undefined;

const eleOne: ElementDefinitionConstraint = {
  key: 'ele-1',
  severity: 'error',
  human: 'R4 rule ele-1',
  expression: 'hasValue() or (children().count() > id.count())',
  source: `${core}Element`,
};
const extOne: ElementDefinitionConstraint = {
  key: 'ext-1',
  severity: 'error',
  human: 'R4 rule ext-1',
  expression: 'extension.exists() != value.exists()',
  source: `${core}Extension`,
};

function constraint(key: string): ElementDefinitionConstraint {
  const row = rules()[key] as RuleRow;
  const name = key.split('@')[0] as string;
  return { key: name, severity: row.s, human: `R4 rule ${name}`, expression: row.x, source: core + row.u };
}

function element(type: string, row: ElementRow): ElementDefinition {
  const path = `${type}.${row.p}`;
  const code = row.t?.[0] ?? '';
  const system = code.startsWith('@');
  const constraints = (row.c ?? []).map(constraint);
  return {
    id: path,
    path,
    ...(system ? { representation: ['xmlAttr'] } : {}),
    ...(code === 'Extension' && row.p === 'extension' && type === 'Element' ? { slicing: byUrl } : {}),
    definition: `R4: ${path}`,
    min: row.n ?? 0,
    max: row.x ?? '1',
    base: { path, min: row.n ?? 0, max: row.x ?? '1' },
    ...(row.r ? { contentReference: `#${row.r}` } : {}),
    ...(row.t ? { type: row.t.map(unpackType) } : {}),
    ...(system || code === 'Resource'
      ? {}
      : { constraint: [...constraints, eleOne, ...(code === 'Extension' ? [extOne] : [])] }),
    isModifier: row.m === 1,
    ...(row.m ? { isModifierReason: 'R4 says so' } : {}),
    isSummary: row.s === 1,
    ...binding(row),
  };
}

const byUrl: ElementDefinition['slicing'] = { discriminator: [{ type: 'value', path: 'url' }], rules: 'open' };

function binding(row: ElementRow): Pick<ElementDefinition, 'binding'> {
  const [strength, valueSet] = (row.b ?? '').split('|') as ['required', string];
  return valueSet ? { binding: { strength, valueSet } } : {};
}

/** Elements that every element below a type has, written once here instead of in each row. */
function inherited(type: string, path: string, kind: string): ElementDefinition[] {
  const rows: ElementRow[] = [
    { p: `${path}.id`, t: ['@string'] },
    { p: `${path}.extension`, x: '*', t: ['Extension'] },
  ];
  if (kind === 'BackboneElement') {
    rows.push({ p: `${path}.modifierExtension`, x: '*', t: ['Extension'], m: 1, s: 1 });
  }
  return rows.map((row) => {
    const made = element(type, row);
    const name = row.p.slice(path.length + 1);
    const owner = name === 'modifierExtension' ? 'BackboneElement' : 'Element';
    return { ...made, base: { path: `${owner}.${name}`, min: 0, max: row.x ?? '1' } };
  });
}

const snapshots = new Map<string, ElementDefinition[]>();

/**
 * The elements of an R4 type as a snapshot lists them, without the specification's texts.
 *
 * @throws RangeError for a name R4 does not know.
 */
export function baseElements(type: string): ElementDefinition[] {
  const known = snapshots.get(type);
  if (known) {
    return known;
  }
  const row = rowOf(type);
  if (!row) {
    throw new RangeError(`R4 has no type ${type}`);
  }
  const constraints = (row.c ?? []).map(constraint);
  const root: ElementDefinition = {
    id: type,
    path: type,
    definition: `R4: ${type}`,
    min: 0,
    max: '*',
    base: { path: type, min: 0, max: '*' },
    constraint: [...constraints, ...(row.kind === 'resource' ? [] : [eleOne])],
    isModifier: false,
    isSummary: false,
  };
  const above = row.base ? baseElements(row.base).slice(1) : [];
  const made = [
    root,
    ...above.map((one) => rename(one, row.base as string, type)),
    ...row.e.flatMap((one) => {
      const own = element(type, one);
      const kind = one.t?.[0];
      const nested = kind === 'BackboneElement' || kind === 'Element';
      return nested ? [own, ...inherited(type, one.p, kind)] : [own];
    }),
  ];
  snapshots.set(type, made);
  return made;
}

function rename(one: ElementDefinition, from: string, to: string): ElementDefinition {
  const path = to + (one.path as string).slice(from.length);
  return { ...one, id: path, path, definition: `R4: ${path}` };
}

/** The largest value set of an element (`elementdefinition-maxValueSet`), by path `Observation.language`. */
export function largestSet(path: string): string | undefined {
  const [type, ...rest] = path.split('.') as [string, ...string[]];
  for (let row = rowOf(type); row; row = row.base ? rowOf(row.base) : undefined) {
    const found = row.e.find((one) => one.p === rest.join('.'));
    if (found) {
      return found.l;
    }
  }
  return undefined;
}
