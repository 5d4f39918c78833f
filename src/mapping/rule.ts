import { warning } from '../errors.ts';
import { compileExpression } from './expression.ts';
import type { RuleNode, SourceNode } from './language.ts';
import { type Evaluate, RUN, type RuleInfo, type Run, type Slots, THIS } from './run.ts';
import { fail, type Scope } from './scope.ts';
import { bindOnly, collect, type Found } from './sources.ts';
import { compileTarget } from './target.ts';
import { holds, isEmpty, text } from './values.ts';

/** A rule, a target or a call, ready to run. */
export type Step = (slots: Slots) => void;

/**
 * Compiles one rule: loops over its sources, the targets, what follows `then`.
 * @param nested compiles what follows `then` in the rule's own scope
 */
export function compileRule(rule: RuleNode, map: string, outer: Scope, nested: (scope: Scope) => Step[]): Step {
  const info: RuleInfo = { map, rule: rule.name };
  const scope = outer.inner();
  const sources = rule.sources.map((source) => declareSource(source, scope, info));
  const first = sources[0] ?? fail('a rule needs a source');
  const targets = rule.targets.map((target) => compileTarget(target, scope, info, first.slot));
  const steps = [...targets, ...nested(scope)];
  let next: Step = (slots) => {
    const run = slots[RUN] as Run;
    run.rule = info;
    for (let index = 0; index < steps.length; index++) steps[index]!(slots);
    if (run.reads !== undefined) run.reads = [];
  };
  for (const source of sources.reverse()) next = source.compile(next);
  return next;
}

interface Source {
  slot: number;
  compile(next: Step): Step;
}

function declareSource(source: SourceNode, scope: Scope, info: RuleInfo): Source {
  const context = scope.find(source.context) ?? fail(`unknown variable ${source.context}`);
  const slot = scope.frame.take();
  scope.frame.origins[slot] = { from: context.slot, path: source.path };
  if (source.variable) {
    const type = source.path.length === 0 ? context.type : undefined;
    scope.declare(source.variable, source.path.length === 0 ? context.side : 'source', type, slot);
  }
  const filter = compileFilter(source, scope, info, slot);
  return {
    slot,
    compile: (next) => {
      if (!filter && !source.listMode && source.default === undefined)
        return plainSource(context.slot, source.path, slot, next);
      return filteredSource(source, context.slot, slot, filter, info, next);
    },
  };
}

/** The frequent case: nothing to filter. */
function plainSource(from: number, path: string[], slot: number, next: Step): Step {
  if (path.length === 0) {
    return (slots) => {
      const value = slots[from];
      if (Array.isArray(value)) return eachOf(slots, value, slot, next);
      if (!isEmpty(value)) bind(slots, slot, value, slots[from + 1] as object, slots[from + 2] as string, next);
    };
  }
  if (path.length === 1) {
    const name = path[0]!;
    return (slots) => {
      const container = slots[from];
      if (container === null || typeof container !== 'object') return;
      if (Array.isArray(container)) {
        for (const item of container) oneProperty(slots, item, name, slot, next);
      } else oneProperty(slots, container, name, slot, next);
    };
  }
  return (slots) => {
    const only = bindOnly(slots, from, path, slot);
    if (only === 'one') next(slots);
    if (only !== 'several') return;
    const found = collect(slots, from, path);
    for (let index = 0; index < found.values.length; index++) {
      bind(slots, slot, found.values[index], found.owners[index], found.keys[index]!, next);
    }
  };
}

function oneProperty(slots: Slots, container: unknown, name: string, slot: number, next: Step): void {
  if (container === null || typeof container !== 'object') return;
  const value = (container as Record<string, unknown>)[name];
  if (value === undefined || typeof value === 'function') return;
  if (Array.isArray(value)) eachOf(slots, value, slot, next);
  else if (value !== null && value !== '') bind(slots, slot, value, container, name, next);
}

function eachOf(slots: Slots, list: unknown[], slot: number, next: Step): void {
  for (let index = 0; index < list.length; index++) {
    const item = list[index];
    if (!isEmpty(item)) bind(slots, slot, item, list, index, next);
  }
}

function bind(
  slots: Slots,
  slot: number,
  value: unknown,
  owner: object | undefined,
  key: string | number,
  next: Step,
): void {
  slots[slot] = value;
  slots[slot + 1] = owner;
  slots[slot + 2] = key;
  next(slots);
}

