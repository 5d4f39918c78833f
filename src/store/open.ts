import { join } from 'node:path';
import type { Logger } from 'pino';
import type { FhirEndpoint } from '../adapter.ts';
import type { Config } from '../config.ts';
import { loadSearchParameters, type StoreOptions } from './index.ts';
import { openStoreThread } from './thread.ts';

/** The FHIR R4 server that the configuration names. */
export interface Fhir {
  endpoint: FhirEndpoint;
  close(): Promise<void> | void;
}

/**
 * Opens the embedded server, or a connection to the one whose base URL the setting `fhir.server` gives. `more` is what the
 * house lends: the examiner for `$validate`, and what the embedded one's CapabilityStatement says of the house.
 */
export async function openFhir(
  config: Config,
  log: Logger,
  more: Pick<StoreOptions, 'validate' | 'describe'> = {},
): Promise<Fhir> {
  const { server, headers, timeoutSeconds, connections, abilities } = config.fhir;
  if (server !== 'embedded') {
    const [{ openRemote }, { gathering }, { idempotent }, { judging }] = await Promise.all([
      import('./remote.ts'),
      import('./gather.ts'),
      import('./idempotent.ts'),
      import('./judging.ts'),
    ]);
    const { endpoint, close } = openRemote({ base: server, headers, timeoutSeconds, connections });
    const remote = idempotent(gathering(endpoint), abilities);
    return { endpoint: more.validate ? judging(remote, more.validate) : remote, close };
  }
  return openStoreThread({
    file: join(config.data, 'fhir.sqlite'),
    searchParameters: config.folders.profiles.flatMap(loadSearchParameters),
    limits: { maxEntries: config.limits.entries },
    ...more,
    // Absolute references to this server, as its clients see it, are local ones.
    ...(config.http.publicUrl ? { bases: [`${config.http.publicUrl.replace(/\/$/, '')}/fhir/R4`] } : {}),
    report: (err) => log.error({ err }, 'FHIR store failed'),
  });
}
