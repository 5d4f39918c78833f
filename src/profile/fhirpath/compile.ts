import { textOf } from '../trial.ts';
import { type Environment, type Evaluate, truth, UnsupportedExpression } from './environment.ts';
import { functionNamed, lambdaNamed } from './functions.ts';
import { type Node, parse } from './parse.ts';
import { Boxed, type Item, isOfType, member, order, raw, same } from './values.ts';

const nothing: Item[] = [];

/**
 * Compiles an expression to closures.
 *
 * @throws FhirPathSyntaxError when it is not FHIRPath, UnsupportedExpression when it uses a function that is not here.
 */
export function compile(source: string): Evaluate {
  return evaluator(parse(source));
}

function evaluator(node: Node): Evaluate {
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
  return (input, environment) => {
    environment.trial.spend();
    const items: Item[] = [];
    for (const one of input) {
      member(one, name, items);
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
      if (known === undefined) {
        throw new UnsupportedExpression(`%${name}`);
      }
      return () => [known];
    }
  }
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

function binary(operator: string, leftNode: Node, rightNode: Node): Evaluate {
  const left = evaluator(leftNode);
  const right = evaluator(rightNode);
  const of = (value: boolean | undefined): Item[] => (value === undefined ? nothing : [value]);
  switch (operator) {
    case 'and':
      return (input, environment) => {
        const first = truth(left(input, environment));
        if (first === false) {
          return [false];
        }
        const second = truth(right(input, environment));
        return of(second === false ? false : first === undefined || second === undefined ? undefined : true);
      };
    case 'or':
      return (input, environment) => {
        const first = truth(left(input, environment));
        if (first === true) {
          return [true];
        }
        const second = truth(right(input, environment));
        return of(second === true ? true : first === undefined || second === undefined ? undefined : false);
      };
    case 'implies':
      return (input, environment) => {
        const first = truth(left(input, environment));
        if (first === false) {
          return [true];
        }
        const second = truth(right(input, environment));
        return of(second === true ? true : first === undefined ? undefined : second);
      };
    case 'xor':
      return (input, environment) => {
        const first = truth(left(input, environment));
        const second = truth(right(input, environment));
        return of(first === undefined || second === undefined ? undefined : first !== second);
      };
    case '|':
      return (input, environment) => {
        const items: Item[] = [];
        for (const one of [...left(input, environment), ...right(input, environment)]) {
          environment.trial.spend();
          if (!items.some((other) => same(raw(other), raw(one)))) {
            items.push(one);
          }
        }
        return items;
      };
    default:
      return (input, environment) =>
        compare(operator, left(input, environment), right(input, environment), environment);
  }
}

function compare(operator: string, left: Item[], right: Item[], environment: Environment): Item[] {
  environment.trial.spend();
  if (operator === 'in' || operator === 'contains') {
    const [item, list] = operator === 'in' ? [left, right] : [right, left];
    if (item.length !== 1) {
      return item.length === 0 ? nothing : [false];
    }
    environment.trial.spend(list.length);
    return [list.some((one) => same(raw(one), raw(item[0])))];
  }
  if (operator === '&') {
    return [textOf(raw(left[0])) + textOf(raw(right[0]))];
  }
  if (operator === '~' || operator === '!~') {
    const alike = left.length === right.length && left.every((one) => right.some((other) => equivalent(one, other)));
    return [alike === (operator === '~')];
  }
  if (left.length === 0 || right.length === 0) {
    return nothing;
  }
  if (operator === '=' || operator === '!=') {
    const equal = left.length === right.length && left.every((one, at) => same(raw(one), raw(right[at])));
    return [equal === (operator === '=')];
  }
  if (left.length > 1 || right.length > 1) {
    throw new UnsupportedExpression(`${operator} on several items`);
  }
  return arithmetic(operator, raw(left[0]), raw(right[0]));
}

function equivalent(left: Item, right: Item): boolean {
  const [one, two] = [raw(left), raw(right)];
  if (typeof one === 'string' && typeof two === 'string') {
    return one.trim().toLowerCase().replace(/\s+/g, ' ') === two.trim().toLowerCase().replace(/\s+/g, ' ');
  }
  return same(one, two);
}

function arithmetic(operator: string, left: unknown, right: unknown): Item[] {
  if (operator === '<' || operator === '<=' || operator === '>' || operator === '>=') {
    const found = order(left, right);
    if (found === undefined || Number.isNaN(found)) {
      return nothing;
    }
    return [operator === '<' ? found < 0 : operator === '<=' ? found <= 0 : operator === '>' ? found > 0 : found >= 0];
  }
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
