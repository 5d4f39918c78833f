import type { Run } from '../run.ts';
import type { Compiled, Scope } from '../scope.ts';

/** A function that maps may call. One of `call` and `bind` is there. */
export interface MapFunction {
  /** Least and most number of values. */
  args: readonly [number, number];
  /** FHIR type of the result, so that a map may go on with `as`. */
  type?: string;
  /** Its values are only looked into: passing an object does not count as having used all of it. */
  base?: boolean;
  /** Works on the evaluated values; undefined is the empty result. The result must be a new value. */
  call?(run: Run, ...values: unknown[]): unknown;
  /** Compiles a call itself, because it needs constants (a table, a type) or lazy values. */
  bind?(args: Compiled[], scope: Scope): Compiled;
}
