import { bindingCheck, type ValueCheck } from './binding.ts';
import { safeName } from './finding.ts';
import { primitives } from './primitives.ts';
import {
  complexProperty,
  type ObjectCheck,
  type PropertyCheck,
  primitiveProperty,
  type Surroundings,
} from './properties.ts';
import { baseElements, core, isResourceType, rowOf } from './r4/table.ts';
import { referenceCheck } from './references.ts';
import { capital, type ElementNode, type TypeRef, treeOf } from './tree.ts';
import type { Json } from './trial.ts';

interface Property {
  run: PropertyCheck;
  /** One bit for all types of a choice, of which only one may be given; 0 for other properties. */
  choice: number;
  name: string;
}

/**
 * Base R4 as closures, one per type, made when a type is first met: every property is known or reported, has the right
 * JSON form, count and format, and its invariants hold.
 */
export class BaseTypes {
  private readonly checks = new Map<string, ObjectCheck>();
  private readonly trees = new Map<string, ElementNode>();
  private readonly shared = new Map<string, ObjectCheck>();
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

  /** The check of a complex type or resource type. */
  check(type: string): ObjectCheck {
    const known = this.checks.get(type);
    if (known) {
      return known;
    }
    let compiled: ObjectCheck | undefined;
    const lazy: ObjectCheck = (value, trial) => {
      compiled ??= this.compileType(type);
      compiled(value, trial);
    };
    this.checks.set(type, lazy);
    return lazy;
  }

  private compileType(type: string): ObjectCheck {
    const tree = this.tree(type);
    if (!tree) {
      throw new RangeError(`R4 has no type ${type}`);
    }
    const body = this.compileObject(tree, isResourceType(type), type);
    const native = this.around.natives.of(type);
    const check: ObjectCheck = native
      ? (value, trial) => {
          body(value, trial);
          native(value, trial);
        }
      : body;
    this.checks.set(type, check);
    return check;
  }

  private compileObject(node: ElementNode, isResource: boolean, type: string): ObjectCheck {
    const properties: Record<string, Property> = Object.create(null);
    const required: { names: string[]; name: string; min: number }[] = [];
    let bit = 1;
    for (const child of node.children.values()) {
      const names = this.addProperties(properties, child, child.choice ? bit : 0);
      bit <<= child.choice ? 1 : 0;
      if (child.min > 0) {
        required.push({ names, name: child.name, min: child.min });
      }
    }
    const invariants = node.constraints.map((one) => this.around.rules.compile(one)).filter((one) => one !== undefined);
    const source = node.path.includes('.') ? undefined : core + type;

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
        } else {
          if ((choices & property.choice) !== 0) {
            trial.report('error', 'choice', { name: property.name });
          }
          choices |= property.choice;
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

  /** Adds the properties of one element; returns the names that can fill it. */
  private addProperties(into: Record<string, Property>, child: ElementNode, choice: number): string[] {
    const { name: base } = child;
    if (child.content) {
      into[base] = { run: complexProperty(child, base, this.contentOf(child.content)), choice, name: base };
      return [base];
    }
    const names: string[] = [];
    for (const type of child.types) {
      const name = child.choice ? child.name + capital(type.code) : child.name;
      const step = child.choice ? `${child.name}.ofType(${type.code})` : child.name;
      names.push(name);
      if (type.code in primitives) {
        const [value, companion] = primitiveProperty(child, type, name, step, this.around, this.check('Element'));
        into[name] = { run: value, choice, name: base };
        into[`_${name}`] = { run: companion, choice: 0, name: base };
        names.push(`_${name}`);
      } else {
        into[name] = { run: complexProperty(child, step, this.complexCheck(child, type)), choice, name: base };
      }
    }
    return names;
  }

  private contentOf(path: string): ObjectCheck {
    return (value, trial) => {
      let check = this.shared.get(path);
      if (!check) {
        const [type, ...steps] = path.split('.') as [string, ...string[]];
        const node = steps.reduce((at, step) => at?.children.get(step), this.tree(type));
        check = node ? this.compileObject(node, false, path) : () => {};
        this.shared.set(path, check);
      }
      check(value, trial);
    };
  }

  /** Check of one value of a complex element: its type, binding, targets, type profiles. */
  private complexCheck(child: ElementNode, type: TypeRef): ObjectCheck {
    if (type.code === 'Resource') {
      return (value, trial) => this.around.inner(value, trial);
    }
    const body =
      child.children.size > 0 ? this.compileObject(child, false, child.path) : this.check(type.code as string);
    const extras: ValueCheck[] = [];
    if (child.binding) {
      const check = bindingCheck(this.around.terminology, child.binding, type.code);
      if (check) {
        extras.push(check);
      }
    }
    if (type.code === 'Reference') {
      extras.push(referenceCheck(type.targets, () => undefined));
    }
    for (const url of type.profiles) {
      extras.push((value, trial) => this.around.typeProfile(url)?.(value as Json, trial));
    }
    if (child.children.size === 0) {
      for (const constraint of child.constraints) {
        const rule = this.around.rules.compile(constraint);
        if (rule) {
          extras.push((value, trial) => rule(value, trial, type.code));
        }
      }
    }
    return extras.length === 0
      ? body
      : (value, trial) => {
          body(value, trial);
          for (const extra of extras) {
            extra(value, trial);
          }
        };
  }
}
