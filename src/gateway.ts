import type { Logger } from 'pino';
import { stancesOf } from './access/explain.ts';
import { openAccess } from './access/index.ts';
import { oddScopes } from './access/scopes.ts';
import type { DoorContext } from './adapter.ts';
import type { Config, DoorEntry } from './config.ts';
import { deliverBy, type NamedDoor, openDoors, type Surroundings, soundDoors } from './doors.ts';
import { type Fault, fault, PasserelleError } from './errors.ts';
import { makeFolder } from './folder.ts';
import { createAccept } from './gateway/accept.ts';
import { answersOf, leftBy, wantedBy } from './gateway/destinations.ts';
import { furnish, furnished } from './gateway/furnish.ts';
import { HighWater } from './gateway/high-water.ts';
import { createNewsroom, type Newsroom } from './gateway/news.ts';
import { noteDelivery, notingMessages } from './gateway/noting.ts';
import { processor } from './gateway/process.ts';
import { watchRooms } from './gateway/reload.ts';
import { schedule } from './gateway/schedule.ts';
import { createWaiters, type Waiters } from './gateway/waiters.ts';
import { createLocks } from './identity/index.ts';
import { journalOf } from './journal/open.ts';
import { createWorker } from './journal/worker.ts';
import { extractAnswers } from './pipeline/answers.ts';
import { convertBytes } from './pipeline/convert-bytes.ts';
import { explainResource } from './pipeline/explain.ts';
import { formOf } from './pipeline/form.ts';
import type { House } from './pipeline/house.ts';
import { Prepared } from './pipeline/prepared.ts';
import { takeSheet } from './pipeline/sheet.ts';
import { type Fhir, openFhir } from './store/open.ts';
import { applyTo } from './store/patch.ts';
import { version } from './version.ts';
import { createApp, type Readiness } from './web/app.ts';
import { listen } from './web/listener.ts';
import { createMetrics, type Metrics } from './web/metrics.ts';
import { declaredOperations } from './web/operations.ts';

/** A gateway that runs. */
export interface Gateway {
  /** Base URL of the HTTP listener. */
  url: string;
  /** Addresses by door: what a sender connects to. */
  addresses: Record<string, string[]>;
  /** Stops intake, finishes what is in flight, closes everything in the reverse order of its start. */
  stop(): Promise<void>;
}

/** The FHIR server's own door; every message goes through it. What waits for the embedded server shares its commits already. */
function fhirDoor({ server, connections, together }: Config['fhir']): DoorEntry {
  return { name: 'fhir', type: 'fhir-server', connections, resources: server === 'embedded' ? 0 : together };
}

/** What to close, in the order it was opened. */
type Closing = (() => Promise<void> | void)[];

/**
 * Starts everything, in this order: data files, journal (recovered before anything comes in), FHIR server, doors, worker,
 * HTTP, listening doors, clockwork.
 * @throws PasserelleError with all faults of the stage that failed; nothing stays open.
 */
