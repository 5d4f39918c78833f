import type { BaseTypes } from './base.ts';
import { judgeBundle, neighboursOf } from './bundle.ts';
import { impliedProfiles } from './implied.ts';
import type { ObjectCheck } from './properties.ts';
import { core, isResourceType } from './r4/table.ts';
import { isObject, type Json, type Trial, textOf } from './trial.ts';

/** What judging whole resources needs from the rest of the room. */
export interface ResourceSurroundings {
  base: BaseTypes;
  /** Check of a profile, when it is loaded. */
  profile(url: string): ObjectCheck | undefined;
  /** The type a profile is for. */
  typeOf(url: string): string | undefined;
  /** Whether the version in a canonical is the one at hand. */
  isThisVersion(canonical: string): boolean;
  /** Whether a profile is another one or derives from it. */
  derives(profile: string, from: string): boolean;
  /** Rules of single types beyond elements and invariants (answers against their questionnaire). */
  special(value: Json, trial: Trial): void;
}

/** Judges whole resources: base R4, then each profile that is asked for, claimed or implied. */
export class ResourceJudge {
  private readonly around: ResourceSurroundings;
  private readonly claims = new Map<string, Claim>();

  constructor(around: ResourceSurroundings) {
    this.around = around;
  }

  /** Judges the resource a trial is about. */
  root(value: Json, trial: Trial, profiles: string[]): void {
    if (isKnown(value)) {
      this.whole(value, trial, profiles);
    } else {
      trial.report('error', 'resource');
    }
  }

  /** Judges a resource inside another: contained, entry of a Bundle, parameter. */
  inner(value: Json, trial: Trial): void {
    if (!isKnown(value)) {
      trial.report('error', 'resource');
      if (trial.name() === 'contained') {
        trial.report('error', 'id-missing');
      }
      return;
    }
    const { scope } = trial;
    const contained = trial.name() === 'contained';
    trial.scope = {
      resource: value,
      container: contained ? (scope.container ?? scope.resource) : undefined,
      depth: trial.mark(),
    };
    this.whole(value, trial, []);
    trial.scope = scope;
  }

  private whole(value: Json, trial: Trial, asked: string[]): void {
    const type = value.resourceType as string;
    const isBundle = type === 'Bundle';
    const { neighbours, relative } = trial;
    if (isBundle) {
      trial.neighbours = neighboursOf(value);
      trial.relative = value.type === 'transaction' || value.type === 'batch' ? 'search' : 'literal';
    }
    this.around.base.check(type)(value, trial);
    trial.profile = core + type;
    if (value.contained !== undefined) {
      judgeContained(value, trial);
    }
    if (isBundle) {
      judgeBundle(value, trial);
    }
    this.around.special(value, trial);
    this.profiles(value, type, trial, asked);
    trial.neighbours = neighbours;
    trial.relative = relative;
  }

  private profiles(value: Json, type: string, trial: Trial, asked: string[]): void {
    const claims = isObject(value.meta) && Array.isArray(value.meta.profile) ? (value.meta.profile as unknown[]) : [];
    const done: string[] = [];
    for (const url of asked) {
      this.against(url, value, type, trial, done);
    }
    for (const [at, claim] of claims.entries()) {
      if (typeof claim === 'string') {
        this.against(claim, value, type, trial, done, `meta.profile[${at}]`);
      }
    }
    for (const url of impliedProfiles(value)) {
      if (!done.some((one) => this.around.derives(one, url))) {
        this.against(url, value, type, trial, done);
      }
    }
  }

  private against(claim: string, value: Json, type: string, trial: Trial, done: string[], place?: string): void {
    const { url, expected } = this.claim(claim);
    if (done.includes(url)) {
      return;
    }
    done.push(url);
    trial.profile = url;
    if (expected === undefined) {
      trial.report('warning', 'profile-unknown', { name: claim.slice(0, 200) }, 'profile-unknown', place);
    } else if (expected !== type && expected !== 'Resource' && expected !== 'DomainResource') {
      trial.report('error', 'profile-type', { expected, type });
    } else {
      this.around.profile(url)?.(value, trial);
    }
  }

  private claim(canonical: string): Claim {
    const known = this.claims.get(canonical);
    if (known) {
      return known;
    }
    const url = canonical.split('|')[0] as string;
    const expected = this.around.isThisVersion(canonical) ? this.around.typeOf(url) : undefined;
    const made = { url, expected };
    if (expected !== undefined && this.claims.size < MOST_CLAIMS) {
      this.claims.set(canonical, made);
    }
    return made;
  }
}

/** Canonicals with the right version of what is loaded: of each there is one with and one without version. */
const MOST_CLAIMS = 5000;

/** What a canonical of a profile names. */
interface Claim {
  /** Without the version. */
  url: string;
  /** Type the profile is for; undefined when it, or that version of it, is not loaded. */
  expected: string | undefined;
}

function isKnown(value: Json): boolean {
  return typeof value.resourceType === 'string' && isResourceType(value.resourceType);
}

/** Rules dom-2 to dom-5 and those on ids, https://hl7.org/fhir/R4/references.html#contained */
function judgeContained(value: Json, trial: Trial): void {
  const list = Array.isArray(value.contained) ? value.contained.filter(isObject) : [];
  const ids = new Set<unknown>();
  const named = new Set<string>();
  collectLocal(value, named, trial);
  trial.enter('contained');
  for (const [at, one] of list.entries()) {
    trial.at(at);
    if (one.id === undefined) {
      trial.report('error', 'id-missing');
    } else if (ids.has(one.id)) {
      trial.report('error', 'id-duplicate');
    }
    ids.add(one.id);
    if (one.contained !== undefined) {
      trial.add('error', 'dom-2', {
        en: 'A contained resource must not contain others.',
        fr: 'Une ressource contenue n’en contient pas d’autre.',
      });
    }
    const meta = isObject(one.meta) ? one.meta : {};
    if (meta.versionId !== undefined || meta.lastUpdated !== undefined) {
      trial.add('error', 'dom-4', {
        en: 'A contained resource has no meta.versionId and no meta.lastUpdated.',
        fr: 'Une ressource contenue n’a ni meta.versionId ni meta.lastUpdated.',
      });
    }
    if (meta.security !== undefined) {
      trial.add('error', 'dom-5', {
        en: 'A contained resource has no security label of its own.',
        fr: 'Une ressource contenue n’a pas d’étiquette de sécurité propre.',
      });
    }
    if (!named.has(`#${textOf(one.id)}`) && !refersOut(one, trial)) {
      trial.add('error', 'dom-3', {
        en: 'A contained resource must be referred to by the resource around it, or refer to it.',
        fr: 'Une ressource contenue doit être visée par celle qui la contient, ou la viser.',
      });
    }
  }
  trial.leave();
}

function collectLocal(value: unknown, into: Set<string>, trial: Trial): void {
  if (typeof value === 'string') {
    if (value.startsWith('#')) {
      into.add(value);
    }
  } else if (typeof value === 'object' && value !== null) {
    trial.spend();
    for (const one of Object.values(value)) {
      collectLocal(one, into, trial);
    }
  }
}

function refersOut(contained: Json, trial: Trial): boolean {
  const found = new Set<string>();
  collectLocal(contained, found, trial);
  return found.has('#');
}
