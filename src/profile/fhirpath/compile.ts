import { textOf } from '../trial.ts';
import { type Evaluate, type Test, truth, UnsupportedExpression } from './environment.ts';
import { functionNamed, lambdaNamed } from './functions.ts';
import { arithmetic, compare, joined, logical, union } from './operators.ts';
import { type Node, parse } from './parse.ts';
import { Boxed, hasNamed, type Item, isOfType, memberNamed, raw } from './values.ts';

const nothing: Item[] = [];
const yes: Item[] = [true];
const no: Item[] = [false];

/**
 * Compiles an expression to closures.
 *
 * @throws FhirPathSyntaxError when it is not FHIRPath, UnsupportedExpression when it uses a function that is not here.
 */
export function compile(source: string): Evaluate {
  return evaluator(parse(source));
}

/** As {@link compile}, for an expression of which only the truth is asked. */
export function compileTest(source: string): Test {
  return tester(parse(source));
}

function tester(node: Node): Test {
  const test = testOf(node);
  if (test) {
    return test;
  }
  const evaluate = evaluator(node);
  return (input, environment) => truth(evaluate(input, environment));
}

/** What comes out as true, false or nothing is worked out without lists of items; undefined for other expressions. */
function testOf(node: Node): Test | undefined {
  if (node.kind === 'binary') {
    return operator(node.operator, node.left, node.right);
  }
  return node.kind === 'dot' && node.right.kind === 'call' && node.right.arguments.length === 0
    ? question(node.right.name, node.left)
    : undefined;
}

/** `exists()`, `empty()` and `not()` of what stands before them. */
function question(name: string, before: Node): Test | undefined {
  if (name === 'not') {
    const left = tester(before);
    return (input, environment) => {
      const held = left(input, environment);
      return held === undefined ? undefined : !held;
    };
  }
  if (name !== 'exists' && name !== 'empty') {
    return undefined;
  }
  const wanted = name === 'exists';
  if (before.kind === 'name') {
    const has = hasNamed(before.name);
    return (input, environment) => {
      environment.trial.spend(input.length);
      return input.some(has) === wanted;
    };
  }
  const left = evaluator(before);
  return (input, environment) => left(input, environment).length > 0 === wanted;
}

/** The truth of a test as items. */
function asItems(test: Test): Evaluate {
  return (input, environment) => {
    const held = test(input, environment);
    return held === undefined ? nothing : held ? yes : no;
  };
}

function evaluator(node: Node): Evaluate {
  const test = testOf(node);
  if (test) {
    return asItems(test);
  }
  switch (node.kind) {
    case 'literal': {
      const items = [node.value];
      return () => items;
    }
    case 'nothing':
      return () => nothing;
    case 'this':
      return (_input, environment) => (isAbsent(environment.self) ? nothing : [environment.self]);
    case 'index-variable':
      return (_input, environment) => [environment.index];
    case 'variable':
      return variable(node.name);
    case 'name':
      return named(node.name);
    case 'call':
      return call(node.name, node.arguments);
    case 'dot': {
      const left = evaluator(node.left);
      const right = evaluator(node.right);
      return (input, environment) => right(left(input, environment), environment);
    }
    case 'item':
      return itemAt(evaluator(node.left), evaluator(node.right));
    case 'type':
      return typeOperator(evaluator(node.left), node.type, node.operator);
    case 'negative': {
      const right = evaluator(node.right);
      return (input, environment) => right(input, environment).map((one) => -Number(textOf(raw(one))));
    }
    default:
      return binary(node.operator, node.left, node.right);
  }
}

function isAbsent(item: Item): boolean {
  return item === undefined || (item instanceof Boxed && item.value === undefined && item.companion === undefined);
}

function named(name: string): Evaluate {
  const member = memberNamed(name);
  return (input, environment) => {
    environment.trial.spend();
    if (input.length === 0) {
      return nothing;
    }
    const items: Item[] = [];
    for (const one of input) {
      member(one, items);
    }
    return items;
  };
}

const constants: Record<string, string> = {
  ucum: 'http://unitsofmeasure.org',
  sct: 'http://snomed.info/sct',
  loinc: 'http://loinc.org',
};

