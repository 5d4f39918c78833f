import { BaseTypes } from './base.ts';
import { ConstraintCompiler } from './constraint.ts';
import { type Finding, sentencesOf } from './finding.ts';
import { type ExtensionDefinition, Natives } from './natives.ts';
import type { ObjectCheck } from './properties.ts';
import { rowOf } from './r4/table.ts';
import { ResourceJudge } from './resource.ts';
import { type Invariant, RuleCompiler } from './rules.ts';
import type { DefinitionStore } from './store.ts';
import type { Terminology } from './terminology.ts';
import type { ElementNode } from './tree.ts';
import { isObject, type Json, Trial, TrialStopped, textOf } from './trial.ts';

/** What is wrong in a definition, or cannot be judged of it. */
export interface Note {
  severity: 'error' | 'information';
  profile: string;
  element: string;
  problem: string;
}

/** Rules of single types that are not in their definitions; they may judge and report. */
export type Special = (value: Json, trial: Trial) => void;

/** Judges resources against base R4 and the loaded profiles. Never throws for what it is given. */
export class Examiner {
  /** Canonicals of the profiles that were loaded from folders. */
  readonly profiles: string[];
  /** What the loaded definitions hold that is broken or not judged. */
  readonly notes: Note[] = [];
  private readonly store: DefinitionStore;
  private readonly rules = new RuleCompiler();
  private readonly base: BaseTypes;
  private readonly judgeOf: ResourceJudge;
  private readonly compiler: ConstraintCompiler;
  private readonly checks = new Map<string, ObjectCheck | undefined>();
  private readonly extensions = new Map<string, ExtensionDefinition | undefined>();
  private readonly places: Place = { below: new Map() };
  private placeCount = 0;
  private compiling = '';

  constructor(store: DefinitionStore, terminology: Terminology, special: Special = () => {}) {
    this.store = store;
    this.profiles = store.urls().filter((url) => store.find(url)?.type !== 'Extension');
    const { rules } = this;
    const natives = new Natives(terminology, {
      definition: (url) => this.extension(url),
      contextNames: (trial) => this.contextNames(trial),
    });
    this.base = new BaseTypes({
      terminology,
      rules,
      natives,
      inner: (value, trial) => this.judgeOf.inner(value, trial),
      typeProfile: (url) => this.check(url),
    });
    this.judgeOf = new ResourceJudge({
      base: this.base,
      profile: (url) => this.check(url),
      typeOf: (url) => store.typeOf(url),
      isThisVersion: (canonical) => store.isThisVersion(canonical),
      derives: (profile, from) => store.derives(profile, from),
      special,
    });
    this.compiler = new ConstraintCompiler({
      terminology,
      rules,
      base: this.base,
      tree: (url) => this.treeOf(url),
      profile: (url) => this.check(url),
      typeOf: (url) => store.typeOf(url),
      conforms: (value, url, trial) => this.conforms(value, url, trial),
      isKnownExtension: (url) => store.find(url)?.type === 'Extension',
      note: (severity, element, problem) => this.notes.push({ severity, profile: this.compiling, element, problem }),
    });
  }

  /** The resource or data type that a profile is about. */
  typeOf(profile: string): string | undefined {
    return this.store.typeOf(profile);
  }

  /**
   * Judges a resource, or every resource of a Bundle: base R4, the given profiles, those it claims in `meta.profile`, and
   * those its codes imply. All findings at once; no error among them means it conforms as far as could be judged
   * (`information` findings name what was not).
   *
   * @param resource parsed JSON, of any shape
   * @param options.profiles canonicals of further profiles for the resource itself
   */
  judge(resource: unknown, options: { profiles?: string[] } = {}): Finding[] {
    const trial = new Trial(isObject(resource) ? resource : {});
    try {
      this.judgeOf.root(isObject(resource) ? resource : {}, trial, options.profiles ?? []);
    } catch (error) {
      if (!(error instanceof TrialStopped) && !(error instanceof RangeError)) {
        throw error;
      }
      const rule = error instanceof TrialStopped ? error.rule : 'limit-depth';
      trial.findings.push({
        severity: 'error',
        path: trial.root(),
        rule,
        profile: trial.profile,
        message: sentencesOf(rule, {}),
      });
    }
    return trial.findings;
  }

  /** Compiles every loaded definition now, so that what is broken is known and the first message is not slower. */
  prepare(): void {
    for (const url of this.store.urls()) {
      this.check(url);
    }
  }

  /** The check of a profile; undefined when it is not loaded or is a plain type, which base R4 judges. */
  private check(url: string): ObjectCheck | undefined {
    if (this.checks.has(url)) {
      return this.checks.get(url);
    }
    const definition = this.store.find(url);
    const made = definition && this.compileSafely(url, definition.type);
    if (definition || this.checks.size < 5000) {
      this.checks.set(url, made);
    }
    return made;
  }

