import type { Resource } from '@medplum/fhirtypes';
import { CONTAINED, type Connection, INDEX_COLUMNS, LIVE } from './database.ts';
import type { Column, Parameters } from './parameters.ts';
import { Readings } from './readings.ts';
import type { Kind, Row } from './values.ts';
import * as values from './values.ts';

interface Entry {
  column: Column;
  row: Row;
}

const KINDS: Kind[] = ['token', 'reference', 'date', 'string', 'quantity'];

/** Statement to add or remove one row of an index table. */
const INSERT = Object.fromEntries(
  KINDS.map((kind) => [
    kind,
    `INSERT OR IGNORE INTO i_${kind} (path, rid, ${INDEX_COLUMNS[kind].join(', ')}) VALUES (?, ?${', ?'.repeat(INDEX_COLUMNS[kind].length)})`,
  ]),
) as Record<Kind, string>;
const DELETE = Object.fromEntries(
  KINDS.map((kind) => [
    kind,
    `DELETE FROM i_${kind} WHERE path = ? AND rid = ? AND ${INDEX_COLUMNS[kind].map((name) => `${name} = ?`).join(' AND ')}`,
  ]),
) as Record<Kind, string>;

/** Keeps the index tables in step with the resources. */
export class Indexer {
  readonly #connection: Connection;
  readonly #parameters: Parameters;
  readonly #local: (url: string) => string;
  readonly #columns = new Map<string, Column[]>();
  readonly #readings: Readings;

  constructor(connection: Connection, parameters: Parameters, local: (url: string) => string) {
    this.#connection = connection;
    this.#parameters = parameters;
    this.#local = local;
    this.#readings = new Readings(connection, parameters);
  }

  /** Writes the rows of a new resource, or the difference to those of the version before it. */
  write(rid: number, after: Resource | undefined, before?: Resource): void {
    this.#writeOwn(rid, after, before);
    this.#writeContained(after, before);
  }

  #writeOwn(rid: number, after: Resource | undefined, before?: Resource): void {
    const wanted = after ? this.entries(after, keyOf(after)) : [];
    const known = before ? this.entries(before, keyOf(before)) : [];
    this.#readings.write((after ?? before)!.resourceType, rid, wanted, known);
    if (!before) {
      for (const { column, row } of wanted) this.#connection.run(INSERT[column.kind], column.id, rid, ...row);
      return;
    }
    const old = identities(known);
    const next = identities(wanted);
    for (const [identity, { column, row }] of old) {
      if (!next.has(identity)) this.#connection.run(DELETE[column.kind], column.id, rid, ...row);
    }
    for (const [identity, { column, row }] of next) {
      if (!old.has(identity)) this.#connection.run(INSERT[column.kind], column.id, rid, ...row);
    }
  }

  /** Rows of one resource; columns that find nothing add none. */
  entries(resource: Resource, owner: string): Entry[] {
    const found: Entry[] = [];
    for (const column of this.#columnsOf(resource.resourceType)) {
      const read = column.read(resource);
      if (column.flavour === 'deceased') {
        for (const row of values.deceasedToken(read)) found.push({ column, row });
      } else for (const value of read) for (const row of this.#rows(column, value, owner)) found.push({ column, row });
    }
    return found;
  }

  #columnsOf(type: string): Column[] {
    let columns = this.#columns.get(type);
    if (!columns) {
      columns = this.#parameters.columnsOf(type);
      this.#columns.set(type, columns);
    }
    return columns;
  }

  #rows(column: Column, value: unknown, owner: string): Row[] {
    if (column.flavour === 'uri') return values.uris(value);
    if (column.flavour === 'identifier') return values.referenceIdentifier(value);
    switch (column.kind) {
      case 'token':
        return values.tokens(value);
      case 'reference':
        return values.references(value, owner, this.#local);
      case 'date':
        return values.dates(value);
      case 'string':
        return values.strings(value);
      case 'quantity':
        return values.quantities(value);
    }
  }

  /** Contained resources get rows of their own under `Owner/id#local`, so that `author.identifier` reaches them. */
  #writeContained(after: Resource | undefined, before: Resource | undefined): void {
    for (const [key, resource] of containedOf(before)) {
      const held = this.#connection.get<{ rid: number }>('SELECT rid FROM resource WHERE key = ?', key);
      if (!held) continue;
      for (const { column, row } of this.entries(resource, keyOf(before!))) {
        this.#connection.run(DELETE[column.kind], column.id, held.rid, ...row);
      }
      this.#connection.run('DELETE FROM resource WHERE rid = ?', held.rid);
    }
    for (const [key, resource] of containedOf(after)) {
      const rid = this.#connection.run(
        `INSERT OR REPLACE INTO resource (key, type, state, version, vid, updated) VALUES (?, ?, ${CONTAINED}, 0, 0, 0)`,
        key,
        resource.resourceType,
      );
      for (const { column, row } of this.entries(resource, keyOf(after!))) {
        this.#connection.run(INSERT[column.kind], column.id, rid, ...row);
      }
    }
  }

  /** Builds the index of some types again from the stored content; answers how many resources it wrote. */
  rebuild(types: string[]): number {
    const stale = new Set(types);
    if (stale.has('Observation')) this.#connection.run('DELETE FROM i_reading');
    for (const type of types) {
      for (const column of this.#parameters.columnsOf(type)) {
        this.#connection.run(`DELETE FROM i_${column.kind} WHERE path = ?`, column.id);
      }
    }
    let count = 0;
    let last = 0;
    for (;;) {
      const owners = this.#connection.all<{ rid: number; content: string }>(
        `SELECT r.rid, v.content FROM resource r JOIN version v ON v.vid = r.vid
         WHERE r.state = ${LIVE} AND r.rid > ? ORDER BY r.rid LIMIT 500`,
        last,
      );
      if (owners.length === 0) return count;
      for (const { rid, content } of owners) {
        const resource: Resource = JSON.parse(content);
        if (stale.has(resource.resourceType)) {
          this.#writeOwn(rid, resource);
          count += 1;
        }
        if (containedOf(resource).some(([, contained]) => stale.has(contained.resourceType))) {
          this.#writeContained(resource, resource);
        }
        last = rid;
      }
    }
  }
}

const keyOf = (resource: Resource) => `${resource.resourceType}/${resource.id}`;

function identities(entries: Entry[]): Map<string, Entry> {
  return new Map(entries.map((entry) => [`${entry.column.id}\u0001${entry.row.join('\u0001')}`, entry]));
}

function containedOf(resource: Resource | undefined): [string, Resource][] {
  const contained = (resource as { contained?: unknown } | undefined)?.contained;
  if (!resource || !Array.isArray(contained)) return [];
  return contained
    .filter((one) => typeof one?.id === 'string' && typeof one?.resourceType === 'string')
    .map((one) => [`${keyOf(resource)}#${one.id}`, one]);
}