function variable(name: string): Evaluate {
  switch (name) {
    case 'resource':
      return (_input, environment) => [environment.resource];
    case 'rootResource':
      return (_input, environment) => [environment.root];
    case 'context':
      return (_input, environment) => [environment.context];
    default: {
      const known = constants[name] ?? wellKnown(name);
      return known === undefined ? namedVariable(name) : () => [known];
    }
  }
}

/** What surrounds the expression may give it values by name; which is known when it is run. */
function namedVariable(name: string): Evaluate {
  return (_input, { variables }) => {
    const items = variables?.[name];
    if (!items) {
      throw new UnsupportedExpression(`%${name}`);
    }
    return items;
  };
}

/** `%vs-name` and `%ext-name` are short for R4's own canonicals. */
function wellKnown(name: string): string | undefined {
  const [prefix, ...rest] = name.split('-');
  const folder = prefix === 'vs' ? 'ValueSet' : prefix === 'ext' ? 'StructureDefinition' : undefined;
  return folder && `http://hl7.org/fhir/${folder}/${rest.join('-')}`;
}

function itemAt(left: Evaluate, right: Evaluate): Evaluate {
  return (input, environment) => {
    const items = left(input, environment);
    const at = raw(right(input, environment)[0]);
    return typeof at === 'number' && at < items.length ? [items[at]] : nothing;
  };
}

function typeOperator(left: Evaluate, type: string, operator: 'is' | 'as'): Evaluate {
  return (input, environment) => {
    const items = left(input, environment);
    if (operator === 'is') {
      return items.length === 1 ? [typeTest(items[0], type)] : items.length === 0 ? nothing : [false];
    }
    return items.filter((one) => typeTest(one, type));
  };
}

/** Whether an item is of a type; what JSON does not tell goes to the other engine. */
export function typeTest(item: Item, type: string): boolean {
  const found = isOfType(item, type);
  if (found === undefined) {
    throw new UnsupportedExpression(`type ${type} of an untyped value`);
  }
  return found;
}

function call(name: string, parameters: Node[]): Evaluate {
  const lambda = lambdaNamed(name);
  if (lambda) {
    if (name === 'is' || name === 'as' || name === 'ofType') {
      const type = typeArgument(parameters[0]);
      return name === 'is'
        ? typeOperator((input) => input, type, 'is')
        : (input) => input.filter((one) => typeTest(one, type));
    }
    return lambda(parameters.map(evaluator));
  }
  const plain = functionNamed(name);
  if (!plain) {
    throw new UnsupportedExpression(`${name}()`);
  }
  const list = parameters.map(evaluator);
  return (input, environment) => {
    environment.trial.spend();
    return plain(
      input,
      list.map((one) => one([environment.self], environment)),
      environment,
    );
  };
}

function typeArgument(node: Node | undefined): string {
  if (node?.kind === 'name') {
    return node.name;
  }
  if (node?.kind === 'dot') {
    return typeArgument(node.right);
  }
  throw new UnsupportedExpression('a type that is no name');
}

/** The operators whose outcome is more than true or false. */
function binary(symbol: string, leftNode: Node, rightNode: Node): Evaluate {
  const left = evaluator(leftNode);
  const right = evaluator(rightNode);
  const apply = symbol === '|' ? union : symbol === '&' ? joined : arithmetic(symbol);
  return (input, environment) => apply(left(input, environment), right(input, environment), environment);
}

/** The test of an operator whose outcome is true, false or nothing; undefined for the others. */
function operator(symbol: string, leftNode: Node, rightNode: Node): Test | undefined {
  switch (symbol) {
    case 'and':
    case 'or':
    case 'implies':
    case 'xor':
      return logical(symbol, tester(leftNode), tester(rightNode));
    case 'in':
    case 'contains':
    case '~':
    case '!~':
    case '=':
    case '!=':
    case '<':
    case '<=':
    case '>':
    case '>=': {
      const left = evaluator(leftNode);
      const right = evaluator(rightNode);
      return (input, environment) => compare(symbol, left(input, environment), right(input, environment), environment);
    }
    default:
      return undefined;
  }
}
