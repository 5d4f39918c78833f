import { readFileSync } from 'node:fs';
import { type Fault, fault } from '../errors.ts';

/** One element of a type, as `tables/structure.json` writes it: `!` required, `*` repeats, `~` summary, then the type. */
export interface ElementRule {
  required: boolean;
  repeats: boolean;
  summary: boolean;
  type: string;
}

type Rules = Map<string, ElementRule>;

const RESOURCE = {
  id: '~id',
  meta: '~Meta',
  implicitRules: '~uri',
  language: 'code',
  text: 'Narrative',
  contained: '*Resource',
};
const ELEMENT = { id: 'string', extension: '*Extension', modifierExtension: '*Extension' };
const MAX_DEPTH = 64;
const MAX_FAULTS = 20;

let table: Record<string, Record<string, string>> | undefined;
const compiled = new Map<string, Rules | undefined>();

function readTable(): Record<string, Record<string, string>> {
  table ??= JSON.parse(readFileSync(new URL('./tables/structure.json', import.meta.url), 'utf8'));
  return table!;
}

/** The elements of a FHIR R4 type (`Observation`, `ObservationComponent`, `HumanName`), choices written out; compiled once. */
export function elementsOf(type: string): Rules | undefined {
  if (compiled.has(type)) return compiled.get(type);
  const rows = Object.hasOwn(readTable(), type) ? readTable()[type] : undefined;
  const rules =
    rows && new Map(Object.entries({ ...ELEMENT, ...(isResourceLike(type) ? RESOURCE : {}), ...rows }).map(rule));
  compiled.set(type, rules);
  return rules;
}

function rule([name, text]: [string, string]): [string, ElementRule] {
  const [, required, repeats, summary, type] = /^(!?)(\*?)(~?)(.+)$/.exec(text)!;
  return [name, { required: required === '!', repeats: repeats === '*', summary: summary === '~', type: type! }];
}

let resourceTypes = new Set<string>();

/** Tells which types are resources (from `tables/parameters.json`); called once when the parameters are loaded. */
export function knowResourceTypes(types: Iterable<string>): void {
  resourceTypes = new Set(types);
}

const isResourceLike = (type: string) => resourceTypes.has(type);

/** Properties an element name stands for: itself, or each `value[x]` of a choice; undefined when the type has none. */
export function propertiesOf(type: string, name: string): { names: string[]; types: string[] } | undefined {
  const rules = elementsOf(type);
  const plain = rules?.get(name);
  if (plain) return { names: [name], types: [plain.type] };
  // `code` is no choice of `codeFilter`: what follows the name of a choice is its type.
  const names = [...(rules ?? [])].flatMap(([one, { type: of }]) =>
    one === name + of.charAt(0).toUpperCase() + of.slice(1) ? [one] : [],
  );
  return names.length ? { names, types: names.map((one) => rules!.get(one)!.type) } : undefined;
}

/**
 * Checks that a value has the structure of a FHIR R4 resource: known elements, arrays where elements repeat, JSON types of
 * primitives, required elements, nothing empty, bounded depth. It does not look at bindings, invariants or profiles: that
 * is the examiner's work.
 * @returns at most 20 faults, none when all is well
 */
export function checkStructure(resource: unknown): Fault[] {
  const faults: Fault[] = [];
  checkResource(resource, '', faults, 0);
  return faults;
}

function checkResource(resource: unknown, at: string, faults: Fault[], depth: number): void {
  const type = (resource as { resourceType?: unknown } | null)?.resourceType;
  if (typeof type !== 'string' || !isResourceLike(type)) {
    found(faults, at || 'resourceType', 'resourceType is missing or is not a resource of R4');
    return;
  }
  checkObject(resource as Record<string, unknown>, type, at ? at : type, faults, depth);
}

function found(faults: Fault[], place: string, reason: string): void {
  if (faults.length < MAX_FAULTS) faults.push(fault('resource-invalid', { place, params: { reason } }));
}

function checkObject(node: Record<string, unknown>, type: string, at: string, faults: Fault[], depth: number): void {
  if (depth > MAX_DEPTH) {
    found(faults, at, `nested deeper than ${MAX_DEPTH}`);
    return;
  }
  const rules = elementsOf(type);
  if (!rules) return;
  let elements = 0;
  for (const name in node) {
    if (faults.length >= MAX_FAULTS) return;
    if (node[name] === undefined || (name === 'resourceType' && isResourceLike(type))) continue;
    elements += 1;
    if (name.charCodeAt(0) === 0x5f) checkCompanion(node, name, rules, at, faults);
    else {
      const element = rules.get(name);
      if (element) checkElement(node[name], element, node, name, at, faults, depth);
      else found(faults, at, `element ${label(name)} is not known here`);
    }
  }
  if (elements === 0 && depth > 0) found(faults, at, 'an object without content');
  for (const [name, element] of rules) {
    if (element.required && node[name] === undefined && node[`_${name}`] === undefined) {
      found(faults, `${at}.${name}`, 'the element is required');
    }
  }
}

/** A name from outside may be anything; only something like an element's name is repeated in a message. */
const label = (name: string) => (/^\w{1,64}$/.test(name) ? name : '(unreadable)');

function checkCompanion(node: Record<string, unknown>, name: string, rules: Rules, at: string, faults: Fault[]): void {
  const element = rules.get(name.slice(1));
  if (!element || /^[A-Z]/.test(element.type)) found(faults, at, `element ${label(name)} is not known here`);
  else if (node[name] === null || typeof node[name] !== 'object') found(faults, at, `${label(name)} must be an object`);
}

function checkElement(
  value: unknown,
  element: ElementRule,
  node: Record<string, unknown>,
  name: string,
  at: string,
  faults: Fault[],
  depth: number,
): void {
  const place = `${at}.${name}`;
  if (!element.repeats) checkValue(value, element.type, place, faults, depth);
  else if (!Array.isArray(value)) found(faults, place, 'the element repeats and must be an array');
  else if (value.length === 0) found(faults, place, 'an empty array');
  else {
    for (let index = 0; index < value.length; index++) {
      if (value[index] === null && node[`_${name}`] !== undefined) continue;
      checkValue(value[index], element.type, `${place}[${index}]`, faults, depth);
    }
  }
}

function checkValue(value: unknown, type: string, place: string, faults: Fault[], depth: number): void {
  if (type.charCodeAt(0) >= 0x61) {
    // The content of a large Binary stays what it is in the store.
    if (type === 'base64Binary' && value instanceof Uint8Array) return;
    const expected = jsonType(type);
    const is: string = typeof value;
    if (is !== expected) found(faults, place, `expected a JSON ${expected}`);
    else if (value === '') found(faults, place, 'an empty string');
  } else if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    found(faults, place, 'expected one object');
  } else if (type === 'Resource') checkResource(value, place, faults, depth + 1);
  else checkObject(value as Record<string, unknown>, type, place, faults, depth + 1);
}

function jsonType(primitive: string): 'boolean' | 'number' | 'string' {
  if (primitive === 'boolean') return 'boolean';
  return /^(integer|decimal|unsignedInt|positiveInt)$/.test(primitive) ? 'number' : 'string';
}
