import { parseMappingLanguage } from '@medplum/core';
import type {
  StructureMap,
  StructureMapGroup,
  StructureMapGroupRule,
  StructureMapGroupRuleSource,
  StructureMapGroupRuleTarget,
} from '@medplum/fhirtypes';
import { LanguageError } from './lexer.ts';
import { type Rewritten, rewrite } from './rewrite.ts';

/** A map as the compiler takes it: FHIR's StructureMap with expressions as text and the lines of the rules. */
export interface MapNode {
  name: string;
  url: string;
  imports: string[];
  groups: GroupNode[];
  structureMap: StructureMap;
}

/** A group of a map as parsed. */
export interface GroupNode {
  name: string;
  extends?: string;
  inputs: { name: string; mode: 'source' | 'target'; type?: string }[];
  rules: RuleNode[];
}

/** A rule as parsed, with the rules inside it and its line in the file. */
export interface RuleNode {
  name: string;
  line: number;
  sources: SourceNode[];
  targets: TargetNode[];
  rules: RuleNode[];
  call?: { group: string; arguments: Argument[] };
}

/** What a group is called with. */
export interface Argument {
  variable?: string;
  expression?: string;
}

/** The left side of a rule: where it reads, when it holds, and the variable it binds. */
export interface SourceNode {
  context: string;
  path: string[];
  default?: string;
  listMode?: string;
  variable?: string;
  condition?: string;
  check?: string;
  log?: string;
}

/** The right side of a rule: where it writes what, and the variable it binds. */
export interface TargetNode {
  context: string;
  path: string[];
  expression?: string;
  variable?: string;
  listMode?: 'first' | 'last';
  share?: string;
}

/**
 * Reads a map written in the FHIR Mapping Language with the parser of `@medplum/core`.
 * @throws LanguageError with the line, and the rule when the fault is inside one.
 */
export function readMap(text: string): MapNode {
  const rewritten = rewrite(text);
  let structureMap: StructureMap;
  try {
    structureMap = parseMappingLanguage(rewritten.text);
  } catch (error) {
    const message = (error as Error).message;
    const line = Number(/line (\d+)/.exec(message)?.[1] ?? 1);
    throw new LanguageError(message.replace(/ at line \d+ column \d+\.?$/, ''), line);
  }
  if (!structureMap.name || !structureMap.url) throw new LanguageError('the first line must be: map "url" = name', 1);
  return {
    name: structureMap.name,
    url: structureMap.url,
    imports: structureMap.import ?? [],
    groups: (structureMap.group ?? []).map((group) => groupNode(group, rewritten)),
    structureMap,
  };
}

function groupNode(group: StructureMapGroup, rewritten: Rewritten): GroupNode {
  return {
    name: group.name!,
    extends: group.extends,
    inputs: (group.input ?? []).map(({ name, mode, type }) => ({
      name: name!,
      mode: mode as 'source' | 'target',
      type,
    })),
    rules: (group.rule ?? []).map((rule) => ruleNode(rule, rewritten)),
  };
}

function ruleNode(rule: StructureMapGroupRule, rewritten: Rewritten): RuleNode {
  const { expressions } = rewritten;
  const mark = rewritten.marks[Number(rule.name)]!;
  const sources = (rule.source ?? []).map((source) => sourceNode(source, expressions));
  const name = mark.name ?? sources[0]?.path.at(-1) ?? sources[0]?.context ?? `line${mark.line}`;
  rule.name = name;
  const call = rule.dependent?.[0];
  return {
    name,
    line: mark.line,
    sources,
    targets: (rule.target ?? []).map((target, index) => targetNode(target, expressions, mark.share?.[index])),
    rules: (rule.rule ?? []).map((one) => ruleNode(one, rewritten)),
    call: call && { group: call.name!, arguments: callArguments(call, expressions) },
  };
}

function callArguments(call: { variable?: string[] }, expressions: string[]): Argument[] {
  return (call.variable ?? []).map((name) =>
    name.startsWith('expr_') ? { expression: expressionText(name, expressions) } : { variable: name },
  );
}

function sourceNode(source: StructureMapGroupRuleSource, expressions: string[]): SourceNode {
  const path = steps(source.element);
  source.element = path.join('.') || undefined;
  source.condition = expressionText(source.condition, expressions);
  source.check = expressionText(source.check, expressions);
  source.logMessage = expressionText(source.logMessage, expressions);
  return {
    context: source.context!,
    path,
    default: source.defaultValueString,
    listMode: source.listMode,
    variable: source.variable,
    condition: source.condition,
    check: source.check,
    log: source.logMessage,
  };
}

function targetNode(target: StructureMapGroupRuleTarget, expressions: string[], share?: string): TargetNode {
  const path = steps(target.element);
  const expression = expressionText(target.parameter?.[0]?.valueId, expressions);
  target.element = path.join('.') || undefined;
  if (expression !== undefined) target.parameter = [{ valueString: expression }];
  if (share) target.listRuleId = share;
  const mode = target.listMode?.[0];
  return {
    context: target.context!,
    path,
    expression,
    variable: target.variable,
    listMode: mode === 'first' || mode === 'last' ? mode : undefined,
    share,
  };
}

function steps(element: string | undefined): string[] {
  return element ? element.split('/').map((step) => decodeURIComponent(step)) : [];
}

function expressionText(symbol: string | undefined, expressions: string[]): string | undefined {
  return symbol === undefined ? undefined : expressions[Number(symbol.replace('expr_', ''))];
}
