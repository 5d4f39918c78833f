import type { Logger } from 'pino';
import type { Delivery, DeliveryOutcome } from '../adapter.ts';
import { type Fault, fault, isError, PasserelleError, register } from '../errors.ts';
import { type BackoffPolicy, pauseAfter } from './backoff.ts';
import { type BreakerPolicy, DEFAULT_BREAKER } from './breaker.ts';
import { steadyClock } from './clock.ts';
import type { ClaimedDelivery, Journal, Message, Settlement } from './journal.ts';
import { type Ended, Loop } from './loop.ts';

/** How long a lease holds without heartbeat. Longer than any pause of the event loop, shorter than an operator's patience. */
const LEASE_MS = 30_000;

/** How often work is looked for without being called, in case a bell of another process was not heard. */
const LOOK_MS = 2000;

/**
 * Fewer messages at a time are never worth while where more wait: they share commits, searches and transactions. On a busy
 * disk a search for the best number that began at four stayed there.
 */
const LEAST_MESSAGES = 16;

/** A message that made `process` throw this often is put with the dead: what is wrong is in the program, not outside. */
const MOST_STUMBLES = 10;

/** Issue types (of the register) that tell of the other side, not of the message. */
const CIRCUMSTANCES: ReadonlySet<string> = new Set(['transient', 'timeout', 'throttled']);

/** Ends that say nothing about the other side: put off for a reason of the message, or held before anything was written. */
const NOT_ASKED: ReadonlySet<Settlement['state']> = new Set(['accepted', 'quarantined']);

/** What the worker works with: the journal, the pipeline, the destinations. */
export interface WorkerOptions {
  journal: Journal;
  /** The pipeline: everything that is to be done with one message. */
  process(message: Message): Promise<Settlement>;
  /** Hands one delivery to its destination. */
  deliver?(delivery: Delivery): Promise<DeliveryOutcome>;
  /** Destinations whose deliveries are looked after. */
  destinations?: string[];
  /**
   * Called before the end of a delivery is written, by whatever way it came to it; asked again when that end was not written.
   * A failure is logged, and holds nothing up.
   */
  ended?(delivery: Delivery, outcome: DeliveryOutcome): Promise<void>;
  /** Called after the end of a message is on disk. */
  settled?(id: string): void;
  /** Most messages under way at one time; 64 by default. How many it really is depends on what pays. */
  concurrency?: number;
  /** Most deliveries under way at one time to each destination; 8 by default. */
  deliveryConcurrency?: number;
  /** Pauses between attempts. `giveUpHours` is for deliveries; messages are tried without end. 0: never give up. */
  retry?: { firstSeconds: number; maxSeconds: number; giveUpHours?: number };
  breaker?: BreakerPolicy;
  log?: Pick<Logger, 'warn' | 'info' | 'error'>;
}

/** Takes what waits in the journal through the pipeline and to the destinations. */
export interface Worker {
  start(): void;
  /** Takes nothing more and waits at most `seconds` for what is under way; answers how much was not finished. */
  stop(seconds?: number): Promise<number>;
  /** By destination (`fhir` for messages): how much is under way, how much may be at most just now, whether it is down. */
  status(): Record<string, { underWay: number; limit: number; down: boolean }>;
}

/**
 * Takes messages out of the journal and sees each to its end; the same for the deliveries of each destination, each in a
 * loop of its own: a destination that is down holds up nothing but its own deliveries.
 */
