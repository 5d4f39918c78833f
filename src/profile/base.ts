import { bindingCheck, type ValueCheck } from './binding.ts';
import { safeName } from './finding.ts';
import { primitives } from './primitives.ts';
import {
  complexProperty,
  type ObjectCheck,
  type ObjectChecks,
  type PropertyChecks,
  primitiveProperty,
  type Surroundings,
} from './properties.ts';
import { baseElements, core, isResourceType, rowOf } from './r4/table.ts';
import { referenceCheck } from './references.ts';
import type { Invariant } from './rules.ts';
import { capital, type ElementNode, type TypeRef, treeOf } from './tree.ts';
import { isObject, type Json, type Sound } from './trial.ts';

interface Property extends PropertyChecks {
  /** One bit for all types of a choice, of which only one may be given; 0 for other properties. */
  choice: number;
  name: string;
}

/** What an object of a type may and must hold. */
interface Shape {
  properties: Record<string, Property>;
  required: { names: string[]; name: string; min: number }[];
  invariants: Invariant[];
}

/**
 * Base R4 as closures, one per type, made when a type is first met: every property is known or reported, has the right
 * JSON form, count and format, and its invariants hold.
 *
 * Most of what comes is sound, so every type also has a test that says so without keeping a place; the judge of an object
 * asks it of each property and looks closer only at what fails it. Together they take about half the time of judging alone.
 */
export class BaseTypes {
  private readonly types = new Map<string, ObjectChecks>();
  private readonly trees = new Map<string, ElementNode>();
  private readonly shared = new Map<string, ObjectChecks>();
  private readonly around: Surroundings;

  constructor(around: Surroundings) {
    this.around = around;
  }

  /** The elements of an R4 type as a tree; undefined for primitives and unknown names. */
  tree(type: string): ElementNode | undefined {
    const known = this.trees.get(type);
    if (known || !rowOf(type)) {
      return known;
    }
    const made = treeOf(baseElements(type));
    this.trees.set(type, made);
    return made;
  }

  /** The check of a resource type. */
  check(type: string): ObjectCheck {
    return this.type(type).check;
  }

  private type(type: string): ObjectChecks {
    const known = this.types.get(type);
    if (known) {
      return known;
    }
    const made = whenNeeded(() => {
      const tree = this.tree(type);
      if (!tree) {
        throw new RangeError(`R4 has no type ${type}`);
      }
      return this.compileObject(tree, isResourceType(type), type);
    });
    this.types.set(type, made);
    return made;
  }

  private compileObject(node: ElementNode, isResource: boolean, type: string): ObjectChecks {
    const shape = this.shape(node);
    const source = node.path.includes('.') ? undefined : core + type;
    return { check: objectCheck(shape, isResource, type, source), sound: objectTest(shape, type) };
  }

  private shape(node: ElementNode): Shape {
    const properties: Record<string, Property> = Object.create(null);
    const required: Shape['required'] = [];
    let bit = 1;
    for (const child of node.children.values()) {
      const names = this.addProperties(properties, child, child.choice ? bit : 0);
      bit <<= child.choice ? 1 : 0;
      if (child.min > 0) {
        required.push({ names, name: child.name, min: child.min });
      }
    }
    const invariants = node.constraints.map((one) => this.around.rules.compile(one)).filter((one) => one !== undefined);
    return { properties, required, invariants };
  }

  /** Adds the properties of one element; returns the names that can fill it. */
  private addProperties(into: Record<string, Property>, child: ElementNode, choice: number): string[] {
    const { name: base } = child;
    if (child.content) {
      into[base] = { ...complexProperty(child, base, this.contentOf(child.content)), choice, name: base };
      return [base];
    }
    const names: string[] = [];
    for (const type of child.types) {
      const name = child.choice ? child.name + capital(type.code) : child.name;
      const step = child.choice ? `${child.name}.ofType(${type.code})` : child.name;
      names.push(name);
      if (type.code in primitives) {
        const [value, companion] = primitiveProperty(child, type, name, step, this.around, this.type('Element'));
        into[name] = { ...value, choice, name: base };
        into[`_${name}`] = { run: companion, sound: undefined, choice: 0, name: base };
        names.push(`_${name}`);
      } else {
        into[name] = { ...complexProperty(child, step, this.complexChecks(child, type)), choice, name: base };
      }
    }
    return names;
  }

  private contentOf(path: string): ObjectChecks {
    return whenNeeded(() => {
      const known = this.shared.get(path);
      if (known) {
        return known;
      }
      const [type, ...steps] = path.split('.') as [string, ...string[]];
      const node = steps.reduce((at, step) => at?.children.get(step), this.tree(type));
      const made: ObjectChecks = node ? this.compileObject(node, false, path) : { check: () => {}, sound: undefined };
      this.shared.set(path, made);
      return made;
    });
  }

