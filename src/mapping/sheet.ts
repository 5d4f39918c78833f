import { type Fault, fault, isError, warning } from '../errors.ts';
import { columnName } from '../formats/table/index.ts';
import type { PayloadSchema } from './schemas.ts';
import { number } from './values.ts';

/** `sheet-NAME.json`: how the rows of a spreadsheet become forms, each of which takes the way of a form that came alone. */
export interface Sheet {
  /** Route that reads the forms. */
  route: string;
  /** What every form says. */
  constants?: Record<string, unknown>;
  columns: Column[];
  description?: string;
}

/** A column of a spreadsheet as its mapping file declares it. */
export interface Column {
  /** Headers it may have; capitals, accents and signs between letters make no difference. */
  header: string[];
  /** JSON pointer of the value in the form. */
  to: string;
  type?: 'text' | 'number' | 'integer' | 'boolean' | 'date' | 'dateTime' | 'list';
  required?: boolean;
  /** What is written in the sheet → what the form says; the value itself when it is not there. */
  codes?: Record<string, unknown>;
  /** For lists: what stands between values (`,`). */
  separator?: string;
}

/** A row that became a form; 1 is the line of the headers. */
export interface SheetRow {
  row: number;
  form?: Record<string, unknown>;
  /** With `column` in their params; the row goes through only without errors. */
  faults: Fault[];
}

/** What is wrong with a sheet file itself; every problem is listed. */
export function sheetProblems(value: unknown, routes: { name: string; schema?: string }[]): string[] {
  const { route, columns } = (value ?? {}) as Partial<Sheet>;
  const problems: string[] = [];
  if (routes.find(({ name }) => name === route)?.schema === undefined)
    problems.push(`it names the route ${route}, which is not there or has no schema`);
  if (!Array.isArray(columns) || columns.length === 0) return [...problems, 'columns must be a list'];
  for (const [index, { header, to, type }] of columns.entries()) {
    if (!Array.isArray(header) || header.length === 0) problems.push(`column ${index + 1} has no header`);
    if (typeof to !== 'string' || !/^(\/[^/]+)+$/.test(to))
      problems.push(`column ${index + 1}: to must be a JSON pointer`);
    if (type !== undefined && !Object.hasOwn(readers, type)) problems.push(`column ${index + 1}: unknown type ${type}`);
  }
  return problems;
}

/** The sheets of a folder by the route that reads their rows. */
export function readSheets(
  files: [name: string, file: string, value: unknown][],
  routes: { name: string; schema?: string }[],
  wrong: (file: string, problem: string) => void,
): Map<string, Sheet> {
  const sheets = new Map<string, Sheet>();
  for (const [, file, value] of files) {
    const problems = sheetProblems(value, routes);
    for (const problem of problems) wrong(file, problem);
    if (problems.length === 0) sheets.set((value as Sheet).route, value as Sheet);
  }
  return sheets;
}

/** Rows → forms. Faults of the sheet as a whole (a column that must be there) mean that no row goes through. Pure. */
export function readSheet(
  sheet: Sheet,
  rows: string[][],
  schema: PayloadSchema,
): { rows: SheetRow[]; faults: Fault[] } {
  const [head = [], ...body] = rows;
  const names = head.map(plain);
  const at = sheet.columns.map(({ header }) =>
    names.findIndex((name) => name !== '' && header.map(plain).includes(name)),
  );
  const faults: Fault[] = sheet.columns.flatMap(({ header, required }, index) =>
    required && at[index] === -1 ? [fault('sheet-column-missing', { params: { column: header[0] ?? '' } })] : [],
  );
  // By its letter: without a line of headers, the first line is somebody's.
  names.forEach((name, index) => {
    if (name !== '' && !at.includes(index))
      faults.push(
        warning('sheet-column-unknown', {
          place: `row 1, column ${columnName(index)}`,
          params: { column: columnName(index) },
        }),
      );
  });
  if (faults.some(isError)) return { rows: [], faults };
  const read = body.flatMap((cells, index) =>
    cells.every((cell) => cell.trim() === '') ? [] : [rowOf(sheet, at, cells, index + 2, schema)],
  );
  return { rows: read, faults };
}

