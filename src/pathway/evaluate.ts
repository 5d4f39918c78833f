import type { Coding, Quantity } from '@medplum/fhirtypes';
import { boundsWith, type Reading, readingsWith } from './readings.ts';
import type { AnswerRule, Level, Rule, RuleSet, ScoreRule, ThresholdRule, TrendRule } from './rules.ts';
import { isOneOf } from './rules.ts';
import { scoreOf } from './score.ts';

/** A rule that spoke: the readings it looked at and where its limit was. */
export interface Hit {
  rule: Rule;
  /** The limit in words of numbers: comparator, value, unit; absent for coded answers. */
  threshold?: { value: number; comparator: '<' | '<=' | '>' | '>='; unit: string };
  /** What was measured against it. */
  value?: number;
  /** The readings, the one that gave the signal last. */
  readings: Reading[];
}

const HOUR = 3_600_000;

/**
 * Every rule that speaks for new readings, before anybody asks how serious it is for this patient. Pure.
 * @param fresh readings of the message. @param known earlier ones of the patient, for trends and scores.
 */
export function hitsOf(fresh: Reading[], known: Reading[], rules: RuleSet): Hit[] {
  return rules.rules.flatMap((rule) => {
    if (rule.type === 'threshold') return thresholdHit(rule, fresh);
    if (rule.type === 'answer') return answerHit(rule, fresh);
    if (rule.type === 'trend') return trendHit(rule, fresh, known);
    return scoreHit(rule, fresh, known, rules);
  });
}

/** Which earlier readings a rule needs: the newest `count` of these kinds between two moments (milliseconds since 1970). */
export interface LookBack {
  codes: Coding[];
  since: number;
  until: number;
  count: number;
}

/** Readings of a score's window: five times all of its parameters and more. */
const SCORE_READINGS = 40;

/** The earlier readings that rules look at because of what the message brings; none for readings that stand by themselves. */
export function lookBacks(fresh: Reading[], rules: RuleSet): LookBack[] {
  const found = rules.rules.map((rule) => lookBackOf(rule, fresh, rules)).filter((one) => one !== undefined);
  return [...new Map(found.map((one) => [JSON.stringify(one), one])).values()];
}

function lookBackOf(rule: Rule, fresh: Reading[], rules: RuleSet): LookBack | undefined {
  if (rule.type === 'trend') {
    const last = readingsWith(fresh, rule.codes, rule.unit).at(-1);
    // A reading that came twice counts once.
    return last && { codes: rule.codes, ...window(last.at, rule.hours), count: rule.readings * 2 };
  }
  if (rule.type !== 'score') return undefined;
  const parameters = rules.scores[rule.score]?.parameters ?? [];
  if (!parameters.some((one) => readingsWith(fresh, one.codes).length > 0)) return undefined;
  const codes = parameters.flatMap((one) => one.codes);
  return { codes, ...window(fresh.at(-1)!.at, rule.hours), count: SCORE_READINGS };
}

function window(until: number, hours: number): { since: number; until: number } {
  return { since: until - hours * HOUR, until };
}

function thresholdHit(rule: ThresholdRule, fresh: Reading[]): Hit[] {
  const measured = readingsWith(fresh, rule.codes, rule.unit).map((reading) => {
    const { value } = reading.quantity!;
    return { reading, value, threshold: crossing(rule, value) };
  });
  const bounds = boundsWith(fresh, rule.codes, rule.unit).map((reading) => {
    const { value, comparator } = reading.bound;
    return { reading, value, threshold: surelyCrossing(rule, value, comparator) };
  });
  return [...measured, ...bounds]
    .sort((a, b) => a.reading.at - b.reading.at)
    .flatMap(({ reading, value, threshold }) =>
      threshold ? [{ rule, threshold: { ...threshold, unit: rule.unit }, value, readings: [reading] }] : [],
    )
    .slice(-1);
}

