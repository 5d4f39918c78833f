/**
 * Time as the journal sees it, in milliseconds since 1970. It never goes back and never jumps while the process lives: a
 * wall clock set back by an hour must neither hold a retry for an hour nor end a lease early.
 */
export interface Clock {
  now(): number;
  /** A moment of the caller's wall clock (`Date.now() + x`) on this clock. */
  fromWall(moment: number): number;
}

/** The machine's monotonic clock, set once to the wall clock. */
export function steadyClock(): Clock {
  const start = Date.now() - performance.now();
  const now = () => Math.round(start + performance.now());
  return { now, fromWall: (moment) => now() + (moment - Date.now()) };
}
