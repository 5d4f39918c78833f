import type { Observation, Resource } from '@medplum/fhirtypes';
import type { Find, Reading } from '../adapter.ts';
import { fault, PasserelleError } from '../errors.ts';
import { LIVE } from './database.ts';
import type { Parameters } from './parameters.ts';
import { Readings } from './readings.ts';
import type { Shelf } from './shelf.ts';

/** Parsed resources kept; a version never changes, so what is kept is never out of date. */
const MOST_KEPT = 5000;
const MOST_FOUND = 20_000;
/** Resources that answers hold together. */
const MOST_HELD = 20_000;
const LARGEST_KEPT = 100;

/** What a statement finds: which of the finds, and a version. */
interface Row {
  part: number;
  vid: number;
}

/** What follows SELECT in a statement, and its values. */
interface Selection {
  text: string;
  bound: string[];
}

/**
 * Current resources by one index, without what a search adds (paging, includes, text): for those who ask the same small
 * questions at every request. Reads the last commit. What is answered must not be changed.
 */
export class Lookup {
  readonly #most: number;
  readonly #shelf: Shelf;
  readonly #parameters: Parameters;
  readonly #kept = new Map<number, Resource>();
  /** Answers since the last commit of anybody; SQLite says when there was one. */
  readonly #answers = new Map<string, Resource[][]>();
  /** Resources in the answers, and one more for each. */
  #held = 0;
  readonly #readings: Readings;
  #commit = -1;

  /** @param most resources one answer may have */
  constructor(shelf: Shelf, parameters: Parameters, most = MOST_FOUND) {
    this.#most = most;
    this.#shelf = shelf;
    this.#readings = new Readings(shelf.connection, parameters);
    this.#parameters = parameters;
  }

  /** @throws PasserelleError `search-too-costly` as {@link findAll}, when no limit is given */
  find(type: string, parameter: string, values: string[], limit?: number): Resource[] {
    return values.length === 0 ? [] : (this.findAll([{ type, parameter, values }], limit)[0] as Resource[]);
  }

  /**
   * Kept as a whole, so that what is answered together is of one commit; one statement, so that reading is.
   * @param limit of all together, where it does not matter what is left out
   * @throws PasserelleError `search-too-costly`: what was left out could be what forbids
   */
  findAll(finds: Find[], limit?: number): Resource[][] {
    this.#forgetOld();
    const key = JSON.stringify([limit, finds]);
    const known = this.#answers.get(key);
    if (known) return known;
    const rows = this.#rows(finds, limit);
    const found = finds.map((): Resource[] => []);
    for (const { part, vid } of rows) found[part]!.push(this.#version(vid));
    if (rows.length > LARGEST_KEPT) return found;
    this.#answers.set(key, found);
    this.#held += rows.length + 1;
    return found;
  }

  #rows(finds: Find[], limit?: number): Row[] {
    const bound: string[] = [];
    // A resource may have the value at several places. Looking for that costs SQLite a table for each question, but a limit counts resources.
    const select = limit === undefined ? 'SELECT' : 'SELECT DISTINCT';
    const texts = finds.flatMap(({ type, parameter, values }, part) => {
      if (values.length === 0) return [];
      const asked = parameter === '_id' ? byKey(type, values) : this.#byIndex(type, parameter, values);
      bound.push(...asked.bound);
      return [`${select} ${part} AS part, ${asked.text}`];
    });
    if (texts.length === 0) return [];
    const text = `${texts.join(' UNION ALL ')} LIMIT ${limit ?? this.#most + 1}`;
    const rows = this.#shelf.connection.all<Row>(text, ...bound);
    if (limit !== undefined || rows.length < 2) return rows;
    if (rows.length > this.#most) {
      throw new PasserelleError(fault('search-too-costly', { params: { limit: `${this.#most} resources read` } }));
    }
    const seen = new Set<string>();
    return rows.filter(({ part, vid }) => seen.size < seen.add(`${part} ${vid}`).size);
  }

  /** Readings of a patient, newest first; versions that were parsed before are not parsed again. */
  readings(asked: Reading): Observation[] {
    return this.#readings.find(asked).map((vid) => this.#version(vid) as Observation);
  }

  /** https://sqlite.org/pragma.html#pragma_data_version: another number after each commit of another connection. */
  #forgetOld(): void {
    const { data_version: now } = this.#shelf.connection.get<{ data_version: number }>('PRAGMA data_version')!;
    if (now === this.#commit && this.#held < MOST_HELD) return;
    this.#commit = now;
    this.#answers.clear();
    this.#held = 0;
  }

  #byIndex(type: string, code: string, values: string[]): Selection {
    const parameter = this.#parameters.find(type, code);
    if (!parameter || (parameter.type !== 'reference' && parameter.type !== 'token')) {
      throw new Error(`${type} has no reference or token parameter ${code}`);
    }
    const paths = parameter.columns.map((column) => column.id).join(', ');
    if (parameter.type === 'reference') return indexed('i_reference i', `i.path IN (${paths})`, 'target', values);
    const pairs = values.map((one) => one.split('|'));
    const plain = pairs.map((one) => one.at(-1) as string);
    const asked = indexed('i_token i', `i.path IN (${paths})`, 'code', plain);
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

function byKey(type: string, ids: string[]): Selection {
  const keys = ids.map((id) => `${type}/${id}`);
  const marks = keys.map(() => '?').join(', ');
  return { text: `vid FROM resource WHERE key IN (${marks}) AND state = ${LIVE}`, bound: keys };
}

function indexed(table: string, where: string, column: string, values: string[]): Selection {
  const marks = values.map(() => '?').join(', ');
  return {
    text: `r.vid FROM ${table} CROSS JOIN resource r ON r.rid = i.rid WHERE r.state = ${LIVE} AND ${where} AND i.${column} IN (${marks})`,
    bound: values,
  };
}
