import yauzl, { type Entry, type ZipFile } from 'yauzl';
import { type Fault, fault } from '../../errors.ts';
import { attribute, child, elements, ownText, readXml, type XmlElement } from '../xml/index.ts';
import type { Table, tableLimits } from './limits.ts';

type Limits = typeof tableLimits;

const MAIN = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main';
const WANTED = /^xl\/(workbook|sharedStrings|styles|_rels\/workbook\.xml|worksheets\/[^/]+)(\.xml|\.rels)$/;
const MOST_FILES = 500;

class Refused extends Error {
  readonly found: Fault;
  constructor(found: Fault) {
    super(found.code);
    this.found = found;
  }
}

/**
 * The first sheet of an Office Open XML workbook (ISO/IEC 29500): shared and inline strings, numbers, booleans, dates by their
 * number format, stored results of formulas. Read by the house's strict XML reader: no entities, bounded depth and size; only
 * the parts needed are unpacked, never more than the limit, whatever the archive announces.
 */
export async function readXlsx(bytes: Uint8Array, limits: Limits): Promise<Table> {
  try {
    const files = await unpack(bytes, limits);
    const sheet = files.get(sheetOf(files));
    if (!sheet) throw new Refused(fault('sheet-unreadable', { detail: 'no sheet' }));
    return { rows: rowsOf(root(sheet), stringsOf(files), dateStyles(files), limits), faults: [] };
  } catch (error) {
    const found = error instanceof Refused ? error.found : fault('sheet-unreadable', { detail: String(error) });
    return { rows: [], faults: [found] };
  }
}

async function unpack(bytes: Uint8Array, limits: Limits): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const zip: ZipFile = await yauzl.fromBufferPromise(buffer, { decodeStrings: true, validateEntrySizes: true });
  if (zip.entryCount > MOST_FILES) throw tooMuch('files', MOST_FILES);
  let left = limits.bytes;
  for await (const entry of zip.eachEntry()) {
    if (!WANTED.test(entry.fileName)) continue;
    if (entry.uncompressedSize > left) throw tooMuch('bytes', limits.bytes);
    const content = await contentOf(zip, entry, left, limits);
    left -= content.length;
    files.set(entry.fileName, content);
  }
  return files;
}

async function contentOf(zip: ZipFile, entry: Entry, left: number, limits: Limits): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of await zip.openReadStreamPromise(entry)) {
    size += (chunk as Buffer).length;
    if (size > left) throw tooMuch('bytes', limits.bytes);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

function tooMuch(what: string, limit: number): Refused {
  return new Refused(fault('sheet-limit', { params: { what, limit } }));
}

function root(bytes: Buffer): XmlElement {
  const read = readXml(bytes, { namespaces: { [MAIN]: '' }, limits: { depth: 30, elements: 4_000_000 } });
  if (!read.root) throw new Refused(read.fault);
  return read.root;
}

/** The sheet the workbook lists first, by its relation; files are not numbered in that order. */
function sheetOf(files: Map<string, Buffer>): string {
  const book = files.get('xl/workbook.xml');
  const relations = files.get('xl/_rels/workbook.xml.rels');
  const first = book && child(root(book), 'sheets') && elements(child(root(book), 'sheets')!, 'sheet')[0];
  if (!first || !relations) return 'xl/worksheets/sheet1.xml';
  const { attributes } = first;
  const at = attributes.findIndex((name, index) => index % 2 === 0 && /(^|[}:])id$/.test(name) && name !== 'sheetId');
  const id = at < 0 ? undefined : attributes[at + 1];
  const one = elements(root(relations)).find((relation) => attribute(relation, 'Id') === id);
  const target = one ? (attribute(one, 'Target') ?? '') : 'worksheets/sheet1.xml';
  return target.startsWith('/') ? target.slice(1) : `xl/${target}`;
}

function stringsOf(files: Map<string, Buffer>): string[] {
  const file = files.get('xl/sharedStrings.xml');
  return file ? elements(root(file), 'si').map(richText) : [];
}

