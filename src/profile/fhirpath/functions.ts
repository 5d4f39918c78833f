import { resolve } from '../references.ts';
import { textOf } from '../trial.ts';
import { type Environment, type Evaluate, truth, UnsupportedExpression } from './environment.ts';
import { type TextTest, textTest } from './regex.ts';
import { children, type Item, memberNamed, raw, same } from './values.ts';

/** A function whose arguments are worked out before it runs. */
type Plain = (input: Item[], parameters: Item[][], environment: Environment) => Item[];

/** A function whose arguments are expressions run once per item. */
type Lambda = (parameters: Evaluate[]) => Evaluate;

const none: Item[] = [];

function distinct(items: Item[], environment: Environment): Item[] {
  const kept: Item[] = [];
  const seen = new Set<unknown>();
  for (const one of items) {
    const value = raw(one);
    if (typeof value === 'object') {
      environment.trial.spend(kept.length);
      if (!kept.some((other) => same(raw(other), value))) {
        kept.push(one);
      }
    } else if (!seen.has(value)) {
      seen.add(value);
      kept.push(one);
    }
  }
  return kept;
}

/** A function of one text; nothing comes out for other inputs, or when a parameter is missing. */
function ofText(apply: (text: string, parameters: unknown[]) => unknown): Plain {
  return (input, parameters) => {
    const value = raw(input[0]);
    if (input.length !== 1 || value === undefined || typeof value === 'object') {
      return none;
    }
    const scalars = parameters.map((one) => raw(one[0]));
    if (scalars.some((one) => one === undefined || typeof one === 'object')) {
      return none;
    }
    const made = apply(textOf(value), scalars);
    return made === undefined ? none : [made];
  };
}

const tests = new Map<string, TextTest | undefined>();

function matches(whole: boolean): Plain {
  return ofText((text, [pattern]) => {
    const key = `${whole}${pattern}`;
    if (!tests.has(key) && tests.size < 500) {
      tests.set(key, textTest(String(pattern), whole));
    }
    const found = tests.get(key)?.(text);
    if (found === undefined) {
      throw new UnsupportedExpression('matches() with this expression');
    }
    return found;
  });
}

function descendants(input: Item[], environment: Environment): Item[] {
  const found: Item[] = [];
  let level = input;
  while (level.length > 0) {
    const next: Item[] = [];
    for (const one of level) {
      environment.trial.spend();
      children(one, next);
    }
    for (const one of next) {
      found.push(one);
    }
    level = next;
  }
  return found;
}

function all(wanted: boolean): Plain {
  return (input) => [input.every((one) => raw(one) === wanted)];
}

function any(wanted: boolean): Plain {
  return (input) => [input.some((one) => raw(one) === wanted)];
}

const extensions = memberNamed('extension');

function extension(input: Item[], parameters: Item[][]): Item[] {
  const url = raw(parameters[0]?.[0]);
  const found: Item[] = [];
  for (const one of input) {
    extensions(one, found);
  }
  return found.filter((one) => (raw(one) as { url?: unknown } | null)?.url === url);
}

function isWithin(input: Item[], other: Item[], environment: Environment): boolean {
  environment.trial.spend(input.length * other.length);
  return input.every((one) => other.some((two) => same(raw(one), raw(two))));
}

function hasValue(input: Item[]): Item[] {
  const value = raw(input[0]);
  return [input.length === 1 && value !== undefined && value !== null && typeof value !== 'object'];
}

function toNumber(text: string, whole: boolean): number | undefined {
  const form = whole ? /^[+-]?\d+$/ : /^[+-]?\d+(?:\.\d+)?$/;
  return form.test(text) ? Number(text) : undefined;
}

function toBoolean(text: string): boolean | undefined {
  const low = text.toLowerCase();
  return ['true', 't', 'yes', 'y', '1', '1.0'].includes(low)
    ? true
    : ['false', 'f', 'no', 'n', '0', '0.0'].includes(low)
      ? false
      : undefined;
}

function resolved(input: Item[], environment: Environment): Item[] {
  return input.flatMap((one) => {
    const value = raw(one);
    const reference = typeof value === 'string' ? value : (value as { reference?: unknown } | null)?.reference;
    const found = typeof reference === 'string' ? resolve(reference, environment.trial).resource : undefined;
    return found ? [found] : [];
  });
}

const replaced = ofText((text, [part, by]) => text.replaceAll(String(part), () => String(by)));

