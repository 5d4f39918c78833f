import { same } from './fhirpath/values.ts';
import type { Constant, ElementNode } from './tree.ts';
import { isObject } from './trial.ts';

/**
 * Whether a value contains a pattern: every property of the pattern is there with that value, every item of its lists
 * is matched by some item (https://hl7.org/fhir/R4/elementdefinition-definitions.html#ElementDefinition.pattern_x_).
 */
export function contains(value: unknown, pattern: unknown): boolean {
  if (Array.isArray(pattern)) {
    return Array.isArray(value) && pattern.every((wanted) => value.some((one) => contains(one, wanted)));
  }
  if (isObject(pattern)) {
    if (!isObject(value)) {
      return false;
    }
    for (const key in pattern) {
      if (!contains(value[key], pattern[key])) {
        return false;
      }
    }
    return true;
  }
  return value === pattern;
}

/** A test that a value is the fixed one, or contains the pattern, of an element; undefined when it states neither. */
export function constantTest(node: ElementNode): ((value: unknown) => boolean) | undefined {
  if (node.fixed) {
    const wanted = node.fixed.value;
    return typeof wanted === 'object' ? (value) => same(value, wanted) : (value) => value === wanted;
  }
  if (node.pattern) {
    const wanted = node.pattern.value;
    return (value) => contains(value, wanted);
  }
  return undefined;
}

/** What a definition asks for, short enough for a sentence. */
export function shown(constant: Constant): string {
  const text = typeof constant.value === 'object' ? JSON.stringify(constant.value) : String(constant.value);
  return text.length <= 200 ? text : `${text.slice(0, 200)}…`;
}

/** The part of a constant below a path, `coding.code` of a CodeableConcept. */
export function within(constant: unknown, path: string[]): unknown[] {
  let level = [constant];
  for (const step of path) {
    level = level.flatMap((one) => (isObject(one) && one[step] !== undefined ? one[step] : []));
  }
  return level;
}
