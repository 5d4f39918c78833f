import { bindingCheck, type ValueCheck } from './binding.ts';
import type { Natives } from './natives.ts';
import { isElementId } from './natives.ts';
import { jsonForm, type PrimitiveProblem, primitives } from './primitives.ts';
import type { RuleCompiler } from './rules.ts';
import type { Terminology } from './terminology.ts';
import type { ElementNode, TypeRef } from './tree.ts';
import { isObject, type Json, type Sound, type Trial } from './trial.ts';

/** Judges one object; says what it finds to the trial. */
export type ObjectCheck = (value: Json, trial: Trial) => void;

/** Judges the value of one property of `owner`. */
export type PropertyCheck = (value: unknown, owner: Json, trial: Trial) => void;

/** The judge of an object and the test that tells without places whether it is sound, {@link Trial.probe}. */
export interface ObjectChecks {
  check: ObjectCheck;
  /** None where judging needs the place or leaves something behind (extensions, ids of elements). */
  sound: Sound | undefined;
}

/** As {@link ObjectChecks}, for a property with all its values. */
export interface PropertyChecks {
  run: PropertyCheck;
  sound: Sound | undefined;
}

/** What the base judge needs from the rest of the room. */
export interface Surroundings {
  terminology: Terminology;
  rules: RuleCompiler;
  natives: Natives;
  /** Judges a resource inside this one (contained, entry, parameter). */
  inner(value: Json, trial: Trial): void;
  /** Check of a profile on a data type (`SimpleQuantity`), when it is loaded. */
  typeProfile(url: string): ObjectCheck | undefined;
}

/** Runs over the items of a list, with their number at the place; the list itself must be one and not empty. */
function each(list: unknown, trial: Trial, max: number, name: string, one: (item: unknown, at: number) => void): void {
  if (!Array.isArray(list)) {
    trial.report('error', 'shape', { expected: '[ ]' });
    return;
  }
  if (list.length === 0) {
    trial.report('error', 'empty');
  }
  for (let at = 0; at < list.length; at++) {
    trial.at(at);
    one(list[at], at);
  }
  trial.at(-1);
  if (list.length > max) {
    trial.report('error', 'max', { max, name, count: list.length });
  }
}

/** The test of a list: it is one, it is as long as it may be, and each of its items is sound. */
function soundList(max: number, one: Sound | undefined): Sound | undefined {
  return (
    one &&
    ((list, trial, room) => {
      if (!Array.isArray(list) || list.length === 0 || list.length > max) {
        return false;
      }
      for (let at = 0; at < list.length; at++) {
        if (!one(list[at], trial, room)) {
          return false;
        }
      }
      return true;
    })
  );
}

/** The checks of a property whose values are objects. */
export function complexProperty(element: ElementNode, step: string, object: ObjectChecks): PropertyChecks {
  const { max } = element;
  return { run: complexRun(element, step, object), sound: max === 1 ? object.sound : soundList(max, object.sound) };
}

function complexRun({ max, name }: ElementNode, step: string, object: ObjectChecks): PropertyCheck {
  const one = (value: unknown, trial: Trial) => {
    if (isObject(value)) {
      object.check(value, trial);
    } else {
      trial.report('error', 'shape', { expected: '{ }' });
    }
  };
  return max === 1
    ? (value, _owner, trial) => {
        trial.enter(step);
        one(value, trial);
        trial.leave();
      }
    : (value, _owner, trial) => {
        trial.enter(step);
        each(value, trial, max, name, (item) => one(item, trial));
        trial.leave();
      };
}

