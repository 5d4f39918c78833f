import { CALLER, FIRST_VARIABLE, ORIGINS, PASSED, RUN, type Run, SLOT_WIDTH, type Slots } from './run.ts';
import type { Origins, Variable } from './scope.ts';

type Step = string | number;

/**
 * The path from the root of the tree to the value of a source variable, worked out from how its rule and the groups above
 * found it. Nothing has to be noted on the way: an index of all objects of a document costs a third of its conversion.
 */
export function trailOf(slots: Slots, slot: number): Step[] {
  const origin = (slots[ORIGINS] as Origins)[slot];
  if (!origin) {
    const passed = (slots[PASSED] as Variable[] | undefined)?.[(slot - FIRST_VARIABLE) / SLOT_WIDTH];
    return passed ? trailOf(slots[CALLER] as Slots, passed.slot) : searched(slots, slot);
  }
  const trail = trailOf(slots, origin.from);
  const owner = slots[slot + 1] as object | undefined;
  if (owner !== undefined) locate(slots[origin.from], origin.path, 0, owner, slots[slot + 2] as Step, trail);
  return trail;
}

/** The root, or what an expression passed to a group: found by the index after all. */
function searched(slots: Slots, slot: number): Step[] {
  const owner = slots[slot + 1] as object | undefined;
  const { document } = slots[RUN] as Run;
  return owner !== undefined && document.holds(owner) ? document.path(owner, slots[slot + 2] as Step) : [];
}

/** Finds the holder of a value along the names that led to it; adds the steps to the trail. */
function locate(value: unknown, names: string[], depth: number, owner: object, key: Step, trail: Step[]): boolean {
  if (value === null || typeof value !== 'object') return false;
  const list = Array.isArray(value);
  if (value === owner && (list ? depth === names.length : key === names[depth])) {
    trail.push(key);
    return true;
  }
  if (list) return value.some((item, index) => descend(item, index, names, depth, owner, key, trail));
  if (depth === names.length) return false;
  const name = names[depth]!;
  return descend((value as Record<string, unknown>)[name], name, names, depth + 1, owner, key, trail);
}

function descend(
  value: unknown,
  step: Step,
  names: string[],
  depth: number,
  owner: object,
  key: Step,
  trail: Step[],
): boolean {
  trail.push(step);
  if (locate(value, names, depth, owner, key, trail)) return true;
  trail.pop();
  return false;
}
