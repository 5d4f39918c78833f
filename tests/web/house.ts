import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Express } from 'express';
import { type Access, mintToken, openAccess } from '../../src/access/index.ts';
import type { Door, DoorContext, FhirEndpoint } from '../../src/adapter.ts';
import { type Config, loadConfig } from '../../src/config.ts';
import { openDoors } from '../../src/doors.ts';
import { type Fault, fault } from '../../src/errors.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { journalOf } from '../../src/journal/open.ts';
import { createLog } from '../../src/log.ts';
import type { Incoming, Outcome, Verdict } from '../../src/message.ts';
import { createApp, type Readiness } from '../../src/web/app.ts';
import { createMetrics, type Metrics } from '../../src/web/metrics.ts';

/** The window with its real doors, gate and journal; only what comes after the journal is the test's to play. */
export interface House {
  app: Express;
  config: Config;
  access: Access;
  journal: Journal;
  metrics: Metrics;
  /** What the doors handed over, in order. */
  taken: Incoming[];
  /** Lines of the log. */
  lines: string[];
  /** Faults the next messages are refused with. */
  refuseWith: Fault[];
  state: { now: Readiness };
  token(scope?: string, more?: { clientId?: string; patient?: string }): Promise<string>;
  close(): Promise<void>;
}

export async function openHouse(
  change: (config: Config) => void = () => undefined,
  { fhir = nothingThere, more = [] as Door[] }: { fhir?: FhirEndpoint; more?: Door[] } = {},
): Promise<House> {
  const data = await mkdtemp(join(tmpdir(), 'passerelle-web-'));
  const config = loadConfig({ environment: { PASSERELLE_DATA: data }, cwd: data }).config as Config;
  change(config);
  const journal = await journalOf('sqlite', data);
  await journal.open();
  const access = await openAccess(config);
  const metrics = createMetrics({ journal, doors: ['http-in'], destinations: ['fhir'] });
  const lines: string[] = [];
  const log = createLog({ level: 'info', stream: { write: (line) => void lines.push(line) } });
  const house = {
    config,
    access,
    journal,
    metrics,
    lines,
    taken: [],
    refuseWith: [],
    state: { now: 'ready' },
  } as unknown as House;

  const accept: DoorContext['accept'] = (incoming) => take(house, incoming);
  const surroundings = () => ({
    log,
    fhir,
    accept,
    receipt: async () => undefined,
    original: async () => undefined,
    outcome: outcomeFrom(journal),
  });
  const entries = config.doors.filter((one) => one.type === 'http-in' || one.type === 'telemonitoring');
  const doors = (await openDoors(entries, surroundings)).map((one) => one.door);
  const readiness = () => house.state.now;
  house.app = createApp({
    config,
    log,
    access,
    journal,
    metrics,
    fhir,
    readiness,
    doors: [...doors, ...more],
    explain: async () => undefined,
    pageRules: () => ({ critical: { from: 1, to: 2 } }),
  });
  house.token = async (scope, { clientId = 'tester', patient } = {}) =>
    `Bearer ${await mintToken(config, { clientId, scope, patient })}`;
  house.close = async () => {
    access.close();
    await journal.close();
    await rm(data, { recursive: true, force: true });
  };
  return house;
}

const nothingThere: FhirEndpoint = { send: async () => ({ status: 404, headers: {} }) };

async function take(house: House, incoming: Incoming): Promise<Verdict> {
  house.taken.push(incoming);
  const refused = house.refuseWith.length > 0;
  const appended = await house.journal.append({
    id: randomUUID(),
    incoming,
    state: refused ? 'refused' : 'accepted',
    faults: house.refuseWith,
    dedupeKey: incoming.idempotencyKey,
    lane: randomUUID(),
    kind: 'test',
    sender: incoming.format === 'hl7v2' ? 'DPI/HOP' : (incoming.sender ?? ''),
    receivedAt: Date.now(),
  });
  return { ...appended, faults: appended.duplicate ? appended.faults : [...house.refuseWith] };
}

function outcomeFrom(journal: Journal): DoorContext['outcome'] {
  return async (id, seconds) => {
    const until = Date.now() + seconds * 1000;
    for (;;) {
      const record = await journal.get(id);
      if (record && record.state !== 'accepted') {
        const { state, references, faults } = record;
        return { id, state, references, faults } satisfies Outcome;
      }
      if (Date.now() >= until) return undefined;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
}

/** Ends the work on every message that waits, as the pipeline would. */
export async function settleAll(journal: Journal, references: string[]): Promise<void> {
  for (const message of await journal.claim(100, 10_000)) {
    await journal.settle(message.id, { state: 'delivered', faults: [], references });
  }
}

/** A refusal as the whole body must look. */
export function outcome(...issues: { code: string; issue: string; text: unknown }[]) {
  return {
    resourceType: 'OperationOutcome',
    issue: issues.map(({ code, issue, text }) => ({
      severity: 'error',
      code: issue,
      details: { coding: [{ system: 'http://passerelle.example/fhir/CodeSystem/error', code }], text },
    })),
  };
}

export { fault };
