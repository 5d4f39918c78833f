import { type Reading, readingsWith } from './readings.ts';
import type { Score, ScoreParameter } from './rules.ts';
import { isOneOf } from './rules.ts';

/** A score over the latest reading of each parameter. */
export interface ScoreResult {
  total: number;
  /** The most points a single parameter gave. */
  highest: number;
  /** How many parameters were measured; those taken for normal without a reading do not count. */
  known: number;
  points: Record<string, number>;
  readings: Reading[];
}

/**
 * Adds up a score (NEWS2 and others) as its bands say; nothing about it is in code. A parameter without a usable reading
 * counts its `absent` points, or nothing.
 * @param readings oldest first; the newest of each parameter is taken.
 */
export function scoreOf(score: Score, readings: Reading[]): ScoreResult {
  const result: ScoreResult = { total: 0, highest: 0, known: 0, points: {}, readings: [] };
  for (const parameter of score.parameters) {
    const reading = readingsWith(readings, parameter.codes, parameter.unit).at(-1);
    const measured = reading && pointsOf(parameter, reading);
    const points = measured ?? parameter.absent;
    if (points === undefined) continue;
    result.points[parameter.id] = points;
    result.total += points;
    result.highest = Math.max(result.highest, points);
    if (reading && measured !== undefined) {
      result.known++;
      result.readings.push(reading);
    }
  }
  return result;
}

function pointsOf(parameter: ScoreParameter, reading: Reading): number | undefined {
  const coded = parameter.values?.find((one) => isOneOf(reading.values, [one.coding]));
  if (coded) return coded.points;
  const value = reading.quantity?.value;
  if (value === undefined) return undefined;
  const fits = (from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY) => value >= from && value <= to;
  return parameter.bands?.find((band) => fits(band.from, band.to))?.points;
}
