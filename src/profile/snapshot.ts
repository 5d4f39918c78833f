import type { ElementDefinition } from '@medplum/fhirtypes';
import { capital } from './tree.ts';

/** Where the generator finds other definitions: elements of a type, or of a profile or extension by canonical. */
export interface SnapshotSource {
  type(name: string): ElementDefinition[] | undefined;
  profile(url: string): ElementDefinition[] | undefined;
}

/** The differential cannot be applied; `element` is the id at which it stopped. */
export class SnapshotError extends Error {
  readonly element: string;
  constructor(element: string, problem: string) {
    super(`${element}: ${problem}`);
    this.element = element;
  }
}

/**
 * Makes a snapshot: the base's elements with the differential laid over them
 * (https://hl7.org/fhir/R4/profiling.html#snapshot). Elements below a data type are copied in when the differential
 * speaks of them; a slice begins as a copy of the element it slices.
 *
 * @throws SnapshotError
 */
export function makeSnapshot(
  base: ElementDefinition[],
  differential: ElementDefinition[],
  source: SnapshotSource,
): ElementDefinition[] {
  const list = new ElementList(base, source);
  for (const element of differential) {
    list.apply(element);
  }
  return list.elements();
}

class ElementList {
  private readonly source: SnapshotSource;
  private readonly byId = new Map<string, ElementDefinition>();
  /** Ids in the order of the snapshot. */
  private order: string[];

  constructor(base: ElementDefinition[], source: SnapshotSource) {
    this.source = source;
    this.order = base.map((one) => one.id as string);
    for (const element of base) {
      this.byId.set(element.id as string, structuredClone(element));
    }
  }

  elements(): ElementDefinition[] {
    return this.order.map((id) => this.byId.get(id) as ElementDefinition);
  }

  apply(differential: ElementDefinition): void {
    const asked = differential.id ?? differential.path ?? '';
    const id = this.written(asked);
    const element = this.ensure(id, asked);
    const shorthand = id !== asked && id.endsWith(`:${lastStep(asked)}`);
    merge(element, differential);
    if (shorthand) {
      const type = lastStep(asked).slice(lastStep(id).indexOf('['));
      const match = element.type?.find((one) => capital(one.code as string) === type);
      element.type = differential.type ?? (match ? [match] : element.type);
      this.narrow(id.slice(0, id.lastIndexOf(':')), element.type);
    }
  }

  /** A choice of which only one type is spoken of in shorthand allows no other. */
  private narrow(choice: string, type: ElementDefinition['type']): void {
    const element = this.byId.get(choice) as ElementDefinition;
    element.type = structuredClone(type);
    element.slicing = { discriminator: [{ type: 'type', path: '$this' }], ordered: false, rules: 'closed' };
  }

  /** The id as snapshots write it: `Observation.valueQuantity` is `Observation.value[x]:valueQuantity`. */
  private written(id: string): string {
    const steps = id.split('.');
    let path = steps[0] as string;
    for (const step of steps.slice(1)) {
      const name = step.split(':')[0] as string;
      const plain = `${path}.${step}`;
      const choice = name.endsWith('[x]') || this.byId.has(`${path}.${name}`) ? undefined : this.choiceFor(path, name);
      path = choice === undefined ? plain : `${choice}:${step}`;
    }
    return path;
  }

  private choiceFor(path: string, name: string): string | undefined {
    for (let end = name.length - 1; end > 0; end--) {
      if (/[A-Z]/.test(name[end] as string)) {
        const id = `${path}.${name.slice(0, end)}[x]`;
        if (
          this.byId.has(id) ||
          this.childrenOf(path).some((one) => `${path}.${lastStep(one.path as string)}` === id)
        ) {
          return id;
        }
      }
    }
    return undefined;
  }

  /** Elements that could be copied in below an id, whether they are there yet or not. */
  private childrenOf(id: string): ElementDefinition[] {
    const element = this.byId.get(id);
    if (!element || this.order.some((one) => one.startsWith(`${id}.`))) {
      return [];
    }
    return this.typeElements(element)?.slice(1) ?? [];
  }

  private ensure(id: string, asked: string): ElementDefinition {
    const known = this.byId.get(id);
    if (known) {
      return known;
    }
    const dot = id.lastIndexOf('.');
    if (dot < 0) {
      throw new SnapshotError(asked, 'the type has another name');
    }
    const colon = id.lastIndexOf(':');
    if (colon > dot) {
      return this.slice(id, asked);
    }
    const parent = id.slice(0, dot);
    this.ensure(parent, asked);
    if (!this.order.some((one) => one.startsWith(`${parent}.`))) {
      this.expand(parent);
    }
    const found = this.byId.get(id);
    if (!found) {
      throw new SnapshotError(asked, 'the base has no such element');
    }
    return found;
  }

