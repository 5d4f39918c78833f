import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openMllp } from '../src/cli/send-mllp.ts';
import { type GatewayUnderTest, startGateway } from './gateway-process.ts';
import { type BenchOptions, type BenchResult, percentile, row } from './result.ts';
import { feed, MEASURES, PATIENTS } from './telemonitoring.ts';

/** Others' messages a second while the large one is worked on. */
const OTHERS = 50;

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
    await sendDocument(gateway, 1, 1);
    await feed(gateway, MEASURES, { from: PATIENTS, seconds: 5, rate: OTHERS });
    const quiet = await feed(gateway, MEASURES, { from: 100_000, seconds: 10, rate: OTHERS });

    options.progress?.(`${megabytes} MB`);
    const before = gateway.usage().usedMb;
    let most = 0;
    const looking = setInterval(() => {
      most = Math.max(most, gateway.usage().usedMb - before);
    }, 20);
    const others = feed(gateway, MEASURES, { from: 200_000, seconds: 10, rate: OTHERS });
    const start = performance.now();
    await sendDocument(gateway, 2, megabytes);
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

async function sendDocument({ mllp }: GatewayUnderTest, number: number, megabytes: number): Promise<void> {
  const connection = await openMllp(mllp, 120_000);
  const { code, errors } = await connection.send(message(number, megabytes * 1024 * 1024));
  connection.close();
  if (code !== 'AA') throw new Error(`answered ${code} ${errors.join(' ')}`);
}

/** A message of about so many bytes: base64 of a document that holds base64 of a PDF. */
function message(number: number, bytes: number): Buffer {
  const pdf = Buffer.alloc(Math.floor((bytes * 9) / 16), `%PDF ${number} `).toString('base64');
  const cda = Buffer.from(document(number, pdf)).toString('base64');
  const segments = [
    `MSH|^~\\&|DPI|BENCH|PASSERELLE|VILLE|20261101080000+0100||MDM^T02^MDM_T02|L${number}|P|2.6|||AL|AL|FRA|UNICODE UTF-8`,
    'EVN||20261101080000+0100',
    `PID|||BENCH${number}^^^BENCH&1.2.250.1.999.5.1&ISO^PI||ESSAI^ALIX^ALIX^^^^L||19700412|F|||||||||||||||||||||||||PROV`,
    'PV1|1|N',
    `TXA|1|CR|TX|||||||||1.2.250.1.999.5.2.${number}||||LA|||AV`,
    `OBX|1|ED|34133-9^Synthèse^LN||^TEXT^XML^Base64^${cda}||||||F`,
    '',
  ];
  return Buffer.from(segments.join('\r'));
}

function document(number: number, pdf: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<ClinicalDocument xmlns="urn:hl7-org:v3"><typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>
<id root="1.2.250.1.999.5.2.${number}"/><code code="34133-9" codeSystem="2.16.840.1.113883.6.1" displayName="Synthèse"/>
<title>Essai</title><effectiveTime value="20261101080000+0100"/><confidentialityCode code="N" codeSystem="2.16.840.1.113883.5.25"/>
<languageCode code="fr-FR"/><recordTarget><patientRole><id root="1.2.250.1.999.5.1" extension="BENCH${number}"/>
<patient><name><given>ALIX</given><family qualifier="BR">ESSAI</family></name><administrativeGenderCode code="F" codeSystem="2.16.840.1.113883.5.1"/>
<birthTime value="19700412"/></patient></patientRole></recordTarget>
<author><time value="20261101080000+0100"/><assignedAuthor><id root="1.2.250.1.71.4.2.1" extension="899700000001"/></assignedAuthor></author>
<custodian><assignedCustodian><representedCustodianOrganization><id root="1.2.250.1.71.4.2.2" extension="1750712184"/></representedCustodianOrganization></assignedCustodian></custodian>
<component><nonXMLBody><text mediaType="application/pdf" representation="B64">${pdf}</text></nonXMLBody></component></ClinicalDocument>`;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
