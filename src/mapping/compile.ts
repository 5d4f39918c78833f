import { elementsOf } from './elements.ts';
import { compileExpression } from './expression.ts';
import { FormTypes } from './form-types.ts';
import type { GroupNode, MapNode, RuleNode } from './language.ts';
import { LanguageError } from './lexer.ts';
import { compileRule, type Step } from './rule.ts';
import { CALLER, FIRST_VARIABLE, ORIGINS, PASSED, RUN, type Run, SLOT_WIDTH, type Slots } from './run.ts';
import { type Environment, Frame, type Origins, Scope, type Variable } from './scope.ts';
import type { CodeTable } from './tables.ts';

/** A group of a map, ready to run. Calls hold the handle, so groups may call each other in any order. */
export interface GroupHandle {
  name: string;
  map: string;
  inputs: { name: string; mode: 'source' | 'target'; type?: string }[];
  /** Slots that one call needs. */
  size: number;
  steps: Step[];
  origins: Origins;
}

/** A fault found while compiling. */
export interface CompileFault {
  line: number;
  rule: string;
  message: string;
}

/** Deep enough for any document; a map that calls itself without end stops here. */
const MAX_DEPTH = 100;

/** Pseudo types of group parameters. */
const PARAMETER_TYPES: Record<string, string> = {
  Bundle: '#Bundle',
  Orders: '#Orders',
  Intents: '#Intents',
  Entry: '#Entry',
  Intent: '#Intent',
  Party: '#Party',
};

/** The handles of a map's groups, empty until {@link compileMap} fills them. */
export function declareGroups(map: MapNode): Map<string, GroupHandle> {
  const aliases = new Map(
    (map.structureMap.structure ?? []).map(({ alias, url }) => [
      alias ?? '',
      FormTypes.typeOf(url) ?? url!.slice(url!.lastIndexOf('/') + 1),
    ]),
  );
  return new Map(
    map.groups.map((group) => {
      const inputs = group.inputs.map((input) => {
        const type = input.type && (aliases.get(input.type) ?? input.type);
        const pseudo = input.mode === 'target' && type && Object.hasOwn(PARAMETER_TYPES, type);
        return { ...input, type: pseudo ? PARAMETER_TYPES[type] : type };
      });
      return [group.name, { name: group.name, map: map.name, inputs, size: 0, steps: [], origins: [] }];
    }),
  );
}

/**
 * Compiles all groups of a map into their handles.
 * @param callable finds a group by name among the map's own and its imports'
 * @returns every fault, not only the first
 */
export function compileMap(
  map: MapNode,
  handles: Map<string, GroupHandle>,
  callable: (name: string) => GroupHandle | undefined,
  table: (name: string) => CodeTable | undefined,
  forms?: FormTypes,
): CompileFault[] {
  const faults: CompileFault[] = [];
  const environment: Environment = {
    table,
    compile: compileExpression,
    elements: (type) => (type.startsWith('#form:') ? forms?.elements(type) : elementsOf(type)),
  };
  for (const group of map.groups) {
    const handle = handles.get(group.name)!;
    const frame = new Frame();
    const scope = new Scope(frame, environment);
    for (const { name, mode, type } of handle.inputs) scope.declare(name, mode, mode === 'target' ? type : undefined);
    handle.steps = compileRules(map, allRules(map, group, faults), scope, callable, faults);
    handle.size = frame.size;
    handle.origins = frame.origins;
  }
  return faults;
}

/** A group's rules after those of the groups it extends, https://hl7.org/fhir/R4/mapping-language.html#extends */
function allRules(map: MapNode, group: GroupNode, faults: CompileFault[], seen: string[] = []): RuleNode[] {
  if (!group.extends) return group.rules;
  const parent = map.groups.find((one) => one.name === group.extends);
  if (!parent || seen.includes(parent.name)) {
    faults.push({
      line: group.rules[0]?.line ?? 1,
      rule: group.name,
      message: `there is no group ${group.extends} to extend`,
    });
    return group.rules;
  }
  return [...allRules(map, parent, faults, [...seen, group.name]), ...group.rules];
}

