import type { BaseTypes } from './base.ts';
import { bindingCheck } from './binding.ts';
import { constantCheck, limitChecks, type TypeSurroundings, typeChecks } from './element-checks.ts';
import { choiceOwner, listOwner, type OwnerCheck, singleOwner } from './owners.ts';
import { primitives } from './primitives.ts';
import type { ObjectCheck } from './properties.ts';
import type { RuleCompiler } from './rules.ts';
import { distribute, type ElementCheck, type Slice, Slices } from './slices.ts';
import { type SliceSurroundings, sliceTest } from './slicing.ts';
import type { ElementNode, TypeRef } from './tree.ts';
import { isObject } from './trial.ts';

/** What a profile's compiler needs from the rest of the room. */
export interface ConstraintSurroundings extends SliceSurroundings, TypeSurroundings {
  base: BaseTypes;
  rules: RuleCompiler;
  /** Told about what is wrong in, or cannot be judged of, the definition. */
  note(severity: 'error' | 'information', place: string, problem: string): void;
}

/**
 * Compiles what a profile adds to base R4. Elements that say no more than the base type leave no closure behind, so a
 * profile with a snapshot of two hundred elements costs as much as its differential.
 */
export class ConstraintCompiler {
  private readonly around: ConstraintSurroundings;
  /** Top of the profile being compiled. */
  private root: ElementNode | undefined;

  constructor(around: ConstraintSurroundings) {
    this.around = around;
  }

  /** The check of a whole profile; `root` is the tree of its snapshot. */
  compile(url: string, root: ElementNode, type: string): ObjectCheck {
    this.root = root;
    const base = this.around.base.tree(type);
    const children = this.object(root, base);
    const invariants = this.invariants(root, base);
    return (value, trial) => {
      const before = trial.profile;
      trial.profile = url;
      children?.(value, trial);
      for (const invariant of invariants) {
        invariant(value, trial, type);
      }
      trial.profile = before;
    };
  }

  private object(node: ElementNode, base: ElementNode | undefined): ObjectCheck | undefined {
    const checks: OwnerCheck[] = [];
    for (const child of node.children.values()) {
      const check = this.element(child, this.below(base, child.name));
      if (check) {
        checks.push(check);
      }
    }
    if (checks.length === 0) {
      return undefined;
    }
    return (value, trial) => {
      for (const check of checks) {
        check(value, trial);
      }
    };
  }

  /** The base element of a name below a base element: its own child, or that of its type. */
  private below(base: ElementNode | undefined, name: string): ElementNode | undefined {
    if (!base) {
      return undefined;
    }
    if (base.children.size > 0) {
      return base.children.get(name);
    }
    if (base.content) {
      const [type, ...steps] = base.content.split('.') as [string, ...string[]];
      const shared = steps.reduce((at, step) => at?.children.get(step), this.around.base.tree(type));
      return shared?.children.get(name);
    }
    const type = base.types.length === 1 ? base.types[0]?.code : undefined;
    return type === undefined ? undefined : this.around.base.tree(type)?.children.get(name);
  }

  private element(node: ElementNode, base: ElementNode | undefined): OwnerCheck | undefined {
    if (!base) {
      this.around.note('error', node.id, 'R4 has no such element');
      return undefined;
    }
    const min = node.min > base.min ? node.min : 0;
    const max = node.max < base.max ? node.max : Number.POSITIVE_INFINITY;
    const value = this.value(node, base);
    const slices = this.slices(node, base);
    const narrowed = base.choice && node.types.length < base.types.length;
    if (min === 0 && max === Number.POSITIVE_INFINITY && !value && !slices && !narrowed) {
      return undefined;
    }
    const one = distribute(value, slices);
    const counts = { min, max, slices };
    if (base.choice) {
      return choiceOwner(node, base, counts, one);
    }
    const { code } = node.types[0] ?? base.types[0] ?? { code: 'BackboneElement' };
    return base.max === 1 ? singleOwner(node.name, code, counts, one) : listOwner(node.name, code, counts, one);
  }

