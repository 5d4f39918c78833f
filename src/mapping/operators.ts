import { type InfixOperatorAtom, PrefixOperatorAtom, SymbolAtom } from '@medplum/core';
import type { Evaluate, Slots } from './run.ts';
import { type Atom, type Compile, type Compiled, fail, type Scope } from './scope.ts';
import { holds, isEmpty, items, same, single, text } from './values.ts';

/** FHIRPath's operators, https://hl7.org/fhirpath/N1/#operations, as closures. Empty operands give empty, as it says. */
export function compileOperator(atom: Atom, scope: Scope, compile: Compile): Compiled {
  if (atom instanceof PrefixOperatorAtom) return negation(compile(atom.child, scope, false).evaluate);
  const { operator, left, right } = atom as InfixOperatorAtom;
  if (operator === 'is' || operator === 'as') return typeOperator(operator, compile(left, scope, false), right);
  const first = compile(left, scope, false);
  const a = first.evaluate;
  if (operator === '-' && left === right) return negation(a);
  const constant = compile(right, scope, false);
  // `code in ('a' | 'b' | 'c')` is asked of every result of a report: its list is made once, not each time.
  const [some, others] = [constantsOf(first), constantsOf(constant)];
  if (operator === '|' && some && others) {
    const constants = [...new Set([...some, ...others])];
    return { evaluate: () => constants, fresh: false, constants };
  }
  if (operator === 'in' && others) return { evaluate: memberOf(a, new Set(others)), fresh: true };
  const make = Object.hasOwn(operators, operator) ? operators[operator] : undefined;
  if (!make) return fail(`unknown operator ${operator}`);
  return { evaluate: make(a, constant.evaluate, constant.literal), fresh: operator !== '|' };
}

/** The values of a literal or of a union of literals. */
function constantsOf({ literal, constants }: Compiled): unknown[] | undefined {
  return constants ?? (isEmpty(literal) ? undefined : [literal]);
}

function memberOf(a: Evaluate, constants: Set<unknown>): Evaluate {
  return (slots) => {
    const value = a(slots);
    if (isEmpty(value)) return undefined;
    return constants.has(Array.isArray(value) && value.length === 1 ? value[0] : value);
  };
}

type Make = (a: Evaluate, b: Evaluate, constant: unknown) => Evaluate;

const operators: Record<string, Make> = {
  '=': (a, b, constant) => (constant === undefined ? equals(a, b) : equalsConstant(a, constant)),
  '!=': (a, b) => (slots) => {
    const left = a(slots);
    const right = b(slots);
    return isEmpty(left) || isEmpty(right) ? undefined : !same(left, right);
  },
  '~': (a, b) => (slots) => equivalent(a(slots), b(slots)),
  '!~': (a, b) => (slots) => !equivalent(a(slots), b(slots)),
  and: (a, b) => (slots) => holds(a(slots)) && holds(b(slots)),
  or: (a, b) => (slots) => holds(a(slots)) || holds(b(slots)),
  xor: (a, b) => (slots) => holds(a(slots)) !== holds(b(slots)),
  implies: (a, b) => (slots) => !holds(a(slots)) || holds(b(slots)),
  '&': (a, b) => (slots) => (text(a(slots)) ?? '') + (text(b(slots)) ?? ''),
  '|': (a, b) => (slots) => union(a(slots), b(slots)),
  in: (a, b) => (slots) => member(a(slots), b(slots)),
  contains: (a, b) => (slots) => member(b(slots), a(slots)),
  '<': (a, b) => compare(a, b, (order) => order < 0),
  '<=': (a, b) => compare(a, b, (order) => order <= 0),
  '>': (a, b) => compare(a, b, (order) => order > 0),
  '>=': (a, b) => compare(a, b, (order) => order >= 0),
  '+': (a, b) => (slots) => {
    const left = single(a(slots));
    const right = single(b(slots));
    if (typeof left === 'string' && typeof right === 'string') return left + right;
    return typeof left === 'number' && typeof right === 'number' ? left + right : undefined;
  },
  '-': (a, b) => arithmetic(a, b, (left, right) => left - right),
  '*': (a, b) => arithmetic(a, b, (left, right) => left * right),
  '/': (a, b) => arithmetic(a, b, (left, right) => left / right),
  div: (a, b) => arithmetic(a, b, (left, right) => Math.trunc(left / right)),
  mod: (a, b) => arithmetic(a, b, (left, right) => left % right),
};

