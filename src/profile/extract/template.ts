import { type Item, raw } from '../fhirpath/values.ts';
import { isObject, type Json } from '../trial.ts';
import { type Expression, type Extraction, expression } from './expression.ts';
import { ExtractionProblem, limits } from './limits.ts';

const SDC = 'http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-';
const CONTEXT = `${SDC}templateExtractContext`;
const VALUE = `${SDC}templateExtractValue`;

/** Puts values in the place of one value of a template; none: the element is left out. */
type Fill = (focus: Item, extraction: Extraction) => unknown[];

/** Makes resources of a template. */
export type Template = (focus: Item, extraction: Extraction) => Json[];

/**
 * Compiles a contained template, https://hl7.org/fhir/uv/sdc/extraction.html#template-based-extraction: it is copied, an
 * element with `templateExtractContext` once for each item of its context, and one with `templateExtractValue` gives way to
 * what its expression finds. What finds nothing is left out.
 * @throws ExtractionProblem with the place of an expression that cannot be used
 */
export function template(resource: Json, place: string): Template {
  const { id: _, ...content } = resource;
  const fill = objectFill(content, place, 0);
  return (focus, extraction) => fill(focus, extraction) as Json[];
}

function valueFill(value: unknown, beside: unknown, place: string, depth: number): Fill {
  if (depth > limits.depth) throw new ExtractionProblem(`${place}: a template is more than ${limits.depth} deep`);
  if (isObject(value)) return objectFill(value, place, depth);
  const instructions = instructionsIn(beside, place);
  const own = value === undefined ? [] : [value];
  return instructions ? instructed(instructions, () => own) : () => own;
}

function objectFill(value: Json, place: string, depth: number): Fill {
  const instructions = instructionsIn(value, place);
  const properties = Object.keys(value).flatMap((name) => propertyFill(value, name, place, depth));
  const copy: Fill = (focus, extraction) => {
    extraction.trial.spend();
    const made: Json = {};
    for (const property of properties) property(made, focus, extraction);
    return isBare(made, value) ? [] : [made];
  };
  return instructions ? instructed(instructions, copy) : copy;
}

/** Nothing is left of it; or of an extension only the name. */
function isBare(made: Json, template: Json): boolean {
  const names = Object.keys(made);
  return names.length === 0 || (names.length === 1 && names[0] === 'url' && Object.keys(template).length > 1);
}

type PropertyFill = (made: Json, focus: Item, extraction: Extraction) => void;

function propertyFill(owner: Json, name: string, place: string, depth: number): PropertyFill[] {
  const at = `${place}.${name}`;
  const plain = name.slice(1);
  // `_name` beside `name` is read with it; alone it stands for a value that is all expression.
  if (name === '__proto__' || (name.startsWith('_') && Object.hasOwn(owner, plain))) return [];
  if (name.startsWith('_')) return [filled(plain, undefined, owner[name], at, depth)];
  const value = name === 'extension' ? plainExtensions(owner.extension) : owner[name];
  return value === undefined ? [] : [filled(name, value, owner[`_${name}`], at, depth)];
}

function filled(name: string, value: unknown, beside: unknown, place: string, depth: number): PropertyFill {
  if (!isList(value) && !isList(beside)) return single(name, value, beside, place, depth);
  const besides = isList(beside) ? beside : [];
  const values = isList(value) ? value : besides.map(() => undefined);
  const fills = values.map((one, at) => valueFill(one ?? undefined, besides[at], `${place}[${at}]`, depth + 1));
  return (made, focus, extraction) => {
    const found = fills.flatMap((fill) => fill(focus, extraction));
    if (found.length > 0) made[name] = found;
  };
}

function single(name: string, value: unknown, beside: unknown, place: string, depth: number): PropertyFill {
  const fill = valueFill(value, beside, place, depth + 1);
  return (made, focus, extraction) => {
    const values = fill(focus, extraction);
    if (values.length > 1)
      throw new ExtractionProblem(`${place}: ${values.length} values for an element that takes one`);
    if (values.length > 0) made[name] = values[0];
  };
}

interface Instructions {
  context?: Expression;
  /** `%name` of the context for what is below. */
  name?: string;
  value?: Expression;
}

function instructed({ context, name, value }: Instructions, copy: Fill): Fill {
  const fill: Fill = value
    ? (focus, extraction) => value(focus, extraction).map((one) => copied(one, extraction))
    : copy;
  if (!context) return fill;
  return (focus, extraction) => {
    const before = name === undefined ? undefined : extraction.variables[name];
    const values = context(focus, extraction).flatMap((one) => {
      if (name !== undefined) extraction.variables[name] = [one];
      return fill(one, extraction);
    });
    if (name !== undefined) {
      if (before) extraction.variables[name] = before;
      else delete extraction.variables[name];
    }
    return values;
  };
}

function instructionsIn(owner: unknown, place: string): Instructions | undefined {
  const extensions = isObject(owner) && isList(owner.extension) ? owner.extension.filter(isObject) : [];
  const context = extensions.find(({ url }) => url === CONTEXT);
  const value = extensions.find(({ url }) => url === VALUE);
  if (!context && !value) return undefined;
  const { valueExpression } = context ?? {};
  const named = isObject(valueExpression) ? valueExpression : undefined;
  return {
    ...(context ? { context: expression(named ? named.expression : context.valueString, place) } : {}),
    ...(typeof named?.name === 'string' ? { name: named.name } : {}),
    ...(value ? { value: expression(value.valueString, place) } : {}),
  };
}

/** The extensions that are content. */
function plainExtensions(list: unknown): unknown {
  if (!isList(list)) return list;
  const kept = list.filter((one) => !isObject(one) || (one.url !== CONTEXT && one.url !== VALUE));
  return kept.length > 0 ? kept : undefined;
}

/** A copy of what an expression found, so that no two resources share an object. */
function copied(item: Item, { trial }: Extraction): unknown {
  const copy = (value: unknown, depth: number): unknown => {
    trial.spend();
    if (depth > limits.depth) throw new ExtractionProblem(`an answer is more than ${limits.depth} deep`);
    if (isList(value)) return value.map((one) => copy(one, depth + 1));
    // Large payloads are objects of a class of their own, never changed.
    if (!isObject(value) || Object.getPrototypeOf(value) !== Object.prototype) return value;
    const names = Object.keys(value).filter((name) => name !== '__proto__');
    return Object.fromEntries(names.map((name) => [name, copy(value[name], depth + 1)]));
  };
  return copy(raw(item), 0);
}

function isList(value: unknown): value is unknown[] {
  return Array.isArray(value);
}