export function createWorker(options: WorkerOptions): Worker {
  const { journal, destinations = [], deliver, log } = options;
  const names = ['fhir', ...(deliver ? destinations : [])];
  const troubled = sparing((err, count) => log?.error({ err, count }, 'journal failed the worker'));
  const loops = [
    messageLoop(options, troubled),
    ...(deliver ? destinations.map((one) => deliveryLoop(one, deliver, options, troubled)) : []),
  ];
  const wake = () => {
    for (const loop of loops) loop.wake();
  };
  let deafen = () => {};
  let timers: NodeJS.Timeout[] = [];
  const beat = async () => {
    const ids = loops.flatMap((loop) => loop.underWay);
    if (ids.length > 0) await journal.heartbeat(ids, LEASE_MS).catch((err) => log?.warn({ err }, 'heartbeat failed'));
  };
  return {
    start() {
      deafen = journal.onWork(wake);
      timers = [setInterval(beat, LEASE_MS / 3), setInterval(wake, LOOK_MS)];
      for (const timer of timers) timer.unref();
      for (const loop of loops) loop.start();
    },
    status: () => Object.fromEntries(loops.map((loop, at) => [names[at], loop.status])),
    async stop(seconds = 10) {
      deafen();
      for (const loop of loops) loop.stop();
      const { promise: late, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, seconds * 1000);
      await Promise.race([Promise.all(loops.map((loop) => loop.idle())), late]);
      for (const one of [timer, ...timers]) clearTimeout(one);
      return loops.reduce((count, loop) => count + loop.underWay.length, 0);
    },
  };
}

/**
 * A journal that is away fails everything under way, again and again: one line a second tells it, with how many failures there
 * were since the one before.
 */
function sparing(tell: (error: unknown, count: number) => void): (error: unknown) => void {
  let toldAt = Number.NEGATIVE_INFINITY;
  let count = 0;
  return (error) => {
    count++;
    if (performance.now() - toldAt < 1000) return;
    toldAt = performance.now();
    tell(error, count);
    count = 0;
  };
}

function messageLoop(options: WorkerOptions, troubled: (error: unknown) => void): Loop<Message> {
  const { journal, process, settled, concurrency = 64, breaker = DEFAULT_BREAKER, log } = options;
  const policy = backoffOf(options);
  const work = async (message: Message): Promise<Ended> => {
    const end = await process(message).catch((error) => stumbled(error, message, policy, log));
    const down = end.state === 'accepted' && tellsOfOtherSide(end.faults);
    return {
      otherSide: down ? 'down' : NOT_ASKED.has(end.state) ? 'own' : 'answered',
      async settle(pauseMs) {
        const put = down && pauseMs !== undefined ? { ...end, retryAt: Date.now() + pauseMs } : end;
        const held = await journal.settle(message.id, put, message.attempts);
        if (!held) log?.warn({ message: message.id, attempt: message.attempts }, 'lease lost before the end');
        else if (end.state !== 'accepted') settled?.(message.id);
      },
    };
  };
  return new Loop({
    claim: (limit) => journal.claim(limit, LEASE_MS),
    idOf: (message) => message.id,
    sizeOf: (message) => message.incoming.bytes.length,
    work,
    concurrency: { least: Math.min(LEAST_MESSAGES, concurrency), most: concurrency },
    breaker,
    now: steadyClock().now,
    troubled,
    otherSide: (down) => log?.warn({ destination: 'fhir', down }, 'destination changed'),
  });
}

