import { constantTest, within } from './constants.ts';
import { resolve, typeInReference } from './references.ts';
import type { Terminology } from './terminology.ts';
import type { Discriminator, ElementNode } from './tree.ts';
import { isObject, type Json, type Trial, textOf } from './trial.ts';

/** A value that is to be put into a slice, with its FHIR type. */
export interface Candidate {
  value: unknown;
  type: string;
  beside: unknown;
}

/** Tells whether a value belongs to a slice. */
export type SliceTest = (candidate: Candidate, trial: Trial) => boolean;

/** What slicing needs to know of other definitions. */
export interface SliceSurroundings {
  terminology: Terminology;
  /** Tree of a profile on a data type or extension. */
  tree(profile: string): ElementNode | undefined;
  /** Whether a resource or value conforms to a profile; undefined when the profile is not loaded. */
  conforms(value: Json, profile: string, trial: Trial): boolean | undefined;
  /** The resource type a profile is for. */
  typeOf(profile: string): string | undefined;
}

/**
 * The test for a slice: every discriminator must hold.
 *
 * @returns undefined when a discriminator cannot be decided from the definition
 */
export function sliceTest(
  slice: ElementNode,
  discriminators: Discriminator[],
  around: SliceSurroundings,
): SliceTest | undefined {
  const tests = discriminators.map((one) => discriminate(slice, one, around));
  if (tests.length === 0 || tests.includes(undefined)) {
    return undefined;
  }
  const [only] = tests as SliceTest[];
  return tests.length === 1 ? only : (candidate, trial) => tests.every((one) => one?.(candidate, trial) === true);
}

type Step = { kind: 'name' | 'extension' | 'type'; name: string } | { kind: 'resolve' };

