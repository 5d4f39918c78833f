import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startGateway } from './gateway-process.ts';
import { mllpSender } from './mllp-sender.ts';
import { type BenchOptions, type BenchResult, percentile, row } from './result.ts';
import { feed, MEASURES, PATIENTS } from './telemonitoring.ts';

/** Others' messages a second while the large one is worked on. */
const OTHERS = 50;

const MEGABYTE = 1024 * 1024;

/** Identifier of the document of the golden case. */
const DOCUMENT = '1.2.250.1.999.7.2.101';

/**
 * A document of 40 MB comes in by MLLP and is delivered: how much memory that takes, and how long others' messages wait for
 * their acknowledgement meanwhile, beside the same without it.
 */
export async function run(options: BenchOptions = {}): Promise<BenchResult> {
  const folder = mkdtempSync(join(options.folder ?? tmpdir(), 'bench-large-'));
  const megabytes = options.quick ? 10 : 40;
  const gateway = await startGateway(folder);
  try {
    options.progress?.('enrolling patients and warming up');
    await feed(gateway, MEASURES, { from: 0, count: PATIENTS });
    await (await mllpSender(gateway.mllp, message(1, MEGABYTE))).send();
    await feed(gateway, MEASURES, { from: PATIENTS, seconds: 5, rate: OTHERS });
    const quiet = await feed(gateway, MEASURES, { from: 100_000, seconds: 10, rate: OTHERS });

    options.progress?.(`${megabytes} MB`);
    // Made before anything is timed, and sent by another thread: this one measures the others.
    const document = await mllpSender(gateway.mllp, message(2, megabytes * MEGABYTE));
    const before = gateway.usage().usedMb;
    let most = 0;
    const looking = setInterval(() => {
      most = Math.max(most, gateway.usage().usedMb - before);
    }, 20);
    const others = feed(gateway, MEASURES, { from: 200_000, seconds: 10, rate: OTHERS });
    const start = performance.now();
    await document.send();
    const acknowledged = performance.now() - start;
    while ((await gateway.metric('passerelle_messages', 'accepted')) > 0) await pause(50);
    const delivered = performance.now() - start;
    const { acknowledged: times } = await others;
    clearInterval(looking);
    const p99 = percentile(times, 0.99);
    return {
      bench: 'large',
      rows: [
        row('peak extra memory', most, 'MB', megabytes, 'size of the document'),
        row("others' acknowledgement meanwhile, p99", p99, 'ms', percentile(quiet.acknowledged, 0.99), 'without it'),
        row("others' acknowledgement meanwhile, longest", Math.max(...times), 'ms'),
        row('acknowledged after', acknowledged, 'ms'),
        row('delivered after', delivered, 'ms'),
      ],
      notes: [
        `MDM^T02 with a CDA document of ${megabytes} MB (a PDF inside); ${OTHERS} measures a second of others by HTTP`,
      ],
    };
  } finally {
    await gateway.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A real exchange of the golden cases with another number, whose document holds a PDF that makes the message so large. */
function message(number: number, bytes: number): Buffer {
  const given = readFileSync(join(import.meta.dirname, '..', 'tests', 'golden', 'hl7v2-mdm-t02', 'input.hl7'), 'utf8');
  const [, carried = ''] = /\^XML\^Base64\^([^|]+)/.exec(given) ?? [];
  const pdf = Buffer.alloc(Math.floor((bytes * 9) / 16), `%PDF-1.7 ${number} `).toString('base64');
  const body = `<nonXMLBody><text mediaType="application/pdf" representation="B64">${pdf}</text></nonXMLBody>`;
  const document = Buffer.from(carried, 'base64')
    .toString('utf8')
    .replace(/<(structuredBody|nonXMLBody)[\s\S]*<\/\1>/, () => body);
  const numbered = (text: string) => text.replaceAll(DOCUMENT, `${DOCUMENT}.${number}`).replace('T02-1', `L-${number}`);
  return Buffer.from(numbered(given).replace(carried, () => Buffer.from(numbered(document)).toString('base64')));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
