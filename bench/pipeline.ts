import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { furnished } from '../src/gateway/furnish.ts';
import { expand } from '../src/pathway/index.ts';
import type { PureHouse } from '../src/pipeline/convert-bytes.ts';
import { judge } from '../src/pipeline/judge.ts';
import { translate } from '../src/pipeline/translate.ts';
import { unwrap } from '../src/pipeline/unwrap.ts';
import { largeReport, letterWithCopy } from './cda.ts';
import { largeDocument } from './hl7v2.ts';
import { type BenchOptions, type BenchResult, type BenchRow, row } from './result.ts';

const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const golden = (name: string): Buffer => readFileSync(file(`../tests/golden/${name}`));

/** A message and the door it would come by. */
interface Sample {
  name: string;
  bytes: Buffer;
  contentType?: string;
  route?: string;
}

/** A bench of refusals would measure nothing. */
class Refused extends Error {}

/** Milliseconds in each stage, and how often all were run. */
interface Times {
  runs: number;
  decode: number;
  map: number;
  judge: number;
}

const stages = ['decode', 'map', 'judge'] as const;

/** The pure pipeline once: bytes → trees → drafts (with what the pathway makes of them) → findings. Times go into `times`. */
async function once({ name, bytes, contentType, route }: Sample, house: PureHouse, times: Times): Promise<void> {
  const incoming = { door: 'bench', bytes, contentType, route };
  const now = new Date();
  const start = performance.now();
  const unwrapped = await unwrap(incoming);
  const decoded = performance.now();
  if (unwrapped.faults.some((one) => one.severity === 'error')) throw new Refused(name);
  const conversion = translate(unwrapped, { incoming, sender: 'bench', receivedAt: now.getTime() }, house);
  expand(conversion, house.pathway, now);
  const mapped = performance.now();
  judge(conversion, house);
  const end = performance.now();
  if (conversion.drafts.length === 0) throw new Refused(name);
  times.runs++;
  times.decode += decoded - start;
  times.map += mapped - decoded;
  times.judge += end - mapped;
}

/** Runs for so long after a warm-up of half of it; what other processes take of the core is not counted. */
async function measure(sample: Sample, house: PureHouse, seconds: number): Promise<{ rate: number; share: string }> {
  const run = async (ms: number) => {
    const times: Times = { runs: 0, decode: 0, map: 0, judge: 0 };
    for (let end = performance.now() + ms; performance.now() < end; ) await once(sample, house, times);
    return times;
  };
  await run(seconds * 500);
  const used = process.cpuUsage();
  const times = await run(seconds * 1000);
  const { user, system } = process.cpuUsage(used);
  const whole = times.decode + times.map + times.judge;
  const share = stages.map((stage) => `${stage} ${Math.round((100 * times[stage]) / whole)} %`).join(', ');
  return { rate: times.runs / ((user + system) / 1e6), share };
}

function samples(): Sample[] {
  const xml = { contentType: 'text/xml' };
  const json = { contentType: 'application/json' };
  return [
    { name: 'CDA 130 kB, letter with PDF copy', bytes: letterWithCopy(), ...xml },
    { name: 'CDA 130 kB, biology, markup only', bytes: largeReport(), ...xml },
    { name: 'MDM 330 kB, CDA and PDF inside', bytes: largeDocument() },
    { name: 'ADT^A01', bytes: golden('hl7v2-adt-a01/input.hl7') },
    {
      name: 'telemonitoring, daily questionnaire',
      bytes: golden('covidom-daily-normal/input.json'),
      ...json,
      route: 'telemonitoring-covidom',
    },
    {
      name: 'telemonitoring, FHIR measures',
      bytes: golden('fhir-measures-feed/input.json'),
      contentType: 'application/fhir+json',
    },
  ];
}

/** The documents of the corpus and of the golden cases, the slowest for its size named. */
async function documents(house: PureHouse, seconds: number): Promise<BenchRow[]> {
  const corpus = ['cda-bio', 'cda-care-plan', 'cda-coordination', 'cda-covid', 'cda-crh', 'cda-vitals', 'cda-vsm-ips']
    .map((name) => file(`../../shared/corpus/${name}/`))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder).map((name) => folder + name));
  const own = readdirSync(file('../tests/golden'))
    .filter((name) => name.startsWith('cda-'))
    .map((name) => file(`../tests/golden/${name}/input.xml`));
  const rows: { name: string; rate: number; bytes: number }[] = [];
  for (const path of [...corpus, ...own].filter((one) => one.endsWith('.xml') && existsSync(one))) {
    const bytes = readFileSync(path);
    const { rate } = await measure({ name: path, bytes, contentType: 'text/xml' }, house, seconds).catch((error) => {
      if (error instanceof Refused) return { rate: undefined };
      throw error;
    });
    if (rate !== undefined) rows.push({ name: path.split('/').slice(-2).join('/'), rate, bytes: bytes.length });
  }
  if (rows.length === 0) return [];
  const slowest = rows.toSorted((a, b) => a.rate - b.rate)[0]!;
  const heaviest = rows.toSorted((a, b) => a.rate * a.bytes - b.rate * b.bytes)[0]!;
  const total = rows.reduce((sum, one) => sum + one.bytes, 0) / rows.reduce((sum, one) => sum + 1 / one.rate, 0);
  const label = ({ name, bytes }: (typeof rows)[0]) => `${name}, ${Math.round(bytes / 1000)} kB`;
  return [
    row(`all ${rows.length} documents, per 130 kB`, total / 130_000, '/s'),
    row(`slowest document (${label(slowest)})`, slowest.rate, '/s'),
    row(`slowest for its size (${label(heaviest)}), per 130 kB`, (heaviest.rate * heaviest.bytes) / 130_000, '/s'),
  ];
}

/** Decode, map and judge on one core, each stage's share, and the document that does worst. */
export async function run({ quick = false, progress = () => {} }: BenchOptions = {}): Promise<BenchResult> {
  const house = furnished({ mappings: file('../mappings'), profiles: [file('../profiles')] });
  const rows: BenchRow[] = [];
  for (const sample of samples()) {
    progress(sample.name);
    const { rate, share } = await measure(sample, house, quick ? 0.4 : 3);
    rows.push(row(`${sample.name} (${share})`, rate, '/s'));
  }
  progress('every document');
  rows.push(...(await documents(house, quick ? 0.05 : 0.4)));
  return {
    bench: 'pipeline',
    rows,
    notes: [
      'Messages a second of processor time of one core, through decode, map (with the pathway’s rules) and judge.',
      'Documents are those of tests/golden and, where it is there, of the corpus beside the repository.',
    ],
  };
}
