import type { Resource } from '@medplum/fhirtypes';
import type { FhirEndpoint, Find } from '../adapter.ts';
import { fault, PasserelleError } from '../errors.ts';
import { searchAll } from '../fhir-pages.ts';

/** What the porter itself reads of the FHIR server, whoever asks: small questions, asked anew for each request. */
export interface Records {
  /** Current resources with one of these values; `more` narrows a search elsewhere and must not be relied on. */
  find<R extends Resource>(
    type: string,
    parameter: string,
    values: string[],
    more?: string,
    limit?: number,
  ): Promise<R[]>;
  /** Several at once, answered in their order; as of one commit where the server is in this process. */
  findAll(finds: Narrowed[]): Promise<Resource[][]>;
}

export interface Narrowed extends Find {
  /** As in {@link Records.find}. */
  more?: string;
}

/** More than a patient's circle ever has; what is beyond could be what forbids, so nothing is decided then. */
const mostRecords = 20_000;
/** Values asked at once: of servers elsewhere what an address can carry, here what stays far below the most. */
const chunkElsewhere = 200;
const chunkHere = 50;

/** By the index where the server is in this process, by searches elsewhere. @throws PasserelleError `search-too-costly` */
export function recordsOf(fhir: FhirEndpoint): Records {
  const { find, findAll } = fhir;
  if (find && findAll) {
    return {
      find: async <R>(type: string, parameter: string, values: string[], _more = '', limit?: number) =>
        find.call(fhir, type, parameter, values, limit) as R[],
      findAll: (finds) => inChunks(finds, chunkHere, async (some) => findAll.call(fhir, some)),
    };
  }
  const searched = (finds: Narrowed[], limit?: number) =>
    inChunks(finds, chunkElsewhere, (some) => Promise.all(some.map((one) => search(fhir, one, limit))));
  return {
    find: async <R>(type: string, parameter: string, values: string[], more?: string, limit?: number) =>
      (await searched([{ type, parameter, values, more }], limit))[0] as R[],
    findAll: (finds) => searched(finds),
  };
}

async function inChunks(
  finds: Narrowed[],
  size: number,
  ask: (some: Narrowed[]) => Promise<Resource[][]>,
): Promise<Resource[][]> {
  const longest = Math.max(0, ...finds.map(({ values }) => values.length));
  if (longest <= size) return ask(finds);
  const found = finds.map((): Resource[] => []);
  for (let at = 0; at < longest; at += size) {
    const some = finds.map((one) => ({ ...one, values: one.values.slice(at, at + size) }));
    for (const [index, part] of (await ask(some)).entries()) found[index]!.push(...part);
  }
  return found;
}

async function search(
  fhir: FhirEndpoint,
  { type, parameter, values, more = '' }: Narrowed,
  limit?: number,
): Promise<Resource[]> {
  if (values.length === 0) return [];
  const most = limit ?? mostRecords + 1;
  const list = values.map(encodeURIComponent).join(',');
  const found = await searchAll<Resource>(fhir, `${type}?${parameter}=${list}${more}&_count=1000`, most);
  if (limit === undefined && found.length > mostRecords) {
    throw new PasserelleError(fault('search-too-costly', { params: { limit: `${mostRecords} resources read` } }));
  }
  return found.filter((one) => one.resourceType === type);
}