/** Whether every value on that side of a bound crosses: "< 90" is below 92, "< 95" may not be. */
function surelyCrossing(
  { below, atMost, above, atLeast, ...rule }: ThresholdRule,
  value: number,
  comparator: NonNullable<Quantity['comparator']>,
) {
  const open = comparator === '<' || comparator === '>';
  if (comparator.startsWith('<')) {
    if (open && value === below) return { value, comparator: '<' as const };
    return crossing({ ...rule, below, atMost }, value);
  }
  if (open && value === above) return { value, comparator: '>' as const };
  return crossing({ ...rule, above, atLeast }, value);
}

function crossing(
  rule: ThresholdRule,
  value: number,
): { value: number; comparator: '<' | '<=' | '>' | '>=' } | undefined {
  if (rule.below !== undefined && value < rule.below) return { value: rule.below, comparator: '<' };
  if (rule.atMost !== undefined && value <= rule.atMost) return { value: rule.atMost, comparator: '<=' };
  if (rule.above !== undefined && value > rule.above) return { value: rule.above, comparator: '>' };
  if (rule.atLeast !== undefined && value >= rule.atLeast) return { value: rule.atLeast, comparator: '>=' };
  return undefined;
}

function answerHit(rule: AnswerRule, fresh: Reading[]): Hit[] {
  const said = readingsWith(fresh, rule.codes).filter((reading) =>
    rule.values ? isOneOf(reading.values, rule.values) : reading.present === (rule.present ?? true),
  );
  return said.slice(-1).map((reading) => ({ rule, readings: [reading] }));
}

/** The last readings up to the newest one of the message; a re-sent reading counts once. */
function trendHit(rule: TrendRule, fresh: Reading[], known: Reading[]): Hit[] {
  const last = readingsWith(fresh, rule.codes, rule.unit).at(-1);
  if (!last) return [];
  const all = distinct([...readingsWith(known, rule.codes, rule.unit), ...readingsWith(fresh, rule.codes, rule.unit)]);
  const recent = all.filter((one) => one.at <= last.at && one.at >= last.at - rule.hours * HOUR).slice(-rule.readings);
  if (recent.length < rule.readings) return [];
  const before = recent.slice(0, -1).map((one) => one.quantity!.value);
  const now = last.quantity!.value;
  const moved = rule.direction === 'falling' ? Math.max(...before) - now : now - Math.min(...before);
  if (moved < rule.by) return [];
  return [{ rule, threshold: { value: rule.by, comparator: '>=', unit: rule.unit }, value: moved, readings: recent }];
}

function distinct(readings: Reading[]): Reading[] {
  const sorted = readings.toSorted((a, b) => a.at - b.at);
  return sorted.filter((one, index) => {
    const next = sorted[index + 1];
    return !next || next.at !== one.at || next.quantity?.value !== one.quantity?.value;
  });
}

function scoreHit(rule: ScoreRule, fresh: Reading[], known: Reading[], rules: RuleSet): Hit[] {
  const score = rules.scores[rule.score];
  const last = fresh.at(-1);
  if (!score || !last || !score.parameters.some((one) => readingsWith(fresh, one.codes).length > 0)) return [];
  const window = [...known, ...fresh].filter((one) => one.at <= last.at && one.at >= last.at - rule.hours * HOUR);
  const result = scoreOf(
    score,
    window.toSorted((a, b) => a.at - b.at),
  );
  if (result.known < rule.parameters || result.total < rule.atLeast) return [];
  const threshold = { value: rule.atLeast, comparator: '>=' as const, unit: '{score}' };
  return [{ rule, threshold, value: result.total, readings: result.readings }];
}

const order: Level[] = ['watch', 'warning', 'alarm'];

/** The stronger of two levels. */
export function stronger(a: Level, b: Level): Level {
  return order.indexOf(b) > order.indexOf(a) ? b : a;
}

/** Strongest first; equal ones in the order of the rules file. */
export function byLevel<T extends { level: Level }>(list: T[]): T[] {
  return list.toSorted((a, b) => order.indexOf(b.level) - order.indexOf(a.level));
}
