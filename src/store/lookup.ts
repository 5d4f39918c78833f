import type { Observation, Resource } from '@medplum/fhirtypes';
import type { Reading } from '../adapter.ts';
import { LIVE } from './database.ts';
import type { Parameters } from './parameters.ts';
import { Readings } from './readings.ts';
import type { Shelf } from './shelf.ts';

/** Parsed resources kept; a version never changes, so what is kept is never out of date. */
const MOST_KEPT = 5000;
const MOST_FOUND = 20_000;
const MOST_ANSWERS = 20_000;
const LARGEST_KEPT = 100;

/**
 * Current resources by one index, without what a search adds (paging, includes, text): for those who ask the same small
 * questions at every request. Reads the last commit. What is answered must not be changed.
 */
export class Lookup {
  readonly #shelf: Shelf;
  readonly #parameters: Parameters;
  readonly #kept = new Map<number, Resource>();
  /** Answers since the last commit of anybody; SQLite says when there was one. */
  readonly #answers = new Map<string, Resource[]>();
  readonly #readings: Readings;
  #commit = -1;
  #isTogether = false;

  constructor(shelf: Shelf, parameters: Parameters) {
    this.#shelf = shelf;
    this.#readings = new Readings(shelf.connection, parameters);
    this.#parameters = parameters;
  }

  /**
   * @param code a search parameter of type reference (`Type/id`), of type token (`system|code` or `code`), or `_id`
   * @param values alternatives
   */
  find(type: string, code: string, values: string[], limit = MOST_FOUND): Resource[] {
    if (values.length === 0) return [];
    if (!this.#isTogether) this.#forgetOld();
    const key = `${type} ${code} ${limit} ${values.join(',')}`;
    const known = this.#answers.get(key);
    if (known) return known;
    const { text, bound } = code === '_id' ? byKey(type, values) : this.#byIndex(type, code, values);
    const rows = this.#shelf.connection.all<{ vid: number }>(`${text} LIMIT ${limit}`, ...bound);
    const found = rows.map(({ vid }) => this.#version(vid));
    if (found.length <= LARGEST_KEPT) this.#answers.set(key, found);
    return found;
  }

  /** Finds of one state: asking for new commits, and locking the file to read it, is then done once for all of them. */
  together<T>(reads: () => T): T {
    return this.#shelf.connection.snapshot(() => {
      this.#forgetOld();
      this.#isTogether = true;
      try {
        return reads();
      } finally {
        this.#isTogether = false;
      }
    });
  }

  /** Readings of a patient, newest first; versions that were parsed before are not parsed again. */
  readings(asked: Reading): Observation[] {
    return this.#readings.find(asked).map((vid) => this.#version(vid) as Observation);
  }

  /** https://sqlite.org/pragma.html#pragma_data_version: another number after each commit of another connection. */
  #forgetOld(): void {
    const { data_version: now } = this.#shelf.connection.get<{ data_version: number }>('PRAGMA data_version')!;
    if (now === this.#commit && this.#answers.size < MOST_ANSWERS) return;
    this.#commit = now;
    this.#answers.clear();
  }

  #byIndex(type: string, code: string, values: string[]): { text: string; bound: (string | number)[] } {
    const parameter = this.#parameters.find(type, code);
    if (!parameter || (parameter.type !== 'reference' && parameter.type !== 'token')) {
      throw new Error(`${type} has no reference or token parameter ${code}`);
    }
    const paths = parameter.columns.map((column) => column.id).join(', ');
    if (parameter.type === 'reference') return select(`i_reference i`, `i.path IN (${paths})`, 'target', values);
    const pairs = values.map((one) => one.split('|'));
    const plain = pairs.map((one) => one.at(-1) as string);
    const asked = select('i_token i', `i.path IN (${paths})`, 'code', plain);
    if (pairs.every((one) => one.length === 1)) return asked;
    const systems = [...new Set(pairs.map((one) => (one.length > 1 ? (one[0] as string) : '')))];
    const marks = systems.map(() => '?').join(', ');
    return { text: `${asked.text} AND i.system IN (${marks})`, bound: [...asked.bound, ...systems] };
  }

  #version(vid: number): Resource {
    let resource = this.#kept.get(vid);
    if (resource) this.#kept.delete(vid);
    else resource = this.#shelf.content(vid);
    this.#kept.set(vid, resource);
    if (this.#kept.size > MOST_KEPT) this.#kept.delete(this.#kept.keys().next().value as number);
    return resource;
  }
}

function byKey(type: string, ids: string[]): { text: string; bound: string[] } {
  const keys = ids.map((id) => `${type}/${id}`);
  const marks = keys.map(() => '?').join(', ');
  return { text: `SELECT vid FROM resource WHERE key IN (${marks}) AND state = ${LIVE}`, bound: keys };
}

function select(table: string, where: string, column: string, values: string[]): { text: string; bound: string[] } {
  const marks = values.map(() => '?').join(', ');
  return {
    text: `SELECT DISTINCT r.vid FROM ${table} CROSS JOIN resource r ON r.rid = i.rid WHERE r.state = ${LIVE} AND ${where} AND i.${column} IN (${marks})`,
    bound: values,
  };
}
