import type { Conversion } from '../conversion.ts';

/** One difference between two conversions of one message. */
export interface Difference {
  /** Key of the draft, the same in both: `/measures/0/Observation`. */
  key: string;
  change: 'added' | 'removed' | 'changed';
  /** Element that differs, `valueQuantity.value`; empty when the whole resource is there only once. */
  path: string;
  before?: unknown;
  after?: unknown;
}

/**
 * What a changed map would change on a message: drafts that come or go, and each element that differs in those that stay.
 * References between drafts are the same in both, because their fullUrls come from sender, message and key.
 */
export function compare(before: Pick<Conversion, 'drafts'>, after: Pick<Conversion, 'drafts'>): Difference[] {
  const old = new Map(before.drafts.map(({ key, resource }) => [key, resource]));
  const young = new Map(after.drafts.map(({ key, resource }) => [key, resource]));
  const differences: Difference[] = [];
  for (const [key, resource] of old) {
    if (!young.has(key)) differences.push({ key, change: 'removed', path: '', before: resource });
    else descend(key, '', resource, young.get(key), differences);
  }
  for (const [key, resource] of young) {
    if (!old.has(key)) differences.push({ key, change: 'added', path: '', after: resource });
  }
  return differences;
}

function descend(key: string, path: string, before: unknown, after: unknown, found: Difference[]): void {
  if (before === after) return;
  if (isObject(before) && isObject(after) && Array.isArray(before) === Array.isArray(after)) {
    const left = before as Record<string, unknown>;
    const right = after as Record<string, unknown>;
    for (const name of new Set([...Object.keys(left), ...Object.keys(right)])) {
      const step = Array.isArray(before) ? `${path}[${name}]` : path === '' ? name : `${path}.${name}`;
      descend(key, step, left[name], right[name], found);
    }
    return;
  }
  const change = before === undefined ? 'added' : after === undefined ? 'removed' : 'changed';
  found.push({
    key,
    change,
    path,
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
  });
}

function isObject(value: unknown): value is object {
  return value !== null && typeof value === 'object';
}
