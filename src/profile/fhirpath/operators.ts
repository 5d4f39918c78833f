import { textOf } from '../trial.ts';
import { type Environment, type Test, UnsupportedExpression } from './environment.ts';
import { type Item, order, raw, same } from './values.ts';

const nothing: Item[] = [];

/** Logic of three values: undefined is neither true nor false. */
export function logical(symbol: 'and' | 'or' | 'implies' | 'xor', left: Test, right: Test): Test {
  switch (symbol) {
    case 'and':
      return (input, environment) => {
        const first = left(input, environment);
        if (first === false) {
          return false;
        }
        const second = right(input, environment);
        return second === false ? false : first === undefined || second === undefined ? undefined : true;
      };
    case 'or':
      return (input, environment) => {
        const first = left(input, environment);
        if (first === true) {
          return true;
        }
        const second = right(input, environment);
        return second === true ? true : first === undefined || second === undefined ? undefined : false;
      };
    case 'implies':
      return (input, environment) => {
        const first = left(input, environment);
        if (first === false) {
          return true;
        }
        const second = right(input, environment);
        return second === true ? true : first === undefined ? undefined : second;
      };
    default:
      return (input, environment) => {
        const first = left(input, environment);
        const second = right(input, environment);
        return first === undefined || second === undefined ? undefined : first !== second;
      };
  }
}

/** Equality, membership and order. */
export function compare(symbol: string, left: Item[], right: Item[], environment: Environment): boolean | undefined {
  if (symbol === 'in' || symbol === 'contains') {
    environment.trial.spend();
    const [item, list] = symbol === 'in' ? [left, right] : [right, left];
    if (item.length !== 1) {
      return item.length === 0 ? undefined : false;
    }
    environment.trial.spend(list.length);
    return list.some((one) => same(raw(one), raw(item[0])));
  }
  if (symbol === '~' || symbol === '!~') {
    environment.trial.spend();
    const alike = left.length === right.length && left.every((one) => right.some((other) => equivalent(one, other)));
    return alike === (symbol === '~');
  }
  if (symbol === '=' || symbol === '!=') {
    environment.trial.spend();
    return left.length === 0 || right.length === 0 ? undefined : sameItems(left, right) === (symbol === '=');
  }
  const both = single(symbol, left, right, environment);
  const found = both && order(both[0], both[1]);
  if (found === undefined || Number.isNaN(found)) {
    return undefined;
  }
  return symbol === '<' ? found < 0 : symbol === '<=' ? found <= 0 : symbol === '>' ? found > 0 : found >= 0;
}

function sameItems(left: Item[], right: Item[]): boolean {
  if (left.length !== right.length) {
    return false;
  }
  for (let at = 0; at < left.length; at++) {
    if (!same(raw(left[at]), raw(right[at]))) {
      return false;
    }
  }
  return true;
}

/** The single values of both sides; undefined when a side is empty. */
function single(symbol: string, left: Item[], right: Item[], environment: Environment): [unknown, unknown] | undefined {
  environment.trial.spend();
  if (left.length === 0 || right.length === 0) {
    return undefined;
  }
  if (left.length > 1 || right.length > 1) {
    throw new UnsupportedExpression(`${symbol} on several items`);
  }
  return [raw(left[0]), raw(right[0])];
}

function equivalent(left: Item, right: Item): boolean {
  const [one, two] = [raw(left), raw(right)];
  if (typeof one === 'string' && typeof two === 'string') {
    return one.trim().toLowerCase().replace(/\s+/g, ' ') === two.trim().toLowerCase().replace(/\s+/g, ' ');
  }
  return same(one, two);
}

/** Sums and their like, of one value on either side. */
export function arithmetic(symbol: string): (left: Item[], right: Item[], environment: Environment) => Item[] {
  return (left, right, environment) => {
    const both = single(symbol, left, right, environment);
    return both ? calculate(symbol, both[0], both[1]) : nothing;
  };
}

function calculate(operator: string, left: unknown, right: unknown): Item[] {
  if (operator === '+' && typeof left === 'string' && typeof right === 'string') {
    return [left + right];
  }
  if (typeof left !== 'number' || typeof right !== 'number') {
    throw new UnsupportedExpression(`${operator} on these types`);
  }
  switch (operator) {
    case '+':
      return [left + right];
    case '-':
      return [left - right];
    case '*':
      return [left * right];
    case '/':
      return right === 0 ? nothing : [left / right];
    case 'div':
      return right === 0 ? nothing : [Math.trunc(left / right)];
    default:
      return right === 0 ? nothing : [left % right];
  }
}

/** The items of both sides, each once. */
export function union(left: Item[], right: Item[], environment: Environment): Item[] {
  const items: Item[] = [];
  for (const list of [left, right]) {
    for (const one of list) {
      environment.trial.spend();
      if (!items.some((other) => same(raw(other), raw(one)))) {
        items.push(one);
      }
    }
  }
  return items;
}

/** Both texts as one; a missing one is empty. */
export function joined(left: Item[], right: Item[], environment: Environment): Item[] {
  environment.trial.spend();
  return [textOf(raw(left[0])) + textOf(raw(right[0]))];
}
