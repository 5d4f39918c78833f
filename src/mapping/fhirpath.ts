import { type FunctionAtom, type TypedValue, toTypedValue } from '@medplum/core';
import { type Evaluate, RUN, type Run, type Slots, THIS } from './run.ts';
import { type Atom, type Compile, type Compiled, fail, type Scope } from './scope.ts';
import { holds, isEmpty, items, number, same, single, text } from './values.ts';

/** Where a method stands. */
export interface MethodPlace {
  scope: Scope;
  base: boolean;
  compile: Compile;
}

type Method = (
  input: Compiled,
  atom: FunctionAtom,
  place: MethodPlace,
) => Pick<Compiled, 'evaluate'> & Partial<Compiled>;

/** FHIRPath's functions on a collection, https://hl7.org/fhirpath/N1/#functions, that maps use often: compiled. */
const compiled: Record<string, Method> = {
  exists: (input, atom, place) =>
    atom.args.length === 0 ? exists(input) : filter(input, atom, place, (found) => found.length > 0),
  empty: (input) => empty(input),
  not: (input) => on(input, (value) => (isEmpty(value) ? undefined : !holds(value))),
  where: (input, atom, place) => ({ ...filter(input, atom, place, (found) => found), type: input.type }),
  all: (input, atom, place) => filter(input, atom, place, (found, all) => found.length === all.length),
  select: (input, atom, place) => select(input, atom, place),
  first: (input) => on(input, (value) => items(value)[0]),
  last: (input) => on(input, (value) => items(value).at(-1)),
  tail: (input) => on(input, (value) => items(value).slice(1)),
  skip: (input, atom, place) => on1(input, atom, place, (value, count) => items(value).slice(Number(count))),
  take: (input, atom, place) => on1(input, atom, place, (value, count) => items(value).slice(0, Number(count))),
  single: (input) => on(input, (value) => (items(value).length === 1 ? single(value) : undefined)),
  count: (input) => on(input, (value) => items(value).length),
  distinct: (input) => on(input, distinct),
  combine: (input, atom, place) => on1(input, atom, place, (value, more) => [...items(value), ...items(more)]),
  hasValue: (input) => on(input, (value) => !isEmpty(value) && typeof single(value) !== 'object'),
  startsWith: (input, atom, place) => onText(input, atom, place, (value, part) => value.startsWith(part)),
  endsWith: (input, atom, place) => onText(input, atom, place, (value, part) => value.endsWith(part)),
  contains: (input, atom, place) => onText(input, atom, place, (value, part) => value.includes(part)),
  indexOf: (input, atom, place) => onText(input, atom, place, (value, part) => value.indexOf(part)),
  split: (input, atom, place) => onText(input, atom, place, (value, part) => value.split(part)),
  join: (input, atom, place) =>
    on1(input, atom, place, (value, sign) =>
      items(value)
        .map(text)
        .join(text(sign) ?? ''),
    ),
  length: (input) => on(input, (value) => text(value)?.length),
  upper: (input) => on(input, (value) => text(value)?.toUpperCase()),
  lower: (input) => on(input, (value) => text(value)?.toLowerCase()),
  trim: (input) => on(input, (value) => text(value)?.trim()),
  toString: (input: Compiled) => on(input, text),
  toInteger: (input) => on(input, (value) => onlyInteger(number(value))),
  toDecimal: (input) => on(input, number),
  toBoolean: (input) => on(input, (value) => BOOLEANS.get(text(value)?.toLowerCase() ?? '')),
  substring: (input, atom, place) => substring(input, atom, place),
  replace: (input, atom, place) => replace(input, atom, place),
  matches: () =>
    fail('matches() is not allowed in maps: a hostile text could stall it; use startsWith, contains or a code table'),
  replaceMatches: () => fail('replaceMatches() is not allowed in maps: a hostile text could stall it; use replace()'),
};

/** The rest, left to Medplum's evaluator. */
const INTERPRETED = (
  'allTrue anyTrue allFalse anyFalse subsetOf supersetOf isDistinct repeat ofType intersect exclude union children ' +
  'descendants abs ceiling exp floor ln power round sqrt toDate toDateTime toTime toQuantity convertsToInteger ' +
  'convertsToDecimal convertsToDate convertsToDateTime convertsToBoolean convertsToString toChars trace extension is as resolve'
).split(' ');

export const pathMethods: Record<string, Method> = {
  ...Object.fromEntries(INTERPRETED.map((name) => [name, interpreted])),
  ...compiled,
};

const BOOLEANS = new Map([
  ['true', true],
  ['t', true],
  ['yes', true],
  ['y', true],
  ['1', true],
  ['false', false],
  ['f', false],
  ['no', false],
  ['n', false],
  ['0', false],
]);

