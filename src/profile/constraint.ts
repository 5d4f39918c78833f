import type { BaseTypes } from './base.ts';
import { bindingCheck } from './binding.ts';
import { constantTest, shown } from './constants.ts';
import { order } from './fhirpath/values.ts';
import { choiceOwner, listOwner, type OwnerCheck, singleOwner } from './owners.ts';
import { primitives } from './primitives.ts';
import type { ObjectCheck } from './properties.ts';
import { core, isResourceType } from './r4/table.ts';
import { referenceCheck } from './references.ts';
import type { RuleCompiler } from './rules.ts';
import { distribute, type ElementCheck, type Slice, Slices } from './slices.ts';
import { type SliceSurroundings, sliceTest } from './slicing.ts';
import type { ElementNode, TypeRef } from './tree.ts';
import { isObject } from './trial.ts';

/** What a profile's compiler needs from the rest of the room. */
export interface ConstraintSurroundings extends SliceSurroundings {
  base: BaseTypes;
  rules: RuleCompiler;
  /** Check of another profile, found when first used; undefined when it is not loaded. */
  profile(url: string): ObjectCheck | undefined;
  /** Whether an extension of this url is judged wherever it stands, so that a slice need not judge it again. */
  isKnownExtension(url: string): boolean;
  /** Told about what is wrong in, or cannot be judged of, the definition. */
  note(severity: 'error' | 'information', place: string, problem: string): void;
}

/**
 * Compiles what a profile adds to base R4. Elements that say no more than the base type leave no closure behind, so a
 * profile with a snapshot of two hundred elements costs as much as its differential.
 */
export class ConstraintCompiler {
  private readonly around: ConstraintSurroundings;

  constructor(around: ConstraintSurroundings) {
    this.around = around;
  }

  /** The check of a whole profile; `root` is the tree of its snapshot. */
  compile(url: string, root: ElementNode, type: string): ObjectCheck {
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
    this.addConstants(node, checks);
    this.addTypes(node, base, checks);
    this.addLimits(node, checks);
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
    const children = this.object(node, this.typed(node, base));
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

  private addConstants(node: ElementNode, checks: ElementCheck[]): void {
    const test = constantTest(node);
    const constant = node.fixed ?? node.pattern;
    if (test && constant) {
      const rule = node.fixed ? 'fixed' : 'pattern';
      const expected = shown(constant);
      checks.push(({ value, beside }, trial) => {
        if (!test(value) && !(value === undefined && beside !== undefined)) {
          trial.report('error', rule, { expected });
        }
      });
    }
  }

  private addLimits(node: ElementNode, checks: ElementCheck[]): void {
    const { maxLength, minValue, maxValue } = node;
    if (maxLength !== undefined) {
      checks.push(({ value }, trial) => {
        if (typeof value === 'string' && value.length > maxLength) {
          trial.report('error', 'max', { max: maxLength, name: 'characters', count: value.length });
        }
      });
    }
    for (const [limit, sign] of [
      [minValue, -1],
      [maxValue, 1],
    ] as const) {
      if (limit) {
        checks.push(({ value }, trial) => {
          const found = order(value, limit.value);
          if (found !== undefined && Math.sign(found) === sign) {
            trial.report('error', 'fixed', { expected: `${sign < 0 ? '≥' : '≤'} ${shown(limit)}` });
          }
        });
      }
    }
  }

  /** Resource types, targets of references and profiles of types, where they are narrower than the base's. */
  private addTypes(node: ElementNode, base: ElementNode, checks: ElementCheck[]): void {
    const ofResource = base.types[0]?.code === 'Resource' && !node.types.some((type) => type.code === 'Resource');
    if (ofResource) {
      const allowed = new Set(node.types.map((type) => type.code));
      checks.push(({ value }, trial) => {
        const type = isObject(value) ? String(value.resourceType) : '';
        if (!allowed.has(type)) {
          trial.report('error', 'type', {
            type: isResourceType(type) ? type : '(…)',
            allowed: [...allowed].join(', '),
          });
        }
      });
    }
    for (const type of node.types) {
      const before = base.types.find((one) => one.code === type.code);
      if (type.code === 'Reference' && !sameList(type.targets, before?.targets)) {
        const check = referenceCheck(
          type.targets,
          (url) => this.around.typeOf(url),
          (resource, url, trial) => this.around.conforms(resource, url, trial),
        );
        checks.push(({ value, type: found }, trial) => {
          if (found === 'Reference' && isObject(value)) {
            check(value, trial);
          }
        });
      }
      const profiles = type.profiles.filter((url) => !before?.profiles.includes(url));
      if (profiles.length > 0 && !profiles.every((url) => this.around.isKnownExtension(url))) {
        checks.push(this.typeProfiles(type.code, profiles, ofResource));
      }
    }
  }

  private typeProfiles(code: string, profiles: string[], ofResource: boolean): ElementCheck {
    const [only] = profiles as [string];
    return ({ value, type }, trial) => {
      if (!isObject(value) || (ofResource ? value.resourceType !== code : type !== code)) {
        return;
      }
      if (profiles.length === 1) {
        const check = this.around.profile(only);
        if (check) {
          trial.within(value, () => check(value, trial));
        } else {
          trial.once('not-checked', only);
        }
        return;
      }
      const found = profiles.map((url) => this.around.conforms(value, url, trial));
      if (!found.includes(true) && !found.includes(undefined)) {
        trial.report('error', 'type-profile', { allowed: profiles.map(short).join(', ') });
      }
    };
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

const short = (url: string) => (url.startsWith(core) ? url.slice(core.length) : url);

function sameList(left: string[], right: string[] | undefined): boolean {
  return right !== undefined && left.length === right.length && left.every((one) => right.includes(one));
}
