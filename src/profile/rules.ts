import { evalFhirPathTyped, parseFhirPath } from '@medplum/core';
import type { ElementDefinitionConstraint } from '@medplum/fhirtypes';
import { compileTest } from './fhirpath/compile.ts';
import { type Environment, type Test, UnsupportedExpression } from './fhirpath/environment.ts';
import { FhirPathSyntaxError } from './fhirpath/parse.ts';
import { Boxed } from './fhirpath/values.ts';
import { humanOf } from './r4/sentences.ts';
import { isObject, type Trial, textOf } from './trial.ts';

/** Judges one invariant on a value at the present place; `type` is the FHIR type of the value. */
export type Invariant = (value: unknown, trial: Trial, type: string, companion?: unknown) => void;

/** Invariants that are judged in code, or that only ask for good habits (dom-6: a narrative). */
const elsewhere = new Set(['ele-1', 'ext-1', 'dom-2', 'dom-3', 'dom-4', 'dom-5', 'dom-6', 'ref-1', 'txt-1', 'txt-2']);

const LARGEST_FALLBACK = 20_000;

interface Engine {
  run: Test | undefined;
  /** Why neither engine can run the expression. */
  problem?: string;
  /** Second engine, for what the first does not know. */
  fallback?: ReturnType<typeof parseFhirPath>;
}

/** Compiles the FHIRPath invariants of definitions, each expression once. */
export class RuleCompiler {
  private readonly engines = new Map<string, Engine>();

  /**
   * The check of one invariant; undefined when it is judged elsewhere or has no expression.
   *
   * @param broken is told when the expression is not FHIRPath.
   * @param french what the rule asks for in French, when the constraint itself does not say so.
   */
  compile(
    constraint: ElementDefinitionConstraint,
    broken?: (problem: string) => void,
    french?: string,
  ): Invariant | undefined {
    const { key = '', expression } = constraint;
    if (!expression || elsewhere.has(key)) {
      return undefined;
    }
    const engine = this.engine(expression);
    if (engine.problem !== undefined) {
      broken?.(engine.problem);
    }
    const severity = constraint.severity === 'warning' ? 'warning' : 'error';
    const human = humanOf(constraint);
    const message = {
      en: `The rule ${key} does not hold: ${human.en}`,
      fr: `La règle ${key} n’est pas respectée : ${french ?? human.fr}`,
    };
    return (value, trial, type, companion) => {
      const held = holds(engine, value, trial, type, companion);
      if (held === 'unknown') {
        trial.report('information', 'not-checked', { what: key });
      } else if (!held) {
        trial.add(severity, key, message);
      }
    };
  }

  private engine(expression: string): Engine {
    const known = this.engines.get(expression);
    if (known) {
      return known;
    }
    const made = build(expression);
    this.engines.set(expression, made);
    return made;
  }
}

function build(expression: string): Engine {
  try {
    return { run: compileTest(expression) };
  } catch (error) {
    if (error instanceof FhirPathSyntaxError) {
      return { run: undefined, problem: error.message };
    }
    if (!(error instanceof UnsupportedExpression)) {
      throw error;
    }
    return { run: undefined, fallback: parseOther(expression) };
  }
}

function parseOther(expression: string): Engine['fallback'] {
  try {
    return parseFhirPath(expression);
  } catch {
    return undefined;
  }
}

function holds(engine: Engine, value: unknown, trial: Trial, type: string, companion: unknown): boolean | 'unknown' {
  const item = isObject(value) ? value : new Boxed(value, type, isObject(companion) ? companion : undefined);
  const { resource, container } = trial.scope;
  if (engine.run) {
    const typed = isObject(value) && value.resourceType === undefined ? new Boxed(value, type, undefined) : item;
    const environment: Environment = {
      trial,
      context: typed,
      resource,
      root: container ?? resource,
      self: typed,
      index: 0,
    };
    try {
      return engine.run([typed], environment) === true;
    } catch (error) {
      if (!(error instanceof UnsupportedExpression)) {
        throw error;
      }
    }
  }
  return otherwise(engine, value, trial, type);
}

/** Asks the second engine, which has no step counter: only about small elements. */
function otherwise(engine: Engine, value: unknown, trial: Trial, type: string): boolean | 'unknown' {
  if (!engine.fallback || size(value, LARGEST_FALLBACK) >= LARGEST_FALLBACK) {
    return 'unknown';
  }
  trial.spend(1000);
  try {
    const input = [{ type: isObject(value) && value.resourceType ? textOf(value.resourceType) : type, value }];
    const { resource } = trial.scope;
    const variables = {
      '%resource': { type: textOf(resource.resourceType), value: resource },
      '%context': input[0] as { type: string; value: unknown },
    };
    const result = evalFhirPathTyped(engine.fallback, input, variables);
    return result.length === 1 && result[0]?.value === true;
  } catch {
    return 'unknown';
  }
}

/** Number of values in a tree, counted up to a limit. */
function size(value: unknown, limit: number): number {
  let count = 0;
  const waiting = [value];
  while (waiting.length > 0 && count < limit) {
    const one = waiting.pop();
    count++;
    if (typeof one === 'object' && one !== null) {
      waiting.push(...Object.values(one).slice(0, limit));
    }
  }
  return count;
}
