/**
 * How many messages are worked on at a time: more as long as that brings more through, fewer when it does not. What the
 * best number is depends on the other side (a remote FHIR server gains up to some 200 messages, which it gets in bundles;
 * the embedded one gains nothing past a few) and cannot be known beforehand. Pure: state and time in, state out.
 */
export interface Concurrency {
  limit: number;
  /** Rate (1/s) of the window before. */
  lastRate: number;
  /** The step taken after it: 1 up, -1 down, 0 none. */
  lastStep: number;
  window: { since: number; done: number; wasFull: boolean };
}

/** Bounds of how many messages are under way at one time. */
export interface ConcurrencyPolicy {
  least: number;
  most: number;
}

/** A window lasts until so many messages a slot are done, and not below this time: shorter ones measure noise. */
const WINDOW_ROUNDS = 4;
const WINDOW_MS = 50;

/** Change of the rate that counts as one. */
const BETTER = 1.05;
const WORSE = 0.9;

/** Four at a time, or what the policy's bounds make of it; the first window begins now. */
export function startConcurrency(policy: ConcurrencyPolicy, now: number): Concurrency {
  const limit = Math.max(policy.least, Math.min(policy.most, 4));
  return { limit, lastRate: 0, lastStep: 1, window: { since: now, done: 0, wasFull: false } };
}

/** After one message is done; `full` when all slots had been taken. */
export function afterOne(state: Concurrency, now: number, full: boolean, policy: ConcurrencyPolicy): Concurrency {
  const { since, done, wasFull } = state.window;
  const window = { since, done: done + 1, wasFull: wasFull || full };
  const elapsed = now - since;
  if (window.done < state.limit * WINDOW_ROUNDS || elapsed < WINDOW_MS) return { ...state, window };
  const fresh = { since: now, done: 0, wasFull: false };
  if (!window.wasFull) return { ...state, lastRate: 0, lastStep: 1, window: fresh };
  const rate = (window.done * 1000) / elapsed;
  const step = nextStep(rate, state);
  const limit = Math.max(policy.least, Math.min(policy.most, stepped(state.limit, step)));
  return { limit, lastRate: rate, lastStep: step, window: fresh };
}

/** On the way up while it pays; a step that did not pay is taken back, and what is good enough is left alone. */
function nextStep(rate: number, { lastRate, lastStep }: Concurrency): number {
  if (rate > lastRate * BETTER) return lastStep >= 0 ? 1 : 0;
  if (rate < lastRate * WORSE) return lastStep > 0 ? -1 : 1;
  return lastStep > 0 ? -1 : 0;
}

function stepped(limit: number, step: number): number {
  if (step > 0) return limit + Math.max(1, Math.ceil(limit / 2));
  return step < 0 ? Math.floor((limit * 2) / 3) : limit;
}
