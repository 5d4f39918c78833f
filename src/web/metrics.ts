import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { ErrorCode } from '../errors.ts';
import type { Counts, Journal } from '../journal/journal.ts';

/** What is counted as it happens; what waits, and what is unmapped, is read from the journal at each scrape. */
export interface Metrics {
  accepted(door: string): void;
  refused(door: string, code: ErrorCode): void;
  delivery(destination: string, outcome: 'delivered' | 'transient' | 'ambiguous' | 'permanent'): void;
  /** `area`: `in`, `fhir`, `messages` … never a whole path. */
  request(method: string, area: string, status: number, seconds: number): void;
  /** Prometheus text. */
  text(): Promise<string>;
  contentType: string;
}

/** More senders than this are counted together: a label per sender must not be a way to fill the memory. */
const mostSenders = 200;

/** What the metrics are read from, and the names that may stand in their labels. */
export interface MetricsParts {
  journal: Pick<Journal, 'counts' | 'unmapped'>;
  doors: string[];
  /** Doors that refuse because too much waits, as these counts say; without it none ever does. */
  refusing?(counts: Counts): ReadonlySet<string>;
  /** The FHIR server first: what waits for it, or is dead, are messages. */
  destinations: string[];
}

/** Counters start at 0 for each door and destination, so that a rate can be seen from the first message on. */
export function createMetrics(parts: MetricsParts): Metrics {
  const { doors, destinations } = parts;
  const registers = [new Registry()];
  const register = registers[0] as Registry;
  collectDefaultMetrics({ register });
  const counter = (name: string, help: string, labelNames: string[]) =>
    new Counter({ name, help, labelNames, registers });
  const accepted = counter('passerelle_messages_accepted_total', 'Messages on disk and acknowledged', ['door']);
  const refused = counter('passerelle_messages_refused_total', 'Messages the sender was told no about', [
    'door',
    'code',
  ]);
  const deliveries = counter('passerelle_deliveries_total', 'Attempts to deliver', ['destination', 'outcome']);
  for (const door of doors) accepted.inc({ door }, 0);
  for (const destination of destinations) deliveries.inc({ destination, outcome: 'delivered' }, 0);
  const requests = new Histogram({
    name: 'passerelle_http_request_seconds',
    help: 'Time to answer an HTTP request',
    labelNames: ['method', 'area', 'status'],
    buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10],
    registers,
  });
  journalMetrics(parts, registers);
  return {
    accepted: (door) => accepted.inc({ door }),
    refused: (door, code) => refused.inc({ door, code }),
    delivery: (destination, outcome) => deliveries.inc({ destination, outcome }),
    request: (method, area, status, seconds) =>
      requests.observe({ method, area, status: `${Math.floor(status / 100)}xx` }, seconds),
    text: () => register.metrics(),
    contentType: register.contentType,
  };
}

function journalMetrics({ journal, doors, destinations, refusing }: MetricsParts, registers: Registry[]): void {
  // The pipeline's own: its deliveries are the messages themselves.
  const [pipeline] = destinations;
  // One look at the journal a scrape, however many metrics come of it.
  let looking: ReturnType<Journal['counts']> | undefined;
  const counts = () => {
    looking ??= journal.counts().finally(() => {
      looking = undefined;
    });
    return looking;
  };
  const gauge = (name: string, help: string, labelNames: string[], fill: (gauge: Gauge) => Promise<void>) =>
    new Gauge({
      name,
      help,
      labelNames,
      registers,
      async collect() {
        this.reset();
        await fill(this);
      },
    });
  gauge('passerelle_deliveries_waiting', 'Deliveries that wait', ['destination'], async (metric) => {
    for (const destination of destinations) metric.set({ destination }, 0);
    const { waiting, messages } = await counts();
    for (const [destination, count] of Object.entries(waiting)) metric.set({ destination }, count);
    if (pipeline !== undefined) metric.set({ destination: pipeline }, messages.accepted);
  });
  gauge('passerelle_deliveries_dead', 'Deliveries given up', ['destination'], async (metric) => {
    for (const destination of destinations) metric.set({ destination }, 0);
    const { dead, messages } = await counts();
    for (const [destination, count] of Object.entries(dead)) metric.set({ destination }, count);
    if (pipeline !== undefined) metric.set({ destination: pipeline }, messages.dead);
  });
  gauge('passerelle_messages', 'Messages in the journal', ['state'], async (metric) => {
    for (const [state, count] of Object.entries((await counts()).messages)) metric.set({ state }, count);
  });
  gauge('passerelle_intake_refusing', '1 while a door refuses because too much waits', ['door'], async (metric) => {
    const shut = refusing?.(await counts());
    for (const door of doors) metric.set({ door }, Number(shut?.has(door) ?? false));
  });
  const oldest = 'Age of the oldest message or delivery that waits';
  gauge('passerelle_oldest_waiting_seconds', oldest, ['destination'], async (metric) => {
    for (const destination of destinations) metric.set({ destination }, 0);
    for (const [destination, age] of Object.entries((await counts()).oldestSeconds)) metric.set({ destination }, age);
  });
  new Counter({
    name: 'passerelle_unmapped_codes_total',
    help: 'Local codes no table translates',
    labelNames: ['sender'],
    registers,
    async collect() {
      this.reset();
      const bySender = new Map<string, number>();
      for (const { sender, count } of await journal.unmapped()) {
        const label = bySender.has(sender) || bySender.size < mostSenders ? sender : 'others';
        bySender.set(label, (bySender.get(label) ?? 0) + count);
      }
      for (const [sender, count] of bySender) this.inc({ sender }, count);
    },
  });
}
