import type { Criterion, Sql } from './criteria.ts';
import type { Connection } from './database.ts';
import type { Column, Parameters } from './parameters.ts';

/** What one search parameter asks of a resource `r`. */
export interface Condition {
  /** A condition on `r`, a row of `resource`. */
  test: Sql;
  /** Answers the `rid`s it holds for, when an index can list them. */
  source?: Sql;
  /** The source lists nothing else, so looking at `test` again is not needed; of `r`, the test mentions only `r.rid`. */
  complete?: boolean;
  /** The source lists no row twice. */
  unique?: boolean;
}

/** What the index needs to be asked: connection, parameters, and the moment of the question. */
export interface SearchContext {
  connection: Connection;
  parameters: Parameters;
  /** Makes absolute references to this server relative. */
  local: (url: string) => string;
  now: number;
}

/** The rows of the columns that meet one of the criteria. */
export function indexed(columns: Column[], criteria: Criterion[]): Condition {
  const table = `i_${columns[0]!.kind}`;
  const any = criteria.map((one) => `(${one.text})`).join(' OR ') || '0';
  const firsts = firstsOf(criteria);
  const found = firsts.length > 0 ? `i.code IN (${firsts.map(() => '?').join(', ')}) AND ` : '';
  const where = `i.path IN (${columns.map((column) => column.id).join(', ')}) AND ${found}(${any})`;
  const bound = [...firsts, ...criteria.flatMap((one) => one.values)];
  return {
    complete: true,
    unique: columns.length === 1 && criteria.length === 1 && criteria[0]!.unique === true,
    source: { text: `SELECT i.rid FROM ${table} i WHERE ${where}`, values: bound },
    test: { text: `EXISTS (SELECT 1 FROM ${table} i WHERE i.rid = r.rid AND ${where})`, values: bound },
  };
}

/**
 * Alternatives of code and system are found by their codes only when that is said apart: SQLite sees no common column in
 * `(code AND system) OR (code AND system)` and reads all rows of the path, ten times as long for 1,000 patients.
 */
function firstsOf(criteria: Criterion[]): string[] {
  const firsts = criteria.map((one) => one.first).filter((one) => one !== undefined);
  return criteria.length > 1 && firsts.length === criteria.length ? firsts : [];
}

/** Where looking up each resource would repeat a long list: the list is made once and looked into. */
export function listed(found: Condition): Condition {
  const source = found.source!;
  return { ...found, test: { text: `r.rid IN (${source.text})`, values: source.values } };
}
