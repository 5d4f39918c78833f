import { createHash, randomBytes } from 'node:crypto';
import type { Resource } from '@medplum/fhirtypes';
import { fault, PasserelleError } from '../errors.ts';
import { sameContent, split, stamped } from './content.ts';
import { type Connection, DELETED, LARGE, LIVE } from './database.ts';
import type { Indexer } from './indexer.ts';
import { checkStructure } from './structure.ts';

/** A resource as it stands on the shelf. */
export interface Stored {
  rid: number;
  vid: number;
  version: number;
  resource: Resource & { id: string };
}

/** A resource after it was written, and whether that changed anything. */
export interface Written extends Stored {
  /** It was not there before (or had been deleted). */
  created: boolean;
  /** False when the content was the same: no new version was made. */
  changed: boolean;
}

interface ResourceRow {
  rid: number;
  vid: number;
  version: number;
  state: number;
}

interface VersionRow {
  content: string | null;
  hash: Uint8Array | null;
  bytes: Uint8Array | null;
}

/** Ids as R4 allows them, https://hl7.org/fhir/R4/datatypes.html#id */
const ID = /^[A-Za-z0-9\-.]{1,64}$/;

/**
 * The shelf: versions of resources, read and written within whatever transaction the caller holds. Everything here is
 * synchronous, so a conditional write sees and changes one state. https://hl7.org/fhir/R4/http.html
 */
export class Shelf {
  readonly connection: Connection;
  readonly #indexer: Indexer;
  #lastVid: number | undefined;

  constructor(connection: Connection, indexer: Indexer) {
    this.connection = connection;
    this.#indexer = indexer;
  }

  /** @throws PasserelleError resource-unknown, resource-deleted */
  read(type: string, id: string): Stored {
    const row = this.#row(`${type}/${id}`);
    if (!row) throw new PasserelleError(fault('resource-unknown', { params: { reference: `${type}/[id]` } }));
    if (row.state === DELETED) {
      throw new PasserelleError(fault('resource-deleted', { params: { reference: `${type}/[id]` } }));
    }
    return { rid: row.rid, vid: row.vid, version: row.version, resource: this.content(row.vid) };
  }

  /** The id of a row. */
  idOf(rid: number): string {
    const { key } = this.connection.get<{ key: string }>('SELECT key FROM resource WHERE rid = ?', rid)!;
    return key.slice(key.indexOf('/') + 1);
  }

  has(reference: string): boolean {
    return this.#row(reference)?.state === LIVE;
  }

  /** One version, also of a resource deleted since. */
  readVersion(type: string, id: string, version: string): Resource {
    const row = this.#row(`${type}/${id}`);
    const found =
      row && /^\d{1,15}$/.test(version)
        ? this.connection.get<{ vid: number; method: string }>(
            'SELECT vid, method FROM version WHERE rid = ? AND version = ?',
            row.rid,
            Number(version),
          )
        : undefined;
    const reference = `${type}/[id]/_history/[version]`;
    if (!found) throw new PasserelleError(fault('resource-unknown', { params: { reference } }));
    if (found.method === 'DELETE') throw new PasserelleError(fault('resource-deleted', { params: { reference } }));
    return this.content(found.vid);
  }

  /** The content of a version, a Binary with its data in base64. */
  content(vid: number): Resource & { id: string } {
    const row = this.connection.get<VersionRow>('SELECT content, hash, bytes FROM version WHERE vid = ?', vid)!;
    const resource = JSON.parse(row.content!);
    if (row.hash) resource.data = Buffer.from(this.#bytes(row)!).toString('base64');
    return resource;
  }

  /** The exact bytes of a Binary and their type. */
  binary(type: string, id: string): { bytes: Uint8Array; contentType: string; stored: Stored } {
    const row = this.#row(`${type}/${id}`);
    if (!row || row.state !== LIVE) this.read(type, id);
    const version = this.connection.get<VersionRow>(
      'SELECT content, hash, bytes FROM version WHERE vid = ?',
      row!.vid,
    )!;
    const resource = JSON.parse(version.content!);
    return {
      bytes: this.#bytes(version) ?? new Uint8Array(),
      contentType: resource.contentType ?? 'application/octet-stream',
      stored: { rid: row!.rid, vid: row!.vid, version: row!.version, resource },
    };
  }

  #bytes(row: VersionRow): Uint8Array | undefined {
    if (!row.hash) return undefined;
    return (
      row.bytes ?? this.connection.get<{ bytes: Uint8Array }>('SELECT bytes FROM large WHERE hash = ?', row.hash)?.bytes
    );
  }

