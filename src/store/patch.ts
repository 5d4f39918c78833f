import { applyPatch } from '@medplum/core';
import type { Parameters, ParametersParameter, Resource } from '@medplum/fhirtypes';
import { fault, PasserelleError } from '../errors.ts';
import { fhirPath, type Step } from './path.ts';
import { elementsOf } from './structure.ts';

/** One operation of a JSON Patch, https://www.rfc-editor.org/rfc/rfc6902 */
export interface JsonPatchOperation {
  op: 'add' | 'remove' | 'replace' | 'move' | 'copy' | 'test';
  path: string;
  from?: string;
  value?: unknown;
}

/** A JSON Patch (RFC 6902) or a FHIRPath Patch (R4 fhirpatch). */
export type Patch = JsonPatchOperation[] | Parameters;

const MAX_OPERATIONS = 1000;

function failed(reason: string, place?: string): PasserelleError {
  return new PasserelleError(fault('patch-failed', { params: { reason }, ...(place ? { place } : {}) }));
}

/**
 * Applies a JSON Patch or a FHIRPath Patch (Parameters) to a copy of a resource.
 * https://hl7.org/fhir/R4/http.html#patch
 * @throws PasserelleError patch-failed, with the operation as place; fhir-request-invalid when it is no patch at all
 */
export function applyTo(resource: Resource, patch: unknown): Resource {
  const copy = structuredClone(resource) as unknown as Record<string, unknown>;
  if (Array.isArray(patch)) jsonPatch(copy, patch);
  else if ((patch as Parameters | null)?.resourceType === 'Parameters') fhirPathPatch(copy, patch as Parameters);
  else {
    const reason = 'a patch is a JSON Patch array or a Parameters resource';
    throw new PasserelleError(fault('fhir-request-invalid', { params: { reason } }));
  }
  if (copy.resourceType !== resource.resourceType || copy.id !== resource.id) {
    throw failed('a patch must leave resourceType and id as they are');
  }
  prune(copy);
  return copy as unknown as Resource;
}

/** What lost its last element is gone: FHIR has no empty arrays and objects. */
function prune(node: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(node)) {
    if (value === null || typeof value !== 'object') continue;
    for (const one of Array.isArray(value) ? value : [value]) if (one && typeof one === 'object') prune(one);
    if (Object.keys(value).length === 0) delete node[name];
  }
}