  /** Begins a slice as a copy of the element it slices, with what is below that. */
  private slice(id: string, asked: string): ElementDefinition {
    const colon = id.lastIndexOf(':');
    const whole = id.slice(0, colon);
    const name = id.slice(colon + 1);
    const original = this.ensure(whole, asked);
    original.slicing ??= implicitSlicing(original);
    const below = this.order.filter((one) => one.startsWith(`${whole}.`));
    const { slicing: _slicing, ...rest } = structuredClone(original);
    const made: ElementDefinition = { ...rest, id, sliceName: name, min: 0 };
    const last = this.order.findLastIndex(
      (one) => one === whole || one.startsWith(`${whole}.`) || one.startsWith(`${whole}:`),
    );
    const copies = below.map((one) => {
      const copy = structuredClone(this.byId.get(one) as ElementDefinition);
      copy.id = id + one.slice(whole.length);
      this.byId.set(copy.id, copy);
      return copy.id;
    });
    this.byId.set(id, made);
    this.order.splice(last + 1, 0, id, ...copies);
    return made;
  }

  /** Copies in what is below an element: the elements of its type, of the type's profile, or of the content it shares. */
  private expand(id: string): void {
    const element = this.byId.get(id) as ElementDefinition;
    const [root, ...below] = this.typeElements(element) ?? [];
    if (!root) {
      throw new SnapshotError(id, 'its type says nothing of what is below');
    }
    const made = below.map((one) => {
      const copy = structuredClone(one);
      copy.id = id + (one.id as string).slice((root.id as string).length);
      copy.path = (element.path as string) + (one.path as string).slice((root.path as string).length);
      this.byId.set(copy.id, copy);
      return copy.id;
    });
    this.order.splice(this.order.indexOf(id) + 1, 0, ...made);
  }

  private typeElements(element: ElementDefinition): ElementDefinition[] | undefined {
    if (element.contentReference) {
      const target = element.contentReference.replace(/^.*#/, '');
      const type = target.split('.')[0] as string;
      const all = this.source.type(type) ?? [];
      return all.filter((one) => one.id === target || one.id?.startsWith(`${target}.`));
    }
    if (element.type?.length !== 1) {
      return undefined;
    }
    const [type] = element.type;
    const profile = type?.profile?.length === 1 ? this.source.profile(type.profile[0] as string) : undefined;
    const code = type?.extension?.[0]?.valueUrl ?? type?.code ?? '';
    return profile ?? this.source.type(/^[a-z]/.test(code) ? 'Element' : code);
  }
}

/** Extensions are told apart by url and choices by type, whether the differential says so or not. */
function implicitSlicing(element: ElementDefinition): ElementDefinition['slicing'] {
  if (element.type?.[0]?.code === 'Extension') {
    return { discriminator: [{ type: 'value', path: 'url' }], ordered: false, rules: 'open' };
  }
  return element.path?.endsWith('[x]')
    ? { discriminator: [{ type: 'type', path: '$this' }], ordered: false, rules: 'open' }
    : undefined;
}

function lastStep(id: string): string {
  return id.slice(id.lastIndexOf('.') + 1);
}

/** Texts of the base say nothing about the constrained element once the profile has its own. */
function merge(element: ElementDefinition, differential: ElementDefinition): void {
  const { id: _id, path: _path, constraint, binding, slicing, base: _base, ...rest } = differential;
  const target = element as unknown as Record<string, unknown>;
  for (const [key, value] of Object.entries(rest)) {
    if (value === undefined) {
      continue;
    }
    const group = /^(fixed|pattern|minValue|maxValue)[A-Z]/.exec(key)?.[1];
    if (group !== undefined) {
      for (const other of Object.keys(target)) {
        if (other.startsWith(group) && /^[A-Z]/.test(other.slice(group.length))) {
          delete target[other];
        }
      }
    }
    target[key] = structuredClone(value);
  }
  if (binding) {
    element.binding = structuredClone(binding);
  }
  if (slicing) {
    element.slicing = { ...element.slicing, ...structuredClone(slicing) };
  }
  if (constraint) {
    const keys = new Set(constraint.map((one) => one.key));
    element.constraint = [
      ...(element.constraint ?? []).filter((one) => !keys.has(one.key)),
      ...structuredClone(constraint),
    ];
  }
}
