import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CapabilityStatement, SearchParameter } from '@medplum/fhirtypes';
import type { FhirEndpoint } from '../adapter.ts';
import { WalSync } from '../wal-sync.ts';
import { type CapabilityDetails, capabilityStatement } from './capabilities.ts';
import type { Desk } from './conditional.ts';
import { type Connection, openDatabase } from './database.ts';
import { Indexer } from './indexer.ts';
import { storeRouter } from './interactions.ts';
import { Lookup } from './lookup.ts';
import { Parameters } from './parameters.ts';
import { WriteQueue } from './queue.ts';
import { Readings } from './readings.ts';
import { ShelfRepository } from './repository.ts';
import { StoreEndpoint } from './server.ts';
import { Shelf } from './shelf.ts';
import type { Validate } from './validate.ts';

/** Where the store lives and what it is given to judge, search and describe itself with. */
export interface StoreOptions {
  /** SQLite file; its folder is created. */
  file: string;
  /** Search parameters besides those of R4; see `loadSearchParameters`. */
  searchParameters?: SearchParameter[];
  /** The examiner, for `$validate`. Without it `$validate` looks at the structure only. */
  validate?: Validate;
  /** Bases under which clients reach this server: absolute references to them are local ones. */
  bases?: string[];
  /** What the CapabilityStatement says besides; asked each time it is built. */
  describe?: () => Omit<CapabilityDetails, 'validates'>;
  limits?: Partial<StoreLimits>;
  /** Called with errors nobody foresaw; the caller of the request is told `internal`. */
  report?: (error: unknown) => void;
}

/** Bounds of what one request may ask or bring; each has a default. */
export interface StoreLimits {
  defaultCount: number;
  maxCount: number;
  maxParameters: number;
  maxIncluded: number;
  /** Characters of path and query. */
  maxUrl: number;
  /** Entries of a batch or transaction. */
  maxEntries: number;
}

const LIMITS: StoreLimits = {
  defaultCount: 50,
  maxCount: 1000,
  maxParameters: 100,
  maxIncluded: 5000,
  maxUrl: 16_384,
  maxEntries: 5000,
};

/** The embedded FHIR R4 server. */
export interface Store {
  endpoint: FhirEndpoint;
  capabilities(): CapabilityStatement;
  /** Commits what waits and closes the file; nothing may be asked after that. */
  close(): Promise<void>;
  /** Resources whose index was built again on opening, because parameters were added. */
  reindexed: number;
}

/**
 * Opens the embedded FHIR server over one SQLite file (WAL, synced after each commit): what a response has confirmed is on
 * disk.
 * @throws Error when the file cannot be opened or written
 */
export function openStore(options: StoreOptions): Store {
  const limits = { ...LIMITS, ...options.limits };
  const parameters = new Parameters(options.searchParameters);
  const { writer, reader, stale, lacksReadings } = openDatabase(options.file, parameters);
  const local = localiser(options.bases ?? []);
  const indexer = new Indexer(writer, parameters, local);
  const reindexed = stale.length ? rebuild(writer, indexer, stale) : 0;
  if (lacksReadings) new Readings(writer, parameters).rebuild();
  const desk = (connection: Connection): Desk => ({
    shelf: new Shelf(connection, indexer),
    context: { connection, parameters, local, now: Date.now() },
    limits,
  });
  const log = new WalSync(options.file);
  const queue = new WriteQueue(writer, log);
  const repository = new ShelfRepository(desk(reader), desk(writer), queue, limits);
  const capabilities = () => capabilityStatement(parameters, { ...options.describe?.(), validates: true });
  const router = storeRouter({
    maxEntries: limits.maxEntries,
    capabilities,
    batch: (bundle) => endpoint.batch(bundle),
    ...(options.validate ? { validate: options.validate } : {}),
  });
  const lookup = new Lookup(repository.reading.shelf, parameters);
  const endpoint = new StoreEndpoint(router, repository, lookup, limits, options.report ?? (() => {}));
  return {
    endpoint,
    capabilities,
    reindexed,
    close: async () => {
      await queue.close();
      log.close();
      reader.close();
      writer.close();
    },
  };
}

function rebuild(writer: Connection, indexer: Indexer, types: string[]): number {
  writer.run('BEGIN IMMEDIATE');
  const count = indexer.rebuild(types);
  writer.run('COMMIT');
  return count;
}

/** Makes absolute URLs below one of the bases relative. */
function localiser(bases: string[]): (url: string) => string {
  const prefixes = bases.map((base) => `${base.replace(/\/$/, '')}/`);
  return (url) => {
    const prefix = prefixes.find((one) => url.startsWith(one));
    return prefix ? url.slice(prefix.length) : url;
  };
}

/**
 * Reads the SearchParameter-*.json files of a folder.
 * @throws Error naming the file that is not JSON
 */
export function loadSearchParameters(folder: string): SearchParameter[] {
  return readdirSync(folder)
    .filter((name) => /^SearchParameter-.+\.json$/.test(name))
    .sort()
    .map((name) => {
      try {
        return JSON.parse(readFileSync(join(folder, name), 'utf8'));
      } catch (error) {
        throw new Error(`${name} in the folder of profiles is not JSON`, { cause: error });
      }
    });
}
