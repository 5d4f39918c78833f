import { readCsv } from './csv.ts';
import { type Table, tableLimits } from './limits.ts';
import { readXlsx } from './xlsx.ts';

export { type Table, tableLimits } from './limits.ts';

/** What a content type or file name says a spreadsheet is; undefined for anything else. */
export function tableFormat(contentType = '', fileName = ''): 'csv' | 'xlsx' | undefined {
  if (/^text\/csv\b/i.test(contentType) || /\.csv$/i.test(fileName)) return 'csv';
  const xlsx = /^application\/vnd\.openxmlformats-officedocument\.spreadsheetml\.sheet\b/i.test(contentType);
  return xlsx || /\.xlsx$/i.test(fileName) ? 'xlsx' : undefined;
}

/** Reads a CSV, or the first sheet of a workbook. Never throws for content; no formula, macro or link is followed. */
export async function readTable(bytes: Uint8Array, format: 'csv' | 'xlsx'): Promise<Table> {
  return format === 'csv' ? readCsv(bytes, tableLimits) : readXlsx(bytes, tableLimits);
}

/** Name of a column as spreadsheets show it: 0 → A, 26 → AA. */
export function columnName(index: number): string {
  const first = index >= 26 ? columnName(Math.floor(index / 26) - 1) : '';
  return first + String.fromCharCode(65 + (index % 26));
}
