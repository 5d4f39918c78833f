import { type Coerce, coercionFor } from './coercion.ts';
import { type ElementSpec, isPrimitive, isResourceType } from './elements.ts';
import { compileExpression } from './expression.ts';
import type { TargetNode } from './language.ts';
import { type Entry, type Evaluate, RUN, type RuleInfo, type Run, type Slots } from './run.ts';
import { type Compiled, fail, type Scope } from './scope.ts';
import { trailOf } from './trail.ts';
import { text } from './values.ts';

type Holder = Record<string, unknown>;
type Step = (slots: Slots) => void;

/** Says where to put a value: from the variable's object down the path, making what is missing. */
interface Way {
  slot: number;
  /** Elements on the way, each an object. */
  between: ElementSpec[];
  spec: ElementSpec;
  /** Type of the object that holds the element. */
  holderType: string;
}

const MAX_ENTRIES = 20_000;

/**
 * Compiles one target of a rule. Elements are checked against FHIR here, so that a misspelt one is a fault of the folder and
 * not a surprise in a resource.
 * @param source slot of the rule's first source: the place of constants and of new entries
 */
export function compileTarget(target: TargetNode, scope: Scope, info: RuleInfo, source: number): Step {
  const way = wayTo(target, scope);
  const { spec, holderType } = way;
  if (holderType === '#Bundle' && spec.name !== 'entry') return faultStep(target, scope, info, source);
  if (target.expression === undefined) return childStep(target, scope, info, source, way);
  const expression = compileExpression(target.expression, scope);
  const type = typeOfResult(spec, expression);
  const variable = target.variable ? scope.declare(target.variable, 'target', type) : undefined;
  return setStep(way, expression.evaluate, coercionFor(spec.type, expression), info, source, variable?.slot);
}

function wayTo(target: TargetNode, scope: Scope): Way {
  const variable = scope.find(target.context) ?? fail(`unknown variable ${target.context}`);
  if (variable.side !== 'target') fail(`${target.context} is a source; only targets can be written`);
  const type =
    variable.type ??
    fail(`the type of ${target.context} is not known here; declare it: target ${target.context} : Type`);
  if (target.path.length === 0) fail(`a target names an element: ${target.context}.element`);
  const between: ElementSpec[] = [];
  let holderType = type;
  for (const [index, name] of target.path.entries()) {
    const table = scope.environment.elements(holderType);
    const spec = table?.get(name) ?? unknownElement(table, holderType, name);
    if (index === target.path.length - 1) return { slot: variable.slot, between, spec, holderType };
    if (isPrimitive(spec.type)) fail(`${name} is a ${spec.type}, it has no ${target.path[index + 1]}`);
    between.push(spec);
    holderType = spec.type;
  }
  return fail('a target names an element');
}

function unknownElement(table: ReadonlyMap<string, ElementSpec> | undefined, type: string, name: string): never {
  if (!table) return fail(`there is no type ${type}`);
  const choices = [...table.keys()].filter((one) => one.startsWith(name) && /^[A-Z]/.test(one.slice(name.length)));
  const hint = choices.length > 0 ? `; written in full: ${choices.slice(0, 4).join(', ')}` : '';
  return fail(`${type.replace('#', '')} has no element ${name}${hint}`);
}

/** Subtypes whose values stand where the general type is wanted, and what is wrapped on the way. */
const FITS: Record<string, string[]> = {
  CodeableConcept: ['Coding'],
  Quantity: ['Age', 'Duration', 'Count', 'Distance', 'Money'],
  Age: ['Quantity'],
  Duration: ['Quantity'],
  Count: ['Quantity'],
  Distance: ['Quantity'],
};

function typeOfResult(spec: ElementSpec, { type, fresh, literal }: Compiled): string {
  if (spec.type === 'Resource') return type && isResourceType(type) ? type : 'Resource';
  if (fresh && type && type !== spec.type && !FITS[spec.type]?.includes(type) && !spec.type.startsWith('#')) {
    fail(`${spec.name} is a ${spec.type}, the expression gives a ${type}`);
  }
  if (literal !== undefined && isPrimitive(spec.type)) checkConstant(spec, literal);
  return spec.type;
}

function checkConstant(spec: ElementSpec, literal: unknown): void {
  const wanted = /^(decimal|integer|positiveInt|unsignedInt)$/.test(spec.type) ? 'number' : undefined;
  const type = wanted ?? (spec.type === 'boolean' ? 'boolean' : 'string');
  if (typeof literal !== type) fail(`${spec.name} is a ${spec.type}, ${String(literal)} is none`);
}

function holderOf(slots: Slots, way: Way): Holder {
  let holder = slots[way.slot] as Holder;
  for (const { name, list } of way.between) {
    const existing = list ? (holder[name] as Holder[] | undefined)?.at(-1) : (holder[name] as Holder | undefined);
    if (existing) holder = existing;
    else {
      const made: Holder = {};
      holder[name] = list ? [made] : made;
      holder = made;
    }
  }
  return holder;
}

/** All that writing one element needs, known when the map is compiled. */
interface Site {
  way: Way;
  fit: Coerce;
  info: RuleInfo;
  /** Slot of the rule's first source. */
  source: number;
  /** False for what is not part of a resource; then only the account wants to know. */
  traced: boolean;
}