function jsonPatch(copy: object, operations: unknown[]): void {
  if (operations.length > MAX_OPERATIONS) throw failed(`more than ${MAX_OPERATIONS} operations`);
  operations.forEach((operation, index) => {
    const { path, from } = (operation ?? {}) as JsonPatchOperation;
    const pointers = [path, from].filter((one) => one !== undefined);
    if (
      !pointers.length ||
      !pointers.every((one) => typeof one === 'string' && /^\//.test(one) && !/__proto__/.test(one))
    ) {
      throw failed('path is not a JSON Pointer to an element', `[${index}]`);
    }
    let result: (Error | null)[];
    try {
      result = applyPatch(copy, [operation as never]) as (Error | null)[];
    } catch {
      throw failed('the operation is not one of RFC 6902', `[${index}]`);
    }
    if (result[0])
      throw failed(result[0].name === 'TestError' ? 'a test does not hold' : 'the path leads nowhere', `[${index}]`);
  });
}

type Node = Record<string, unknown> | unknown[];

/** A place in the resource: what holds it, and under which name or number. */
interface Place {
  holder: Node;
  key: string | number;
}

/** https://hl7.org/fhir/R4/fhirpatch.html */
function fhirPathPatch(copy: Record<string, unknown>, { parameter = [] }: Parameters): void {
  if (parameter.length > MAX_OPERATIONS) throw failed(`more than ${MAX_OPERATIONS} operations`);
  parameter.forEach((operation, index) => {
    const at = `Parameters.parameter[${index}]`;
    const part = (name: string) => operation.part?.find((one) => one.name === name);
    const type = part('type')?.valueCode ?? part('type')?.valueString;
    const text = part('path')?.valueString;
    if (!type || !text) throw failed('type or path is missing', at);
    const path = fhirPath(text, String(copy.resourceType));
    if (!path)
      throw failed('the path names an element R4 does not have, or uses more of FHIRPath than a patch may', at);
    const places = locate(copy, path.steps);
    operate(copy, String(type), { places, steps: path.steps, part, at, text });
  });
}

interface Operation {
  places: Place[];
  steps: Step[];
  part: (name: string) => ParametersParameter | undefined;
  at: string;
  text: string;
}

function operate(copy: Record<string, unknown>, type: string, operation: Operation): void {
  const { places, at } = operation;
  const isList = type === 'insert' || type === 'move';
  if (places.length > 1 && !isList) throw failed('the path leads to several elements', at);
  if (isList) inList(type, operation);
  else if (type === 'delete') remove(places[0]);
  else if (type === 'add') add(copy, operation);
  else if (type !== 'replace') throw failed('type must be add, insert, delete, replace or move', at);
  else if (places[0]) replace(places[0], operation);
  else throw failed('the path leads nowhere', at);
}

function remove(place: Place | undefined): void {
  if (!place) return;
  const { holder, key } = place;
  if (Array.isArray(holder)) holder.splice(Number(key), 1);
  else delete holder[key];
}

function replace({ holder, key }: Place, operation: Operation): void {
  const { value, type } = partValue(operation.part('value'), operation.at);
  const last = operation.steps.at(-1);
  const renamed =
    last?.kind === 'property' && last.names.length > 1 ? last.names.find((name) => name.endsWith(type)) : key;
  if (renamed === undefined) throw failed('the element cannot have a value of this type', operation.at);
  if (Array.isArray(holder)) holder[Number(key)] = value;
  else {
    delete holder[key];
    holder[renamed] = value;
  }
}

function add(copy: Record<string, unknown>, { places, part, at, steps }: Operation): void {
  const name = part('name')?.valueString;
  if (!name) throw failed('name is missing', at);
  const parent = steps.length === 0 ? copy : valueAt(places[0]);
  if (!parent || typeof parent !== 'object' || Array.isArray(parent)) throw failed('the path leads to no element', at);
  const holder = parent as Record<string, unknown>;
  const { value, type } = partValue(part('value'), at);
  const below = fhirPath(
    [...steps.filter((step) => step.kind === 'property').map((step) => step.names[0]), name].join('.'),
    String(copy.resourceType),
  );
  const last = below?.steps.at(-1);
  if (last?.kind !== 'property') throw failed('R4 has no element of this name here', at);
  const property = last.names.length === 1 ? last.names[0]! : last.names.find((one) => one === name + type);
  if (!property || ['__proto__', 'resourceType', 'id'].includes(property))
    throw failed('the element cannot have this value', at);
  const held = holder[property];
  if (Array.isArray(held)) held.push(value);
  else if (held === undefined) holder[property] = repeats(String(copy.resourceType), steps, property) ? [value] : value;
  else throw failed('the element is there already and does not repeat', at);
}

function inList(type: 'insert' | 'move', { places, part, at }: Operation): void {
  const list = places[0]?.holder;
  if (!Array.isArray(list)) throw failed('the path does not lead to a list', at);
  const number = (name: string, limit: number) => {
    const value = part(name)?.valueInteger;
    if (value === undefined || value < 0 || value > limit) throw failed(`${name} is missing or outside the list`, at);
    return value;
  };
  if (type === 'insert') list.splice(number('index', list.length), 0, partValue(part('value'), at).value);
  else {
    const [moved] = list.splice(number('source', list.length - 1), 1);
    list.splice(number('destination', list.length), 0, moved);
  }
}

/** The value of a part: `value[x]`, or a complex one spelled out by parts of its own. */
function partValue(part: ParametersParameter | undefined, at: string): { value: unknown; type: string } {
  const name = Object.keys(part ?? {}).find((key) => key.startsWith('value'));
  if (part && name)
    return { value: (part as unknown as Record<string, unknown>)[name], type: name.slice('value'.length) };
  if (part?.resource) return { value: part.resource, type: 'Resource' };
  if (!part?.part?.length) throw failed('value is missing', at);
  const value: Record<string, unknown> = {};
  const isExtension = part.part.some((one) => one.name === 'url');
  for (const one of part.part) {
    if (!one.name || one.name === '__proto__') throw failed('a part of the value has no name', at);
    const inner = partValue(one, at);
    const isChoice = one.name.endsWith('[x]') || (isExtension && one.name === 'value');
    const key = isChoice ? one.name.replace('[x]', '') + inner.type : one.name;
    const held = value[key];
    if (held === undefined) value[key] = inner.value;
    else value[key] = Array.isArray(held) ? [...held, inner.value] : [held, inner.value];
  }
  return { value, type: '' };
}

const valueAt = (place: Place | undefined) => place && (place.holder as Record<string | number, unknown>)[place.key];

function repeats(type: string, steps: Step[], property: string): boolean {
  let current = type;
  for (const step of steps) {
    if (step.kind === 'property') current = elementsOf(current)?.get(step.names[0]!)?.type ?? '';
  }
  return elementsOf(current)?.get(property)?.repeats ?? false;
}

/** Like `follow`, but answers where the values are. */
function locate(resource: Record<string, unknown>, steps: Step[]): Place[] {
  let places: Place[] = [{ holder: { root: resource }, key: 'root' }];
  for (const step of steps) {
    places = places.flatMap((place) => {
      const value = valueAt(place);
      if (step.kind === 'where')
        return (value as Record<string, unknown> | null)?.[step.name] === step.value ? [place] : [];
      if (step.kind === 'index') return [place];
      if (value === null || typeof value !== 'object') return [];
      return step.names.flatMap((name) => within(value as Record<string, unknown>, name));
    });
    if (step.kind === 'index') places = places.slice(step.at, step.at + 1);
  }
  return steps.length ? places : [];
}

function within(holder: Record<string, unknown>, name: string): Place[] {
  const held = holder[name];
  if (held === undefined) return [];
  return Array.isArray(held) ? held.map((_, key) => ({ holder: held, key })) : [{ holder, key: name }];
}