const functions: Record<string, Plain> = {
  empty: (input) => [input.length === 0],
  not: (input) => {
    const value = truth(input);
    return value === undefined ? none : [!value];
  },
  count: (input) => [input.length],
  first: (input) => input.slice(0, 1),
  last: (input) => input.slice(-1),
  tail: (input) => input.slice(1),
  skip: (input, [count]) => input.slice(Number(textOf(raw(count?.[0])))),
  take: (input, [count]) => input.slice(0, Math.max(0, Number(textOf(raw(count?.[0]))))),
  single: (input) => (input.length === 1 ? input : none),
  distinct: (input, _parameters, environment) => distinct(input, environment),
  isDistinct: (input, _parameters, environment) => [distinct(input, environment).length === input.length],
  hasValue,
  getValue: (input) => (hasValue(input)[0] === true ? [raw(input[0])] : none),
  children: (input) => {
    const found: Item[] = [];
    for (const one of input) {
      children(one, found);
    }
    return found;
  },
  descendants: (input, _parameters, environment) => descendants(input, environment),
  extension,
  resolve: (input, _parameters, environment) => resolved(input, environment),
  combine: (input, [other]) => [...input, ...(other ?? [])],
  union: (input, [other], environment) => distinct([...input, ...(other ?? [])], environment),
  intersect: (input, [other], environment) =>
    distinct(input, environment).filter((one) => isWithin([one], other ?? [], environment)),
  exclude: (input, [other], environment) => input.filter((one) => !isWithin([one], other ?? [], environment)),
  subsetOf: (input, [other], environment) => [isWithin(input, other ?? [], environment)],
  supersetOf: (input, [other], environment) => [isWithin(other ?? [], input, environment)],
  allTrue: all(true),
  allFalse: all(false),
  anyTrue: any(true),
  anyFalse: any(false),
  trace: (input) => input,
  matches: matches(false),
  matchesFull: matches(true),
  startsWith: ofText((text, [start]) => text.startsWith(String(start))),
  endsWith: ofText((text, [end]) => text.endsWith(String(end))),
  contains: ofText((text, [part]) => text.includes(String(part))),
  indexOf: ofText((text, [part]) => text.indexOf(String(part))),
  substring: ofText((text, [from, length]) =>
    Number(from) >= text.length
      ? undefined
      : text.slice(Number(from), length === undefined ? undefined : Number(from) + Number(length)),
  ),
  length: ofText((text) => text.length),
  upper: ofText((text) => text.toUpperCase()),
  lower: ofText((text) => text.toLowerCase()),
  trim: ofText((text) => text.trim()),
  replace: (input, parameters, environment) => {
    // Each letter may give way to a whole text: what comes out can be the product of both.
    environment.trial.spend(textOf(raw(input[0])).length * (1 + textOf(raw(parameters[1]?.[0])).length));
    return replaced(input, parameters, environment);
  },
  toString: ofText((text) => text),
  toInteger: ofText((text) => toNumber(text, true)),
  toDecimal: ofText((text) => toNumber(text, false)),
  toBoolean: ofText(toBoolean),
  convertsToInteger: ofText((text) => toNumber(text, true) !== undefined),
  convertsToDecimal: ofText((text) => toNumber(text, false) !== undefined),
  convertsToBoolean: ofText((text) => toBoolean(text) !== undefined),
  abs: ofText((text) => Math.abs(Number(text))),
  split: (input, [by]) => input.flatMap((one) => textOf(raw(one)).split(textOf(raw(by?.[0])))),
  join: (input, [by]) => [input.map((one) => textOf(raw(one))).join(textOf(raw(by?.[0])))],
};

/** Runs an expression on one item with `$this` and `$index` set. */
function onItem(expression: Evaluate, item: Item, index: number, environment: Environment): Item[] {
  const [self, before] = [environment.self, environment.index];
  environment.trial.spend();
  environment.self = item;
  environment.index = index;
  const result = expression([item], environment);
  environment.self = self;
  environment.index = before;
  // What one item gives may be as long as the list itself: lists within lists multiply.
  environment.trial.spend(result.length);
  return result;
}

function where(condition: Evaluate): Evaluate {
  return (input, environment) => {
    if (input.length === 0) {
      return none;
    }
    const kept: Item[] = [];
    for (let at = 0; at < input.length; at++) {
      if (truth(onItem(condition, input[at], at, environment)) === true) {
        kept.push(input[at]);
      }
    }
    return kept;
  };
}

const lambdas: Record<string, Lambda> = {
  where: ([condition]) => where(condition as Evaluate),
  select:
    ([projection]) =>
    (input, environment) =>
      input.flatMap((one, at) => onItem(projection as Evaluate, one, at, environment)),
  exists: ([condition]) => {
    const kept = condition ? where(condition) : undefined;
    return (input, environment) => [(kept ? kept(input, environment) : input).length > 0];
  },
  all:
    ([condition]) =>
    (input, environment) => [
      input.every((one, at) => truth(onItem(condition as Evaluate, one, at, environment)) === true),
    ],
  repeat: ([projection]) => {
    return (input, environment) => {
      const found: Item[] = [];
      let level = input;
      while (level.length > 0) {
        level = level.flatMap((one, at) => onItem(projection as Evaluate, one, at, environment));
        found.push(...level);
      }
      return found;
    };
  },
  iif:
    ([condition, then, otherwise]) =>
    (input, environment) => {
      const held = truth((condition as Evaluate)(input, environment)) === true;
      return (held ? then : otherwise)?.(input, environment) ?? none;
    },
  is: () => () => none,
  as: () => () => none,
  ofType: () => () => none,
};

/** A function of FHIRPath by name, when this compiler has it. */
export function functionNamed(name: string): Plain | undefined {
  return Object.hasOwn(functions, name) ? functions[name] : undefined;
}

/** A function of FHIRPath whose arguments are run per item, or name types. */
export function lambdaNamed(name: string): Lambda | undefined {
  return Object.hasOwn(lambdas, name) ? lambdas[name] : undefined;
}
