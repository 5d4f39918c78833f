import { warning } from '../errors.ts';
import { elementsOf, isPrimitive } from './elements.ts';
import { codeableConcept, firstCoding } from './functions/codes.ts';
import { forgetWhole, note, type Run, report } from './run.ts';
import type { Compiled } from './scope.ts';
import { isEmpty, number, object, single, text } from './values.ts';

/** Makes one value fit one element; undefined when there is nothing or when it cannot fit (which is reported). */
export type Coerce = (run: Run, value: unknown) => unknown;

/**
 * How the values of an expression become values of an element of `type`. Values that functions made fresh in that type pass
 * as they are; values of the source are copied, so that a resource never shares an object with the tree, and only what the
 * type has is taken.
 */
export function coercionFor(type: string, expression: Compiled): Coerce {
  const fits = expression.type === type || (type === 'Resource' && expression.type !== undefined);
  if (type.startsWith('#') || (expression.fresh && fits)) return asItIs;
  return coercion(type);
}

/** The same for a value of unknown origin. */
export function coercion(type: string): Coerce {
  let found = known.get(type);
  if (!found) {
    found = isPrimitive(type) ? primitive(type) : complex(type);
    known.set(type, found);
  }
  return found;
}

const known = new Map<string, Coerce>();
const asItIs: Coerce = (_run, value) => (isEmpty(value) ? undefined : value);

function misfit(run: Run, type: string): undefined {
  report(run, warning('value-misfit', { params: { type } }));
  return undefined;
}

function primitive(type: string): Coerce {
  const fit = primitiveFit(type);
  const asTexts = fit === text;
  return (run, value) => {
    if (asTexts && typeof value === 'string' && value !== '') return value;
    if (isEmpty(value)) return undefined;
    const found = fit(value);
    return found === undefined ? misfit(run, type) : found;
  };
}

function primitiveFit(type: string): (value: unknown) => unknown {
  if (type === 'boolean') return (value) => (typeof value === 'boolean' ? value : BOOLEANS[text(value) ?? '']);
  if (type === 'decimal') return number;
  if (type === 'integer' || type === 'positiveInt' || type === 'unsignedInt') return (value) => whole(number(value));
  if (type === 'date') return (value) => text(value)?.slice(0, 10);
  if (type === 'base64Binary') {
    return (value) =>
      value instanceof Uint8Array
        ? Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')
        : text(value);
  }
  return text;
}

const BOOLEANS: Record<string, boolean> = { true: true, false: false };

function whole(value: number | undefined): number | undefined {
  return Number.isInteger(value) ? value : undefined;
}

function complex(type: string): Coerce {
  if (type === 'Resource') return (_run, value) => structuredClone(object(value));
  const short = shorthand[type];
  let plan: Plan | undefined;
  return (run, value) => {
    if (isEmpty(value)) return undefined;
    const source = object(value);
    if (!source) return short?.text?.(single(value)) ?? misfit(run, type);
    if (short?.object && !looksLike(type, source)) {
      return short.object(run, source) ?? misfit(run, type);
    }
    forgetWhole(run, source);
    plan ??= planOf(type);
    return project(run, plan, source);
  };
}

/** What people write where FHIR has an object; and reader's coded values where FHIR has a concept. */
const shorthand: Record<
  string,
  { text?: (value: unknown) => unknown; object?: (run: Run, value: unknown) => unknown }
> = {
  CodeableConcept: { text: (value) => named('text', text(value)), object: codeableConcept },
  Coding: { text: (value) => named('code', text(value)), object: firstCoding },
  Reference: { text: (value) => named('reference', text(value)) },
  HumanName: { text: (value) => named('text', text(value)) },
  Address: { text: (value) => named('text', text(value)) },
  Annotation: { text: (value) => named('text', text(value)) },
  Identifier: { text: (value) => named('value', text(value)) },
  Quantity: { text: (value) => named('value', number(value)) },
};

function named(name: string, value: unknown): object | undefined {
  return value === undefined ? undefined : { [name]: value };
}

/** FHIR's own shape of a concept is copied element by element (with its extensions); anything else is a coded value. */
function looksLike(type: string, source: Record<string, unknown>): boolean {
  return type === 'CodeableConcept' && Array.isArray(source.coding);
}

/** The elements of a type with what makes a value fit each; made when the type is first wanted, for types nest. */
type Plan = ReadonlyMap<string, { fit: Coerce; list: boolean; leaf: boolean }>;

function planOf(type: string): Plan {
  const elements = [...(elementsOf(type) ?? [])];
  return new Map(
    elements.map(([name, { type, list }]) => [name, { fit: coercion(type), list, leaf: isPrimitive(type) }]),
  );
}

/** A copy with only the elements that the type has. */
function project(run: Run, plan: Plan, source: Record<string, unknown>): object | undefined {
  const made: Record<string, unknown> = {};
  let filled = false;
  for (const name in source) {
    const element = plan.get(name);
    if (element === undefined) continue;
    const value = source[name];
    if (isEmpty(value)) continue;
    if (element.leaf && run.reads !== undefined) note(run, source, name);
    const copy = element.list ? projectList(run, element.fit, value) : element.fit(run, single(value));
    if (copy === undefined) continue;
    made[name] = copy;
    filled = true;
  }
  if (made.reference === '') copyLink(run, source, made);
  return filled ? made : undefined;
}

function projectList(run: Run, fit: Coerce, value: unknown): unknown[] | undefined {
  if (!Array.isArray(value)) {
    const only = fit(run, value);
    return only === undefined ? undefined : [only];
  }
  let list: unknown[] | undefined;
  for (let index = 0; index < value.length; index++) {
    const copy = fit(run, value[index]);
    if (copy === undefined) continue;
    if (list === undefined) list = [copy];
    else list.push(copy);
  }
  return list;
}

/** A reference read back from another draft waits for the same fullUrl. */
function copyLink(run: Run, source: object, made: Record<string, unknown>): void {
  const original = run.session.links.findLast((link) => link.holder === source);
  if (original) run.session.links.push({ ...original, holder: made });
}
