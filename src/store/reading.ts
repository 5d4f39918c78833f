import type { SearchParameter } from '@medplum/fhirtypes';
import type { FhirEndpoint } from '../adapter.ts';
import { Connection, readColumns } from './database.ts';
import { Indexer } from './indexer.ts';
import { Lookup } from './lookup.ts';
import { Parameters } from './parameters.ts';
import { Shelf } from './shelf.ts';

/** Small questions to a store whose server runs in another thread: the file is read here, as of the last commit. */
export interface Beside extends Required<Pick<FhirEndpoint, 'find' | 'findAll' | 'readings'>> {
  close(): void;
}

/** Opens the file for reading; the server must have opened it before. @throws Error when it cannot be opened */
export function openReading(file: string, searchParameters: SearchParameter[] = []): Beside {
  const parameters = new Parameters(searchParameters);
  const connection = new Connection(file, { readOnly: true });
  readColumns(connection, parameters);
  const indexer = new Indexer(connection, parameters, (url) => url);
  const lookup = new Lookup(new Shelf(connection, indexer), parameters);
  return {
    find: (type, parameter, values, limit) => lookup.find(type, parameter, values, limit),
    findAll: (finds) => lookup.findAll(finds),
    readings: (asked) => lookup.readings(asked),
    close: () => connection.close(),
  };
}
