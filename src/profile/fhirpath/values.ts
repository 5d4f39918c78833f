import { resources, rowOf, types } from '../r4/table.ts';
import { capital } from '../tree.ts';
import { isObject, type Json, textOf } from '../trial.ts';

/** A value that came with more than JSON says: the type of a choice, or the extensions of a primitive. */
export class Boxed {
  readonly type: string | undefined;
  readonly value: unknown;
  readonly companion: Json | undefined;
  constructor(value: unknown, type: string | undefined, companion: Json | undefined) {
    this.value = value;
    this.type = type;
    this.companion = companion;
  }
}

/** A plain JSON value, or a boxed one. */
export type Item = unknown;

/** The JSON value of an item, without what FHIRPath had to know of its type. */
export function raw(item: Item): unknown {
  return item instanceof Boxed ? item.value : item;
}

/** One type of a choice element: `valueQuantity` is `value` as a `Quantity`. */
interface Choice {
  key: string;
  companion: string;
  name: string;
  type: string;
}

/** Every type of every choice element of R4, by its property name. */
let choices: Map<string, Choice> | undefined;

function learnChoices(): Map<string, Choice> {
  const found = new Map<string, Choice>();
  for (const table of [types(), resources()]) {
    for (const row of Object.values(table)) {
      for (const element of row.e) {
        if (element.p.endsWith('[x]')) {
          const name = element.p.slice(element.p.lastIndexOf('.') + 1, -3);
          for (const packed of element.t ?? []) {
            const type = packed.replace(/[[(].*$/, '');
            const key = name + capital(type);
            found.set(key, { key, companion: `_${key}`, name, type });
          }
        }
      }
    }
  }
  return found;
}

/** The types of one choice element, by property name and by companion (`_valueString`); empty for other elements. */
function choicesOf(name: string): Map<string, Choice> {
  choices ??= learnChoices();
  const found = new Map<string, Choice>();
  for (const one of choices.values()) {
    if (one.name === name) {
      found.set(one.key, one).set(one.companion, one);
    }
  }
  return found;
}

function push(into: Item[], value: unknown, type: string | undefined, beside: unknown): void {
  if (Array.isArray(value)) {
    for (let at = 0; at < value.length; at++) {
      const one = value[at];
      const companion = Array.isArray(beside) ? beside[at] : undefined;
      if (one !== null || isObject(companion)) {
        into.push(box(one === null ? undefined : one, type, companion));
      }
    }
  } else {
    into.push(box(value, type, beside));
  }
}

function box(value: unknown, type: string | undefined, companion: unknown): Item {
  const beside = isObject(companion) ? companion : undefined;
  return type === undefined && beside === undefined ? value : new Boxed(value, type, beside);
}

/** Adds the children of an item to a list. */
export type Member = (item: Item, into: Item[]) => void;

/** Finds the children of a name, choice elements included; what depends on the name alone is made once. */
export function memberNamed(name: string): Member {
  const companion = `_${name}`;
  let types: Map<string, Choice> | undefined;
  return (item, into) => {
    if (item instanceof Boxed && item.companion && !isObject(item.value)) {
      const found = item.companion[name];
      if (found !== undefined) {
        push(into, found, undefined, undefined);
      }
      return;
    }
    const object = raw(item);
    if (!isObject(object)) {
      return;
    }
    const value = object[name];
    const beside = object[companion];
    if (value !== undefined) {
      push(into, value, undefined, beside);
    } else if (Array.isArray(beside)) {
      push(
        into,
        beside.map(() => null),
        undefined,
        beside,
      );
    } else if (isObject(beside)) {
      into.push(new Boxed(undefined, undefined, beside));
    } else if (isNamed(item, object, name)) {
      into.push(item);
    } else {
      types ??= choicesOf(name);
      if (types.size > 0) {
        choice(object, types, name.charCodeAt(0), into);
      }
    }
  };
}

/** Whether an item has children of a name; a plain value, the usual case, is seen without making a list. */
export function hasNamed(name: string): (item: Item) => boolean {
  const member = memberNamed(name);
  return (item) => {
    const object = raw(item);
    const value = isObject(object) ? object[name] : undefined;
    if (value !== undefined && !Array.isArray(value)) {
      return true;
    }
    const found: Item[] = [];
    member(item, found);
    return found.length > 0;
  };
}

/** An expression may begin with the name of the type it is about. */
function isNamed(item: Item, object: Json, name: string): boolean {
  return object.resourceType === name || (item instanceof Boxed && item.type === name);
}

const UNDERSCORE = 95;

/** Most properties are told apart from the choice's by their first letter, without asking the table. */
function choice(object: Json, types: Map<string, Choice>, initial: number, into: Item[]): void {
  for (const key in object) {
    const first = key.charCodeAt(0);
    const found = first === initial || first === UNDERSCORE ? types.get(key) : undefined;
    if (found && (found.key === key || object[found.key] === undefined)) {
      push(into, object[found.key], found.type, object[found.companion]);
    }
  }
}

/** All children of an item. */
export function children(item: Item, into: Item[]): void {
  const object = raw(item);
  if (item instanceof Boxed && item.companion && !isObject(item.value)) {
    children(item.companion, into);
  }
  if (isObject(object)) {
    for (const key in object) {
      if (key !== 'resourceType' && !key.startsWith('_')) {
        push(into, object[key], choices?.get(key)?.type, object[`_${key}`]);
      } else if (key.startsWith('_') && object[key.slice(1)] === undefined) {
        push(into, undefined, undefined, object[key]);
      }
    }
  }
}

/** Whether an item is of a type; undefined when JSON does not tell. */
export function isOfType(item: Item, type: string): boolean | undefined {
  const value = raw(item);
  const boxed = item instanceof Boxed ? item.type : undefined;
  if (boxed !== undefined) {
    return boxed === type || boxed === type.charAt(0).toLowerCase() + type.slice(1) || descends(boxed, type);
  }
  if (isObject(value)) {
    if (typeof value.resourceType === 'string') {
      return value.resourceType === type || descends(value.resourceType, type);
    }
    return undefined;
  }
  const low = type.toLowerCase();
  if (typeof value === 'boolean') {
    return low === 'boolean';
  }
  if (typeof value === 'number') {
    return low === 'decimal' || (Number.isInteger(value) && (low === 'integer' || low.endsWith('int')));
  }
  if (low === 'boolean' || low === 'integer' || low === 'decimal' || /^[A-Z]/.test(type.replace('String', ''))) {
    return false;
  }
  return low === 'string' ? true : undefined;
}

function descends(type: string, ancestor: string): boolean {
  for (let row = rowOf(type); row?.base; row = rowOf(row.base)) {
    if (row.base === ancestor) {
      return true;
    }
  }
  return false;
}

/** Deep equality of JSON. */
export function same(left: unknown, right: unknown): boolean {
  if (left === right) {
    return true;
  }
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((one, at) => same(one, right[at]));
  }
  if (isObject(left) && isObject(right)) {
    const keys = Object.keys(left);
    return (
      keys.length === Object.keys(right).length &&
      keys.every((key) => Object.hasOwn(right, key) && same(left[key], right[key]))
    );
  }
  return false;
}

const dateForm = /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d(?:\.\d+)?))?(Z|[+-]\d\d:\d\d)?)?)?)?$/;