export async function runGateway(config: Config, log: Logger): Promise<Gateway> {
  const closing: Closing = [];
  const stop = async () => {
    for (const close of closing.splice(0).reverse()) await close();
  };
  try {
    return { ...(await startAll(config, log, closing)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The rooms that hold something open: pure data first, then what lies on disk or behind a connection. */
async function openRooms(config: Config, log: Logger, closing: Closing) {
  makeFolder(config.data);
  const pure = furnished(config.folders);
  const journal = await journalOf(config.journal, config.data);
  await journal.open();
  closing.push(() => journal.close());
  const fhir = await openFhir(config, log, {
    validate: (resource, profiles) => pure.examiner.judge(resource, { profiles }),
    describe: () => ({
      version,
      profiles: pure.examiner.profiles.map((url) => ({ url, type: pure.examiner.typeOf(url) ?? '' })),
      operations: declaredOperations(pure.translator.forms.map(({ of }) => of.type)),
    }),
  });
  closing.push(() => fhir.close());
  const access = await openAccess(config);
  closing.push(() => access.close());
  return { pure, journal, fhir: fhir.endpoint, access };
}

type Rooms = Awaited<ReturnType<typeof openRooms>>;

/** What the pipeline may know; `doors` is filled once the doors are open. */
function houseOf(
  config: Config,
  { pure, journal, fhir, access }: Rooms,
  doors: NamedDoor[],
  destinations: string[],
  log: Logger,
): House {
  return {
    ...pure,
    bases: [],
    fhir,
    patched: applyTo,
    deliver: (delivery) => deliverBy(doors, delivery),
    nonconforming: config.conformance.errors,
    unnamed: {
      from: config.recipients.unnamed,
      stances: (practitioner, resources) => stancesOf(access.rules, practitioner, resources, fhir),
    },
    locks: createLocks((keys) => journal.reserve(keys)),
    prepared: new Prepared(),
    takeUp: (ids) => journal.replay({ ids }),
    consequences: (written) => wantedBy(doors, destinations, written),
    answers: (door, ended) => answersOf(doors, destinations, door, ended),
    log,
    now: () => new Date(),
  };
}

/** Where callers find the FHIR API: by the name they are given, by the listener's, and on loopback by either name of it. */
function basesOf(listener: string, { http }: Config): string[] {
  const origins = [http.publicUrl?.replace(/\/$/, ''), listener, listener.replace('//127.0.0.1:', '//localhost:')];
  return [...new Set(origins)].flatMap((one) => (one ? [`${one}/fhir/R4`] : []));
}

interface Working {
  house: House;
  doors: NamedDoor[];
  metrics: Metrics;
  newsroom: Newsroom;
  waiters: Waiters;
}

/** Claims what the journal holds, and tells access, metrics and doors how it ended. */
function workerOf(config: Config, { journal, access }: Rooms, working: Working, log: Logger) {
  const { house, doors, metrics, newsroom, waiters } = working;
  return createWorker({
    journal,
    process: notingMessages(access.noteMessage, processor(house, metrics, newsroom), house.now),
    settled: waiters.settled,
    deliver: async (delivery) => {
      const outcome = await deliverBy(doors, delivery);
      metrics.delivery(delivery.destination, outcome.outcome);
      return outcome;
    },
    ended: async (delivery, outcome) => {
      noteDelivery(access.noteMessage, delivery, outcome, house.now());
      const left = leftBy(delivery, outcome);
      if (left.length > 0) await journal.follow(delivery.messageId, left);
      await newsroom.ended(delivery.messageId, delivery.id, outcome);
    },
    destinations: config.destinations.map((one) => one.name),
    concurrency: config.limits.workers,
    retry: config.retry,
    log,
  });
}

/** The HTTP side: what it may ask of the rooms. */
function appOf(
  config: Config,
  rooms: Rooms,
  working: Working,
  accept: DoorContext['accept'],
  readiness: () => Readiness,
  log: Logger,
) {
  const { journal, fhir, access } = rooms;
  const { house, doors, metrics, waiters } = working;
  const obstructed = () => journal.obstacles().length > 0;
  return createApp({
    config,
    log,
    access,
    journal,
    metrics,
    fhir,
    readiness: () => (readiness() === 'ready' && obstructed() ? 'not-durable' : readiness()),
    writing: { accept, outcome: waiters.wait },
    pageRules: () => ({ critical: house.pathway.rules.days.critical }),
    explain: (question) => explainResource(journal, (bytes, options) => convertBytes(bytes, options, house), question),
    takeSheet: (sheet) => takeSheet(house.translator, accept, sheet),
    extract: (answers) => extractAnswers(answers, house),
    writeForm: (question) => formOf(house.translator, question),
    words: () => house,
    doors: doors.map((one) => one.door),
  });
}

async function startAll(config: Config, log: Logger, closing: Closing) {
  let readiness: Readiness = 'starting';
  const rooms = await openRooms(config, log, closing);
  const { pure, journal, fhir, access } = rooms;
  const doors: NamedDoor[] = [];
  const own = fhirDoor(config.fhir);
  const destinations = [own.name, ...config.destinations.map((one) => one.name)];
  const house = houseOf(config, rooms, doors, destinations, log);
  const water = new HighWater(journal, config.limits.waiting, config.doors, log);
  const doorNames = config.doors.map((one) => one.name);
  const metrics = createMetrics({ journal, doors: doorNames, destinations, refusing: (counts) => water.shut(counts) });
  const newsroom = createNewsroom(journal, house, doors, destinations);
  const waiters = createWaiters(journal);
  const working: Working = { house, doors, metrics, newsroom, waiters };
  const open = () => readiness === 'ready';
  const accept = createAccept({ journal, house, metrics, note: access.noteMessage, open, water });
  const surroundings: Surroundings = ({ name }) => ({
    log: log.child({ door: name }),
    accept,
    outcome: waiters.wait,
    receipt: newsroom.receipt,
    original: (messageId) => journal.bytes(messageId),
    fhir,
  });
  doors.push(...(await openDoors([...config.doors, ...config.destinations, own], surroundings)));

  const worker = workerOf(config, rooms, working, log);
  worker.start();
  closing.push(async () => void (await worker.stop(8)));
  const listening = await listen(
    appOf(config, rooms, working, accept, () => readiness, log),
    config.http,
  );
  closing.push(() => listening.close(5000));
  house.bases = basesOf(listening.url, config);
  for (const { door } of doors) {
    await door.start?.();
    closing.push(() => door.stop?.());
  }
  const watching = watchRooms(config.folders, [house, pure], access, log);
  closing.push(() => watching.stop());
  const clockwork = schedule(config, journal, house, doors, log);
  closing.push(() => {
    readiness = 'draining';
    clockwork.stop();
  });
  readiness = 'ready';
  const addresses = Object.fromEntries(
    doors.flatMap(({ name, door }) => (door.addresses ? [[name, door.addresses()]] : [])),
  );
  log.info({ url: listening.url, addresses: Object.values(addresses).flat(), fhir: config.fhir.server }, 'listening');
  return { url: listening.url, addresses: addresses as Record<string, string[]> };
}

/** What `start` would stumble over: maps, profiles, doors and whether the other sides can be reached; all at once. */
export async function checkGateway(config: Config, log: Logger): Promise<Fault[]> {
  const { faults } = furnish(config.folders);
  faults.push(...scopeFaults(config));
  const deaf = (): never => {
    throw new Error('a door took a message while it was only checked');
  };
  let fhir: Fhir | undefined;
  try {
    makeFolder(config.data);
    fhir = await openFhir(config, log);
    const context: Omit<DoorContext, 'config' | 'name'> = {
      log,
      accept: async () => deaf(),
      outcome: async () => deaf(),
      receipt: async () => deaf(),
      original: async () => deaf(),
      fhir: fhir.endpoint,
    };
    const made = await soundDoors([...config.doors, ...config.destinations, fhirDoor(config.fhir)], () => context);
    faults.push(...made.faults);
    for (const { door } of made.doors) faults.push(...((await door.check?.()) ?? []));
  } catch (error) {
    if (!(error instanceof PasserelleError)) throw error;
    faults.push(...error.faults);
  } finally {
    await fhir?.close();
  }
  return faults;
}

/** Scopes nobody understands open nothing: their client would be refused everything and not be told why. */
function scopeFaults({ access }: Config): Fault[] {
  return access.clients.flatMap(({ client_id, scopes }) =>
    oddScopes(scopes).map((one) => {
      const problem = {
        fr: `« ${one} » n’est pas un scope SMART comme system/Observation.rs`,
        en: `"${one}" is no SMART scope, such as system/Observation.rs`,
      };
      return fault('config-invalid', { params: { setting: `access.clients.${client_id}.scopes`, problem } });
    }),
  );
}
