import { constantTest, shown } from './constants.ts';
import { order } from './fhirpath/values.ts';
import type { ObjectCheck } from './properties.ts';
import { core, isResourceType } from './r4/table.ts';
import { referenceCheck } from './references.ts';
import type { ElementCheck } from './slices.ts';
import type { ElementNode } from './tree.ts';
import { isObject, type Json, type Trial, textOf } from './trial.ts';

/** What checks of types need to know of other profiles. */
export interface TypeSurroundings {
  typeOf(profile: string): string | undefined;
  conforms(value: Json, profile: string, trial: Trial): boolean | undefined;
  /** Check of another profile, found when first used; undefined when it is not loaded. */
  profile(url: string): ObjectCheck | undefined;
  /** Whether an extension of this url is judged wherever it stands, so that a slice need not judge it again. */
  isKnownExtension(url: string): boolean;
}

/** The check of an element's fixed value or pattern. */
export function constantCheck(node: ElementNode): ElementCheck | undefined {
  const test = constantTest(node);
  const constant = node.fixed ?? node.pattern;
  if (!test || !constant) {
    return undefined;
  }
  const rule = node.fixed ? 'fixed' : 'pattern';
  const expected = shown(constant);
  return ({ value, beside }, trial) => {
    if (!test(value) && !(value === undefined && beside !== undefined)) {
      trial.report('error', rule, { expected });
    }
  };
}

/** Checks of the smallest, largest and longest value. */
export function limitChecks(node: ElementNode): ElementCheck[] {
  const { maxLength, minValue, maxValue } = node;
  const checks: ElementCheck[] = [];
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
  return checks;
}

/** Checks of resource types, targets of references and profiles of types, where they are narrower than the base's. */
export function typeChecks(node: ElementNode, base: ElementNode, around: TypeSurroundings): ElementCheck[] {
  const checks: ElementCheck[] = [];
  const ofResource = base.types[0]?.code === 'Resource' && !node.types.some((type) => type.code === 'Resource');
  if (ofResource) {
    checks.push(resourceCheck(new Set(node.types.map((type) => type.code))));
  }
  for (const type of node.types) {
    const before = base.types.find((one) => one.code === type.code);
    if (type.code === 'Reference' && !sameList(type.targets, before?.targets)) {
      const check = referenceCheck(
        type.targets,
        (url) => around.typeOf(url),
        (resource, url, trial) => around.conforms(resource, url, trial),
      );
      checks.push(({ value, type: found }, trial) => {
        if (found === 'Reference' && isObject(value)) {
          check(value, trial);
        }
      });
    }
    const profiles = type.profiles.filter((url) => !before?.profiles.includes(url));
    if (profiles.length > 0 && !profiles.every((url) => around.isKnownExtension(url))) {
      checks.push(profileCheck(type.code, profiles, ofResource, around));
    }
  }
  return checks;
}

function resourceCheck(allowed: Set<string>): ElementCheck {
  return ({ value }, trial) => {
    const type = isObject(value) ? textOf(value.resourceType) : '';
    if (!allowed.has(type)) {
      const shownType = isResourceType(type) ? type : '(…)';
      trial.report('error', 'type', { type: shownType, allowed: [...allowed].join(', ') });
    }
  };
}

function profileCheck(code: string, profiles: string[], ofResource: boolean, around: TypeSurroundings): ElementCheck {
  const [only] = profiles as [string];
  return ({ value, type }, trial) => {
    if (!isObject(value) || (ofResource ? value.resourceType !== code : type !== code)) {
      return;
    }
    if (profiles.length === 1) {
      const check = around.profile(only);
      if (check) {
        trial.within(value, () => check(value, trial));
      } else {
        trial.once('not-checked', only);
      }
      return;
    }
    const found = profiles.map((url) => around.conforms(value, url, trial));
    if (!found.includes(true) && !found.includes(undefined)) {
      trial.report('error', 'type-profile', { allowed: profiles.map((url) => url.replace(core, '')).join(', ') });
    }
  };
}

function sameList(left: string[], right: string[] | undefined): boolean {
  return right !== undefined && left.length === right.length && left.every((one) => right.includes(one));
}
