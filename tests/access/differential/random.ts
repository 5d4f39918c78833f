/** Numbers that a seed decides: the same seed, the same run, on every machine. */
export interface Dice {
  /** A whole number from 0 to `below` - 1. */
  roll(below: number): number;
  /** True in so many cases of a hundred. */
  chance(percent: number): boolean;
  pick<T>(from: readonly T[]): T;
  /** Between none and `most` times what is made. */
  some<T>(most: number, make: (index: number) => T): T[];
}

/** Mulberry32: small, and good enough to choose cases. */
export function diceOf(seed: number): Dice {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  const roll = (below: number) => Math.floor(next() * below);
  return {
    roll,
    chance: (percent) => next() * 100 < percent,
    pick: (from) => from[roll(from.length)] as (typeof from)[number],
    some: (most, make) => Array.from({ length: roll(most + 1) }, (_one, index) => make(index)),
  };
}
