import type { Reading } from '../adapter.ts';
import { type Connection, LIVE } from './database.ts';
import type { Parameters } from './parameters.ts';
import type { Row } from './values.ts';

/** The type whose resources are found by patient and time at once. */
const TYPE = 'Observation';

/** A measurement that lasted longer than this is no reading. */
const LONGEST_MS = 24 * 3_600_000;

/** A row of the index as the indexer has it. */
interface Entry {
  column: { id: number };
  row: Row;
}

/**
 * Observations by patient and time in one index: what a rule that looks back asks of a patient who is measured every minute
 * costs as much as what it finds. By the indexes of searches alone it cost 1 ms for a patient with 600 readings.
 */
export class Readings {
  readonly #connection: Connection;
  readonly #parameters: Parameters;

  constructor(connection: Connection, parameters: Parameters) {
    this.#connection = connection;
    this.#parameters = parameters;
  }

  /** Writes the difference between the rows of a resource and of the version before it. */
  write(type: string, rid: number, after: Entry[], before: Entry[]): void {
    if (type !== TYPE) return;
    const [old, next] = [this.#rows(before), this.#rows(after)];
    for (const [key, row] of old) if (!next.has(key)) this.#connection.run(DELETE, rid, ...row);
    for (const [key, row] of next) if (!old.has(key)) this.#connection.run(INSERT, rid, ...row);
  }

  #rows(entries: Entry[]): Map<string, Row> {
    const of = (code: string) => {
      const ids = new Set(this.#columns(code));
      return entries.filter(({ column }) => ids.has(column.id));
    };
    const dates = of('date');
    const rows = of('patient').flatMap(({ row: [target] }) => dates.map(({ row: [low, high] }) => [target, low, high]));
    return new Map(rows.map((row) => [row.join(' '), row as Row]));
  }

  #columns(code: string): number[] {
    return this.#parameters.find(TYPE, code)!.columns.map(({ id }) => id);
  }

  /** Makes the rows anew from those of the other indexes. */
  rebuild(): void {
    this.#connection.run(`INSERT OR IGNORE INTO i_reading (rid, target, low, high)
      SELECT i.rid, i.target, d.low, d.high FROM i_reference i JOIN i_date d ON d.rid = i.rid
      WHERE i.path IN (${this.#columns('patient').join(', ')}) AND d.path IN (${this.#columns('date').join(', ')})`);
  }

  /** Row numbers of versions, the newest reading first; the conditions are those of a search by `combo-code` and `date`. */
  find({ patient, codes, since, until, count }: Reading): number[] {
    if (codes.length === 0) return [];
    const pairs = codes.map(() => '(t.code = ? AND t.system = ?)').join(' OR ');
    const sql = `SELECT r.vid FROM i_reading d CROSS JOIN resource r ON r.rid = d.rid
      WHERE d.target = ? AND d.low >= ? AND d.low <= ? AND d.high >= ? AND (d.low < ? OR d.high <= ?) AND r.state = ${LIVE}
        AND EXISTS (SELECT 1 FROM i_token t WHERE t.path IN (${this.#columns('combo-code').join(', ')})
          AND t.code IN (${codes.map(() => '?').join(', ')}) AND t.rid = d.rid AND (${pairs}))
      ORDER BY d.low DESC, d.rid LIMIT ${count}`;
    const asked = [patient, since - LONGEST_MS, until, since, until, until];
    const named = codes.map(({ code = '' }) => code);
    const coded = codes.flatMap(({ system = '', code = '' }) => [code, system]);
    return this.#connection.all<{ vid: number }>(sql, ...asked, ...named, ...coded).map(({ vid }) => vid);
  }
}

const INSERT = 'INSERT OR IGNORE INTO i_reading (rid, target, low, high) VALUES (?, ?, ?, ?)';
const DELETE = 'DELETE FROM i_reading WHERE rid = ? AND target = ? AND low = ? AND high = ?';