  /** Checks of one value of a complex element: its type, binding, targets, type profiles. */
  private complexChecks(child: ElementNode, type: TypeRef): ObjectChecks {
    if (type.code === 'Resource') {
      return { check: (value, trial) => this.around.inner(value, trial), sound: undefined };
    }
    const backbone = child.children.size > 0;
    const body = backbone ? this.compileObject(child, false, child.path) : this.type(type.code);
    const extras = this.extras(child, type, backbone);
    const check: ObjectCheck = (value, trial) => {
      body.check(value, trial);
      for (const extra of extras) {
        extra(value, trial);
      }
    };
    return { check, sound: type.code === 'Extension' ? undefined : withExtras(body, extras) };
  }

  /** What is judged of a value beyond the elements and invariants of its type. */
  private extras(child: ElementNode, type: TypeRef, backbone: boolean): ValueCheck[] {
    const extras: ValueCheck[] = [];
    const native = backbone ? undefined : this.around.natives.of(type.code, child.name);
    if (native) {
      extras.push((value, trial) => native(value as Json, trial));
    }
    const binding = child.binding && bindingCheck(this.around.terminology, child.binding, type.code);
    if (binding) {
      extras.push(binding);
    }
    if (type.code === 'Reference') {
      extras.push(referenceCheck(type.targets, () => undefined));
    }
    for (const url of type.profiles) {
      let check: ObjectCheck | undefined;
      extras.push((value, trial) => {
        check ??= this.around.typeProfile(url);
        check?.(value as Json, trial);
      });
    }
    for (const constraint of backbone ? [] : child.constraints) {
      const rule = this.around.rules.compile(constraint);
      if (rule) {
        extras.push((value, trial) => rule(value, trial, type.code));
      }
    }
    return extras;
  }
}

/** Checks that are compiled by the first value they meet. */
function whenNeeded(compile: () => ObjectChecks): ObjectChecks {
  let compiled: ObjectChecks | undefined;
  const checks: ObjectChecks = {
    check: (value, trial) => {
      compiled ??= Object.assign(checks, compile());
      compiled.check(value, trial);
    },
    sound: (value, trial, room) => {
      compiled ??= Object.assign(checks, compile());
      return compiled.sound?.(value, trial, room) === true;
    },
  };
  return checks;
}

function withExtras(body: ObjectChecks, extras: ValueCheck[]): Sound {
  return (value, trial, room) => {
    if (body.sound?.(value, trial, room) !== true) {
      return false;
    }
    for (const extra of extras) {
      extra(value, trial);
    }
    return true;
  };
}

/** The judge of an object: every finding, with its place. */
function objectCheck(
  { properties, required, invariants }: Shape,
  isResource: boolean,
  type: string,
  source: string | undefined,
): ObjectCheck {
  return (value, trial) => {
    const { profile, owner } = trial;
    trial.owner = value;
    if (source !== undefined) {
      trial.profile = source;
    }
    let filled = 0;
    let choices = 0;
    for (const key in value) {
      const content = value[key];
      if (content === undefined || (isResource && key === 'resourceType')) {
        continue;
      }
      filled++;
      const property = properties[key];
      if (property === undefined) {
        trial.report('error', 'unknown-property', { name: safeName(key) });
        continue;
      }
      if ((choices & property.choice) !== 0) {
        trial.report('error', 'choice', { name: property.name });
      }
      choices |= property.choice;
      if (property.sound === undefined || !trial.probe(property.sound, content)) {
        property.run(content, value, trial);
      }
    }
    if (filled === 0 && !isResource) {
      trial.report('error', 'empty');
    }
    for (const one of required) {
      if (!one.names.some((name) => value[name] !== undefined)) {
        trial.report('error', 'min', { min: one.min, name: one.name, count: 0 });
      }
    }
    for (const invariant of invariants) {
      invariant(value, trial, type);
    }
    trial.profile = profile;
    trial.owner = owner;
  };
}

/** The test of an object, see {@link Trial.probe}: what it holds is sound, nothing is missing, its invariants hold. */
function objectTest({ properties, required, invariants }: Shape, type: string): Sound {
  return (value, trial, room) => {
    if (room === 0 || !isObject(value)) {
      return false;
    }
    let filled = false;
    let choices = 0;
    for (const key in value) {
      const content = value[key];
      if (content === undefined) {
        continue;
      }
      filled = true;
      const property = properties[key];
      if (
        property?.sound === undefined ||
        (choices & property.choice) !== 0 ||
        !property.sound(content, trial, room - 1)
      ) {
        return false;
      }
      choices |= property.choice;
    }
    for (const { names } of required) {
      if (!names.some((name) => value[name] !== undefined)) {
        return false;
      }
    }
    for (const invariant of invariants) {
      invariant(value, trial, type);
    }
    return filled;
  };
}
