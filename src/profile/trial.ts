import { type Finding, type Rule, sentencesOf } from './finding.ts';

/** What an object of a resource looks like once JSON has been read. */
export type Json = Record<string, unknown>;

/** True for a JSON object; arrays and null are none. */
export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A scalar as text; nothing for objects, whose own `toString` may be anything when they come from outside. */
export function textOf(value: unknown): string {
  return value === undefined || typeof value === 'object' ? '' : String(value);
}

const MOST_FINDINGS = 300;
const DEEPEST = 64;
const MOST_STEPS = 5_000_000;

/** Objects within objects that one probe goes down, so that a value is looked at a few times at most. */
const DEEPEST_PROBE = 5;

/** Tells whether a value is sound; `room` is how many objects further down it may look. */
export type Sound = (value: unknown, trial: Trial, room: number) => boolean;

/** Thrown inside a trial when a limit is reached; `judge` turns it into a finding. */
export class TrialStopped extends Error {
  readonly rule: 'limit-depth' | 'limit-work' | 'limit-findings';
  constructor(rule: TrialStopped['rule']) {
    super(rule);
    this.rule = rule;
  }
}

/** The resource being judged and what surrounds it. */
export interface Scope {
  resource: Json;
  /** The resource that contains this one, when it is a contained one. */
  container: Json | undefined;
  /** Depth of the path at which this resource begins. */
  depth: number;
  /** Ids of elements met so far. */
  ids?: Set<string>;
}

/** One entry of a Bundle, as references find it. */
export interface Neighbour {
  resource: Json;
  index: number;
}

/**
 * One run of the examiner over one resource: the place it is at, what it found, and how much work is left.
 *
 * The path is kept as a stack and only made into a string for a finding, since most resources have none.
 */
export class Trial {
  readonly findings: Finding[] = [];
  /** Canonical of the definition that is being applied. */
  profile = '';
  scope: Scope;
  /** The object whose properties are being looked at. */
  owner: Json;
  /** Entries of the Bundle around, by fullUrl and by `Type/id`. */
  neighbours: Map<string, Neighbour> | undefined;
  /** Inside a Bundle relative references have a form: `Type/id`, in a request also a search. */
  relative: 'any' | 'search' | 'literal' = 'any';
  /** Work left for invariants and slices. */
  steps = MOST_STEPS;
  /** While it is set, what would be reported is only noted in `failed`, see {@link probe}. */
  private probing = false;
  private failed = false;
  private said: Set<string> | undefined;
  private readonly names: string[] = [];
  private readonly indexes: number[] = [];
  private depth = 0;

  constructor(resource: Json) {
    this.scope = { resource, container: undefined, depth: 0 };
    this.owner = resource;
    this.names[0] = typeof resource.resourceType === 'string' ? resource.resourceType : 'Resource';
    this.indexes[0] = -1;
  }

  /** Goes down one element. */
  enter(name: string): void {
    this.depth++;
    if (this.depth > DEEPEST) {
      this.depth--;
      throw new TrialStopped('limit-depth');
    }
    this.names[this.depth] = name;
    this.indexes[this.depth] = -1;
  }

  /** Says which item of the present element is looked at. */
  at(index: number): void {
    this.indexes[this.depth] = index;
  }

  leave(): void {
    this.depth--;
  }

  /**
   * Whether a value is sound: nothing would be reported of it. A test keeps no place, which costs less than judging; what
   * fails it is judged again, with places. Near the largest depth nothing is probed, so that the depth is always counted.
   */
  probe(test: Sound, value: unknown): boolean {
    if (this.probing || this.depth >= DEEPEST - DEEPEST_PROBE * 2) {
      return false;
    }
    this.probing = true;
    this.failed = false;
    const sound = test(value, this, DEEPEST_PROBE) && !this.failed;
    this.probing = false;
    return sound;
  }

  /** Name of the present element. */
  name(): string {
    return this.names[this.depth] as string;
  }

  /** Whether the present element is an extension inside an extension. */
  withinExtension(): boolean {
    const above = this.names[this.depth - 1];
    return this.depth > 0 && (above === 'extension' || above === 'modifierExtension');
  }

  /** The present place, so that `return` can come back to it after an exception. */
  mark(): number {
    return this.depth;
  }

  backTo(mark: number): void {
    this.depth = mark;
  }

  /** The place as a FHIRPath. */
  path(): string {
    let path = this.names[0] as string;
    for (let level = 1; level <= this.depth; level++) {
      path += `.${this.names[level]}`;
      if ((this.indexes[level] as number) >= 0) {
        path += `[${this.indexes[level]}]`;
      }
    }
    return path;
  }

  /** Name of the resource type the trial is about. */
  root(): string {
    return this.names[0] as string;
  }

  /** Names of the elements from the resource around down to the present place, without indexes. */
  elementPath(): string[] {
    return this.names.slice(this.scope.depth + 1, this.depth + 1);
  }

  /** Counts work; stops the trial when there was too much. */
  spend(steps = 1): void {
    this.steps -= steps;
    if (this.steps < 0) {
      throw new TrialStopped('limit-work');
    }
  }

  /** Records a finding at the present place. */
  report(
    severity: Finding['severity'],
    rule: Rule,
    parameters: Record<string, string | number> = {},
    named: string = rule,
    place?: string,
  ): void {
    if (this.probing) {
      this.failed = true;
      return;
    }
    this.add(severity, named, sentencesOf(rule, parameters), place);
  }

  /** Notes the id of an element; false when the resource has used it before. */
  isNewId(id: string): boolean {
    this.scope.ids ??= new Set();
    const { ids } = this.scope;
    const isNew = !ids.has(id);
    ids.add(id);
    return isNew;
  }

  /** Says, once in a trial, that something was not judged. */
  once(rule: Rule, what: string): void {
    if (this.probing) {
      this.failed = true;
      return;
    }
    this.said ??= new Set();
    if (!this.said.has(what)) {
      this.said.add(what);
      this.report('information', rule, { what });
    }
  }

  /** Runs a check of a resource below the present one with that resource around. */
  within(value: Json, check: () => void): void {
    const { scope } = this;
    if (typeof value.resourceType === 'string' && value !== scope.resource) {
      const contained = Array.isArray(scope.resource.contained) && scope.resource.contained.includes(value);
      this.scope = { resource: value, container: contained ? scope.resource : undefined, depth: this.depth };
    }
    check();
    this.scope = scope;
  }

  /** Runs a check without keeping its findings; the number of errors comes back. */
  quietly(check: () => void): number {
    if (this.probing) {
      this.failed = true;
      return 0;
    }
    const { findings, profile, depth } = this;
    const before = findings.length;
    check();
    this.profile = profile;
    this.depth = depth;
    return findings.splice(before).filter((one) => one.severity === 'error').length;
  }

  /** Records a finding with sentences of its own. */
  add(severity: Finding['severity'], rule: string, message: Finding['message'], place?: string): void {
    if (this.probing) {
      this.failed = true;
      return;
    }
    const path = place === undefined ? this.path() : `${this.path()}.${place}`;
    if (
      this.findings.some((one) => one.path === path && one.message.en === message.en && one.profile === this.profile)
    ) {
      return;
    }
    this.findings.push({ severity, path, rule, profile: this.profile, message });
    if (this.findings.length >= MOST_FINDINGS) {
      throw new TrialStopped('limit-findings');
    }
  }
}
