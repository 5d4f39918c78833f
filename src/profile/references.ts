import type { ValueCheck } from './binding.ts';
import { core, isResourceType } from './r4/table.ts';
import { isObject, type Json, type Trial, textOf } from './trial.ts';

/** What a reference points at, as far as can be told without a server. */
export interface Target {
  type?: string;
  /** The resource itself, when it is contained or in the same Bundle. */
  resource?: Json;
  /** A contained resource, which the container's profile answers for. */
  contained?: boolean;
  /** Named within the resource or Bundle, but not there. */
  missing?: 'contained' | 'bundle';
}

/** Type named by a literal reference: `Patient/1`, `https://…/Patient/1/_history/2`, `Patient?identifier=…`. */
export function typeInReference(reference: string): string | undefined {
  const query = reference.indexOf('?');
  const path = query < 0 ? reference : reference.slice(0, query);
  const steps = path.split('/');
  if (query >= 0) {
    const last = steps.at(-1) as string;
    return isResourceType(last) ? last : undefined;
  }
  if (steps.at(-2) === '_history') {
    steps.length -= 2;
  }
  const type = steps.at(-2);
  return type !== undefined && isResourceType(type) ? type : undefined;
}

const absolute = /^(?:#|urn:|[a-z]+:\/\/)/;
const search = /^[A-Z][A-Za-z]+\?/;
const literal = /^[A-Z][A-Za-z]+\/[A-Za-z0-9\-.]{1,64}(?:\/_history\/[A-Za-z0-9\-.]{1,64})?$/;

/** A reference as it must be in a Bundle: absolute, `Type/id` or, in a request, a search. */
function isWellFormed(reference: string, form: 'search' | 'literal'): boolean {
  return absolute.test(reference) || literal.test(reference) || (form === 'search' && search.test(reference));
}

/** Finds what a literal reference points at. */
export function resolve(reference: string, trial: Trial): Target {
  if (reference.startsWith('#')) {
    const container = trial.scope.container ?? trial.scope.resource;
    if (reference === '#') {
      return { type: textOf(container.resourceType), resource: container };
    }
    const id = reference.slice(1);
    const list = Array.isArray(container.contained) ? container.contained : [];
    const found = list.find((one): one is Json => isObject(one) && one.id === id);
    return found ? { type: textOf(found.resourceType), resource: found, contained: true } : { missing: 'contained' };
  }
  const neighbour = trial.neighbours?.get(reference);
  if (neighbour) {
    return { type: textOf(neighbour.resource.resourceType), resource: neighbour.resource };
  }
  if (reference.startsWith('urn:')) {
    return trial.neighbours ? { missing: 'bundle' } : {};
  }
  return { type: typeInReference(reference) };
}

/**
 * The check of a Reference: it resolves where it must, agrees with its own `type`, and points at an allowed type.
 *
 * @param targets canonicals of the allowed targets; none means any.
 * @param typeOf resource type that a profile is for; undefined for a profile that is not loaded.
 * @param conforms judges a contained target against the profiles among the targets.
 */
export function referenceCheck(
  targets: string[],
  typeOf: (profile: string) => string | undefined,
  conforms?: Conforms,
): ValueCheck {
  const profiles = targets.filter((one) => !isResourceType(one.replace(core, '')));
  let allowed: Set<string> | 'any' | undefined;
  return (value, trial) => {
    const { reference, type } = value as Json;
    allowed ??= allowedTypes(targets, typeOf);
    const said = typeof type === 'string' ? type.replace(core, '') : undefined;
    if (typeof reference !== 'string') {
      judgeType(said, allowed, trial);
      return;
    }
    const target = resolve(reference, trial);
    if (trial.relative !== 'any' && !isWellFormed(reference, trial.relative)) {
      trial.report('error', 'reference-format');
    }
    if (target.missing === 'contained') {
      trial.report('error', 'reference', {}, 'ref-1');
    } else if (target.missing === 'bundle') {
      trial.report('warning', 'reference-bundle');
    }
    if (said !== undefined && target.type !== undefined && said !== target.type) {
      trial.report('error', 'reference-type', { type: said.slice(0, 40), found: target.type });
    }
    judgeType(target.type ?? said, allowed, trial);
    if (target.contained && target.resource && conforms && profiles.length > 0) {
      judgeProfiles(target.resource, targets, conforms, trial);
    }
  };
}

/** Whether a resource conforms to a profile; undefined when the profile is not loaded. */
export type Conforms = (resource: Json, profile: string, trial: Trial) => boolean | undefined;

/** A contained resource has to conform to one of the profiles its container asks for. */
function judgeProfiles(resource: Json, targets: string[], conforms: Conforms, trial: Trial): void {
  const found = targets.map((one) => conforms(resource, one, trial));
  if (!found.includes(true) && !found.includes(undefined)) {
    trial.report('error', 'target-profile', { allowed: targets.join(', ') });
  }
}

function judgeType(type: string | undefined, allowed: Set<string> | 'any', trial: Trial): void {
  if (type === undefined) return;
  const known = isResourceType(type);
  // Any resource is allowed, and logical models by their canonical; a bare name that R4 does not have is neither.
  if (allowed === 'any' ? !known && !type.includes(':') : !allowed.has(type)) {
    const names = allowed === 'any' ? 'Resource' : [...allowed].join(', ');
    trial.report('error', 'target', { type: known ? type : '(…)', allowed: names });
  }
}

function allowedTypes(targets: string[], typeOf: (profile: string) => string | undefined): Set<string> | 'any' {
  const types = targets.map((one) => {
    const name = one.startsWith(core) ? one.slice(core.length) : one;
    return isResourceType(name) ? name : name === 'Resource' ? 'Resource' : typeOf(one);
  });
  return types.length === 0 || types.includes('Resource') || types.includes(undefined)
    ? 'any'
    : new Set(types as string[]);
}