/** Default, `where`, `check`, `log`, then the list mode: the order in which FHIR applies them. */
function filteredSource(
  source: SourceNode,
  from: number,
  slot: number,
  filter: ((slots: Slots) => boolean) | undefined,
  info: RuleInfo,
  next: Step,
): Step {
  const { path, listMode, default: otherwise } = source;
  const choose = listMode ? listModes[listMode] : undefined;
  const takesOnly = choose === undefined || choose(1)[0] < choose(1)[1];
  return (slots) => {
    const only = bindOnly(slots, from, path, slot);
    if (only !== 'several') {
      if (only === 'none') {
        if (otherwise === undefined) return;
        slots[slot] = otherwise;
        slots[slot + 1] = undefined;
        slots[slot + 2] = '';
      }
      if ((filter === undefined || filter(slots)) && takesOnly) next(slots);
      return;
    }
    let found = collect(slots, from, path);
    if (found.values.length === 0 && otherwise !== undefined) {
      found = { values: [otherwise], owners: [undefined], keys: [''] };
    }
    let start = 0;
    let end = filter ? passing(slots, slot, found, filter) : found.values.length;
    if (choose) {
      if (listMode === 'only_one' && end > 1) repeated(slots, found, info);
      [start, end] = choose(end);
    }
    for (let index = start; index < end; index++) {
      bind(slots, slot, found.values[index], found.owners[index], found.keys[index]!, next);
    }
  };
}

/** List mode → first and last (excluded) index of what is taken. */
const listModes: Record<string, (count: number) => [number, number]> = {
  first: (count) => [0, Math.min(1, count)],
  not_first: (count) => [1, count],
  last: (count) => [Math.max(0, count - 1), count],
  not_last: (count) => [0, count - 1],
  only_one: (count) => [0, Math.min(1, count)],
};

function repeated(slots: Slots, found: Found, info: RuleInfo): void {
  const run = slots[RUN] as Run;
  const place = run.document.place(found.owners[1], found.keys[1]!);
  run.session.faults.push(warning('value-repeated', { place, rule: `${info.map}.map#${info.rule}` }));
}

/** Leaves in `found` what the filter lets through, at the front, and says how much that is. */
function passing(slots: Slots, slot: number, found: Found, filter: (slots: Slots) => boolean): number {
  const { values, owners, keys } = found;
  let kept = 0;
  for (let index = 0; index < values.length; index++) {
    slots[slot] = values[index];
    slots[slot + 1] = owners[index];
    slots[slot + 2] = keys[index];
    if (!filter(slots)) continue;
    values[kept] = values[index];
    owners[kept] = owners[index];
    keys[kept++] = keys[index]!;
  }
  return kept;
}

/** `where`, `check` and `log` in one; undefined when there is none of them. */
function compileFilter(
  source: SourceNode,
  scope: Scope,
  info: RuleInfo,
  slot: number,
): ((slots: Slots) => boolean) | undefined {
  const { condition, check, log } = source;
  if (condition === undefined && check === undefined && log === undefined) return undefined;
  const inner = scope.withThis();
  const compile = (text: string | undefined) =>
    text === undefined ? undefined : compileExpression(text, inner).evaluate;
  const where = compile(condition);
  const must = compile(check);
  const message = compile(log);
  const passes = (slots: Slots): boolean => {
    const run = slots[RUN] as Run;
    run.rule = info;
    slots[THIS] = slots[slot];
    slots[THIS + 1] = slots[slot + 1];
    slots[THIS + 2] = slots[slot + 2];
    return where === undefined || conditionHolds(run, where, slots);
  };
  if (check === undefined && log === undefined) return passes;
  const rule = `${info.map}.map#${info.rule}`;
  return (slots) => {
    if (!passes(slots)) return false;
    const run = slots[RUN] as Run;
    const place = () => run.document.place(slots[slot + 1] as object | undefined, slots[slot + 2] as string | number);
    if (must && !conditionHolds(run, must, slots)) {
      run.session.faults.push({ code: 'check-failed', severity: 'error', place: place(), rule, params: { rule } });
      return false;
    }
    if (message) {
      const detail = text(message(slots));
      run.session.faults.push({
        code: 'map-log',
        severity: 'information',
        place: place(),
        rule,
        params: { rule },
        detail,
      });
    }
    return true;
  };
}

/** With the account on, what a condition read is put down to the next value that is written. */
function conditionHolds(run: Run, condition: Evaluate, slots: Slots): boolean {
  if (run.reads === undefined) return holds(condition(slots));
  const before = run.reads;
  run.reads = [];
  const result = holds(condition(slots));
  if (result) before.push(...run.reads);
  run.reads = before;
  return result;
}