  private compileSafely(url: string, type: string): ObjectCheck | undefined {
    const before = this.compiling;
    this.compiling = url;
    try {
      return this.compiler.compile(url, this.store.tree(url), type);
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      const element = (error as { element?: string }).element ?? type;
      this.notes.push({ severity: 'error', profile: url, element, problem });
      return undefined;
    } finally {
      this.compiling = before;
    }
  }

  private treeOf(url: string): ElementNode | undefined {
    try {
      return this.store.find(url) ? this.store.tree(url) : undefined;
    } catch {
      return undefined;
    }
  }

  private conforms(value: Json, url: string, trial: Trial): boolean | undefined {
    const type = this.store.typeOf(url);
    if (type === undefined) {
      return undefined;
    }
    if (typeof value.resourceType === 'string' && value.resourceType !== type) {
      return false;
    }
    const check = this.check(url);
    if (!check) {
      return true;
    }
    let errors = 0;
    trial.within(value, () => {
      errors = trial.quietly(() => check(value, trial));
    });
    return errors === 0;
  }

  private extension(url: string): ExtensionDefinition | undefined {
    if (this.extensions.has(url)) {
      return this.extensions.get(url);
    }
    const definition = this.store.find(url);
    const tree = definition?.type === 'Extension' ? this.treeOf(url) : undefined;
    const check = tree && this.check(url);
    const made = tree && {
      url,
      modifier: tree.modifier,
      contexts: url === misplaced ? undefined : contextsOf(definition?.context ?? []),
      parts: partsOf(tree),
      invariants: (definition?.contextInvariant ?? []).flatMap((expression) => this.contextRule(expression)),
      check: check ?? (() => {}),
    };
    if (made || this.extensions.size < 5000) {
      this.extensions.set(url, made);
    }
    return made;
  }

  private contextRule(expression: string): Invariant[] {
    const human = `the element that carries the extension must fit: ${expression}`;
    const french = `l’élément qui porte l’extension doit vérifier : ${expression}`;
    const rule = this.rules.compile(
      { key: 'extension-context', severity: 'error', human, expression },
      undefined,
      french,
    );
    return rule ? [rule] : [];
  }

  /** Every name the element that carries the present extension answers to in an extension's context. */
  private contextNames(trial: Trial): Set<string> {
    const type = textOf(trial.scope.resource.resourceType);
    const steps = trial.elementPath();
    steps.pop();
    const place = this.placeOf(type, steps);
    const names = place?.names ?? namesOf(type, steps, this.base);
    if (place) {
      place.names = names;
    }
    return names;
  }

  /** What is known of a place, by its steps; undefined for a new one when many are known. */
  private placeOf(type: string, steps: string[]): Place | undefined {
    let place = this.below(this.places, type);
    for (let at = 0; place && at < steps.length; at++) {
      place = this.below(place, steps[at] as string);
    }
    return place;
  }

  private below(place: Place, step: string): Place | undefined {
    let next = place.below.get(step);
    if (!next && this.placeCount < 5000) {
      this.placeCount++;
      next = { below: new Map() };
      place.below.set(step, next);
    }
    return next;
  }
}

/** A place in resources of a type, with the names it answers to once they are known. */
interface Place {
  names?: Set<string>;
  below: Map<string, Place>;
}

/** R4 states another context for this extension than its own definitions use it in. */
const misplaced = 'http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type';

function contextsOf(contexts: { type: string; expression: string }[]): string[] | undefined {
  return contexts.length === 0 || contexts.some((one) => one.type !== 'element')
    ? undefined
    : contexts.map((one) => one.expression.replace('[x]', ''));
}

function partsOf(tree: ElementNode): Set<string> {
  const parts = new Set<string>();
  for (const slice of tree.children.get('extension')?.slices.values() ?? []) {
    const url = slice.children.get('url')?.fixed?.value;
    parts.add(typeof url === 'string' ? url : (slice.sliceName ?? ''));
  }
  return parts;
}

function ancestors(type: string): string[] {
  const found: string[] = [type];
  for (let row = rowOf(type); row?.base; row = rowOf(row.base)) {
    found.push(row.base);
  }
  return found;
}

function namesOf(type: string, steps: string[], base: BaseTypes): Set<string> {
  let names = ancestors(type);
  let node = base.tree(type);
  for (const step of steps) {
    const [, name = step, chosen] = /^(\w+)\.ofType\((\w+)\)$/.exec(step) ?? [];
    const child: ElementNode | undefined = node?.children.get(name);
    const code = chosen ?? child?.types[0]?.code;
    names = names.map((one) => `${one}.${name}`);
    if (child?.content) {
      names.push(child.content);
      const [first, ...rest] = child.content.split('.') as [string, ...string[]];
      node = rest.reduce((at, part) => at?.children.get(part), base.tree(first));
    } else {
      names.push(...(code === undefined ? [] : ancestors(code)));
      node = child && child.children.size > 0 ? child : base.tree(code ?? '');
    }
  }
  return new Set([...names, 'Element']);
}