function onlyInteger(value: number | undefined): number | undefined {
  return Number.isInteger(value) ? value : undefined;
}

function on(input: Compiled, work: (value: unknown) => unknown) {
  const { evaluate } = input;
  return { evaluate: (slots: Slots) => work(evaluate(slots)), type: undefined };
}

/** `exists()` and `empty()` are half of all conditions: written out, they save a call each time. */
function exists({ evaluate }: Compiled) {
  return { evaluate: (slots: Slots) => !isEmpty(evaluate(slots)), type: undefined };
}

function empty({ evaluate }: Compiled) {
  return { evaluate: (slots: Slots) => isEmpty(evaluate(slots)), type: undefined };
}

function argument(atom: FunctionAtom, index: number, place: MethodPlace): Evaluate {
  const arg = atom.args[index];
  if (!arg) return fail(`${atom.name}() wants ${index + 1} value${index > 0 ? 's' : ''}`);
  return place.compile(arg, place.scope, false).evaluate;
}

function on1(input: Compiled, atom: FunctionAtom, place: MethodPlace, work: (value: unknown, arg: unknown) => unknown) {
  const { evaluate } = input;
  const arg = argument(atom, 0, place);
  return { evaluate: (slots: Slots) => work(evaluate(slots), arg(slots)) };
}

function onText(
  input: Compiled,
  atom: FunctionAtom,
  place: MethodPlace,
  work: (value: string, arg: string) => unknown,
) {
  return on1(input, atom, place, (value, arg) => {
    const whole = text(value);
    const part = text(arg);
    return whole === undefined || part === undefined ? undefined : work(whole, part);
  });
}

function substring(input: Compiled, atom: FunctionAtom, place: MethodPlace) {
  const from = argument(atom, 0, place);
  const length = atom.args[1] ? argument(atom, 1, place) : () => undefined;
  return {
    evaluate: (slots: Slots) => {
      const start = number(from(slots));
      const count = number(length(slots));
      if (start === undefined || start < 0) return undefined;
      return text(input.evaluate(slots))?.slice(start, count === undefined ? undefined : start + count);
    },
  };
}

function replace(input: Compiled, atom: FunctionAtom, place: MethodPlace) {
  const part = argument(atom, 0, place);
  const by = argument(atom, 1, place);
  return {
    evaluate: (slots: Slots) => text(input.evaluate(slots))?.replaceAll(text(part(slots)) ?? '', text(by(slots)) ?? ''),
  };
}

function distinct(value: unknown): unknown[] {
  const found: unknown[] = [];
  for (const item of items(value)) if (!found.some((one) => same(one, item))) found.push(item);
  return found;
}

/** Evaluates with `$this` being the item; what criteria read must not become the place of the result. */
function withThis(slots: Slots, item: unknown, evaluate: Evaluate): unknown {
  const run = slots[RUN] as Run;
  const { owner, key } = run;
  const outer = slots[THIS];
  slots[THIS] = item;
  const result = evaluate(slots);
  slots[THIS] = outer;
  run.owner = owner;
  run.key = key;
  return result;
}

function filter(
  input: Compiled,
  atom: FunctionAtom,
  place: MethodPlace,
  finish: (found: unknown[], all: unknown[]) => unknown,
) {
  const arg = atom.args[0] ?? fail(`${atom.name}() wants a condition`);
  const criterion = place.compile(arg, place.scope.withThis(), false).evaluate;
  return {
    evaluate: (slots: Slots) => {
      const all = items(input.evaluate(slots));
      const found: unknown[] = [];
      for (const item of all) if (holds(withThis(slots, item, criterion))) found.push(item);
      return finish(found, all);
    },
  };
}

function select(input: Compiled, atom: FunctionAtom, place: MethodPlace) {
  const arg = atom.args[0] ?? fail('select() wants an expression');
  const projection = place.compile(arg, place.scope.withThis(), false).evaluate;
  return {
    evaluate: (slots: Slots) =>
      items(input.evaluate(slots)).flatMap((item) => items(withThis(slots, item, projection))),
  };
}

/** Hands one function to Medplum's evaluator; the variables of the map are its variables. */
function interpreted(input: Compiled, atom: FunctionAtom, place: MethodPlace) {
  const variables = [...place.scope.all()];
  return {
    evaluate: (slots: Slots) => {
      const typed: Record<string, TypedValue> = {};
      for (const { name, slot } of variables)
        if (!isEmpty(slots[slot])) typed[name] = toTypedValue(single(slots[slot]));
      const values = items(input.evaluate(slots)).map((value) => toTypedValue(value));
      const result = (atom as Atom).eval({ variables: typed }, values);
      return result.length > 1 ? result.map((one) => one.value) : result[0]?.value;
    },
  };
}
