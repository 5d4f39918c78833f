import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { DEFAULT_BACKOFF, isExhausted, pauseAfter, retryMoment } from '../../src/journal/backoff.ts';
import {
  admits,
  afterAnswer,
  afterFailure,
  type Breaker,
  CLOSED,
  DEFAULT_BREAKER,
  withoutProbe,
  withProbe,
} from '../../src/journal/breaker.ts';
import { afterOne, startConcurrency } from '../../src/journal/concurrency.ts';
import { newMessageId } from '../../src/journal/id.ts';
import { decodePayload, encodePayload } from '../../src/journal/payload.ts';

describe('backoff', () => {
  const policy = { firstMs: 1000, longestMs: 60_000 };

  test('doubles the span up to the longest, and takes a random part of it', () => {
    const spans = [1, 2, 3, 4, 7, 50, 100_000].map((attempt) => pauseAfter(attempt, policy, 0.999999));
    expect(spans).toEqual([1000, 2000, 4000, 8000, 60_000, 60_000, 60_000]);
    expect(pauseAfter(3, policy, 0)).toBe(0);
    expect(pauseAfter(3, policy, 0.5)).toBe(2000);
    expect(retryMoment(1, 5000, { firstMs: 0, longestMs: 0 })).toBe(5000);
  });

  test('has no end unless one is set', () => {
    expect(isExhausted(1_000_000, DEFAULT_BACKOFF)).toBe(false);
    expect([4, 5].map((attempt) => isExhausted(attempt, { ...policy, attempts: 5 }))).toEqual([false, true]);
  });
});

describe('breaker', () => {
  const policy = { failures: 3, firstPauseMs: 1000, longestPauseMs: 8000 };
  const fail = (breaker: Breaker, now: number, pauseMs = 0) =>
    afterFailure(breaker, now, policy, { random: 1, pauseMs });

  test('opens after failures in a row only', () => {
    let breaker = fail(fail(CLOSED, 0), 0);
    expect(admits(breaker, 0)).toBe('all');
    breaker = fail(afterAnswer(), 0);
    expect(admits(fail(breaker, 0), 0)).toBe('all');
    breaker = fail(fail(breaker, 5), 5);
    expect([admits(breaker, 5), admits(breaker, 1004), admits(breaker, 1005)]).toEqual(['nothing', 'nothing', 'probe']);
  });

  test('lets one probe through, and pauses longer after each that fails', () => {
    let breaker: Breaker = [1, 2, 3].reduce((one) => fail(one, 0), CLOSED);
    const pauses: number[] = [];
    for (let probes = 0; probes < 5; probes++) {
      const now = breaker.openUntil!;
      expect(admits(breaker, now)).toBe('probe');
      breaker = withProbe(breaker);
      expect(admits(breaker, now)).toBe('nothing');
      breaker = fail(breaker, now);
      pauses.push(breaker.openUntil! - now);
    }
    expect(pauses).toEqual([2000, 4000, 8000, 8000, 8000]);
    expect(admits(afterAnswer(), 0)).toBe('all');
  });

  test('does not pause longer for what was on its way when it opened', () => {
    const open = [1, 2, 3].reduce((one) => fail(one, 0), CLOSED);
    const later = [1, 2, 3, 4].reduce((one) => fail(one, 100), open);
    expect(later.openUntil).toBe(open.openUntil);
    expect(later.failedProbes).toBe(0);
  });

  test('keeps the pause that the other side asked for', () => {
    const open = fail(fail(fail(CLOSED, 0), 0), 0, 30_000);
    expect(open.openUntil).toBe(30_000);
    expect(fail(open, 10, 40_000).openUntil).toBe(40_010);
  });

  test('probes again when a probe came to nothing', () => {
    const open = withProbe([1, 2, 3].reduce((one) => fail(one, 0), CLOSED));
    expect(admits(withoutProbe(open), 2000)).toBe('probe');
  });

  test('whatever happens, the next probe is never further away than the longest pause', () => {
    const events = fc.array(fc.record({ wait: fc.nat(20_000), kind: fc.constantFrom('fail', 'answer', 'nothing') }));
    fc.assert(
      fc.property(events, fc.double({ min: 0, max: 0.999, noNaN: true }), (steps, random) => {
        let breaker = CLOSED;
        let now = 0;
        for (const { wait, kind } of steps) {
          now += wait;
          if (admits(breaker, now) === 'probe') breaker = withProbe(breaker);
          if (kind === 'fail') breaker = afterFailure(breaker, now, DEFAULT_BREAKER, { random });
          if (kind === 'answer') breaker = afterAnswer();
          if (kind === 'nothing') breaker = withoutProbe(breaker);
          expect((breaker.openUntil ?? now) - now).toBeLessThanOrEqual(DEFAULT_BREAKER.longestPauseMs);
          if (kind === 'answer') expect(admits(breaker, now)).toBe('all');
        }
      }),
    );
  });
});