/** Texts of an entry, runs one after another; phonetic hints are not part of it. */
function richText(element: XmlElement): string {
  const own = elements(element, 't').map(ownText);
  return [...own, ...elements(element, 'r').flatMap((run) => elements(run, 't').map(ownText))].join('');
}

/** Built-in number formats that are dates and times, ISO/IEC 29500-1, 18.8.30. */
const DATE_FORMATS = new Set([14, 15, 16, 17, 18, 19, 20, 21, 22, 27, 30, 36, 45, 46, 47, 50, 57]);

/** Indexes of cell styles whose numbers are dates. */
function dateStyles(files: Map<string, Buffer>): Set<number> {
  const file = files.get('xl/styles.xml');
  if (!file) return new Set();
  const styles = root(file);
  const own = new Map<number, string>();
  for (const one of elements(child(styles, 'numFmts') ?? styles, 'numFmt')) {
    own.set(Number(attribute(one, 'numFmtId')), attribute(one, 'formatCode') ?? '');
  }
  const dates = new Set<number>();
  elements(child(styles, 'cellXfs') ?? styles, 'xf').forEach((xf, index) => {
    const id = Number(attribute(xf, 'numFmtId'));
    const code = own.get(id)?.replace(/"[^"]*"|\[[^\]]*\]|\\./g, '');
    if (code === undefined ? DATE_FORMATS.has(id) : /[dmyhs]/i.test(code) && !/[#0]/.test(code)) dates.add(index);
  });
  return dates;
}

function rowsOf(sheet: XmlElement, strings: string[], dates: Set<number>, limits: Limits): string[][] {
  const rows: string[][] = [];
  for (const row of elements(child(sheet, 'sheetData') ?? sheet, 'row')) {
    const number = Number(attribute(row, 'r') ?? rows.length + 1);
    if (!(number >= 1 && number <= limits.rows + 1)) throw tooMuch('rows', limits.rows);
    const cells: string[] = [];
    for (const cell of elements(row, 'c')) {
      const at = columnOf(attribute(cell, 'r')) ?? cells.length;
      if (at >= limits.columns) throw tooMuch('columns', limits.columns);
      while (cells.length < at) cells.push('');
      const text = textOf(cell, strings, dates);
      if (text.length > limits.cell) throw tooMuch('cell', limits.cell);
      cells[at] = text;
    }
    while (rows.length < number - 1) rows.push([]);
    rows[number - 1] = cells;
  }
  return rows;
}

/** `AB12` → 27. */
function columnOf(reference: string | undefined): number | undefined {
  const letters = /^([A-Z]{1,3})\d+$/.exec(reference ?? '')?.[1];
  if (!letters) return undefined;
  return [...letters].reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 64, 0) - 1;
}

function textOf(cell: XmlElement, strings: string[], dates: Set<number>): string {
  const type = attribute(cell, 't') ?? 'n';
  if (type === 'inlineStr') return richText(child(cell, 'is') ?? cell);
  const held = child(cell, 'v');
  const value = held ? ownText(held) : '';
  if (type === 's') return strings[Number(value)] ?? '';
  if (type === 'b') return value === '1' ? 'true' : 'false';
  // A formula that failed has no value: the cell is as good as empty.
  if (type === 'e') return '';
  return type === 'n' && value !== '' && dates.has(Number(attribute(cell, 's') ?? 0)) ? dateOf(Number(value)) : value;
}

/** Days since 1899-12-30 (the system every spreadsheet but old ones of the Mac use), with the time of day as a fraction. */
function dateOf(serial: number): string {
  const seconds = Math.round(serial * 86_400);
  const at = new Date(Date.UTC(1899, 11, 30) + seconds * 1000);
  if (Number.isNaN(at.getTime())) return '';
  return seconds % 86_400 === 0 ? at.toISOString().slice(0, 10) : at.toISOString().slice(0, 19);
}
