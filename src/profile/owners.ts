import type { Candidate } from './discriminators.ts';
import type { Slices } from './slices.ts';
import { choiceKey, type ElementNode } from './tree.ts';
import type { Json, Trial } from './trial.ts';

/** Judges the elements of one name in an object. */
export type OwnerCheck = (owner: Json, trial: Trial) => void;

/** Numbers a profile asks for, where they are narrower than the base type's. */
export interface Counts {
  /** 0 when the base asks for as many. */
  min: number;
  /** Infinity when the base allows as few. */
  max: number;
  slices: Slices | undefined;
}

type One = (candidate: Candidate, trial: Trial) => number;

const none: number[] = [];

/** An element that occurs at most once. */
export function singleOwner(name: string, type: string, { min, max, slices }: Counts, one: One): OwnerCheck {
  const companion = `_${name}`;
  return (owner, trial) => {
    const value = owner[name];
    const beside = owner[companion];
    if (value === undefined && beside === undefined) {
      if (min > 0) {
        trial.report('error', 'min', { min, name, count: 0 });
      }
      slices?.count(none, trial, name);
      return;
    }
    if (max === 0) {
      trial.report('error', 'max', { max, name, count: 1 });
      return;
    }
    trial.enter(name);
    const slice = one({ value, type, beside }, trial);
    trial.leave();
    slices?.count([slice], trial, name);
  };
}

/** An element that the base lets repeat. */
export function listOwner(name: string, type: string, { min, max, slices }: Counts, one: One): OwnerCheck {
  const companion = `_${name}`;
  return (owner, trial) => {
    const values = Array.isArray(owner[name]) ? (owner[name] as unknown[]) : none;
    const others = Array.isArray(owner[companion]) ? (owner[companion] as unknown[]) : none;
    const count = Math.max(values.length, others.length);
    if (count < min) {
      trial.report('error', 'min', { min, name, count });
    }
    if (count > max) {
      trial.report('error', 'max', { max, name, count });
    }
    const found: number[] = [];
    trial.enter(name);
    for (let at = 0; at < count; at++) {
      trial.at(at);
      found.push(one({ value: values[at] ?? undefined, type, beside: others[at] ?? undefined }, trial));
    }
    trial.leave();
    slices?.count(found, trial, name);
  };
}

/** An element with a choice of types. */
export function choiceOwner(node: ElementNode, base: ElementNode, { min, max, slices }: Counts, one: One): OwnerCheck {
  const { name } = node;
  const allowed = new Set(node.types.map((type) => type.code));
  const rank = (code: string) => (allowed.has(code) ? 0 : 1);
  const keys = [...base.types]
    .sort((left, right) => rank(left.code) - rank(right.code))
    .map(({ code }) => {
      const key = choiceKey(name, code);
      return { key, companion: `_${key}`, code, step: `${name}.ofType(${code})` };
    });
  const ranks = new Map(keys.flatMap(({ key, companion }, at) => [[key, at] as const, [companion, at] as const]));
  return (owner, trial) => {
    const found = keys[lowest(ranks, owner)];
    if (!found) {
      if (min > 0) {
        trial.report('error', 'min', { min, name: `${name}[x]`, count: 0 });
      }
      slices?.count(none, trial, name);
      return;
    }
    if (max === 0) {
      trial.report('error', 'max', { max, name: `${name}[x]`, count: 1 });
      return;
    }
    trial.enter(found.step);
    let slice = -1;
    if (allowed.has(found.code)) {
      slice = one({ value: owner[found.key], type: found.code, beside: owner[found.companion] }, trial);
    } else {
      trial.report('error', 'type', { type: found.code, allowed: [...allowed].join(', ') });
    }
    trial.leave();
    slices?.count([slice], trial, name);
  };
}

/** The lowest rank of an object's properties, -1 when none has a rank; an object has fewer properties than a choice types. */
function lowest(ranks: Map<string, number>, owner: Json): number {
  let found = -1;
  for (const key in owner) {
    const rank = ranks.get(key);
    if (rank !== undefined && owner[key] !== undefined && (found < 0 || rank < found)) {
      found = rank;
    }
  }
  return found;
}
