import type { Coding } from '@medplum/fhirtypes';

/** Texts for people, in the programme's two languages. */
export interface Text {
  fr: string;
  en: string;
}

/**
 * Rules, thresholds and deadlines of the programme as `mappings/rules-*.json` holds them; the JSON Schema is
 * `mappings/schema-rules.json`. Nothing clinical is written in code: whoever answers for the programme edits that file.
 */
export interface RuleSet {
  id: string;
  /** Recorded with every alert. */
  version: string;
  title: Text;
  /** Codings of the disease the rules are about; a Condition with one of them carries J1. */
  disease: Coding[];
  days: DayBounds;
  onset: { oldestDays: number };
  calendar: Calendar;
  /** `documentHours`: how old a reading in a document may be and still raise an alert; other readings always may. */
  readings: { futureMinutes: number; documentHours: number; limits: Limit[] };
  levels: Record<
    Level,
    { priority: 'routine' | 'urgent' | 'asap' | 'stat'; deadlineMinutes: number; severity: Severity }
  >;
  rules: Rule[];
  scores: Record<string, Score>;
  risk: Risk;
  flags: FlagTask[];
  noPractitioner?: { task: Coding; performer?: Coding; deadlineHours: number };
  onsetTask?: { task: Coding; performer?: Coding; deadlineHours: number };
  /** Opened when a patient whom the programme follows is included again; without it a second episode begins. */
  secondInclusion?: { task: Coding; performer?: Coding; deadlineHours: number };
  silence: SilenceRule[];
  escalation: EscalationStep[];
  /** Codes of activities whose missed date makes them late. */
  calls: Coding[];
  /** Tasks that come from elsewhere and tell how a planned one went: which of its kinds one completes, the first that fits. */
  reports?: { report: Coding; completes: Coding[] }[];
}

/** From the mildest to the strongest. */
export type Level = 'watch' | 'warning' | 'alarm';
type Severity = 'low' | 'moderate' | 'high';

/** First and last day of each phase as J numbers; there is no J0: the eve of J1 is J-1. */
export interface DayBounds {
  /** The phase that is taken for granted on a day. */
  viral: Bounds;
  transitional: Bounds;
  inflammatory: Bounds;
  /** The days on which it may be that phase. */
  possible: { viral: Bounds; transitional: Bounds; inflammatory: Bounds };
  critical: Bounds;
}
/** Days of the illness, both ends included; J1 is 1. Without `to`, without end. */
export interface Bounds {
  from: number;
  to?: number;
}

/** When people work: where a dated call goes that falls on a weekend or a closed day. */
export interface Calendar {
  weekends: 'keep' | 'before' | 'after';
  /** FHIR dates on which nobody calls. */
  closedDays: string[];
  /** Local clock times of Europe/Paris between which a task of a day is to be done. */
  opens: string;
  closes: string;
}

/** What a reading can be at all; outside it is refused, not alerted. */
export interface Limit {
  code: Coding;
  unit: string;
  low: number;
  high: number;
}

interface RuleBase {
  id: string;
  reason: Text;
  level: Level;
  /** Level inside the critical window, and for patients at risk or complex, where it differs. */
  critical?: Level;
  atRisk?: Level;
  /** `threshold`, `trend`, `symptom` … of the programme's alert kinds. */
  kind: Coding;
  /** Of the rules of one group only the strongest speaks for a message. */
  group?: string;
}

/** A single reading below, above, at most or at least a value in a UCUM unit. */
export interface ThresholdRule extends RuleBase {
  type: 'threshold';
  codes: Coding[];
  unit: string;
  below?: number;
  above?: number;
  atMost?: number;
  atLeast?: number;
}

/** Readings that fall or rise by at least `by` over the last `readings` of them, none older than `hours`. */
export interface TrendRule extends RuleBase {
  type: 'trend';
  codes: Coding[];
  unit: string;
  direction: 'falling' | 'rising';
  by: number;
  readings: number;
  hours: number;
}

/** An observation whose value is one of the listed codes (or true). */
export interface AnswerRule extends RuleBase {
  type: 'answer';
  codes: Coding[];
  values?: Coding[];
  present?: boolean;
}

/** A score over the latest readings, at least so many points, when at least `parameters` of it are known. */
export interface ScoreRule extends RuleBase {
  type: 'score';
  score: string;
  atLeast: number;
  parameters: number;
  hours: number;
}

/** A rule of `mappings/rules-*.json`: one reading, a course of readings, an answer, or a score. */
export type Rule = ThresholdRule | TrendRule | AnswerRule | ScoreRule;

/** Points by parameter; the first band that fits counts. */
export interface Score {
  title: Text;
  source: string;
  parameters: ScoreParameter[];
}
/** One reading or answer of a score and the points it gives. */
export interface ScoreParameter {
  id: string;
  codes: Coding[];
  unit?: string;
  /** Takes the reading as it stands in the band `from` ≤ value ≤ `to`. */
  bands?: { from?: number; to?: number; points: number }[];
  /** For coded parameters. */
  values?: { coding: Coding; points: number }[];
  /** Points when there is no reading at all (air, alert); without it the parameter is unknown. */
  absent?: number;
}

/** Who is at risk of a severe form or in a complex situation. */
export interface Risk {
  ageFrom?: number;
  conditions: Coding[];
  complexFlags: Coding[];
  riskFlags: Coding[];
  /** RiskAssessment.prediction.qualitativeRisk codes that mean at risk. */
  assessments: Coding[];
}

/** A flag of the patient calls for something to be done. */
export interface FlagTask {
  flag: Coding;
  task: Coding;
  performer?: Coding;
  performerText?: Text;
  deadlineHours: number;
  reason: Text;
}

/** A questionnaire that did not come. */
export interface SilenceRule extends RuleBase {
  activity: Coding;
  afterHours: number;
}

/** One level of the chain that an alert climbs while nobody takes it. */
export interface EscalationStep {
  id: string;
  title: Text;
  performer?: Coding;
  performerText: Text;
  /** Minutes a task waits at this level before the next one is asked; by level of the alert. */
  waitMinutes: Record<Level, number>;
  /** A Communication goes out as well (to secure mail, or for 15 to whoever is on call). */
  notify: boolean;
}

/** Whether a coding is one of the list: system and code, whatever the display. */
export function isOneOf(codings: Coding[] | undefined, list: Coding[]): boolean {
  return (codings ?? []).some((one) => list.some((other) => other.system === one.system && other.code === one.code));
}
