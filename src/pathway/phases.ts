import { dayNumber, dayOf } from './days.ts';
import type { Bounds, DayBounds } from './rules.ts';

/** The three phases of a Covid illness that rules and displays tell apart. */
export type Phase = 'viral' | 'transitional' | 'inflammatory';

/** Where in the illness a day is. */
export interface PhaseOfDay {
  /** J number; J1 is the first day of symptoms, there is no J0. */
  day: number;
  /** `J8`, `J-2`. */
  label: string;
  /** The phase taken for granted on that day; undefined before contagion and where no bound says. */
  phase?: Phase;
  /** Every phase it may be: the boundaries overlap. */
  possible: Phase[];
  /** Inside the window in which the state may turn within hours (J6–J12 unless the rules say otherwise). */
  critical: boolean;
}

/** Bounds of the Île-de-France doctrine of November 2020; `rules-covid.json` may say otherwise. */
export const doctrine: DayBounds = {
  viral: { from: -2, to: 6 },
  transitional: { from: 7, to: 9 },
  inflammatory: { from: 10 },
  possible: { viral: { from: -2, to: 10 }, transitional: { from: 6, to: 12 }, inflammatory: { from: 10 } },
  critical: { from: 6, to: 12 },
};

const names: Phase[] = ['viral', 'transitional', 'inflammatory'];

/**
 * The phase of the illness on a day: viral from J-2 to J7–J10, transitional J7–J10 (may be J6–J12), inflammatory from J10;
 * J6–J12 is the critical window.
 * @param j1 first day of symptoms, a FHIR date.
 * @param at a day, dateTime or instant; read as the calendar day in Europe/Paris.
 * @returns undefined when one of the two is not a day (a month, nothing).
 */
export function phases(
  j1: string | undefined,
  at: string | Date,
  bounds: DayBounds = doctrine,
): PhaseOfDay | undefined {
  const first = dayOf(j1);
  const date = dayOf(typeof at === 'string' ? at : at.toISOString());
  if (!first || !date) return undefined;
  const day = dayNumber(first, date);
  return {
    day,
    label: `J${day}`,
    phase: names.find((name) => isWithin(day, bounds[name])),
    possible: names.filter((name) => isWithin(day, bounds.possible[name])),
    critical: isWithin(day, bounds.critical),
  };
}

/** Whether a J number is inside the bounds, both ends included. */
export function isWithin(day: number, bounds: Bounds): boolean {
  return day >= bounds.from && (bounds.to === undefined || day <= bounds.to);
}