describe('concurrency', () => {
  /** A side that takes `ms` for each message and does `parallel` at a time. */
  function settleOn(most: number, ms: number, parallel: number): number {
    const policy = { least: 1, most };
    let now = 0;
    let state = startConcurrency(policy, now);
    for (let done = 0; done < 20_000; done++) {
      now += ms / Math.min(parallel, state.limit);
      state = afterOne(state, now, true, policy);
      expect(state.limit).toBeGreaterThanOrEqual(1);
      expect(state.limit).toBeLessThanOrEqual(most);
    }
    return state.limit;
  }

  test('grows where that brings more through, and not where it does not', () => {
    expect(settleOn(64, 20, 1000)).toBeGreaterThanOrEqual(40);
    expect(settleOn(64, 20, 1)).toBeLessThanOrEqual(6);
    expect(settleOn(256, 50, 30)).toBeGreaterThanOrEqual(20);
    expect(settleOn(256, 50, 30)).toBeLessThanOrEqual(80);
    expect(settleOn(2, 20, 1000)).toBe(2);
  });

  test('does not grow while it is not used', () => {
    const policy = { least: 1, most: 64 };
    let state = startConcurrency(policy, 0);
    for (let now = 0; now < 10_000; now++) state = afterOne(state, now, false, policy);
    expect(state.limit).toBe(4);
  });
});

test('message ids are UUIDs of version 7 that grow', () => {
  const some = Array.from({ length: 20_000 }, newMessageId);
  expect(some.toSorted()).toEqual(some);
  expect(new Set(some).size).toBe(some.length);
  for (const id of some.slice(0, 50))
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test('a payload of JSON values and bytes comes back as it was', () => {
  const bytes = fc.uint8Array({ maxLength: 20 });
  const value = fc.letrec((tie) => ({
    node: fc.oneof(
      { maxDepth: 3, depthSize: 'small' },
      fc.jsonValue({ maxDepth: 1 }),
      bytes,
      fc.array(tie('node'), { maxLength: 3 }),
      fc.dictionary(fc.string(), tie('node'), { maxKeys: 3 }),
    ),
  })).node;
  fc.assert(
    fc.property(value, (payload) => {
      expect(decodePayload(encodePayload(payload))).toEqual(payload === undefined ? null : normal(payload));
    }),
  );
});

/** What JSON makes of it: -0 is 0; objects have a prototype. */
function normal(value: unknown): unknown {
  if (value instanceof Uint8Array || value === null || typeof value !== 'object')
    return Object.is(value, -0) ? 0 : value;
  if (Array.isArray(value)) return value.map(normal);
  const copy: Record<string, unknown> = {};
  for (const [name, inner] of Object.entries(value)) {
    Object.defineProperty(copy, name, { value: normal(inner), enumerable: true, configurable: true, writable: true });
  }
  return copy;
}