/**
 * Order of two values: negative, 0 or positive; undefined when it cannot be told (other types, other precision of dates,
 * other units).
 */
export function order(left: unknown, right: unknown): number | undefined {
  if (typeof left === 'number' && typeof right === 'number') {
    return left - right;
  }
  if (typeof left === 'string' && typeof right === 'string') {
    const [one, two] = [dateForm.exec(left), dateForm.exec(right)];
    if (one && two) {
      return orderOfDates(one, two);
    }
    return left < right ? -1 : left > right ? 1 : 0;
  }
  if (isObject(left) && isObject(right)) {
    const units = (one: Json) => `${textOf(one.system)}|${textOf(one.code ?? one.unit)}`;
    return units(left) === units(right) ? order(left.value, right.value) : undefined;
  }
  return undefined;
}

function orderOfDates(left: RegExpExecArray, right: RegExpExecArray): number | undefined {
  if (left[7] && right[7] && left[6] && right[6]) {
    return Date.parse(left[0]) - Date.parse(right[0]);
  }
  for (let part = 1; part <= 6; part++) {
    const [one, two] = [left[part], right[part]];
    if (one === undefined || two === undefined) {
      return one === two ? 0 : undefined;
    }
    if (one !== two) {
      return one < two ? -1 : 1;
    }
  }
  return 0;
}
