import { openAccess } from '../src/access/index.ts';
import { loadConfig } from '../src/config.ts';
import { openDoors } from '../src/doors.ts';
import { PasserelleError } from '../src/errors.ts';
import { createLog } from '../src/log.ts';
import { openFhir } from '../src/store/open.ts';
import { createApp } from '../src/web/app.ts';
import { listen } from '../src/web/listener.ts';
import { createMetrics } from '../src/web/metrics.ts';

/**
 * A process that answers reads as the gateway does, over the same store, and writes no audit: what guarded reads are measured
 * beside. It takes its settings as the gateway does.
 */
const { config, faults } = loadConfig({ environment: process.env, cwd: process.cwd() });
if (!config) throw new PasserelleError(faults);
const log = createLog({ level: config.log.level });
const fhir = await openFhir(config, log);
const access = await openAccess(config);
const nothing = async () => undefined;
const never = async (): Promise<never> => {
  throw new Error('only reads are answered here');
};
const context = { log, fhir: fhir.endpoint, accept: never, outcome: never, receipt: nothing, original: nothing };
const entry = config.doors.filter(({ type }) => type === 'fhir-api');
const journal = { get: nothing, list: never, unmapped: never, replay: never, counts: never };
const app = createApp({
  config,
  log,
  access: Object.assign(access, { audit: { ...access.audit, record: () => undefined } }),
  journal,
  metrics: createMetrics({ journal, doors: [], destinations: [] }),
  fhir: fhir.endpoint,
  readiness: () => 'ready',
  pageRules: () => ({ critical: { from: 1, to: 2 } }),
  explain: nothing,
  doors: (await openDoors(entry, () => context)).map(({ door }) => door),
});
const listening = await listen(app, config.http);
process.once('SIGTERM', async () => {
  await listening.close(1000);
  await fhir.close();
  access.close();
  process.exit();
});
