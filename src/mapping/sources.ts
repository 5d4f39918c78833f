import type { Slots } from './run.ts';
import { isEmpty } from './values.ts';

/** A source element found: parallel lists, because most of the time there is one and objects for it would be waste. */
export interface Found {
  values: unknown[];
  owners: (object | undefined)[];
  keys: (string | number)[];
}

/**
 * Walks a path along which nothing repeats, the frequent case, and binds what is there without making lists for it. Of
 * `several` nothing is bound; they are for {@link collect}.
 */
export function bindOnly(slots: Slots, from: number, path: string[], slot: number): 'none' | 'one' | 'several' {
  let value = slots[from];
  let owner = slots[from + 1];
  let key = slots[from + 2];
  for (let depth = 0; ; depth++) {
    while (Array.isArray(value)) {
      if (value.length !== 1) return value.length === 0 ? 'none' : 'several';
      owner = value;
      key = 0;
      value = value[0];
    }
    if (depth === path.length) break;
    if (value === null || typeof value !== 'object') return 'none';
    owner = value;
    key = path[depth]!;
    value = (value as Record<string, unknown>)[key as string];
    if (typeof value === 'function') return 'none';
  }
  if (value === undefined || value === null || value === '') return 'none';
  slots[slot] = value;
  slots[slot + 1] = owner;
  slots[slot + 2] = key;
  return 'one';
}

/** All values at the end of a path, of lists each item's. */
export function collect(slots: Slots, from: number, path: string[]): Found {
  const found: Found = { values: [], owners: [], keys: [] };
  gather(slots[from], slots[from + 1] as object | undefined, slots[from + 2] as string | number, path, 0, found);
  return found;
}

function gather(
  value: unknown,
  owner: object | undefined,
  key: string | number,
  path: string[],
  depth: number,
  found: Found,
): void {
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) gather(value[index], value, index, path, depth, found);
  } else if (depth === path.length) {
    if (isEmpty(value)) return;
    found.values.push(value);
    found.owners.push(owner);
    found.keys.push(key);
  } else if (value !== null && typeof value === 'object') {
    const name = path[depth]!;
    const inner = (value as Record<string, unknown>)[name];
    if (typeof inner !== 'function') gather(inner, value, name, path, depth + 1, found);
  }
}
