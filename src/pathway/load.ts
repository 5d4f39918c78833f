import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ActivityDefinition, PlanDefinition } from '@medplum/fhirtypes';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { type Fault, fault } from '../errors.ts';
import { isProven } from '../proven.ts';
import type { RuleSet } from './rules.ts';

/** Everything the pathway decides by; data files of `mappings/` and `profiles/`. */
export interface PathwayRules {
  rules: RuleSet;
  /** By canonical URL without version. */
  plans: Map<string, PlanDefinition>;
  activities: Map<string, ActivityDefinition>;
}

/**
 * Reads `rules-*.json` (checked against `schema-rules.json`) of the mappings' folder, and the PlanDefinitions and
 * ActivityDefinitions of the profiles' folder. The only place of this room that touches files.
 * @returns all faults at once; no `pathway` when there is any.
 */
export function loadPathway(
  mappings: string,
  profiles: string,
  file = 'rules-covid.json',
): { pathway?: PathwayRules; faults: Fault[] } {
  const faults: Fault[] = [];
  const rules = readRules(mappings, file, faults);
  const plans = readDefinitions<PlanDefinition>(profiles, 'PlanDefinition', faults);
  const activities = readDefinitions<ActivityDefinition>(profiles, 'ActivityDefinition', faults);
  for (const plan of plans.values()) faults.push(...planFaults(plan, activities));
  return rules && faults.length === 0 ? { pathway: { rules, plans, activities }, faults } : { faults };
}

function readRules(folder: string, file: string, faults: Fault[]): RuleSet | undefined {
  const texts: string[] = [];
  const rules = readJson(join(folder, file), file, faults, texts);
  const schema = readJson(join(folder, 'schema-rules.json'), 'schema-rules.json', faults, texts);
  if (!rules || !schema) return undefined;
  if (isProven(texts[1]!, texts[0]!)) return rules as unknown as RuleSet;
  const check = new Ajv2020({ allErrors: true, strict: true }).compile(schema);
  if (check(rules)) return rules as unknown as RuleSet;
  for (const error of (check.errors ?? []).slice(0, 20)) {
    const pointer = error.instancePath || '/';
    faults.push(fault('rules-invalid', { place: file, params: { file, pointer, problem: error.message ?? '' } }));
  }
  return undefined;
}

function readDefinitions<R extends PlanDefinition | ActivityDefinition>(
  folder: string,
  type: R['resourceType'],
  faults: Fault[],
): Map<string, R> {
  const found = new Map<string, R>();
  const files = readdirSync(folder).filter((name) => name.startsWith(`${type}-`) && name.endsWith('.json'));
  for (const file of files.sort()) {
    const resource = readJson(join(folder, file), file, faults) as R | undefined;
    if (resource?.resourceType === type && resource.url) found.set(resource.url, resource);
    else if (resource) faults.push(fault('plan-invalid', { params: { file, problem: `no ${type} with a url` } }));
  }
  return found;
}

const MILESTONES = new Set(['j1', 'start', 'discharge']);

function planFaults(plan: PlanDefinition, activities: Map<string, ActivityDefinition>): Fault[] {
  const file = `PlanDefinition-${plan.id}.json`;
  const problems = (plan.action ?? []).flatMap((action) => {
    const canonical = action.definitionCanonical?.split('|')[0];
    const anchor = action.relatedAction?.[0]?.actionId;
    return [
      ...(canonical && !activities.has(canonical) ? [`action ${action.id}: no activity ${canonical}`] : []),
      ...(canonical && !action.id ? ['an action without id'] : []),
      ...(anchor && !MILESTONES.has(anchor) ? [`action ${action.id}: unknown milestone ${anchor}`] : []),
    ];
  });
  return problems.map((problem) => fault('plan-invalid', { place: file, params: { file, problem } }));
}

function readJson(
  path: string,
  file: string,
  faults: Fault[],
  texts: string[] = [],
): Record<string, unknown> | undefined {
  try {
    const text = readFileSync(path, 'utf8');
    texts.push(text);
    return JSON.parse(text) as Record<string, unknown>;
  } catch (error) {
    faults.push(
      fault('rules-invalid', { place: file, params: { file, pointer: '/', problem: (error as Error).message } }),
    );
    return undefined;
  }
}