function setStep(way: Way, evaluate: Evaluate, fit: Coerce, info: RuleInfo, source: number, variable?: number): Step {
  const site: Site = { way, fit, info, source, traced: !way.holderType.startsWith('#') };
  return (slots) => {
    if (slots[way.slot] === undefined) return;
    const run = slots[RUN] as Run;
    const pending = run.reads;
    run.owner = undefined;
    run.translation = undefined;
    if (pending !== undefined) run.reads = [];
    const value = evaluate(slots);
    const last = Array.isArray(value) ? putAll(site, slots, value) : put(site, slots, value);
    if (variable !== undefined) slots[variable] = last;
    if (pending !== undefined) settleReads(run, pending, last !== undefined);
  };
}

/** Each of a list; into an element that does not repeat, the first that fits. */
function putAll(site: Site, slots: Slots, values: unknown[]): unknown {
  let last: unknown;
  for (const value of values) {
    last = put(site, slots, value) ?? last;
    if (last !== undefined && !site.way.spec.list) return last;
  }
  return last;
}

function put(site: Site, slots: Slots, raw: unknown): unknown {
  const run = slots[RUN] as Run;
  const value = site.fit(run, raw);
  if (value === undefined) return undefined;
  const { way } = site;
  const { name, list } = way.spec;
  const holder = way.between.length === 0 ? (slots[way.slot] as Holder) : holderOf(slots, way);
  if (!list) {
    holder[name] = value;
    trace(site, slots, run, holder, name);
    return value;
  }
  const known = append(holder, name, value);
  trace(site, slots, run, known, known.length - 1);
  return value;
}

/** Adds to the list of that name. A list begins with its first item: an empty one would get room for seventeen. */
function append(holder: Holder, name: string, value: unknown): unknown[] {
  const known = holder[name] as unknown[] | undefined;
  if (known === undefined) {
    const made = [value];
    holder[name] = made;
    return made;
  }
  known.push(value);
  return known;
}

function trace(site: Site, slots: Slots, run: Run, target: object, property: string | number): void {
  if (!site.traced && run.reads === undefined) return;
  const { traces } = run.session;
  const read = run.owner !== undefined;
  traces[traces.length] = {
    target,
    property,
    owner: read ? run.owner : (slots[site.source + 1] as object | undefined),
    key: read ? run.key : (slots[site.source + 2] as string | number),
    rule: site.info,
    document: run.document,
    translation: run.translation,
    reads: run.reads,
  };
}

/** What the conditions before have read belongs to the first value written after them. */
function settleReads(run: Run, pending: unknown[], written: boolean): void {
  run.reads = pending;
  if (!written || pending.length === 0) return;
  run.session.traces.at(-1)!.conditions = pending;
  run.reads = [];
}

/** `o.element as v` without a value: a child object. */
function childStep(target: TargetNode, scope: Scope, info: RuleInfo, source: number, way: Way): Step {
  const { spec } = way;
  const { name, list } = spec;
  if (isPrimitive(spec.type)) fail(`${name} is a ${spec.type}; give it a value: ${name} = …`);
  if (spec.type === 'Resource') fail(`${name} wants a resource: ${name} = create('Type') as variable`);
  const variable = target.variable ? scope.declare(target.variable, 'target', spec.type) : undefined;
  const shared = target.share ? scope.frame.shared(`${target.context} ${name} ${target.share}`) : undefined;
  const make = maker(spec.type, info, source);
  return (slots) => {
    if (slots[way.slot] === undefined) return;
    const holder = holderOf(slots, way);
    let child = shared === undefined ? existingChild(holder, spec, target.listMode) : undefined;
    if (shared !== undefined && slots[shared + 1] === holder) child = slots[shared] as Holder;
    if (!child) {
      child = make(slots) as Holder;
      if (!list) holder[name] = child;
      else append(holder, name, child);
    }
    if (shared !== undefined) {
      slots[shared] = child;
      slots[shared + 1] = holder;
    }
    if (variable) slots[variable.slot] = child;
  };
}

function existingChild(holder: Holder, { name, list }: ElementSpec, listMode?: string): Holder | undefined {
  if (!list) return holder[name] as Holder | undefined;
  const children = holder[name] as Holder[] | undefined;
  return listMode === 'first' ? children?.[0] : listMode === 'last' ? children?.at(-1) : undefined;
}

function maker(type: string, info: RuleInfo, source: number): (slots: Slots) => object {
  if (type === '#Entry') return (slots) => newEntry(slots, info, source);
  if (type === '#Intent') {
    return (slots) => {
      const { document } = slots[RUN] as Run;
      return { place: document.place(slots[source + 1] as object | undefined, slots[source + 2] as string) };
    };
  }
  return () => ({});
}

function newEntry(slots: Slots, rule: RuleInfo, source: number): Entry {
  const { session, document } = slots[RUN] as Run;
  const owner = slots[source + 1] as object | undefined;
  if (session.entries.length === MAX_ENTRIES) {
    session.faults.push({ code: 'too-many-resources', severity: 'error', params: { limit: MAX_ENTRIES } });
  }
  return { resource: undefined, path: trailOf(slots, source), owner, rule, document };
}

/** `bundle.warning = …`, `bundle.error = …`: the map's own finding; the text stays private, the rule is named. */
function faultStep(target: TargetNode, scope: Scope, info: RuleInfo, source: number): Step {
  const severity = target.path[0] === 'error' ? 'error' : 'warning';
  const { evaluate } = compileExpression(target.expression ?? fail(`${severity} wants a text`), scope);
  const rule = `${info.map}.map#${info.rule}`;
  return (slots) => {
    const run = slots[RUN] as Run;
    const detail = text(evaluate(slots));
    if (detail === undefined) return;
    const place = run.document.place(slots[source + 1] as object | undefined, slots[source + 2] as string);
    run.session.faults.push({ code: 'map-finding', severity, place, rule, params: { rule }, detail });
  };
}
