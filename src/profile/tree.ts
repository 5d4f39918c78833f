import type { ElementDefinition, ElementDefinitionConstraint } from '@medplum/fhirtypes';

/** A fixed or pattern value: its FHIR type and the value. */
export interface Constant {
  type: string;
  value: unknown;
}

/** A type an element may have, with the profiles its value or its target must conform to. */
export interface TypeRef {
  code: string;
  profiles: string[];
  targets: string[];
}

/** By what a slice is told from its siblings (R4 ElementDefinition.slicing.discriminator). */
export interface Discriminator {
  type: 'value' | 'exists' | 'pattern' | 'type' | 'profile';
  path: string;
}

/** How the entries of a list are divided into slices, and whether others may stand among them. */
export interface Slicing {
  discriminators: Discriminator[];
  rules: 'closed' | 'open' | 'openAtEnd';
  ordered: boolean;
}

/** One element of a definition with everything below it. */
export interface ElementNode {
  id: string;
  /** Path without slices, `Observation.component.value[x]`. */
  path: string;
  /** Last step of the path without `[x]`. */
  name: string;
  choice: boolean;
  min: number;
  /** Infinity for `*`. */
  max: number;
  types: TypeRef[];
  constraints: ElementDefinitionConstraint[];
  binding?: { strength: string; valueSet: string };
  fixed?: Constant;
  pattern?: Constant;
  minValue?: Constant;
  maxValue?: Constant;
  maxLength?: number;
  /** Path of the element whose content this one shares. */
  content?: string;
  modifier: boolean;
  slicing?: Slicing;
  sliceName?: string;
  children: Map<string, ElementNode>;
  slices: Map<string, ElementNode>;
}

const system = 'http://hl7.org/fhirpath/System.';

function typeRef(type: NonNullable<ElementDefinition['type']>[number]): TypeRef {
  const code = type.code ?? '';
  const fhirType = type.extension?.find((one) => one.url?.endsWith('structuredefinition-fhir-type'))?.valueUrl;
  return {
    code: code.startsWith(system) ? (fhirType ?? code.slice(system.length).toLowerCase()) : code,
    profiles: type.profile ?? [],
    targets: type.targetProfile ?? [],
  };
}

const constantKey = /^(fixed|pattern|minValue|maxValue)([A-Z].*)$/;

/** The fixed value, pattern and limits of an element, found in one pass over its properties. */
function constants(element: ElementDefinition): Pick<ElementNode, 'fixed' | 'pattern' | 'minValue' | 'maxValue'> {
  const found: Pick<ElementNode, 'fixed' | 'pattern' | 'minValue' | 'maxValue'> = {};
  for (const key in element) {
    const first = key.charCodeAt(0);
    const match = first === 102 || first === 112 || first === 109 ? constantKey.exec(key) : null;
    const value = match ? (element as unknown as Record<string, unknown>)[key] : undefined;
    if (match && value !== undefined) {
      const [, role, type] = match as unknown as [string, keyof typeof found, string];
      const primitive = typeof value !== 'object';
      found[role] = { type: primitive ? type.charAt(0).toLowerCase() + type.slice(1) : type, value };
    }
  }
  return found;
}

function slicing(element: ElementDefinition): Slicing | undefined {
  if (!element.slicing) {
    return undefined;
  }
  const { discriminator, rules, ordered } = element.slicing;
  return {
    discriminators: (discriminator ?? []).map((one) => ({
      type: one.type as Discriminator['type'],
      path: one.path ?? '$this',
    })),
    rules: rules ?? 'open',
    ordered: ordered === true,
  };
}

/** A node of one element, with nothing below it yet. */
export function nodeOf(element: ElementDefinition): ElementNode {
  const path = element.path ?? '';
  const last = path.slice(path.lastIndexOf('.') + 1);
  return {
    id: element.id ?? path,
    path,
    name: last.replace('[x]', ''),
    choice: last.endsWith('[x]'),
    min: element.min ?? 0,
    max: element.max === undefined || element.max === '*' ? Number.POSITIVE_INFINITY : Number(element.max),
    types: (element.type ?? []).map(typeRef),
    constraints: element.constraint ?? [],
    binding: element.binding?.valueSet
      ? {
          strength: element.binding.strength ?? 'example',
          valueSet: element.binding.valueSet.split('|')[0] as string,
        }
      : undefined,
    ...constants(element),
    maxLength: element.maxLength,
    content: element.contentReference?.replace(/^.*#/, ''),
    modifier: element.isModifier === true,
    slicing: slicing(element),
    sliceName: element.sliceName,
    children: new Map(),
    slices: new Map(),
  };
}

/**
 * Builds the tree of a snapshot. The ids (`Patient.identifier:INS.system`) say where an element hangs.
 *
 * @throws Error when an id names a parent that the list lacks.
 */
export function treeOf(elements: ElementDefinition[]): ElementNode {
  const [first, ...rest] = elements;
  if (!first) {
    throw new Error('a snapshot without elements');
  }
  const root = nodeOf(first);
  for (const element of rest) {
    const node = nodeOf(element);
    const steps = (element.id ?? element.path ?? '').split('.').slice(1);
    let parent = root;
    for (const [at, step] of steps.entries()) {
      const [name, slice] = split(step);
      const last = at === steps.length - 1;
      const known = parent.children.get(name);
      if (last && slice === undefined) {
        parent.children.set(name, node);
        break;
      }
      if (!known) {
        throw new Error(`${element.id}: the element above it is missing`);
      }
      if (slice === undefined) {
        parent = known;
      } else if (last) {
        node.sliceName ??= slice;
        known.slices.set(slice, node);
      } else {
        const inner = known.slices.get(slice);
        if (!inner) {
          throw new Error(`${element.id}: the slice ${slice} is missing`);
        }
        parent = inner;
      }
    }
  }
  return root;
}

/** `value[x]:valueQuantity` → name `value`, slice `valueQuantity`. */
function split(step: string): [name: string, slice: string | undefined] {
  const colon = step.indexOf(':');
  const name = (colon < 0 ? step : step.slice(0, colon)).replace('[x]', '');
  return [name, colon < 0 ? undefined : step.slice(colon + 1)];
}

/** Type name as it ends a choice property: `dateTime` → `DateTime`. */
export function capital(type: string): string {
  return type.charAt(0).toUpperCase() + type.slice(1);
}

/** Property name of a choice for one of its types. */
export function choiceKey(name: string, type: string): string {
  return name + capital(type);
}
