import { compile } from '../fhirpath/compile.ts';
import { type Evaluate, UnsupportedExpression } from '../fhirpath/environment.ts';
import { FhirPathSyntaxError } from '../fhirpath/parse.ts';
import { type Item, raw } from '../fhirpath/values.ts';
import { type Json, Trial } from '../trial.ts';
import { ExtractionProblem, limits } from './limits.ts';

/** One extraction at work: what expressions may see, what they have named, and the work that is left. */
export class Extraction {
  /** Counts the steps of all expressions together. */
  readonly trial: Trial;
  readonly response: Json;
  /** `%name`: allocated ids, contexts with a name, the questionnaire and its item. */
  readonly variables: Record<string, Item[]> = Object.create(null) as Record<string, Item[]>;

  constructor(response: Json, questionnaire: unknown) {
    this.response = response;
    this.trial = new Trial(response);
    this.trial.steps = limits.steps;
    this.variables.questionnaire = [questionnaire];
  }
}

/** A FHIRPath expression of a template: the focus in, items out. */
export type Expression = (focus: Item, extraction: Extraction) => Item[];

/**
 * Compiles an expression of a Questionnaire. Only the compiler that counts its steps runs it, for a Questionnaire may come
 * from outside; what that compiler lacks is said here and not left to another engine.
 * @param place where it stands, for the problem
 * @throws ExtractionProblem when it is too long, no FHIRPath, or uses what is not here
 */
export function expression(source: unknown, place: string): Expression {
  if (typeof source !== 'string' || source === '') throw new ExtractionProblem(`${place}: an expression is missing`);
  if (source.length > limits.expression) {
    throw new ExtractionProblem(`${place}: an expression has more than ${limits.expression} characters`);
  }
  const evaluate = compiled(source, place);
  return (focus, { trial, response, variables }) => {
    const environment = {
      trial,
      context: focus,
      resource: response,
      root: response,
      self: focus,
      index: 0,
      variables,
    };
    try {
      return evaluate([focus], environment).map(checked);
    } catch (error) {
      if (!(error instanceof UnsupportedExpression)) throw error;
      throw new ExtractionProblem(`${place}: ${error.message} is not known here`);
    }
  };
}

function compiled(source: string, place: string): Evaluate {
  try {
    return compile(source);
  } catch (error) {
    if (error instanceof UnsupportedExpression)
      throw new ExtractionProblem(`${place}: ${error.message} is not known here`);
    if (error instanceof FhirPathSyntaxError) throw new ExtractionProblem(`${place}: not FHIRPath (${error.message})`);
    throw error;
  }
}

/** What expressions put together stays of a size that answers have, however they are nested. */
function checked(item: Item): Item {
  const value = raw(item);
  if (typeof value === 'string' && value.length > limits.text) {
    throw new ExtractionProblem(`a text has more than ${limits.text} characters`);
  }
  return item;
}
