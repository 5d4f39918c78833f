import {
  ConcatAtom,
  DotAtom,
  EmptySetAtom,
  type FhirPathAtom,
  FunctionAtom,
  IndexerAtom,
  InfixOperatorAtom,
  LiteralAtom,
  PrefixOperatorAtom,
  parseFhirPath,
  SymbolAtom,
} from '@medplum/core';
import { pathMethods } from './fhirpath.ts';
import { mapFunctions } from './functions/index.ts';
import { compileOperator } from './operators.ts';
import { note, RUN, type Run, type Slots, THIS } from './run.ts';
import { type Atom, type Compiled, fail, type Scope } from './scope.ts';
import { isEmpty, property } from './values.ts';

/**
 * Compiles a FHIRPath expression of a map, mapping functions included, into a closure.
 *
 * Dates, references, tables and the like are functions (`functions/`); what FHIRPath has beyond the common forms is handed
 * to Medplum's evaluator node by node.
 * @throws LanguageError (without a line) for an unknown variable, function, table or a wrong number of arguments.
 */
export function compileExpression(text: string, scope: Scope): Compiled {
  return compileAtom(parse(text), scope, false);
}

/** Half of the expressions of the maps are written twice, and parsing takes longer than compiling. */
const parsed = new Map<string, Atom>();
const MOST_REMEMBERED = 5000;

function parse(text: string): Atom {
  const known = parsed.get(text);
  if (known) return known;
  try {
    const atom = (parseFhirPath(text) as FhirPathAtom).child;
    if (parsed.size >= MOST_REMEMBERED) parsed.clear();
    parsed.set(text, atom);
    return atom;
  } catch (error) {
    return fail(`${(error as Error).message.replace(/ at line .*$/, '')} in the expression ${text}`);
  }
}

/** @param base true when the value is only looked into, not used as it is: then an object does not count as read. */
export function compileAtom(atom: Atom, scope: Scope, base: boolean): Compiled {
  if (atom instanceof LiteralAtom) return literal(atom);
  if (atom instanceof EmptySetAtom) return { evaluate: () => undefined, fresh: true };
  if (atom instanceof SymbolAtom) return symbol(atom.name, scope, base);
  if (atom instanceof DotAtom) return dot(atom, scope, base);
  if (atom instanceof IndexerAtom) return indexer(atom, scope, base);
  if (atom instanceof FunctionAtom) return call(atom, scope, base);
  if (atom instanceof InfixOperatorAtom || atom instanceof ConcatAtom || atom instanceof PrefixOperatorAtom) {
    return compileOperator(atom, scope, compileAtom);
  }
  return fail(`the expression ${String(atom)} cannot be used in a map`);
}

function literal(atom: LiteralAtom): Compiled {
  const { type, value } = atom.value;
  if (type === 'Quantity') {
    const { value: amount, unit } = value as { value: number; unit: string };
    const make = () => ({ value: amount, unit, system: 'http://unitsofmeasure.org', code: unit });
    return { evaluate: make, fresh: true, type: 'Quantity' };
  }
  return { evaluate: () => value, fresh: true, literal: value };
}

function symbol(written: string, scope: Scope, base: boolean): Compiled {
  const name = written.startsWith('%') ? written.slice(1) : written;
  if (name === '$this') {
    if (!scope.hasThis) fail('$this has a meaning only in conditions and criteria');
    return { evaluate: slotReader(THIS, base), fresh: false };
  }
  const variable = scope.find(name);
  if (variable)
    return { evaluate: slotReader(variable.slot, base), fresh: false, type: variable.type, slot: variable.slot };
  if (!scope.hasThis || written !== name) fail(`unknown variable ${written}`);
  return { evaluate: stepReader(THIS, name, base), fresh: false };
}

/** Reads a variable. */
function slotReader(slot: number, base: boolean) {
  return (slots: Slots): unknown => {
    const value = slots[slot];
    const run = slots[RUN] as Run;
    if (!base || (run.reads !== undefined && isLeaf(value))) {
      note(run, slots[slot + 1] as object | undefined, slots[slot + 2] as string | number);
    }
    return value;
  };
}