function compileRules(
  map: MapNode,
  rules: RuleNode[],
  scope: Scope,
  callable: (name: string) => GroupHandle | undefined,
  faults: CompileFault[],
): Step[] {
  const steps: Step[] = [];
  for (const rule of rules) {
    try {
      const nested = (inner: Scope) => [
        ...compileRules(map, rule.rules, inner, callable, faults),
        ...(rule.call ? [compileCall(rule.call, inner, callable)] : []),
      ];
      steps.push(compileRule(rule, map.name, scope, nested));
    } catch (error) {
      if (!(error instanceof LanguageError)) throw error;
      faults.push({ line: error.line || rule.line, rule: error.rule ?? rule.name, message: error.message });
    }
  }
  return steps;
}

function compileCall(
  call: NonNullable<RuleNode['call']>,
  scope: Scope,
  callable: (name: string) => GroupHandle | undefined,
): Step {
  const group = callable(call.group);
  if (!group) throw new LanguageError(`there is no group ${call.group} in this map or its imports`, 0);
  const steps: Step[] = [];
  const variables = call.arguments.map(({ variable, expression }, index) =>
    expression === undefined
      ? argument(group, index, variable!, scope)
      : argument(group, index, passValue(expression, scope, steps), scope),
  );
  if (variables.length !== group.inputs.length) {
    throw new LanguageError(`${call.group} takes ${group.inputs.length} variables, not ${variables.length}`, 0);
  }
  return (slots) => {
    const run = slots[RUN] as Run;
    if (run.depth >= MAX_DEPTH) {
      run.session.faults.push({
        code: 'map-too-deep',
        severity: 'error',
        params: { limit: MAX_DEPTH },
        rule: group.name,
      });
      return;
    }
    runSteps(steps, slots);
    const inner: Slots = new Array(group.size);
    inner[RUN] = run;
    inner[ORIGINS] = group.origins;
    inner[CALLER] = slots;
    inner[PASSED] = variables;
    let to = FIRST_VARIABLE;
    for (const { slot } of variables) {
      inner[to] = slots[slot];
      inner[to + 1] = slots[slot + 1];
      inner[to + 2] = slots[slot + 2];
      to += SLOT_WIDTH;
    }
    run.depth++;
    runSteps(group.steps, inner);
    run.depth--;
  };
}

/** An expression as argument: its value goes into a variable of its own, just before the call. */
function passValue(expression: string, scope: Scope, steps: Step[]): string {
  const { evaluate } = compileExpression(expression, scope);
  const variable = scope.declare(`value ${scope.frame.size}`, 'source');
  const { slot } = variable;
  steps.push((slots) => {
    const run = slots[RUN] as Run;
    run.owner = undefined;
    slots[slot] = evaluate(slots);
    slots[slot + 1] = run.owner;
    slots[slot + 2] = run.key;
  });
  return variable.name;
}

function argument(group: GroupHandle, index: number, name: string, scope: Scope): Variable {
  const variable = scope.find(name);
  if (!variable) throw new LanguageError(`unknown variable ${name}`, 0);
  const input = group.inputs[index];
  if (input?.mode !== 'target') return variable;
  if (variable.side !== 'target') throw new LanguageError(`${name} is a source, ${group.name} wants a target there`, 0);
  // An Element is anything: what groups of several types have in common, its extensions.
  if (input.type && variable.type && input.type !== variable.type && input.type.replace('#', '') !== 'Element') {
    const [wanted, given] = [input.type, variable.type].map((type) => type.replace('#', ''));
    throw new LanguageError(`${group.name} wants a ${wanted}, ${name} is a ${given}`, 0);
  }
  return variable;
}

/** Runs rules one after another. */
export function runSteps(steps: Step[], slots: Slots): void {
  for (let index = 0; index < steps.length; index++) steps[index]!(slots);
}