/** Checks of a primitive property and of its companion `_name`, which holds ids and extensions. */
export function primitiveProperty(
  element: ElementNode,
  type: TypeRef,
  key: string,
  step: string,
  around: Surroundings,
  companion: ObjectChecks,
): [value: PropertyChecks, companion: PropertyCheck] {
  const { one, sound } = primitiveValue(element, type.code, around);
  const required = type.code === 'code' && element.binding?.strength === 'required';
  const valueSet = required ? element.binding?.valueSet : undefined;
  const absent: ValueCheck = (beside, trial) => {
    if (!isObject(beside) || beside.extension === undefined) {
      trial.report('error', 'empty');
    } else if (valueSet !== undefined) {
      trial.report('error', 'binding', { valueSet });
    }
  };
  const extended: ValueCheck = (beside, trial) => {
    if (isObject(beside)) {
      companion.check(beside, trial);
    } else {
      trial.report('error', 'shape', { expected: '{ }' });
    }
  };
  const isSingle = element.max === 1;
  const [run, beside] = isSingle
    ? single(key, step, one, extended, absent)
    : list(element, key, step, one, extended, absent);
  return [{ run, sound: isSingle ? sound : soundList(element.max, sound) }, beside];
}

function primitiveValue(
  element: ElementNode,
  type: string,
  around: Surroundings,
): { one: ValueCheck; sound: Sound | undefined } {
  const format = primitives[type] as (value: unknown) => PrimitiveProblem | undefined;
  const binding = element.binding && bindingCheck(around.terminology, element.binding, type);
  const native = around.natives.ofPrimitive(element.path, type);
  const invariants = element.constraints.map((one) => around.rules.compile(one)).filter((one) => one !== undefined);
  const beyond: ValueCheck[] = [binding, native].filter((one) => one !== undefined);
  for (const invariant of invariants) {
    beyond.push((value, trial) => invariant(value, trial, type));
  }
  const one: ValueCheck = (value, trial) => {
    const problem = format(value);
    if (problem !== undefined) {
      reportPrimitive(problem, type, trial);
      if (problem !== 'whitespace') {
        return;
      }
    }
    for (const check of beyond) {
      check(value, trial);
    }
  };
  return { one, sound: isElementId(element.path, type) ? undefined : soundPrimitive(format, beyond) };
}

function soundPrimitive(format: (value: unknown) => PrimitiveProblem | undefined, beyond: ValueCheck[]): Sound {
  if (beyond.length === 0) {
    return (value) => format(value) === undefined;
  }
  return (value, trial) => {
    if (format(value) !== undefined) {
      return false;
    }
    for (const check of beyond) {
      check(value, trial);
    }
    return true;
  };
}

function reportPrimitive(problem: PrimitiveProblem, type: string, trial: Trial): void {
  if (problem === 'shape') {
    trial.report('error', 'shape', { expected: jsonForm(type) });
  } else if (problem === 'whitespace') {
    trial.report('warning', 'whitespace');
  } else if (problem === 'empty') {
    trial.report('error', 'empty');
  } else {
    trial.report('error', 'format', { type });
  }
}

function single(
  key: string,
  step: string,
  one: ValueCheck,
  extended: ValueCheck,
  absent: ValueCheck,
): [PropertyCheck, PropertyCheck] {
  return [
    (value, _owner, trial) => {
      trial.enter(step);
      one(value, trial);
      trial.leave();
    },
    (beside, owner, trial) => {
      trial.enter(step);
      extended(beside, trial);
      if (owner[key] === undefined) {
        absent(beside, trial);
      }
      trial.leave();
    },
  ];
}

function list(
  { max, name }: ElementNode,
  key: string,
  step: string,
  one: ValueCheck,
  extended: ValueCheck,
  absent: ValueCheck,
): [PropertyCheck, PropertyCheck] {
  return [
    (value, owner, trial) => {
      trial.enter(step);
      const beside = owner[`_${key}`];
      each(value, trial, max, name, (item, at) => {
        if (item === null) {
          absent(Array.isArray(beside) ? beside[at] : undefined, trial);
        } else {
          one(item, trial);
        }
      });
      trial.leave();
    },
    (beside, owner, trial) => {
      trial.enter(step);
      const values = owner[key];
      const count = Array.isArray(values) ? values.length : 0;
      each(beside, trial, max, name, (item, at) => {
        if (item !== null) {
          extended(item, trial);
          if (at >= count) {
            absent(item, trial);
          }
        }
      });
      trial.leave();
    },
  ];
}
