import type { Fault } from '../../errors.ts';

/** Bounds of a spreadsheet; what is beyond one of them is refused unread. */
export const tableLimits = {
  rows: 10_000,
  columns: 200,
  /** Characters of one cell. */
  cell: 5000,
  /** Of all files of a workbook together, unpacked. */
  bytes: 64 * 1024 * 1024,
};

/** The rows of a sheet, each a list of texts by column; numbers with a point, dates as `2020-11-05` or `2020-11-05T10:30:00`. */
export interface Table {
  rows: string[][];
  faults: Fault[];
}