  #row(key: string): ResourceRow | undefined {
    return this.connection.get<ResourceRow>(
      'SELECT rid, vid, version, state FROM resource WHERE key = ? AND state < 2',
      key,
    );
  }

  /** Creates with an id of the server's choice, or the one it chose before (`id`). */
  create(resource: Resource, id: string = newId()): Written {
    return this.#put(resource, id, undefined, 'POST');
  }

  /**
   * Updates, or creates under the client's id. Content that is the same makes no version.
   * @param expected versions If-Match allows, undefined for any
   */
  update(resource: Resource, id: string, expected?: string[], method: 'PUT' | 'PATCH' = 'PUT'): Written {
    if (!ID.test(id)) {
      throw new PasserelleError(
        fault('fhir-request-invalid', { params: { reason: 'an id has 1 to 64 letters, digits, hyphens and dots' } }),
      );
    }
    const row = this.#row(`${resource.resourceType}/${id}`);
    checkExpected(expected, row);
    return this.#put(resource, id, row, method);
  }

  #put(given: Resource, id: string, row: ResourceRow | undefined, method: string): Written {
    const faults = checkStructure(given);
    if (faults.length) throw new PasserelleError(faults);
    const live = row?.state === LIVE;
    const before = live ? this.content(row.vid) : undefined;
    if (row && before && sameContent(before, given)) {
      return { rid: row.rid, vid: row.vid, version: row.version, resource: before, created: false, changed: false };
    }
    const now = Date.now();
    const version = (row?.version ?? 0) + 1;
    const resource = stamped(given, id, version, now);
    const vid = this.#nextVid();
    const rid = row ? this.#point(row.rid, LIVE, version, vid, now) : this.#insert(resource, vid, now);
    this.#writeVersion(vid, rid, resource, version, now, method);
    this.#indexer.write(rid, resource, before);
    return { rid, vid, version, resource, created: !live, changed: true };
  }

  /** Versions are numbered in the order they are written; numbers of what was undone stay unused. */
  #nextVid(): number {
    this.#lastVid ??= this.connection.get<{ last: number | null }>('SELECT max(vid) AS last FROM version')!.last ?? 0;
    return ++this.#lastVid;
  }

  #insert({ resourceType, id }: Resource, vid: number, now: number): number {
    return this.connection.run(
      `INSERT INTO resource (key, type, state, version, vid, updated) VALUES (?, ?, ${LIVE}, 1, ?, ?)`,
      `${resourceType}/${id}`,
      resourceType,
      vid,
      now,
    );
  }

  #point(rid: number, state: number, version: number, vid: number, now: number): number {
    this.connection.run(
      'UPDATE resource SET state = ?, version = ?, vid = ?, updated = ? WHERE rid = ?',
      state,
      version,
      vid,
      now,
      rid,
    );
    return rid;
  }

  #writeVersion(vid: number, rid: number, resource: Resource, version: number, now: number, method: string): void {
    const { content, bytes } = split(resource);
    const hash = bytes ? createHash('sha256').update(bytes).digest() : null;
    const inRow = bytes && bytes.length <= LARGE ? bytes : null;
    if (bytes && !inRow) this.connection.run('INSERT OR IGNORE INTO large VALUES (?, ?)', hash, bytes);
    this.connection.run(
      'INSERT INTO version (vid, rid, type, version, updated, method, content, hash, bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
      vid,
      rid,
      resource.resourceType,
      version,
      now,
      method,
      content,
      hash,
      inRow,
    );
  }

  /**
   * Deletes; the versions stay. A resource deleted before is left as it is.
   * @throws PasserelleError resource-unknown, version-conflict
   */
  remove(type: string, id: string, expected?: string[]): { version: number; changed: boolean } {
    const row = this.#row(`${type}/${id}`);
    if (!row) throw new PasserelleError(fault('resource-unknown', { params: { reference: `${type}/[id]` } }));
    checkExpected(expected, row);
    if (row.state === DELETED) return { version: row.version, changed: false };
    const now = Date.now();
    const version = row.version + 1;
    const before = this.content(row.vid);
    const vid = this.#nextVid();
    this.connection.run(
      "INSERT INTO version (vid, rid, type, version, updated, method) VALUES (?, ?, ?, ?, ?, 'DELETE')",
      vid,
      row.rid,
      type,
      version,
      now,
    );
    this.#point(row.rid, DELETED, version, vid, now);
    this.#indexer.write(row.rid, undefined, before);
    return { version, changed: true };
  }
}

function checkExpected(expected: string[] | undefined, row: ResourceRow | undefined): void {
  if (!expected) return;
  const current = row?.state === LIVE ? String(row.version) : 'none';
  if (!expected.includes(current)) throw new PasserelleError(fault('version-conflict', { params: { current } }));
}

/** A UUID of version 7: unique, and in the order of time, so that new keys lie side by side in the index. */
export function newId(): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes[6] = (bytes[6]! & 0x0f) | 0x70;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
