/** How long to wait between attempts; times in milliseconds. */
export interface BackoffPolicy {
  /** The first pause is at most this long; each further one at most twice the one before. */
  firstMs: number;
  /** No pause is longer. */
  longestMs: number;
  /** Attempts after which to give up; none by default: what was accepted is delivered, however long the other side is down. */
  attempts?: number;
}

/** Half a second at first, five minutes at most. */
export const DEFAULT_BACKOFF: BackoffPolicy = { firstMs: 500, longestMs: 5 * 60_000 };

/**
 * The pause after attempt number `attempt` (1 for the first): a random part of a span that doubles each time. Without the
 * random part everything that failed together would come back together.
 *
 * @param random a number in [0, 1)
 */
export function pauseAfter(attempt: number, policy: BackoffPolicy = DEFAULT_BACKOFF, random = Math.random()): number {
  const span = Math.min(policy.longestMs, policy.firstMs * 2 ** Math.min(attempt - 1, 40));
  return Math.ceil(span * random);
}

/** The moment (milliseconds since 1970) at which to try again after attempt number `attempt`. */
export function retryMoment(attempt: number, now: number, policy: BackoffPolicy = DEFAULT_BACKOFF): number {
  return now + pauseAfter(attempt, policy);
}

/** Has everything been tried that the policy allows? */
export function isExhausted(attempt: number, policy: BackoffPolicy): boolean {
  return policy.attempts !== undefined && attempt >= policy.attempts;
}
