import type { Bundle, BundleEntry, Identifier, Resource } from '@medplum/fhirtypes';

/** Several transactions made one. */
export interface Joined {
  bundle: Bundle;
  /** What of the answer to it belongs to each of the transactions, in their order. */
  share(answer: Bundle): Bundle[];
}

/** A large document goes by itself: so many characters of base64 count as one resource more. */
const CHARACTERS = 16_384;

/** How much a transaction weighs, in resources. */
export function weightOf({ entry = [] }: Bundle): number {
  return entry.reduce((sum, { resource }) => {
    const data = resource?.resourceType === 'Binary' ? (resource.data?.length ?? 0) : 0;
    return sum + 1 + Math.floor(data / CHARACTERS);
  }, 0);
}

/**
 * Joins transactions of different messages as long as one does not touch what another writes. A resource that two of them
 * create under one condition (the device, the practitioner) is written once, and both refer to it; whatever else meets in one
 * resource or one identifier must go one after the other, for a server looks all conditions up before it writes anything.
 */
export class Joining {
  readonly #entries: BundleEntry[] = [];
  /** Condition of each create → its place. */
  readonly #creates = new Map<string, number>();
  readonly #touched = new Set<string>();
  readonly #shares: number[][] = [];

  /** Adds a transaction; false, and nothing happens, when it has to wait for those before it. */
  add({ entry = [] }: Bundle): boolean {
    const known = entry.map((one) => this.#creates.get(conditionOf(one) ?? ''));
    const mine = entry.map((one, at) => (known[at] === undefined ? touchedBy(one) : []));
    if (mine.some((keys) => keys.some((key) => this.#touched.has(key)))) return false;
    const addresses = new Map<string, string>();
    for (const [at, place] of known.entries()) {
      const theirs = place === undefined ? undefined : this.#entries[place]!.fullUrl;
      const own = entry[at]!.fullUrl;
      if (own && theirs && own !== theirs) addresses.set(own, theirs);
    }
    this.#shares.push(entry.map((one, at) => known[at] ?? this.#enter(one, mine[at]!, addresses)));
    return true;
  }

  #enter(entry: BundleEntry, keys: string[], addresses: Map<string, string>): number {
    for (const key of keys) this.#touched.add(key);
    const condition = conditionOf(entry);
    if (condition !== undefined) this.#creates.set(condition, this.#entries.length);
    return this.#entries.push(readdressed(entry, addresses)) - 1;
  }

  finish(): Joined {
    return {
      bundle: { resourceType: 'Bundle', type: 'transaction', entry: this.#entries },
      share: ({ entry: answers = [] }) =>
        this.#shares.map((places) => ({
          resourceType: 'Bundle',
          type: 'transaction-response',
          entry: places.map((place) => answers[place] ?? {}),
        })),
    };
  }
}

/** `Device?identifier=…` of a create that asks whether it is there already. */
function conditionOf({ request }: BundleEntry): string | undefined {
  return request?.method === 'POST' && request.ifNoneExist ? `${request.url}?${request.ifNoneExist}` : undefined;
}

/** The address an entry writes to, its condition, its name in the Bundle, and the identifiers its resource carries. */
function touchedBy(entry: BundleEntry): string[] {
  const { fullUrl, request, resource } = entry;
  const address = request?.method === 'POST' ? conditionOf(entry) : request?.url;
  const { identifier } = (resource ?? {}) as { identifier?: Identifier | Identifier[] };
  const identifiers = [identifier ?? []].flat();
  return [
    ...(fullUrl ? [fullUrl] : []),
    ...(address ? [address] : []),
    ...identifiers.map((one) => `${resource!.resourceType} ${one.system ?? ''}|${one.value ?? ''}`),
  ];
}

function readdressed(entry: BundleEntry, addresses: Map<string, string>): BundleEntry {
  if (addresses.size === 0 || !entry.resource) return entry;
  const text = JSON.stringify(entry.resource, (name, value) =>
    name === 'reference' && typeof value === 'string' ? (addresses.get(value) ?? value) : value,
  );
  return { ...entry, resource: JSON.parse(text) as Resource };
}
