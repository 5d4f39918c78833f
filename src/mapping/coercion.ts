import { warning } from '../errors.ts';
import { type ElementSpec, elementsOf, isPrimitive } from './elements.ts';
import { codeableConcept, firstCoding } from './functions/codes.ts';
import { forgetWhole, note, type Run, report } from './run.ts';
import type { Compiled } from './scope.ts';
import { isEmpty, items, number, object, single, text } from './values.ts';

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
  return (run, value) => {
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
  return (run, value) => {
    if (isEmpty(value)) return undefined;
    const source = object(value);
    if (!source) return short?.text?.(single(value)) ?? misfit(run, type);
    if (short?.object && !looksLike(type, source)) {
      return short.object(run, source) ?? misfit(run, type);
    }
    forgetWhole(run, source);
    return project(run, type, source);
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

/** A copy with only the elements that the type has. */
function project(run: Run, type: string, source: Record<string, unknown>): object | undefined {
  const table = elementsOf(type);
  if (!table) return undefined;
  const made: Record<string, unknown> = {};
  let filled = false;
  for (const name in source) {
    const spec = table.get(name);
    if (!spec) continue;
    const value = projectElement(run, spec, source, name);
    if (value === undefined) continue;
    made[name] = value;
    filled = true;
  }
  if (made.reference === '') copyLink(run, source, made);
  return filled ? made : undefined;
}

function projectElement(run: Run, spec: ElementSpec, source: Record<string, unknown>, name: string): unknown {
  const value = source[name];
  if (isEmpty(value)) return undefined;
  const fit = coercion(spec.type);
  if (run.reads !== undefined && isPrimitive(spec.type)) note(run, source, name);
  if (!spec.list) return fit(run, single(value));
  const list = items(value).flatMap((item) => fit(run, item) ?? []);
  return list.length > 0 ? list : undefined;
}

/** A reference read back from another draft waits for the same fullUrl. */
function copyLink(run: Run, source: object, made: Record<string, unknown>): void {
  const original = run.session.links.findLast((link) => link.holder === source);
  if (original) run.session.links.push({ ...original, holder: made });
}
