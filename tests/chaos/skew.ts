/**
 * Loaded before a gateway (`node --import`): a wall clock that jumps by an hour, back or forth, at each SIGUSR2, as that of
 * a machine does that is set right, or wrong, while the program runs. CHAOS_SKEW_MS is what it is off by at the start.
 */
const RealDate = Date;
const HOUR = 3_600_000;
let offset = Number(process.env.CHAOS_SKEW_MS ?? 0);

class SkewedDate extends RealDate {
  constructor(...given: unknown[]) {
    if (given.length === 0) super(RealDate.now() + offset);
    else super(...(given as [number]));
  }

  static override now(): number {
    return RealDate.now() + offset;
  }
}
globalThis.Date = SkewedDate as DateConstructor;

process.on('SIGUSR2', () => {
  offset = offset <= 0 ? offset + HOUR : offset - 2 * HOUR;
});