  /** What a profile says of each value of an element; undefined when no more than the base type says. */
  private value(node: ElementNode, base: ElementNode): ElementCheck | undefined {
    const checks: ElementCheck[] = [];
    const constant = constantCheck(node);
    if (constant) {
      checks.push(constant);
    }
    checks.push(...typeChecks(node, base, this.around), ...limitChecks(node));
    if (
      node.binding &&
      !(node.binding.valueSet === base.binding?.valueSet && node.binding.strength === base.binding.strength)
    ) {
      const byType = new Map(
        node.types.map((type) => [
          type.code,
          bindingCheck(this.around.terminology, node.binding as { strength: string; valueSet: string }, type.code),
        ]),
      );
      checks.push(({ value, type }, trial) => {
        if (value !== undefined) {
          byType.get(type)?.(value, trial);
        }
      });
    }
    for (const invariant of this.invariants(node, base)) {
      checks.push(({ value, type, beside }, trial) => invariant(value, trial, type, beside));
    }
    const children = node.content ? this.shared(node.content) : this.object(node, this.typed(node, base));
    if (children) {
      checks.push(({ value, type, beside }, trial) => {
        if (isObject(value)) {
          children(value, trial);
        } else if (type in primitives) {
          children(isObject(beside) ? beside : {}, trial);
        }
      });
    }
    if (checks.length === 0) {
      return undefined;
    }
    return (candidate, trial) => {
      for (const check of checks) {
        check(candidate, trial);
      }
    };
  }

  /** Content that an element shares with another is constrained as that other is (`provision` in a `provision`). */
  private shared(path: string): ObjectCheck | undefined {
    const { root } = this;
    const steps = path.split('.').slice(1);
    const node = steps.reduce((at, step) => at?.children.get(step), root);
    const base = steps.reduce((at, step) => at?.children.get(step), this.around.base.tree(root?.path ?? ''));
    if (!node || !base || !isConstrained(node, base)) {
      return undefined;
    }
    let check: ObjectCheck | undefined;
    return (value, trial) => {
      const before = this.root;
      this.root = root;
      check ??= this.object(node, base) ?? (() => {});
      this.root = before;
      check(value, trial);
    };
  }

  /** The base element with the one type a profile leaves of a choice, so that what is below can be found. */
  private typed(node: ElementNode, base: ElementNode): ElementNode {
    if (base.children.size > 0 || base.content || node.types.length !== 1) {
      return base;
    }
    const [type] = node.types as [TypeRef];
    return type.code in primitives
      ? { ...base, types: [{ code: 'Element', profiles: [], targets: [] }] }
      : { ...base, types: [type] };
  }

  private invariants(node: ElementNode, base: ElementNode | undefined) {
    const type = node.types.length === 1 ? this.around.base.tree(node.types[0]?.code ?? '') : undefined;
    const known = new Set([...(base?.constraints ?? []), ...(type?.constraints ?? [])].map((one) => one.expression));
    return node.constraints
      .filter((one) => !known.has(one.expression))
      .map((one) =>
        this.around.rules.compile(one, (problem) =>
          this.around.note('error', node.id, `the invariant ${one.key} is not FHIRPath: ${problem}`),
        ),
      )
      .filter((one) => one !== undefined);
  }

  private slices(node: ElementNode, base: ElementNode): Slices | undefined {
    if (!node.slicing || node.slices.size === 0) {
      return undefined;
    }
    const { discriminators, rules, ordered } = node.slicing;
    const list: Slice[] = [];
    for (const [name, slice] of node.slices) {
      if (name.includes('/')) {
        this.around.note('information', slice.id, 'a slice of a slice is not judged');
        continue;
      }
      const test = sliceTest(slice, discriminators, this.around);
      if (!test) {
        this.around.note('information', slice.id, 'the slice cannot be told apart by its discriminators; not judged');
        continue;
      }
      list.push({ name, min: slice.min, max: slice.max, test, check: this.value(slice, base) });
    }
    const undecided = list.length < node.slices.size;
    const worth = list.some((one) => one.check || one.min > 0 || one.max < node.max) || rules === 'closed';
    return worth || ordered ? new Slices(list, rules === 'closed' && !undecided, ordered) : undefined;
  }
}

/** Whether anything below an element says more than the base does; content shared with itself is not followed. */
function isConstrained(node: ElementNode, base: ElementNode): boolean {
  for (const child of node.children.values()) {
    const before = base.children.get(child.name);
    const same =
      before !== undefined &&
      child.min === before.min &&
      child.max === before.max &&
      child.types.length === before.types.length &&
      child.slices.size === 0 &&
      !child.fixed &&
      !child.pattern &&
      child.binding?.valueSet === before.binding?.valueSet &&
      child.constraints.length === before.constraints.length &&
      (child.content !== undefined || child.children.size === before.children.size);
    if (!same || (before.children.size > 0 && isConstrained(child, before))) {
      return true;
    }
  }
  return false;
}
