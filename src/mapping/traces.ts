import type { Draft, Trace } from '../conversion.ts';
import type { DraftOf } from './drafts.ts';
import type { RawTrace, Translation } from './run.ts';

/** Paths of everything in the finished drafts, by object. */
interface Spot {
  draft: Draft;
  path: string;
}

/**
 * Turns what was noted while maps ran into traces: target and path in the drafts as they are now, place in the source. Done
 * only when somebody asks, because most conversions are never explained.
 */
export function resolveTraces(raw: RawTrace[], drafts: Draft[], draftOf: DraftOf): Trace[] {
  const spots = indexDrafts(drafts);
  const traces: Trace[] = [];
  for (const one of raw) {
    const spot = spotOf(one, spots, draftOf);
    if (!spot) continue;
    traces.push({
      target: spot.draft.fullUrl,
      path: spot.path,
      place: one.document.place(one.owner, one.key),
      map: one.rule.map,
      rule: one.rule.rule,
      ...(one.translation ? { translation: told(one.translation) } : {}),
    });
  }
  return traces;
}

function told({ table, from, system, to }: Translation): Trace['translation'] {
  return { table, from: `${from.system ?? system ?? ''}|${from.code}`, to: to ? `${to.system ?? ''}|${to.code}` : '' };
}

/** Where in the drafts a written value is now; a merge may have moved it, a later rule or a merge may have dropped it. */
export function spotOf({ target, property }: RawTrace, spots: Map<object, Spot>, draftOf: DraftOf): Spot | undefined {
  const value = (target as Record<string | number, unknown>)[property];
  if (value !== null && typeof value === 'object') {
    const moved = spots.get(value);
    if (moved) return moved;
  }
  const holder = spots.get(target);
  if (holder) return value === undefined ? undefined : { draft: holder.draft, path: joined(holder.path, property) };
  const survivor = draftOf(target);
  if (!survivor) return undefined;
  const kept = (survivor.resource as unknown as Record<string, unknown>)[property];
  return kept === value && value !== undefined ? { draft: survivor, path: joined('', property) } : undefined;
}

/** Every object and list of the drafts with its path. */
export function indexDrafts(drafts: Draft[]): Map<object, Spot> {
  const spots = new Map<object, Spot>();
  for (const draft of drafts) visit(draft.resource, '', draft, spots);
  return spots;
}

function visit(value: object, path: string, draft: Draft, spots: Map<object, Spot>): void {
  spots.set(value, { draft, path });
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) descend(value[index], joined(path, index), draft, spots);
  } else {
    for (const name in value) descend((value as Record<string, unknown>)[name], joined(path, name), draft, spots);
  }
}

function descend(value: unknown, path: string, draft: Draft, spots: Map<object, Spot>): void {
  if (value !== null && typeof value === 'object') visit(value, path, draft, spots);
}

function joined(path: string, step: string | number): string {
  if (typeof step === 'number') return `${path}[${step}]`;
  return path === '' ? step : `${path}.${step}`;
}
