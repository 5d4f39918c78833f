import type { SearchRequest, WithId } from '@medplum/core';
import { formatSearchQuery } from '@medplum/core';
import { FhirRepository, type UpdateResourceOptions } from '@medplum/fhir-router';
import type { Bundle, Reference, Resource } from '@medplum/fhirtypes';
import { type Desk, patchOne } from './conditional.ts';
import { history } from './history.ts';
import { pairsOf } from './query.ts';
import type { Work, WriteQueue } from './queue.ts';
import { type SearchLimits, search } from './search.ts';
import { newId } from './shelf.ts';
import { versions } from './transaction.ts';

/**
 * Medplum's contract of a repository over the shelf: reads answer at once from the last commit, writes join the next group.
 * The router's own handlers for read, vread, delete and patch run on it; the interactions that need more (conditions,
 * transactions, searches in full) take `reading` and `write`.
 */
export class ShelfRepository extends FhirRepository {
  /** What reads use: everything committed. */
  readonly reading: Desk;
  readonly limits: SearchLimits;
  readonly #writing: Desk;
  readonly #queue: WriteQueue;

  constructor(reading: Desk, writing: Desk, queue: WriteQueue, limits: SearchLimits) {
    super();
    this.reading = reading;
    this.#writing = writing;
    this.#queue = queue;
    this.limits = limits;
  }

  /** Runs a write in the next commit, undone as a whole when it throws. */
  write<T>(work: (desk: Desk) => ReturnType<Work<T>>): Promise<T> {
    return this.#queue.run(() => {
      this.#writing.context.now = Date.now();
      return work(this.#writing);
    });
  }

  setMode(): void {
    // One process, one file: there is no other mode.
  }

  generateId(): string {
    return newId();
  }

  async createResource<T extends Resource>(resource: T): Promise<WithId<T>> {
    return (await this.write((desk) => desk.shelf.create(resource))).resource as WithId<T>;
  }

  async readResource<T extends Resource>(type: string, id: string): Promise<WithId<T>> {
    return this.reading.shelf.read(type, id).resource as WithId<T>;
  }

  async readReference<T extends Resource>(reference: Reference<T>): Promise<WithId<T>> {
    const [type = '', id = ''] = this.reading.context.local(reference.reference ?? '').split('/');
    return this.readResource<T>(type, id);
  }

  async readReferences<T extends Resource>(references: readonly Reference<T>[]): Promise<(T | Error)[]> {
    return Promise.all(references.map((one) => this.readReference<T>(one).catch((error: Error) => error)));
  }

  async readHistory<T extends Resource>(type: string, id: string): Promise<Bundle<WithId<T>>> {
    const { defaultCount, maxCount } = this.limits;
    return history(this.reading.shelf, { type, id, pairs: [], defaultCount, maxCount }) as Bundle<WithId<T>>;
  }

  async readVersion<T extends Resource>(type: string, id: string, version: string): Promise<WithId<T>> {
    return this.reading.shelf.readVersion(type, id, version) as WithId<T>;
  }

  async updateResource<T extends Resource>(resource: T, options?: UpdateResourceOptions): Promise<WithId<T>> {
    const expected = options?.ifMatch === undefined ? undefined : versions(options.ifMatch);
    const written = await this.write((desk) => desk.shelf.update(resource, resource.id ?? '', expected));
    return written.resource as WithId<T>;
  }

  async deleteResource(type: string, id: string, options?: { ifMatch?: string }): Promise<void> {
    const expected = options?.ifMatch === undefined ? undefined : versions(options.ifMatch);
    await this.write((desk) => desk.shelf.remove(type, id, expected));
  }

  async patchResource<T extends Resource>(
    type: T['resourceType'],
    id: string,
    patch: unknown,
    options?: UpdateResourceOptions,
  ): Promise<WithId<T>> {
    const expected = options?.ifMatch === undefined ? undefined : versions(options.ifMatch);
    const written = await this.write((desk) => patchOne(type, id, patch, expected, desk));
    return written.resource as WithId<T>;
  }

  async search<T extends Resource>(request: SearchRequest<T>): Promise<Bundle<WithId<T>>> {
    const pairs = pairsOf(formatSearchQuery(request).replace(/^\?/, ''));
    return this.find(request.resourceType, pairs, false) as Bundle<WithId<T>>;
  }

  /** A search as its URL says it. */
  find(type: string, pairs: [string, string][], strict: boolean): Bundle {
    return this.findAt(this.reading, type, pairs, strict);
  }

  /** The same on another desk: inside a transaction it sees what the transaction wrote. */
  findAt({ shelf, context }: Desk, type: string, pairs: [string, string][], strict = false): Bundle {
    context.now = Date.now();
    const options = { strict, limits: this.limits };
    return context.connection.snapshot(() => search(type, pairs, shelf, context, options));
  }

  async searchByReference<T extends Resource>(
    request: SearchRequest<T>,
    code: string,
    references: string[],
  ): Promise<Record<string, WithId<T>[]>> {
    const pairs = pairsOf(formatSearchQuery(request).replace(/^\?/, ''));
    return Object.fromEntries(
      references.map((reference) => {
        const { entry } = this.find(request.resourceType, [...pairs, [code, reference]], false);
        return [reference, (entry ?? []).map((one) => one.resource as WithId<T>)];
      }),
    );
  }

  /** Each write is atomic by itself; what must be atomic together is a transaction Bundle. */
  withTransaction<R>(callback: (repository: this) => Promise<R>): Promise<R> {
    return callback(this);
  }
}
