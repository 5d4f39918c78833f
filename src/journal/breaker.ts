/**
 * Whether a destination is worth trying. While it is down it is not each message that tries again, but one probe now and
 * then on behalf of all. Pure: state and time in, state out.
 */
export interface Breaker {
  /** Failures in a row that say the other side is down. */
  failures: number;
  /** While set, nothing is sent before this moment (milliseconds), and then only a probe. */
  openUntil?: number;
  /** Probes that failed in a row; decides the length of the next pause. */
  failedProbes: number;
  /** A probe is on its way. */
  probing: boolean;
}

/** When a destination counts as down, and how long it is left alone then (ms). */
export interface BreakerPolicy {
  /** So many failures in a row open it. */
  failures: number;
  /** Length of the first pause, doubled after each failed probe. */
  firstPauseMs: number;
  longestPauseMs: number;
}

/** Five failures in a row; half a second at first, fifteen at most. */
export const DEFAULT_BREAKER: BreakerPolicy = { failures: 5, firstPauseMs: 500, longestPauseMs: 15_000 };

/** A destination nothing is known against. */
export const CLOSED: Breaker = { failures: 0, failedProbes: 0, probing: false };

/** What may be sent now: everything, one probe, or nothing before `openUntil`. */
export function admits(breaker: Breaker, now: number): 'all' | 'probe' | 'nothing' {
  if (breaker.openUntil === undefined) return 'all';
  return now >= breaker.openUntil && !breaker.probing ? 'probe' : 'nothing';
}

/** The probe has been sent. */
export function withProbe(breaker: Breaker): Breaker {
  return { ...breaker, probing: true };
}

/** The other side answered, whatever it said about the message. */
export function afterAnswer(): Breaker {
  return CLOSED;
}

/**
 * The other side is down, or asked for a pause.
 *
 * @param pauseMs the pause it asked for (`Retry-After`), when it did
 * @param random a number in [0, 1); pauses lie between half and the whole of their length, so that processes do not probe
 *   together
 */
export function afterFailure(
  breaker: Breaker,
  now: number,
  policy: BreakerPolicy,
  { pauseMs = 0, random = Math.random() } = {},
): Breaker {
  const failures = breaker.failures + 1;
  if (breaker.openUntil !== undefined && !breaker.probing) {
    return { ...breaker, failures, openUntil: Math.max(breaker.openUntil, now + pauseMs) };
  }
  const failedProbes = breaker.failedProbes + (breaker.probing ? 1 : 0);
  if (failures < policy.failures && !breaker.probing) return { ...breaker, failures };
  const length = Math.min(policy.longestPauseMs, policy.firstPauseMs * 2 ** Math.min(failedProbes, 40));
  const pause = Math.max(pauseMs, length * (0.5 + random / 2));
  return { failures, failedProbes, probing: false, openUntil: now + Math.ceil(pause) };
}

/** A probe that came to nothing: there was nothing to send, or it failed for a reason of its own. */
export function withoutProbe(breaker: Breaker): Breaker {
  return { ...breaker, probing: false };
}