function deliveryLoop(
  destination: string,
  deliver: NonNullable<WorkerOptions['deliver']>,
  options: WorkerOptions,
  troubled: (error: unknown) => void,
) {
  const { journal, deliveryConcurrency = 8, breaker = DEFAULT_BREAKER, log } = options;
  const policy = backoffOf(options);
  const work = async (delivery: ClaimedDelivery): Promise<Ended> => {
    const outcome = givenUp(await deliver(delivery).catch((error) => failed(error, delivery, log)), delivery, options);
    if (outcome.outcome === 'delivered' || outcome.outcome === 'permanent') {
      await tell(delivery, outcome, options);
      return { otherSide: 'answered', settle: () => settle(delivery, outcome) };
    }
    const down = outcome.faults.length === 0 || tellsOfOtherSide(outcome.faults);
    const pauseMs = outcome.retryAfterSeconds === undefined ? undefined : outcome.retryAfterSeconds * 1000;
    const retryAt = Date.now() + (pauseMs ?? pauseAfter(delivery.attempt, policy));
    return {
      otherSide: down ? 'down' : 'own',
      pauseMs,
      settle: (openMs) => settle(delivery, outcome, down && openMs !== undefined ? Date.now() + openMs : retryAt),
    };
  };
  const settle = async (delivery: ClaimedDelivery, outcome: DeliveryOutcome, retryAt?: number) => {
    const held = await journal.settleDelivery(delivery.id, outcome, retryAt, delivery.attempt);
    if (!held) log?.warn({ delivery: delivery.id, attempt: delivery.attempt }, 'lease lost before the end');
  };
  return new Loop<ClaimedDelivery>({
    claim: (limit) => journal.claimDeliveries(destination, limit, LEASE_MS),
    idOf: (delivery) => delivery.id,
    sizeOf: (delivery) => delivery.size,
    work,
    concurrency: { least: 1, most: deliveryConcurrency },
    breaker,
    now: steadyClock().now,
    troubled,
    otherSide: (down) => log?.warn({ destination, down }, 'destination changed'),
  });
}

/** What was handed out must not go again because telling of it failed. */
async function tell(delivery: Delivery, outcome: DeliveryOutcome, { ended, log }: WorkerOptions): Promise<void> {
  await ended?.(delivery, outcome).catch((err) => log?.error({ err, delivery: delivery.id }, 'news not told'));
}

function backoffOf({ retry }: WorkerOptions): BackoffPolicy {
  const { firstSeconds, maxSeconds } = retry ?? { firstSeconds: 0.5, maxSeconds: 300 };
  return { firstMs: firstSeconds * 1000, longestMs: maxSeconds * 1000 };
}

/** Do these faults say that the other side is down or busy, and nothing about the message? */
function tellsOfOtherSide(faults: Fault[]): boolean {
  const first = faults.find(isError);
  return first !== undefined && CIRCUMSTANCES.has(register[first.code].issue);
}

/** `process` threw: what it knows is told, what nobody foresaw is tried again some times. */
function stumbled(error: unknown, message: Message, policy: BackoffPolicy, log: WorkerOptions['log']): Settlement {
  log?.error({ err: error, message: message.id, kind: message.kind }, 'processing failed');
  const known = error instanceof PasserelleError;
  const faults = known ? error.faults : [fault('processing-failed', { detail: String(error) })];
  if (!known && message.attempts >= MOST_STUMBLES) {
    return {
      state: 'dead',
      faults: [...faults, fault('given-up', { params: { attempts: message.attempts } })],
      references: [],
    };
  }
  return { state: 'accepted', faults, retryAt: Date.now() + pauseAfter(message.attempts, policy), ambiguous: true };
}

function failed(error: unknown, delivery: ClaimedDelivery, log: WorkerOptions['log']): DeliveryOutcome {
  log?.error({ err: error, delivery: delivery.id, destination: delivery.destination }, 'delivery failed');
  const known = error instanceof PasserelleError;
  const faults = known ? error.faults : [fault('processing-failed', { detail: String(error) })];
  return { outcome: !known && delivery.attempt >= MOST_STUMBLES ? 'permanent' : 'ambiguous', faults };
}

/** A delivery that has failed for as long as the operator wants to wait becomes a dead letter. */
function givenUp(outcome: DeliveryOutcome, delivery: ClaimedDelivery, { retry }: WorkerOptions): DeliveryOutcome {
  if (outcome.outcome === 'delivered' || outcome.outcome === 'permanent' || !retry?.giveUpHours) return outcome;
  if (Date.now() - delivery.since < retry.giveUpHours * 3_600_000) return outcome;
  const faults = [...outcome.faults, fault('given-up', { params: { attempts: delivery.attempt } })];
  return { outcome: 'permanent', faults };
}
