import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { ParseOption, XmlDocument } from 'libxml2-wasm';
import { read } from '../src/formats/cda/index.ts';
import { read as readFhir, writeXml } from '../src/formats/fhir/index.ts';
import { loadMappings, type Translator } from '../src/mapping/index.ts';
import { type BenchOptions, type BenchResult, type BenchRow, row } from './result.ts';

const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const golden = (name: string): string => readFileSync(file(`../tests/golden/${name}/input.xml`), 'utf8');

/** The discharge letter of the golden case with a PDF copy that makes it `size` bytes. */
export function letterWithCopy(size = 130_000): Buffer {
  const letter = golden('cda-discharge-letter');
  const room = Math.max(0, size - Buffer.byteLength(letter) - 900);
  const pdf = Buffer.alloc(Math.floor((room * 3) / 4), '%PDF-1.4 bench\n').toString('base64');
  const copy =
    /<component><section><templateId root="1\.2\.250\.1\.213\.1\.1\.2\.243"\/>.*?<\/section><\/component>/s.exec(
      golden('cda-biology'),
    )![0];
  const section = copy.replace(/(representation="B64">)[^<]+/, (_, head: string) => head + pdf);
  return Buffer.from(letter.replace('</structuredBody>', `${section}</structuredBody>`));
}

/** The biology report of the golden case with so many results that it is `size` bytes of markup. */
export function largeReport(size = 130_000): Buffer {
  const report = golden('cda-biology');
  const result = /<entryRelationship typeCode="COMP"><observation.*?<\/observation><\/entryRelationship>/s.exec(
    report,
  )![0];
  const count = Math.max(0, Math.ceil((size - report.length) / result.length));
  return Buffer.from(report.replace(result, result.repeat(count + 1)));
}

/** Runs for so long after a warm-up of half of it; answers runs a second of processor time of this process. */
function rate(seconds: number, work: () => void): number {
  for (let end = performance.now() + seconds * 500; performance.now() < end; ) work();
  let runs = 0;
  const used = process.cpuUsage();
  for (let end = performance.now() + seconds * 1000; performance.now() < end; runs++) work();
  const { user, system } = process.cpuUsage(used);
  return runs / ((user + system) / 1e6);
}

function convert(translator: Translator, bytes: Buffer): void {
  const context = { sender: 'bench', messageIdentity: 'bench', receivedAt: new Date(), bytes, contentType: 'text/xml' };
  const { faults } = translator.convert(read(bytes), context);
  if (faults.some((one) => one.severity === 'error')) throw new Error(faults.map((one) => one.code).join());
}

function parseBare(bytes: Buffer): void {
  XmlDocument.fromBuffer(bytes, { option: ParseOption.XML_PARSE_NONET | ParseOption.XML_PARSE_HUGE }).dispose();
}

function documentRows(name: string, bytes: Buffer, translator: Translator, seconds: number): BenchRow[] {
  const bare = rate(seconds, () => parseBare(bytes));
  const size = `${Math.round(bytes.length / 1000)} kB ${name}`;
  return [
    row(
      `${size}: read`,
      rate(seconds, () => void read(bytes)),
      '/s',
      bare,
      'libxml2 parse only',
    ),
    row(
      `${size}: read and map`,
      rate(seconds, () => convert(translator, bytes)),
      '/s',
      bare,
      'libxml2 parse only',
    ),
  ];
}

/** Reading and mapping CDA documents on one core, FHIR XML, and what a 40 MB document costs in memory. */
export async function run({ quick = false, progress = () => {} }: BenchOptions = {}): Promise<BenchResult> {
  const { translator, faults } = loadMappings(file('../mappings'));
  if (!translator) throw new Error(`the mappings have faults: ${faults.map((one) => one.code).join()}`);
  const seconds = quick ? 0.5 : 4;
  progress('reading and mapping documents');
  const letter = letterWithCopy();
  const rows = [
    ...documentRows('discharge letter with PDF copy', letter, translator, seconds),
    ...documentRows('biology report, markup only', largeReport(), translator, seconds),
    ...documentRows('hospital report, PDF body', Buffer.from(golden('cda-hospital-report-pdf')), translator, seconds),
  ];
  progress('FHIR XML');
  const composition = translator
    .convert(read(letter), { sender: 'bench', messageIdentity: 'bench', receivedAt: new Date(), bytes: letter })
    .drafts.find(({ resource }) => resource.resourceType === 'Composition')!.resource;
  const xml = writeXml(composition);
  rows.push(
    row(
      `FHIR XML: read a Composition of ${xml.length} bytes`,
      rate(seconds / 2, () => void readFhir(xml)),
      '/s',
    ),
  );
  rows.push(
    row(
      'FHIR XML: write the same',
      rate(seconds / 2, () => void writeXml(composition)),
      '/s',
    ),
  );
  progress('a 40 MB document');
  for (const step of ['read', 'convert']) {
    const peak = execFileSync(process.execPath, [file('./cda-memory.ts'), step], { encoding: 'utf8' });
    rows.push(row(`40 MB document: ${step}, above base`, Number(peak), 'MB'));
  }
  return {
    bench: 'cda',
    rows,
    notes: [
      'Rates are documents a second of processor time of one core.',
      '“Above base” is the rise of the peak of the process, the 40 MB of the document itself not counted.',
    ],
  };
}