function rowOf(sheet: Sheet, at: number[], cells: string[], row: number, schema: PayloadSchema): SheetRow {
  const form = structuredClone(sheet.constants ?? {}) as Record<string, unknown>;
  const faults: Fault[] = [];
  sheet.columns.forEach((column, index) => {
    const text = (at[index]! < 0 ? '' : (cells[at[index]!] ?? '')).trim();
    if (text === '') {
      if (column.required) faults.push(invalid(row, at[index]!, 'a value'));
      return;
    }
    const value = cellValue(column, text);
    if (value === undefined) faults.push(invalid(row, at[index]!, expected[column.type ?? 'text']));
    else put(form, column.to, value);
  });
  if (faults.length > 0) return { row, faults };
  const found = schema.check(form).map((one) => ({ ...one, place: placeOf(sheet, at, one.place ?? '', row) }));
  return found.length > 0 ? { row, faults: found } : { row, form, faults: [] };
}

function invalid(row: number, column: number, wanted: string): Fault {
  const place = `row ${row}, column ${columnName(column)}`;
  return fault('sheet-cell-invalid', { place, params: { row, column: columnName(column), expected: wanted } });
}

/** A fault of the form at the cell it came from. */
function placeOf(sheet: Sheet, at: number[], pointer: string, row: number): string {
  const index = sheet.columns.findIndex(({ to }) => pointer === to || pointer.startsWith(`${to}/`));
  if (index >= 0 && at[index]! >= 0) return `row ${row}, column ${columnName(at[index]!)}`;
  return pointer === '' ? `row ${row}` : `row ${row}, ${pointer}`;
}

const expected = {
  text: 'a text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'oui/non, yes/no, 1/0, x',
  date: 'dd/mm/yyyy',
  dateTime: 'dd/mm/yyyy hh:mm',
  list: 'a list',
} as const;

const readers: Record<NonNullable<Column['type']>, (text: string) => unknown> = {
  text: (text) => text,
  number: (text) => number(text.replace(/\s?%$/, '')),
  integer: (text) => (Number.isInteger(number(text)) ? number(text) : undefined),
  boolean: (text) =>
    /^(oui|o|yes|y|true|vrai|1|x)$/i.test(text) ? true : /^(non|n|no|false|faux|0)$/i.test(text) ? false : undefined,
  date: (text) => (dateTime(text)?.length === 10 ? dateTime(text) : undefined),
  dateTime: (text) => dateTime(text),
  list: (text) => text,
};

function cellValue({ type = 'text', codes, separator = ',' }: Column, text: string): unknown {
  const known = new Map(Object.entries(codes ?? {}).map(([key, value]) => [plain(key), value]));
  const one = (words: string) => known.get(plain(words)) ?? readers[type === 'list' ? 'text' : type](words);
  if (type !== 'list') return one(text);
  return text
    .split(separator)
    .map((part) => part.trim())
    .filter(Boolean)
    .map(one);
}

/** `05/11/2020 10:30`, `2020-11-05`, `2020-11-05T10:30`; without a zone it is Paris's, which the map adds. */
function dateTime(text: string): string | undefined {
  const french = /^(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})(?:[ T]+(\d{1,2})[:hH](\d{2})(?::\d{2})?)?$/.exec(text);
  const iso = /^(\d{4})-(\d{2})-(\d{2})(?:[ T](\d{2}):(\d{2})(?::\d{2})?)?$/.exec(text);
  const [year, month, day, hour, minute] = french
    ? [french[3], french[2], french[1], french[4], french[5]]
    : (iso?.slice(1) ?? []);
  if (!year || !month || !day) return undefined;
  const date = `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
  const at = new Date(`${date}T00:00:00Z`);
  if (Number.isNaN(at.getTime()) || at.toISOString().slice(0, 10) !== date) return undefined;
  if (hour === undefined || minute === undefined) return date;
  return Number(hour) < 24 && Number(minute) < 60 ? `${date}T${hour.padStart(2, '0')}:${minute}:00` : undefined;
}

/** Sets a value by its JSON pointer; a number is a place in a list. The pointer is the sheet file's, never the sender's. */
function put(form: Record<string, unknown>, pointer: string, value: unknown): void {
  const steps = pointer.slice(1).split('/');
  let holder = form as Record<string, unknown>;
  steps.forEach((step, index) => {
    if (index === steps.length - 1) holder[step] = value;
    else {
      holder[step] ??= /^\d+$/.test(steps[index + 1]!) ? [] : {};
      holder = holder[step] as Record<string, unknown>;
    }
  });
}

/** Without capitals, accents and signs. */
function plain(words: string): string {
  return words
    .normalize('NFD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '');
}
