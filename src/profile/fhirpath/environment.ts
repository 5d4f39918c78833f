import type { Json, Trial } from '../trial.ts';
import { type Item, raw } from './values.ts';

/** What an expression can see besides its input. */
export interface Environment {
  trial: Trial;
  /** `%context`: the element the expression is stated on. */
  context: Item;
  /** `%resource`: the resource the element is in. */
  resource: Json;
  /** `%rootResource`: the container of a contained resource, otherwise the same. */
  root: Json;
  /** `$this` and `$index` of the innermost function over items. */
  self: Item;
  index: number;
  /** `%name`, besides those above. */
  variables?: Record<string, Item[]>;
}

/** A compiled expression: items in, items out. */
export type Evaluate = (input: Item[], environment: Environment) => Item[];

/** A compiled expression of which only the truth is asked, see {@link truth}. */
export type Test = (input: Item[], environment: Environment) => boolean | undefined;

/** The expression uses something this compiler leaves to another engine. */
export class UnsupportedExpression extends Error {}

/** True, false or, for no items or several, neither. A single item that is no boolean counts as true. */
export function truth(items: Item[]): boolean | undefined {
  if (items.length !== 1) {
    return undefined;
  }
  const value = raw(items[0]);
  return typeof value === 'boolean' ? value : true;
}
