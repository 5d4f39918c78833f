import { parse } from 'csv-parse/sync';
import { fault } from '../../errors.ts';
import type { Table, tableLimits } from './limits.ts';

/**
 * RFC 4180 with what spreadsheets in France write: semicolons or tabs as well as commas (the first line decides), a byte order
 * mark, and Windows-1252 where the bytes are not UTF-8.
 */
export function readCsv(bytes: Uint8Array, limits: typeof tableLimits): Table {
  const text = decoded(bytes);
  const [first = ''] = text.split(/\r\n|\n|\r/, 1);
  const count = (sign: string) => first.split(sign).length;
  const delimiter = [';', '\t', ','].reduce((best, sign) => (count(sign) > count(best) ? sign : best));
  try {
    const rows = parse(text, {
      delimiter,
      bom: true,
      relax_column_count: true,
      skip_empty_lines: false,
      max_record_size: limits.cell * limits.columns,
      to: limits.rows + 2,
    }) as string[][];
    const faults =
      rows.length > limits.rows + 1
        ? [fault('sheet-limit', { params: { what: 'rows', limit: limits.rows } })]
        : rows.some((row) => row.length > limits.columns)
          ? [fault('sheet-limit', { params: { what: 'columns', limit: limits.columns } })]
          : [];
    return { rows: faults.length > 0 ? [] : rows, faults };
  } catch (error) {
    return { rows: [], faults: [fault('sheet-unreadable', { detail: String((error as Error).message) })] };
  }
}

function decoded(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('windows-1252').decode(bytes);
  }
}
