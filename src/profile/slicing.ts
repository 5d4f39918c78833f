import { constantTest, within } from './constants.ts';
import { type Candidate, listOf, type Step, stepsOf, typesAt, valuesAt } from './discriminators.ts';
import type { Terminology } from './terminology.ts';
import type { Discriminator, ElementNode } from './tree.ts';
import { isObject, type Json, type Trial, textOf } from './trial.ts';

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