function equalsConstant(a: Evaluate, constant: unknown): Evaluate {
  return (slots) => {
    const value = a(slots);
    if (value === constant) return true;
    if (isEmpty(value)) return undefined;
    return Array.isArray(value) && value.length === 1 && value[0] === constant;
  };
}

function equals(a: Evaluate, b: Evaluate): Evaluate {
  return (slots) => {
    const left = a(slots);
    const right = b(slots);
    return isEmpty(left) || isEmpty(right) ? undefined : same(left, right);
  };
}

/** `~`: texts without regard to case and spaces at the ends. */
function equivalent(left: unknown, right: unknown): boolean {
  if (isEmpty(left) && isEmpty(right)) return true;
  const a = text(left);
  const b = text(right);
  if (a === undefined || b === undefined) return same(left, right);
  return a.trim().toLowerCase() === b.trim().toLowerCase();
}

function member(value: unknown, list: unknown): boolean | undefined {
  if (isEmpty(value)) return undefined;
  return items(list).some((item) => same(item, value));
}

function union(left: unknown, right: unknown): unknown {
  const all: unknown[] = [];
  for (const value of [...items(left), ...items(right)]) {
    if (!isEmpty(value) && !all.some((one) => same(one, value))) all.push(value);
  }
  return all;
}

/** Numbers as numbers; texts (dates of one precision among them) by their letters. */
function compare(a: Evaluate, b: Evaluate, verdict: (order: number) => boolean): Evaluate {
  return (slots: Slots) => {
    const left = single(a(slots));
    const right = single(b(slots));
    if (typeof left === 'number' && typeof right === 'number') return verdict(left - right);
    if (typeof left !== 'string' || typeof right !== 'string') return undefined;
    return verdict(left < right ? -1 : left > right ? 1 : 0);
  };
}

function arithmetic(a: Evaluate, b: Evaluate, work: (left: number, right: number) => number): Evaluate {
  return (slots) => {
    const left = single(a(slots));
    const right = single(b(slots));
    if (typeof left !== 'number' || typeof right !== 'number') return undefined;
    const result = Number(work(left, right).toPrecision(15));
    return Number.isFinite(result) ? result : undefined;
  };
}

function negation(a: Evaluate): Compiled {
  return {
    evaluate: (slots) => {
      const value = single(a(slots));
      return typeof value === 'number' ? -value : undefined;
    },
    fresh: true,
  };
}

const TYPE_TESTS: Record<string, (value: unknown) => boolean> = {
  string: (value) => typeof value === 'string',
  boolean: (value) => typeof value === 'boolean',
  integer: (value) => Number.isInteger(value),
  decimal: (value) => typeof value === 'number',
  quantity: (value) => value !== null && typeof value === 'object' && 'value' in value,
};

/** `is` and `as` with JSON's types and with resource types; trees carry no others. */
function typeOperator(operator: string, left: Compiled, right: Atom): Compiled {
  if (!(right instanceof SymbolAtom)) return fail(`${operator} wants a type`);
  const name = right.name;
  const test =
    TYPE_TESTS[name.toLowerCase()] ?? ((value) => (value as { resourceType?: string })?.resourceType === name);
  const is = (value: unknown) => !isEmpty(value) && test(single(value));
  const { evaluate } = left;
  if (operator === 'is') return { evaluate: (slots) => is(evaluate(slots)), fresh: true };
  return {
    evaluate: (slots) => {
      const value = evaluate(slots);
      return is(value) ? value : undefined;
    },
    fresh: left.fresh,
  };
}
