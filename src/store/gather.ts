import type { Bundle, BundleEntry, Identifier, Resource } from '@medplum/fhirtypes';
import type { FhirEndpoint, FhirRequest, FhirResponse } from '../adapter.ts';

/** Searches put into one, at most: more make an address that servers refuse. */
const MOST_SEARCHES = 30;
/** Entries of one batch, at most. */
const MOST_ENTRIES = 60;

interface Reading {
  request: FhirRequest;
  answer(response: FhirResponse): void;
}

/**
 * Reads that many messages ask of a server elsewhere in one turn go there together: searches of patients by identifier become
 * one search with all identifiers, batches of reads one batch. Each gets the answer it would have had alone; whatever is not
 * plainly so (an error, more pages, several answers too few) is asked again by itself. Everything else passes.
 */
export function gathering(endpoint: FhirEndpoint): FhirEndpoint {
  const searches = new Gathered(MOST_SEARCHES, (group) => searchTogether(group, endpoint));
  const batches = new Gathered(MOST_ENTRIES, (group) => readTogether(group, endpoint));
  return {
    send(request) {
      if (isIdentifierSearch(request)) return searches.add(request, 1);
      if (isBatchOfReads(request)) return batches.add(request, (request.body as Bundle).entry!.length);
      return endpoint.send(request);
    },
  };
}

/** What came in one turn of the event loop, handed on in groups of a bounded weight. */
class Gathered {
  readonly #most: number;
  readonly #handOn: (group: Reading[]) => Promise<void>;
  #group: Reading[] = [];
  #weight = 0;

  constructor(most: number, handOn: (group: Reading[]) => Promise<void>) {
    this.#most = most;
    this.#handOn = handOn;
  }

  add(request: FhirRequest, weight: number): Promise<FhirResponse> {
    if (this.#weight + weight > this.#most) this.#flush();
    if (this.#group.length === 0) {
      const group = this.#group;
      setImmediate(() => group === this.#group && this.#flush());
    }
    this.#weight += weight;
    return new Promise((answer) => this.#group.push({ request, answer }));
  }

  #flush(): void {
    const group = this.#group;
    this.#group = [];
    this.#weight = 0;
    if (group.length > 0) void this.#handOn(group);
  }
}

const IDENTIFIER_SEARCH = /^Patient\?identifier=([^&]+)&_count=(\d+)$/;

function isIdentifierSearch({ method, path, headers }: FhirRequest): boolean {
  return method === 'GET' && !headers && IDENTIFIER_SEARCH.test(path);
}

async function searchTogether(group: Reading[], endpoint: FhirEndpoint): Promise<void> {
  if (group.length === 1) return apart(group, endpoint);
  const asked = group.map(({ request }) => IDENTIFIER_SEARCH.exec(request.path)!);
  const keys = [...new Set(asked.flatMap(([, tokens]) => tokens!.split(',')))];
  const count = asked.reduce((sum, [, , most]) => sum + Number(most), 0);
  const response = await endpoint.send({ method: 'GET', path: `Patient?identifier=${keys.join(',')}&_count=${count}` });
  const bundle = response.body as Bundle | undefined;
  const entries = bundle?.entry ?? [];
  const plain =
    response.status === 200 &&
    bundle?.resourceType === 'Bundle' &&
    !bundle.link?.some((one) => one.relation === 'next') &&
    entries.every(({ resource }) => resource?.resourceType === 'Patient');
  if (!plain) return apart(group, endpoint);
  for (const [at, { answer }] of group.entries()) {
    const wanted = new Set(asked[at]![1]!.split(',').map(normal));
    const mine = entries.filter(({ resource }) => carries(resource!, wanted));
    answer({ ...response, body: { resourceType: 'Bundle', type: 'searchset', entry: structuredClone(mine) } });
  }
}

/** A token as servers compare it: some do not mind capitals, and the registrar looks at what it is given once more. */
function normal(token: string): string {
  return decodeURIComponent(token).replace(/\\(.)/g, '$1').toLowerCase();
}

function carries(resource: Resource, wanted: ReadonlySet<string>): boolean {
  const { identifier = [] } = resource as { identifier?: Identifier[] };
  return identifier.some(({ system = '', value = '' }) => wanted.has(`${system}|${value}`.toLowerCase()));
}

function isBatchOfReads({ method, path, body, headers }: FhirRequest): boolean {
  const { resourceType, type, entry } = (body ?? {}) as Bundle;
  if (method !== 'POST' || path !== '' || headers || resourceType !== 'Bundle' || type !== 'batch') return false;
  return (entry?.length ?? 0) > 0 && entry!.every(({ request }) => request?.method === 'GET');
}

async function readTogether(group: Reading[], endpoint: FhirEndpoint): Promise<void> {
  if (group.length === 1) return apart(group, endpoint);
  const parts = group.map(({ request }) => (request.body as Bundle).entry!);
  const body: Bundle = { resourceType: 'Bundle', type: 'batch', entry: parts.flat() };
  const response = await endpoint.send({ method: 'POST', path: '', body });
  const answers: BundleEntry[] = (response.body as Bundle | undefined)?.entry ?? [];
  if (response.status !== 200 || answers.length !== body.entry!.length) return apart(group, endpoint);
  let from = 0;
  for (const [at, { answer }] of group.entries()) {
    const entry = answers.slice(from, from + parts[at]!.length);
    from += entry.length;
    answer({ ...response, body: { resourceType: 'Bundle', type: 'batch-response', entry } });
  }
}

async function apart(group: Reading[], endpoint: FhirEndpoint): Promise<void> {
  await Promise.all(group.map(async ({ request, answer }) => answer(await endpoint.send(request))));
}
