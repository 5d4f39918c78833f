import type { Candidate } from './discriminators.ts';
import type { SliceTest } from './slicing.ts';
import type { Trial } from './trial.ts';

/** Judges one value of an element. */
export type ElementCheck = (candidate: Candidate, trial: Trial) => void;

/** One slice of an element. */
export interface Slice {
  name: string;
  min: number;
  max: number;
  test: SliceTest;
  check: ElementCheck | undefined;
}

/** The slices of one element: which one a value is in, and how many each has. */
export class Slices {
  readonly list: Slice[];
  private readonly closed: boolean;
  private readonly ordered: boolean;

  constructor(list: Slice[], closed: boolean, ordered: boolean) {
    this.list = list;
    this.closed = closed;
    this.ordered = ordered;
  }

  find(candidate: Candidate, trial: Trial): number {
    for (let at = 0; at < this.list.length; at++) {
      if ((this.list[at] as Slice).test(candidate, trial)) {
        return at;
      }
    }
    return -1;
  }

  /** Judges the numbers; `found` holds for each value the number of its slice, -1 for none. */
  count(found: number[], trial: Trial, name: string): void {
    for (let at = 0; at < this.list.length; at++) {
      const slice = this.list[at] as Slice;
      let count = 0;
      for (const one of found) {
        count += one === at ? 1 : 0;
      }
      if (count < slice.min) {
        trial.report('error', 'slice', { min: slice.min, name, slice: slice.name, count });
      } else if (count > slice.max) {
        trial.report('error', 'slice-max', { max: slice.max, name, slice: slice.name, count });
      }
    }
    if (this.ordered && found.some((one, at) => one >= 0 && found.slice(0, at).some((before) => before > one))) {
      trial.report('error', 'slice-order', { name });
    }
  }

  /** Judges one value by its slice; says whether it was in one. */
  judge(candidate: Candidate, trial: Trial): number {
    const at = this.find(candidate, trial);
    if (at >= 0) {
      (this.list[at] as Slice).check?.(candidate, trial);
    } else if (this.closed) {
      trial.report('error', 'slice-closed', { name: trial.name() });
    }
    return at;
  }
}

/**
 * Judges a value by what the element says of all its values and by the slice it is in. The number of the slice comes back,
 * -1 for none.
 */
export function distribute(
  value: ElementCheck | undefined,
  slices: Slices | undefined,
): (candidate: Candidate, trial: Trial) => number {
  return (candidate, trial) => {
    value?.(candidate, trial);
    return slices ? slices.judge(candidate, trial) : -1;
  };
}