function stepsOf(path: string): Step[] | undefined {
  if (path === '$this' || path === '') {
    return [];
  }
  const parts = path.replace(/^\$this\./, '').match(/(?:[^.(]|\([^)]*\))+/g) ?? [];
  const steps = parts.map((part): Step | undefined => {
    const call = /^(\w+)\((.*)\)$/.exec(part);
    if (!call) {
      return { kind: 'name', name: part.replace('[x]', '') };
    }
    if (call[1] === 'resolve') {
      return { kind: 'resolve' };
    }
    if (call[1] === 'extension') {
      return { kind: 'extension', name: (call[2] as string).replace(/^['"]|['"]$/g, '') };
    }
    return call[1] === 'ofType' ? { kind: 'type', name: call[2] as string } : undefined;
  });
  return steps.includes(undefined) ? undefined : (steps as Step[]);
}

function discriminate(
  slice: ElementNode,
  discriminator: Discriminator,
  around: SliceSurroundings,
): SliceTest | undefined {
  const steps = stepsOf(discriminator.path);
  if (!steps) {
    return undefined;
  }
  switch (discriminator.type) {
    case 'value':
    case 'pattern':
      return byValue(slice, steps, around);
    case 'exists': {
      const [found] = nodesAt(slice, steps, around).at(-1)?.nodes ?? [];
      const wanted = found?.max === 0 ? false : (found?.min ?? 0) > 0 ? true : undefined;
      return wanted === undefined
        ? undefined
        : (candidate, trial) => valuesAt(candidate, steps, trial).length > 0 === wanted;
    }
    case 'type':
      return byType(slice, steps, around);
    default:
      return byProfile(slice, steps, around);
  }
}

interface Level {
  nodes: ElementNode[];
  /** Steps left below these nodes. */
  rest: Step[];
}

/** The elements of a definition on the way down a path; slices on the way count as further possibilities. */
function nodesAt(slice: ElementNode, steps: Step[], around: SliceSurroundings): Level[] {
  const levels: Level[] = [{ nodes: [slice], rest: steps }];
  for (const [at, step] of steps.entries()) {
    const above = levels.at(-1) as Level;
    const nodes =
      step.kind === 'type' || step.kind === 'resolve'
        ? above.nodes
        : above.nodes.flatMap((node) => down(node, step, around));
    if (nodes.length === 0) {
      break;
    }
    levels.push({ nodes, rest: steps.slice(at + 1) });
  }
  return levels;
}

function down(node: ElementNode, step: Step, around: SliceSurroundings): ElementNode[] {
  if (step.kind === 'extension') {
    const extensions = node.children.get('extension');
    return [...(extensions?.slices.values() ?? [])].filter((one) =>
      one.types.some((type) => type.profiles.includes(step.name)),
    );
  }
  const name = (step as { name: string }).name;
  const own = node.children.get(name);
  const found = own ? [...own.slices.values(), own] : [];
  if (found.length > 0) {
    return found;
  }
  const [profile] = node.types.length === 1 ? (node.types[0]?.profiles ?? []) : [];
  const tree = profile === undefined ? undefined : around.tree(profile);
  const inner = tree?.children.get(name);
  return inner ? [inner] : [];
}

function byValue(slice: ElementNode, steps: Step[], around: SliceSurroundings): SliceTest | undefined {
  if (steps.some((one) => one.kind === 'resolve')) {
    return undefined;
  }
  const levels = nodesAt(slice, steps, around);
  for (const level of levels) {
    const names = level.rest.flatMap((one) => (one.kind === 'name' ? [one.name] : []));
    const wanted = level.nodes.flatMap((node) => {
      const constant = node.fixed ?? node.pattern;
      return constant && names.length > 0 ? within(constant.value, names) : [];
    });
    if (wanted.length > 0) {
      return (candidate, trial) => valuesAt(candidate, steps, trial).some((one) => wanted.includes(one));
    }
  }
  const last = levels.at(-1) as Level;
  if (last.rest.length > 0) {
    return undefined;
  }
  const tests = last.nodes.map((node) => valueTest(node, around)).filter((one) => one !== undefined);
  return tests.length === 0
    ? undefined
    : (candidate, trial) => valuesAt(candidate, steps, trial).some((one) => tests.some((test) => test(one)));
}

/** Whether a value is what a node fixes, itself or in what is below it, or is in its required value set. */
function valueTest(node: ElementNode, around: SliceSurroundings): ((value: unknown) => boolean) | undefined {
  const own = constantTest(node);
  if (own) {
    return own;
  }
  if (node.binding?.strength === 'required' && around.terminology.knows(node.binding.valueSet)) {
    const { valueSet } = node.binding;
    return (value) => isMember(value, valueSet, around.terminology);
  }
  const below: ((value: unknown) => boolean)[] = [];
  for (const child of node.children.values()) {
    const tests = [child, ...child.slices.values()]
      .map((one) => valueTest(one, around))
      .filter((one) => one !== undefined);
    if (tests.length > 0) {
      below.push((value) =>
        listOf(isObject(value) ? value[child.name] : undefined).some((one) => tests.some((test) => test(one))),
      );
    }
  }
  return below.length === 0 ? undefined : (value) => below.every((one) => one(value));
}

function isMember(value: unknown, valueSet: string, terminology: Terminology): boolean {
  if (typeof value === 'string') {
    return terminology.holdsBare(valueSet, value) === 'in';
  }
  if (!isObject(value)) {
    return false;
  }
  const codings = Array.isArray(value.coding) ? value.coding.filter(isObject) : [value];
  return codings.some((one) => terminology.holds(valueSet, one.system as string, textOf(one.code)) === 'in');
}

function byType(slice: ElementNode, steps: Step[], around: SliceSurroundings): SliceTest | undefined {
  const last = nodesAt(slice, steps, around).at(-1) as Level;
  if (last.rest.length > 0) {
    return undefined;
  }
  const resolving = steps.at(-1)?.kind === 'resolve';
  const types = new Set(
    last.nodes.flatMap((node) =>
      node.types.flatMap((type) => (resolving ? type.targets.map((one) => around.typeOf(one) ?? '') : [type.code])),
    ),
  );
  return types.size === 0
    ? undefined
    : (candidate, trial) => typesAt(candidate, steps, trial).some((one) => types.has(one));
}

function byProfile(slice: ElementNode, steps: Step[], around: SliceSurroundings): SliceTest | undefined {
  const last = nodesAt(slice, steps, around).at(-1) as Level;
  const resolving = steps.at(-1)?.kind === 'resolve';
  const profiles = last.nodes.flatMap((node) =>
    node.types.flatMap((type) => (resolving ? type.targets : type.profiles)),
  );
  if (last.rest.length > 0 || profiles.length === 0) {
    return undefined;
  }
  return (candidate, trial) =>
    valuesAt(candidate, steps, trial).some(
      (one) => isObject(one) && profiles.some((profile) => around.conforms(one, profile, trial) === true),
    );
}

function listOf(value: unknown): unknown[] {
  return value === undefined ? [] : Array.isArray(value) ? value : [value];
}

/** The values below a candidate along a path. */
function valuesAt(candidate: Candidate, steps: Step[], trial: Trial): unknown[] {
  let level: unknown[] = candidate.value === undefined ? [] : [candidate.value];
  for (const step of steps) {
    trial.spend();
    const next: unknown[] = [];
    for (const one of level) {
      if (isObject(one)) {
        oneStep(one, step, trial, next);
      }
    }
    level = next;
  }
  return level;
}

function oneStep(value: Json, step: Step, trial: Trial, into: unknown[]): void {
  switch (step.kind) {
    case 'name':
      if (value[step.name] === undefined) {
        choiceValues(value, step.name, into);
      } else {
        addAll(value[step.name], into);
      }
      break;
    case 'extension':
      for (const one of listOf(value.extension)) {
        if (isObject(one) && one.url === step.name) {
          into.push(one);
        }
      }
      break;
    case 'resolve':
      if (typeof value.reference === 'string') {
        addAll(resolve(value.reference, trial).resource, into);
      }
      break;
    default:
      into.push(value);
  }
}

function addAll(value: unknown, into: unknown[]): void {
  if (Array.isArray(value)) {
    for (const one of value) {
      into.push(one);
    }
  } else if (value !== undefined) {
    into.push(value);
  }
}

function isCapital(code: number): boolean {
  return code >= 65 && code <= 90;
}

function choiceValues(value: Json, name: string, into: unknown[]): void {
  for (const key in value) {
    if (key.startsWith(name) && isCapital(key.charCodeAt(name.length))) {
      into.push(value[key]);
    }
  }
}

/** FHIR types of the values along a path, as far as JSON tells. */
function typesAt(candidate: Candidate, steps: Step[], trial: Trial): string[] {
  const last = steps.at(-1);
  if (last === undefined) {
    const type = isObject(candidate.value) ? candidate.value.resourceType : undefined;
    return [typeof type === 'string' ? type : candidate.type];
  }
  if (last.kind === 'resolve') {
    return valuesAt(candidate, steps.slice(0, -1), trial).flatMap((one) => referencedType(one, trial));
  }
  const owners = valuesAt(candidate, steps.slice(0, -1), trial).filter(isObject);
  return owners.flatMap((owner) => {
    const name = (last as { name: string }).name;
    const direct = listOf(owner[name]).flatMap((one) =>
      isObject(one) && one.resourceType ? [textOf(one.resourceType)] : [],
    );
    const typed = Object.keys(owner)
      .filter((key) => key.startsWith(name) && key.length > name.length)
      .map((key) => key.slice(name.length));
    return [...direct, ...typed, ...typed.map((one) => one.charAt(0).toLowerCase() + one.slice(1))];
  });
}

function referencedType(value: unknown, trial: Trial): string[] {
  if (!isObject(value)) {
    return [];
  }
  if (typeof value.reference === 'string') {
    const type = resolve(value.reference, trial).type ?? typeInReference(value.reference);
    return type === undefined ? [] : [type];
  }
  return typeof value.type === 'string' ? [value.type] : [];
}
