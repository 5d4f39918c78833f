import { resolve, typeInReference } from './references.ts';
import { isObject, type Json, type Trial, textOf } from './trial.ts';

/** A value that is to be put into a slice, with its FHIR type. */
export interface Candidate {
  value: unknown;
  type: string;
  beside: unknown;
}

/** One step of a discriminator's path (https://hl7.org/fhir/R4/profiling.html#discriminator). */
export type Step = { kind: 'name' | 'extension' | 'type'; name: string } | { kind: 'resolve' };

/** The steps of a discriminator's path; undefined when it has one that is not known here. */
export function stepsOf(path: string): Step[] | undefined {
  if (path === '$this' || path === '') {
    return [];
  }
  const parts = path.replace(/^\$this\./, '').match(/(?:[^.(]|\([^)]*\))+/g) ?? [];
  const steps = parts.map((part): Step | undefined => {
    const call = /^(\w+)\((.*)\)$/.exec(part);
    if (!call) {
      return { kind: 'name', name: part.replace('[x]', '') };
    }
    if (call[1] === 'resolve') {
      return { kind: 'resolve' };
    }
    if (call[1] === 'extension') {
      return { kind: 'extension', name: (call[2] as string).replace(/^['"]|['"]$/g, '') };
    }
    return call[1] === 'ofType' ? { kind: 'type', name: call[2] as string } : undefined;
  });
  return steps.includes(undefined) ? undefined : (steps as Step[]);
}

/** A value as a list: nothing, one, or the array it is. */
export function listOf(value: unknown): unknown[] {
  return value === undefined ? [] : Array.isArray(value) ? value : [value];
}

/** The values below a candidate along a path. */
export function valuesAt(candidate: Candidate, steps: Step[], trial: Trial): unknown[] {
  let level: unknown[] = candidate.value === undefined ? [] : [candidate.value];
  for (const step of steps) {
    trial.spend();
    const next: unknown[] = [];
    for (const one of level) {
      if (isObject(one)) {
        oneStep(one, step, trial, next);
      }
    }
    level = next;
  }
  return level;
}

function oneStep(value: Json, step: Step, trial: Trial, into: unknown[]): void {
  switch (step.kind) {
    case 'name':
      if (value[step.name] === undefined) {
        choiceValues(value, step.name, into);
      } else {
        addAll(value[step.name], into);
      }
      break;
    case 'extension':
      for (const one of listOf(value.extension)) {
        if (isObject(one) && one.url === step.name) {
          into.push(one);
        }
      }
      break;
    case 'resolve':
      if (typeof value.reference === 'string') {
        addAll(resolve(value.reference, trial).resource, into);
      }
      break;
    default:
      into.push(value);
  }
}

function addAll(value: unknown, into: unknown[]): void {
  if (Array.isArray(value)) {
    for (const one of value) {
      into.push(one);
    }
  } else if (value !== undefined) {
    into.push(value);
  }
}

function isCapital(code: number): boolean {
  return code >= 65 && code <= 90;
}

function choiceValues(value: Json, name: string, into: unknown[]): void {
  for (const key in value) {
    if (key.startsWith(name) && isCapital(key.charCodeAt(name.length))) {
      into.push(value[key]);
    }
  }
}

/** FHIR types of the values along a path, as far as JSON tells. */
export function typesAt(candidate: Candidate, steps: Step[], trial: Trial): string[] {
  const last = steps.at(-1);
  if (last === undefined) {
    const type = isObject(candidate.value) ? candidate.value.resourceType : undefined;
    return [typeof type === 'string' ? type : candidate.type];
  }
  if (last.kind === 'resolve') {
    return valuesAt(candidate, steps.slice(0, -1), trial).flatMap((one) => referencedType(one, trial));
  }
  const owners = valuesAt(candidate, steps.slice(0, -1), trial).filter(isObject);
  return owners.flatMap((owner) => {
    const name = (last as { name: string }).name;
    const direct = listOf(owner[name]).flatMap((one) =>
      isObject(one) && one.resourceType ? [textOf(one.resourceType)] : [],
    );
    const typed = Object.keys(owner)
      .filter((key) => key.startsWith(name) && key.length > name.length)
      .map((key) => key.slice(name.length));
    return [...direct, ...typed, ...typed.map((one) => one.charAt(0).toLowerCase() + one.slice(1))];
  });
}

function referencedType(value: unknown, trial: Trial): string[] {
  if (!isObject(value)) {
    return [];
  }
  if (typeof value.reference === 'string') {
    const type = resolve(value.reference, trial).type ?? typeInReference(value.reference);
    return type === undefined ? [] : [type];
  }
  return typeof value.type === 'string' ? [value.type] : [];
}