/** Reads one property of a variable: the most frequent expression of all. */
function stepReader(slot: number, name: string, base: boolean) {
  return (slots: Slots): unknown => property(slots[RUN] as Run, slots[slot], name, base);
}

function dot(atom: DotAtom, scope: Scope, base: boolean): Compiled {
  const { left, right } = atom;
  if (right instanceof FunctionAtom) return method(left, right, scope, base);
  if (!(right instanceof SymbolAtom)) return fail(`${String(right)} cannot follow a dot`);
  const name = right.name;
  if (left instanceof SymbolAtom) {
    const variable = scope.find(left.name);
    if (variable) return { evaluate: stepReader(variable.slot, name, base), fresh: false };
    if (left.name === '$this' && scope.hasThis) return { evaluate: stepReader(THIS, name, base), fresh: false };
  }
  const inner = compileAtom(left, scope, true).evaluate;
  return {
    evaluate: (slots) => property(slots[RUN] as Run, inner(slots), name, base),
    fresh: false,
  };
}

function indexer(atom: IndexerAtom, scope: Scope, base: boolean): Compiled {
  const list = compileAtom(atom.left, scope, true).evaluate;
  const index = compileAtom(atom.expr, scope, false).evaluate;
  return {
    evaluate: (slots) => {
      const value = list(slots);
      const wanted = index(slots);
      if (!Array.isArray(value)) return wanted === 0 ? value : undefined;
      const found = value[wanted as number];
      if (!base || isLeaf(found)) note(slots[RUN] as Run, value, wanted as number);
      return found;
    },
    fresh: false,
  };
}

function call(atom: FunctionAtom, scope: Scope, base: boolean): Compiled {
  const found = Object.hasOwn(mapFunctions, atom.name) ? mapFunctions[atom.name] : undefined;
  if (!found) {
    if (scope.hasThis) return method(new SymbolAtom('$this'), atom, scope, base);
    return fail(`unknown function ${atom.name}()`);
  }
  const [least, most] = found.args;
  if (atom.args.length < least || atom.args.length > most) {
    fail(`${atom.name}() takes ${least === most ? least : `${least} to ${most}`} values, not ${atom.args.length}`);
  }
  const args = atom.args.map((arg) => compileAtom(arg, scope, found.base === true));
  if (found.bind) return found.bind(args, scope);
  return { evaluate: apply(found.call!, args), fresh: true, type: found.type };
}

/** Calls with up to four values without making an array. */
function apply(call: (run: Run, ...values: unknown[]) => unknown, args: Compiled[]) {
  const [a, b, c, d] = args.map((arg) => arg.evaluate);
  const run = (slots: Slots) => slots[RUN] as Run;
  if (!a) return (slots: Slots) => call(run(slots));
  if (!b) return (slots: Slots) => call(run(slots), a(slots));
  if (!c) return (slots: Slots) => call(run(slots), a(slots), b(slots));
  if (!d) return (slots: Slots) => call(run(slots), a(slots), b(slots), c(slots));
  if (args.length === 4) return (slots: Slots) => call(run(slots), a(slots), b(slots), c(slots), d(slots));
  return (slots: Slots) => call(run(slots), ...args.map((arg) => arg.evaluate(slots)));
}

function method(left: Atom, atom: FunctionAtom, scope: Scope, base: boolean): Compiled {
  const found = Object.hasOwn(pathMethods, atom.name) ? pathMethods[atom.name] : undefined;
  if (!found) return fail(`unknown function ${atom.name}()`);
  const inner = compileAtom(left, scope, true);
  return { fresh: false, ...found(inner, atom, { scope, base, compile: compileAtom }) };
}

function isLeaf(value: unknown): boolean {
  return !isEmpty(value) && (typeof value !== 'object' || (Array.isArray(value) && typeof value[0] !== 'object'));
}
