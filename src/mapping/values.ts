import { note, type Run } from './run.ts';

/** Nothing there: absent, null, an empty text or an empty list. */
export function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0);
}

/** A collection as a list. */
export function items(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  return value === undefined || value === null ? [] : [value];
}

/** The one value of a collection: of several, the first. */
export function single(value: unknown): unknown {
  return Array.isArray(value) ? value[0] : value;
}

/** The one value as text; undefined when there is none or it is an object. */
export function text(value: unknown): string | undefined {
  const one = single(value);
  if (typeof one === 'string') return one === '' ? undefined : one;
  return typeof one === 'number' || typeof one === 'boolean' ? String(one) : undefined;
}

/** The one value as a number; texts such as `37,2` and `37.2` are read, anything else gives undefined. */
export function number(value: unknown): number | undefined {
  const one = single(value);
  if (typeof one === 'number') return Number.isFinite(one) ? one : undefined;
  if (typeof one !== 'string' || one.length > 40) return undefined;
  const plain = one.trim().replace(',', '.');
  if (!/^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?$/.test(plain)) return undefined;
  return Number(plain);
}

/** The one value when it is an object of the tree or of a resource. */
export function object(value: unknown): Record<string, unknown> | undefined {
  const one = single(value);
  return one !== null && typeof one === 'object' && !(one instanceof Uint8Array)
    ? (one as Record<string, unknown>)
    : undefined;
}

/** FHIRPath's reading of a collection as a condition: empty is false, a lone value that is no boolean is true. */
export function holds(value: unknown): boolean {
  const one = Array.isArray(value) && value.length === 1 ? value[0] : value;
  return one === true || (one !== false && !isEmpty(one));
}

/**
 * A property of a value; of a list, that of each item, flattened. Remembers what was read.
 * @param base when the result is only looked into: then objects do not count as read
 */
export function property(run: Run, value: unknown, name: string, base: boolean): unknown {
  if (value === undefined || value === null || typeof value !== 'object') return undefined;
  if (Array.isArray(value)) return propertyOfAll(run, value, name, base);
  const found = (value as Record<string, unknown>)[name];
  // What every object inherits is a function; names come from maps, which cannot say __proto__.
  if (found === undefined || typeof found === 'function') return undefined;
  if (!base || typeof found !== 'object') note(run, value, name);
  return found;
}

function propertyOfAll(run: Run, list: unknown[], name: string, base: boolean): unknown {
  const all: unknown[] = [];
  for (const item of list) {
    const found = property(run, item, name, base);
    if (Array.isArray(found)) all.push(...found);
    else if (!isEmpty(found)) all.push(found);
  }
  return all.length > 1 ? all : all[0];
}

/** Deep equality of JSON values; a list of one equals its item. */
export function same(a: unknown, b: unknown): boolean {
  const left = Array.isArray(a) && a.length === 1 ? a[0] : a;
  const right = Array.isArray(b) && b.length === 1 ? b[0] : b;
  if (left === right) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  const keys = Object.keys(left);
  return (
    keys.length === Object.keys(right).length &&
    keys.every((key) => same((left as Record<string, unknown>)[key], (right as Record<string, unknown>)[key]))
  );
}
